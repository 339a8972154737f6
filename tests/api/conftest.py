from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.api.harness import Api
from tests.support.vendors.enrolment import EnrolmentService


@pytest.fixture
def api(tmp_path: Path) -> Api:
    return Api(tmp_path)


@pytest.fixture
async def client(api: Api) -> AsyncIterator[httpx.AsyncClient]:
    async with api.client() as client:
        yield client


@pytest.fixture
async def vendor() -> AsyncIterator[EnrolmentService]:
    """A server that makes voices."""
    async with EnrolmentService() as service:
        yield service

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.api.harness import Api


@pytest.fixture
def api(tmp_path: Path) -> Api:
    return Api(tmp_path)


@pytest.fixture
async def client(api: Api) -> AsyncIterator[httpx.AsyncClient]:
    async with api.client() as client:
        yield client

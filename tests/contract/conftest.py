from collections.abc import AsyncIterator

import pytest

from opentalking.core.ports import CommandBus, EventBus, SessionStore
from tests.contract.buses import IMPLEMENTATIONS, LONG, SMALL, Buses


@pytest.fixture(params=list(IMPLEMENTATIONS))
def buses(request: pytest.FixtureRequest) -> Buses:
    return IMPLEMENTATIONS[request.param]


@pytest.fixture
async def event_bus(buses: Buses) -> AsyncIterator[EventBus]:
    async with buses.events(LONG) as bus:
        yield bus


@pytest.fixture
async def forgetful_event_bus(buses: Buses) -> AsyncIterator[EventBus]:
    """Its backlog lives 0.3 s."""
    async with buses.events(SMALL) as bus:
        yield bus


@pytest.fixture
async def command_bus(buses: Buses) -> AsyncIterator[CommandBus]:
    async with buses.commands() as bus:
        yield bus


@pytest.fixture
async def store(buses: Buses) -> AsyncIterator[SessionStore]:
    async with buses.store() as store:
        yield store

"""Makers of every implementation of the buses; a new one is added here and must pass the same tests."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from opentalking.bus.memory import EventLimits, MemoryCommandBus, MemoryEventBus, MemorySessionStore
from opentalking.bus.memory_audio import AudioLimits
from opentalking.core.ports import CommandBus, EventBus, SessionStore

SMALL = EventLimits(
    backlog_events=10, backlog_ttl_seconds=0.3, subscriber_events=6, subscribers_per_session=3
)
LONG = EventLimits(
    backlog_events=10, backlog_ttl_seconds=600.0, subscriber_events=6, subscribers_per_session=3
)
INBOX_COMMANDS = 5
AUDIO = AudioLimits(unread_seconds=10.0, claim_seconds=0.3, streams_per_session=3)


@dataclass(frozen=True)
class Buses:
    """One implementation: a context manager per port."""

    events: Callable[[EventLimits], AbstractAsyncContextManager[EventBus]]
    commands: Callable[[], AbstractAsyncContextManager[CommandBus]]
    store: Callable[[], AbstractAsyncContextManager[SessionStore]]


@asynccontextmanager
async def _memory_events(limits: EventLimits) -> AsyncIterator[EventBus]:
    yield MemoryEventBus(limits)


@asynccontextmanager
async def _memory_commands() -> AsyncIterator[CommandBus]:
    yield MemoryCommandBus(INBOX_COMMANDS, AUDIO)


@asynccontextmanager
async def _memory_store() -> AsyncIterator[SessionStore]:
    yield MemorySessionStore()


IMPLEMENTATIONS = {"memory": Buses(_memory_events, _memory_commands, _memory_store)}

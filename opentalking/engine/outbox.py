"""The one road by which a session's events leave it, in the order they were made."""

import asyncio
from collections import deque

from opentalking.core.events import DROPPED_FIRST, Event, TerminatedEvent
from opentalking.core.ports import EventBus

MAX_PENDING = 1000


class EventOutbox:
    """Takes events without waiting and publishes them in order.

    When `MAX_PENDING` are pending, those that clients lose first (`frame`) are refused; the
    others are few per turn and always taken. Nothing is taken after `session.terminated`.
    """

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus
        self._pending: deque[Event] = deque()
        self._wake = asyncio.Event()
        self._closed = False
        self._has_last = False

    def emit(self, event: Event) -> None:
        """Queue for publication; never waits."""
        if self._has_last or (len(self._pending) >= MAX_PENDING and event.type in DROPPED_FIRST):
            return
        self._has_last = isinstance(event, TerminatedEvent)
        self._pending.append(event)
        self._wake.set()

    def close(self) -> None:
        """Let `run` end when everything pending is published."""
        self._closed = True
        self._wake.set()

    async def run(self) -> None:
        """Publish until closed and empty."""
        while True:
            while self._pending:
                await self._bus.publish(self._pending.popleft())
            if self._closed:
                return
            self._wake.clear()
            await self._wake.wait()

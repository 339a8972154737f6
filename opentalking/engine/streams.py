"""Bounded queues that join the stages of a turn, counted in what they hold, not in items."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Stream(Generic[T], AsyncIterator[T]):
    """A one-producer, one-consumer queue: `put` waits while `limit` or more is held.

    A single item may exceed the limit, so that one long sentence is always fetched ahead.
    """

    def __init__(self, limit: float, weight: Callable[[T], float]) -> None:
        self._limit = limit
        self._weight = weight
        self._items: deque[T] = deque()
        self._held = 0.0
        self._closed = False
        self._changed = asyncio.Event()

    async def put(self, item: T) -> None:
        """Append, when there is room."""
        while self._held >= self._limit:
            await self._wait()
        self._items.append(item)
        self._held += self._weight(item)
        self._changed.set()

    @property
    def exhausted(self) -> bool:
        """Whether everything was put and taken."""
        return self._closed and not self._items

    def close(self) -> None:
        """No more items will come; the consumer ends after the last one."""
        self._closed = True
        self._changed.set()

    async def __anext__(self) -> T:
        while not self._items:
            if self._closed:
                raise StopAsyncIteration
            await self._wait()
        item = self._items.popleft()
        self._held -= self._weight(item)
        self._changed.set()
        return item

    async def _wait(self) -> None:
        self._changed.clear()
        await self._changed.wait()

"""Heavy work that requests ask for: a few jobs at once, a few more wait, the rest is sent away."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from opentalking.core.errors import TooMany

T = TypeVar("T")
RETRY_SECONDS = 10


class Workshop:
    """Room for `at_once` jobs, and `waiting` more in front of the door.

    One at a time: faces are prepared on the threads that also draw those of live sessions.
    """

    def __init__(self, at_once: int = 1, waiting: int = 7) -> None:
        self._benches = asyncio.Semaphore(at_once)
        self._most = at_once + waiting
        self._inside = 0

    @asynccontextmanager
    async def bench(self) -> AsyncIterator[None]:
        """A place to work at, in turn; raises `TooMany` at once when too many wait already."""
        if self._inside >= self._most:
            raise TooMany(
                f"{self._inside} pictures are being worked on; try again later",
                retry_after_seconds=RETRY_SECONDS,
            )
        self._inside += 1
        try:
            async with self._benches:
                yield
        finally:
            self._inside -= 1


async def finished(work: Callable[[], T], undo: Callable[[T], object]) -> T:
    """Run blocking `work` in a thread; a caller that gives up meanwhile has its result undone.

    A thread cannot be stopped: cancelled, this returns when the thread is done.
    """
    working = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        [result] = await asyncio.gather(working, return_exceptions=True)
        if not isinstance(result, BaseException):
            undo(result)
        raise

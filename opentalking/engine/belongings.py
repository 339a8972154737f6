"""What a session holds, and gives back at its end."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable

import structlog

log = structlog.get_logger(__name__)


class Belongings:
    """Frees what a session holds: in order, each once, and none of it for longer than `limit_seconds`."""

    def __init__(
        self, session_id: str, limit_seconds: float, closers: Iterable[Callable[[], Awaitable[None]]]
    ) -> None:
        self._session_id = session_id
        self._limit_seconds = limit_seconds
        self._closers = deque(closers)

    async def free(self) -> None:
        """Free whatever is still held."""
        while self._closers:
            close = self._closers.popleft()
            try:
                async with asyncio.timeout(self._limit_seconds):
                    await close()
            except TimeoutError:
                log.warning("session closed slowly", session_id=self._session_id)

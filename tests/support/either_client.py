"""The blocking client and the one for asyncio, driven by the same tests.

async with EitherClient("blocking", url) as client:
    session = await client.create_session("demo-avatar", "portrait")
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self

from opentalking.client import AsyncClient, Client, SessionEvent

KINDS = ("blocking", "asyncio")


class EitherClient:
    """Every method of the client, to be awaited."""

    def __init__(self, kind: str, url: str, **options: Any) -> None:
        self._client: Any = Client(url, **options) if kind == "blocking" else AsyncClient(url, **options)
        self._blocking = kind == "blocking"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._blocking:
            await asyncio.to_thread(self._client.close)
        else:
            await self._client.aclose()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return self._awaitable(getattr(self._client, name))

    @asynccontextmanager
    async def feed(self, session_id: str, **options: Any) -> AsyncIterator["Feed"]:
        """The session's events."""
        if self._blocking:
            feed = await asyncio.to_thread(self._client.events, session_id, **options)
            try:
                yield Feed(
                    lambda: asyncio.to_thread(next, feed, None), self._awaitable(feed.wait_until_ready)
                )
            finally:
                await asyncio.to_thread(feed.close)
        else:
            async with self._client.events(session_id, **options) as feed:
                yield Feed(lambda: anext(feed, None), feed.wait_until_ready)

    @asynccontextmanager
    async def sound(self, opening: str, session_id: str, **options: Any) -> AsyncIterator["Sound"]:
        """An audio stream made by the method `opening`."""
        made = getattr(self._client, opening)
        if self._blocking:
            stream = await asyncio.to_thread(made(session_id, **options).__enter__)
            try:
                yield Sound(stream, self._awaitable)
            finally:
                await asyncio.to_thread(stream.__exit__, None, None, None)
        else:
            async with made(session_id, **options) as stream:
                yield Sound(stream, self._awaitable)

    def _awaitable(self, method: Callable[..., Any]) -> Callable[..., Any]:
        if not self._blocking:
            return method
        return lambda *args, **kwargs: asyncio.to_thread(method, *args, **kwargs)


class Feed:
    """Awaits the events of either feed."""

    def __init__(self, following: Callable[[], Any], wait_until_ready: Callable[[], Any]) -> None:
        self._following = following
        self.wait_until_ready = wait_until_ready

    async def next(self) -> SessionEvent | None:
        """The next event; None at the end."""
        async with asyncio.timeout(20):
            event: SessionEvent | None = await self._following()
        return event

    async def until(self, kind: str) -> list[str]:
        """Types of the events up to and including the next of this type."""
        seen: list[str] = []
        while not seen or seen[-1] != kind:
            event = await self.next()
            assert event is not None, f"the feed ended after {seen}"
            seen.append(event.type)
        return seen


class Sound:
    """Awaits what either audio stream does."""

    def __init__(self, stream: Any, awaitable: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
        self.send = awaitable(stream.send)
        self.interrupt = awaitable(stream.interrupt)
        self.finish = awaitable(stream.finish)

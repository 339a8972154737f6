"""The event stream of a session as server-sent events, in plain ASGI."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from opentalking.core.errors import NotFound
from opentalking.core.events import Event, QueuedEvent, StateChangedEvent
from opentalking.core.ports import EventBus, Lagged, Subscription
from opentalking.core.sessions import SessionRecord, SessionState

_HEADERS = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}


@dataclass(frozen=True, slots=True)
class StreamTimes:
    """Seconds: between comments, without events before a ping, after the last event, for one write."""

    comment_seconds: float = 15.0
    ping_seconds: float = 30.0
    linger_seconds: float = 1.0
    write_timeout_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class StreamRequest:
    """Whose events are wanted, from where on, and how to look up the session (raises `NotFound`)."""

    session_id: str
    last_event_id: str | None
    lookup: Callable[[str], Awaitable[SessionRecord]]


def encode_event(event_id: str, event: Event) -> bytes:
    """One event on the wire."""
    data = json.dumps(event.payload(), ensure_ascii=False, separators=(",", ":"))
    return f"id: {event_id}\nevent: {event.type}\ndata: {data}\n\n".encode()


def snapshot(record: SessionRecord) -> list[Event]:
    """The events that tell a new subscriber where the session stands."""
    state = StateChangedEvent(session_id=record.session_id, state=record.state.value)
    if record.state is not SessionState.QUEUED:
        return [state]
    position = max(1, record.queue_position)
    return [state, QueuedEvent(session_id=record.session_id, position=position, message="waiting")]


class EventStream(Response):
    """A response that runs until the session ends, the client leaves or the server closes.

    Raises `NotFound` and `TooMany` before the first byte.
    """

    media_type = "text/event-stream"

    def __init__(
        self, request: StreamRequest, bus: EventBus, closing: asyncio.Event, times: StreamTimes
    ) -> None:
        self.status_code = 200
        self.background = None
        self.init_headers(_HEADERS)
        self._request = request
        self._bus = bus
        self._closing = closing
        self._times = times

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request."""
        wanted = self._request
        async with self._bus.subscribe(wanted.session_id, wanted.last_event_id) as subscription:
            # Looked up after subscribing, so that no change of state falls between the two.
            record = await wanted.lookup(wanted.session_id)
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            writer = _Writer(send, self._times.write_timeout_seconds)
            await writer.write(b": connected\n\n")
            await self._until_first(
                self._pump(subscription, record, writer), _disconnect(receive), self._closing.wait()
            )
            with suppress(OSError, TimeoutError):
                await writer.close()

    async def _until_first(self, *parts: Awaitable[object]) -> None:
        """Run all parts until one ends; cancel the others and await them."""
        tasks = [asyncio.ensure_future(part) for part in parts]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            # OSError, TimeoutError: the client vanished.
            if isinstance(result, Exception) and not isinstance(result, OSError | TimeoutError):
                raise result

    async def _pump(self, subscription: Subscription, record: SessionRecord, writer: "_Writer") -> None:
        if not subscription.resumed:
            for event in snapshot(record):
                await writer.write(encode_event(subscription.start_id, event))
        time = asyncio.get_running_loop().time
        comment_at = time() + self._times.comment_seconds
        ping_at = time() + self._times.ping_seconds
        is_lost = False
        while True:
            try:
                async with asyncio.timeout_at(min(comment_at, ping_at)):
                    stored = await subscription.next()
            except Lagged:
                await writer.write(b": lagged\n\n")
                return
            except TimeoutError:
                if time() >= comment_at:
                    # Only the second time: the last event may still be on its way.
                    was_lost, is_lost = is_lost, await self._is_lost()
                    if was_lost and is_lost:
                        return
                    await writer.write(b": keep-alive\n\n")
                    comment_at = time() + self._times.comment_seconds
                if time() >= ping_at:
                    await writer.write(b"event: ping\ndata: {}\n\n")
                    ping_at = time() + self._times.ping_seconds
                continue
            await writer.write(encode_event(stored.id, stored.event))
            ping_at = time() + self._times.ping_seconds
            if stored.event.type == "session.terminated":
                await asyncio.sleep(self._times.linger_seconds)
                return

    async def _is_lost(self) -> bool:
        """Whether the session vanished without a last event."""
        try:
            await self._request.lookup(self._request.session_id)
        except NotFound:
            return True
        return False


class _Writer:
    """Writes pieces of the body; a client that takes none for too long counts as gone."""

    def __init__(self, send: Send, timeout_seconds: float) -> None:
        self._send = send
        self._timeout_seconds = timeout_seconds

    async def write(self, piece: bytes) -> None:
        async with asyncio.timeout(self._timeout_seconds):
            await self._send({"type": "http.response.body", "body": piece, "more_body": True})

    async def close(self) -> None:
        async with asyncio.timeout(1.0):
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

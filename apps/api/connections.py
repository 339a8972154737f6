"""Connections that may not last: uvicorn's protocols, with limits on slow and idle peers.

uvicorn waits without end for the head of a request, for the rest of a body that nobody reads,
and for peers that take no more data; these classes do not. A connection that breaks a limit is
closed, and its request, if one is in work, sees its client leave.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import h11
from uvicorn._types import ASGIReceiveEvent, ASGISendEvent
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

FRAGMENTS_MAX = 1024
"""Most frames of one WebSocket message: empty ones cost memory without counting as size."""
_BAD_DATA, _MESSAGE_TOO_BIG = 1007, 1009


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Seconds for the head of a request, for a body that is not wanted, for a peer to take data.

    `drain_bytes` is how much of an unwanted body is read for the sake of the answer: at a
    connection that is closed with bytes unread, many clients never see it. `idle_seconds` is how
    long a connection is kept for a next request, `connections` the most of them at once (0: no limit).
    """

    head_seconds: float = 10.0
    idle_seconds: int = 5
    drain_seconds: float = 10.0
    drain_bytes: int = 32 * 2**20
    write_seconds: float = 60.0
    connections: int = 0


class _Timer:
    """One deadline that can be moved."""

    def __init__(self, action: Callable[[], object]) -> None:
        self._action = action
        self._handle: asyncio.TimerHandle | None = None

    @property
    def is_set(self) -> bool:
        """Whether it will act."""
        return self._handle is not None

    def start(self, seconds: float) -> None:
        """Act in `seconds`, unless the deadline is set already."""
        if self._handle is None:
            self._handle = asyncio.get_running_loop().call_later(seconds, self._act)

    def stop(self) -> None:
        """Do not act."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _act(self) -> None:
        self._handle = None
        self._action()


class LimitedH11(H11Protocol):
    """uvicorn's HTTP/1.1 with limits; what it refuses itself is `{"detail": str}`, too."""

    limits: ClassVar[ConnectionLimits] = ConnectionLimits()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request, or refuse one connection too many."""
        super().connection_made(transport)
        self.is_handed_over = False
        self.drained_bytes = 0
        self.waiting = _Timer(self._too_slow)
        self.draining = _Timer(transport.close)
        self.writing = _Timer(transport.abort)
        self.waiting.start(self.limits.head_seconds)
        if self.limits.connections and len(self.connections) > self.limits.connections:
            self._answer(503, "the server has too many connections; try again later", "Retry-After: 5")

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        for timer in (self.waiting, self.draining, self.writing):
            timer.stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes, and see what the peer must do next."""
        if self.draining.is_set:
            self.drained_bytes += len(data)
            if self.drained_bytes > self.limits.drain_bytes:
                self.transport.close()
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        """See whether the peer still sends what nobody will read."""
        names = {name for name, _ in self.headers}
        if {b"content-length", b"transfer-encoding"} <= names:
            self.transport.close()  # RFC 9112, section 6.1: it may be an attempt to smuggle a request
        super().on_response_complete()
        if self._is_in_work() or self.conn.their_state is h11.SEND_BODY:
            self._look()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Hand the connection over."""
        self.waiting.stop()
        self.is_handed_over = True
        super().handle_websocket_upgrade(event)

    def pause_writing(self) -> None:
        """The peer takes no data: it has so long."""
        self.writing.start(self.limits.write_seconds)
        super().pause_writing()

    def resume_writing(self) -> None:
        """The peer takes data again."""
        self.writing.stop()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP, or give up when an answer is on its way."""
        is_answered = self._is_in_work() and self.cycle.response_started
        if is_answered or self.draining.is_set:
            self.transport.close()
        else:
            self._answer(400, "the request is not valid HTTP/1.1; send it by an HTTP client")

    def _is_in_work(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _look(self) -> None:
        """Set the deadline of what the peer must do next."""
        if self.is_handed_over or self.transport.is_closing() or self._is_in_work():
            self.waiting.stop()
            self.draining.stop()
        elif self.conn.their_state is h11.SEND_BODY:
            self.draining.start(self.limits.drain_seconds)
        else:
            self.draining.stop()
            self.drained_bytes = 0
            self.waiting.start(self.limits.head_seconds)

    def _too_slow(self) -> None:
        if self.conn.trailing_data[0]:
            self._answer(408, "the request did not arrive in time; send it without pauses")
        else:
            self.transport.close()  # browsers open connections in advance

    def _answer(self, status: int, detail: str, *headers: str) -> None:
        """Answer what is not (yet) a request, and close."""
        if self.transport.is_closing():
            return
        body = json.dumps({"detail": detail})
        head = (
            f"HTTP/1.1 {status} Refused",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            "Connection: close",
            *headers,
        )
        self.transport.write("\r\n".join((*head, "", body)).encode())
        self.transport.close()


class LimitedWebSocket(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket with limits; who takes no data is not listened to either."""

    limits: ClassVar[ConnectionLimits] = ConnectionLimits()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin a handshake."""
        super().connection_made(transport)
        self.writing = _Timer(self.transport.abort)
        self.close_timeout = self.limits.drain_seconds

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self.writing.stop()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The peer takes no data: it has so long, and is not heard until then."""
        # Pings are answered at once: a peer that sends them and reads nothing would fill the memory.
        self.writing.start(self.limits.write_seconds)
        self.transport.pause_reading()
        super().pause_writing()

    def resume_writing(self) -> None:
        """The peer takes data again."""
        self.writing.stop()
        if not self.read_paused and not self.transport.is_closing():
            self.transport.resume_reading()
        super().resume_writing()

    async def receive(self) -> ASGIReceiveEvent:
        """Receive; who takes no data is not listened to by that either."""
        event = await super().receive()
        if not self.writable.is_set() and not self.transport.is_closing():
            self.transport.pause_reading()
        return event

    async def send(self, message: ASGISendEvent) -> None:
        """Send; a handshake that was answered with something else than 101 is over, too."""
        await super().send(message)
        if self.initial_response is not None and self.close_sent:
            self.handshake_complete = True  # else uvicorn logs an error

    def handle_cont(self, event: Frame) -> None:
        """Take one more frame of a message, up to a number."""
        if len(self.frames) < FRAGMENTS_MAX:
            super().handle_cont(event)
        else:
            self._fail(_MESSAGE_TOO_BIG, "too many fragments")

    def send_receive_event_to_app(self) -> None:
        """Hand a whole message on; bad UTF-8 is the client's failure, for which uvicorn logs an error."""
        if self.curr_msg_data_type == "text":
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:
                self._fail(_BAD_DATA, "a text that is not UTF-8")
                return
        super().send_receive_event_to_app()

    def _fail(self, code: int, reason: str) -> None:
        if not self.close_sent:
            self.conn.fail(code, reason)
            self.handle_parser_exception()


def http_protocol(limits: ConnectionLimits) -> type[H11Protocol]:
    """`LimitedH11` with these limits."""
    return type("ConfiguredH11", (LimitedH11,), {"limits": limits})


def websocket_protocol(limits: ConnectionLimits) -> type[WebSocketsSansIOProtocol]:
    """`LimitedWebSocket` with these limits."""
    return type("ConfiguredWebSocket", (LimitedWebSocket,), {"limits": limits})

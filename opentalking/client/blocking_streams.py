"""Event streams and audio streams for programs without an event loop."""

import socket
import struct
import time
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from types import TracebackType
from typing import Self

import httpx2
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from opentalking.client.audio import FINISH_SECONDS, SEND_SECONDS, AudioExchange, Pcm, frames
from opentalking.client.errors import ClientError, ConnectionFailed, TimedOut
from opentalking.client.events import Following, SessionEvent, can_talk
from opentalking.client.transport import (
    CONNECT_SECONDS,
    STREAM_TIMEOUTS,
    http_failures,
    reply_of,
    websocket_failures,
    websocket_options,
)
from opentalking.client.wire import refusal
from opentalking.core.audio_stream import InterruptMessage, QueuedMessage


class EventFeed:
    """The events of a session, from the moment it is made until the session ends; survives drops.

    Iterate it; leave it early by `close` or as a context manager. Not for use by several threads at once.
    """

    def __init__(self, http: httpx2.Client, following: Following) -> None:
        self._http = http
        self._following = following
        self._ready = deque[SessionEvent]()
        self._response: httpx2.Response | None = None
        self._chunks: Iterator[bytes] = iter(())
        self._connect()

    @property
    def last_event_id(self) -> str:
        """Id of the last event received, for a later feed to go on from."""
        return self._following.last_event_id

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> SessionEvent:
        """The next event; waits for it, through drops of the connection."""
        while not self._ready:
            if self._following.ended:
                self.close()
                raise StopIteration
            self._read()
        return self._ready.popleft()

    def wait_until_ready(self) -> None:
        """Take events until the session can talk, which matters when it is still loading or has to wait.

        Raises `ConnectionFailed` when it ends before.
        """
        if not any(can_talk(event) for event in self):
            raise ConnectionFailed("the session ended before it could talk")

    def close(self) -> None:
        """Leave the stream; the session goes on."""
        self._following.ended = True
        if self._response is not None:
            self._response.close()

    def _read(self) -> None:
        trouble: ClientError | None = None
        try:
            with http_failures():
                chunk = next(self._chunks, None)
        except ConnectionFailed as error:
            chunk, trouble = None, error
        if chunk is None:
            self._reconnect(trouble)
        else:
            self._ready.extend(self._following.read(chunk))

    def _reconnect(self, trouble: ClientError | None) -> None:
        while not self._following.ended:
            time.sleep(self._following.pause_seconds(trouble))
            if self._following.ended:
                return
            try:
                return self._connect()
            except ClientError as error:
                trouble = error

    def _connect(self) -> None:
        if self._response is not None:
            self._response.close()
        following = self._following
        with http_failures():
            request = self._http.build_request(
                "GET", following.path, headers=following.headers(), timeout=STREAM_TIMEOUTS
            )
            response = self._http.send(request, stream=True)
            if response.status_code != 200:
                response.read()
                response.close()
                raise refusal(reply_of(response))
        following.opened()
        self._response, self._chunks = response, response.iter_bytes()


class AudioStream:
    """An audio WebSocket, open inside the `with` block: send sound, then `finish`.

    Leaving the block without `finish` drops the socket.
    """

    def __init__(
        self, url: str, api_key: str, exchange: AudioExchange, send_seconds: float = SEND_SECONDS
    ) -> None:
        self._exchange = exchange
        self._url, self._api_key = url, api_key
        self._send_seconds = send_seconds
        self._stack = ExitStack()
        self._open: ClientConnection | None = None

    def __enter__(self) -> Self:
        with websocket_failures():
            self._open = self._stack.enter_context(connect(self._url, **websocket_options(self._api_key)))
        _limit_sending(self._open.socket, self._send_seconds)
        try:
            self._send(self._exchange.opening)
            while self._exchange.waits_for_ack:
                self._take(CONNECT_SECONDS)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def _socket(self) -> ClientConnection:
        if self._open is None:
            raise ValueError("enter the audio stream first")
        return self._open

    def send(self, pcm: Pcm) -> None:
        """Send sound; waits while the server has enough. Raises `StreamClosed` when it has closed."""
        for frame in frames(pcm):
            self._send(frame)

    def interrupt(self) -> None:
        """Silence the turn; what is sent next starts a new one (only for sound that is played)."""
        self._send(InterruptMessage().model_dump_json())

    def finish(self, timeout_seconds: float = FINISH_SECONDS) -> QueuedMessage | None:
        """End the sound and wait: until all was played (None), or for the answer that was queued.

        Raises `StreamClosed` when the server ends it otherwise, `TimedOut` after `timeout_seconds`.
        """
        deadline = time.monotonic() + timeout_seconds
        self._send(self._exchange.closing)
        while True:
            try:
                self._exchange.take(self._socket.recv(max(0.0, deadline - time.monotonic())))
            except TimeoutError as error:
                raise TimedOut(f"the audio stream did not end within {timeout_seconds:g} s") from error
            except ConnectionClosed:
                return self._result()

    def _send(self, frame: str | bytes) -> None:
        try:
            self._socket.send(frame)
        except ConnectionClosed as error:
            if isinstance(error.__cause__, BlockingIOError):
                raise TimedOut("the server takes no more sound") from error
            self._fail()

    def _take(self, seconds: float) -> None:
        try:
            self._exchange.take(self._socket.recv(seconds))
        except TimeoutError as error:
            raise TimedOut("the audio stream did not answer in time") from error
        except ConnectionClosed:
            self._fail()

    def _fail(self) -> None:
        """Raise what the server said before it closed."""
        try:
            while True:
                self._exchange.take(self._socket.recv(0))
        except (ConnectionClosed, TimeoutError):
            pass
        self._result()
        raise ConnectionFailed("the server closed the audio stream before its end")

    def _result(self) -> QueuedMessage | None:
        return self._exchange.result(self._socket.close_code, self._socket.close_reason or "")


def _limit_sending(sock: socket.socket, seconds: float) -> None:
    """Let the system give up on a send that the other side does not take (the library has no such limit)."""
    whole = int(seconds)
    limit = struct.pack("ll", whole, int((seconds - whole) * 1_000_000))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)

"""Event streams and audio streams for asyncio."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from types import TracebackType
from typing import Self

import httpx2
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

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


class AsyncEventFeed:
    """The events of a session until it ends; survives drops.

    They count from the moment the feed is entered (`async with`), or else from the first `async for` step.
    """

    def __init__(self, http: httpx2.AsyncClient, following: Following) -> None:
        self._http = http
        self._following = following
        self._ready = deque[SessionEvent]()
        self._response: httpx2.Response | None = None
        self._chunks: AsyncIterator[bytes] | None = None

    @property
    def last_event_id(self) -> str:
        """Id of the last event received, for a later feed to go on from."""
        return self._following.last_event_id

    async def __aenter__(self) -> Self:
        await self._connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionEvent:
        """The next event; waits for it, through drops of the connection."""
        while not self._ready:
            if self._following.ended:
                await self.aclose()
                raise StopAsyncIteration
            await self._read()
        return self._ready.popleft()

    async def wait_until_ready(self) -> None:
        """Take events until the session can talk, which matters when it is still loading or has to wait.

        Raises `ConnectionFailed` when it ends before.
        """
        async for event in self:
            if can_talk(event):
                return
        raise ConnectionFailed("the session ended before it could talk")

    async def aclose(self) -> None:
        """Leave the stream; the session goes on."""
        self._following.ended = True
        await self._hang_up()

    async def _hang_up(self) -> None:
        if self._response is None or self._chunks is None:
            return
        await self._response.aclose()
        # The library's generators end here and not at some time in the garbage collector.
        with suppress(httpx2.HTTPError, httpx2.StreamError):
            async for _ in self._chunks:
                pass
        self._response = self._chunks = None

    async def _read(self) -> None:
        if self._chunks is None:
            return await self._connect()
        trouble: ClientError | None = None
        try:
            with http_failures():
                chunk = await anext(self._chunks, None)
        except ConnectionFailed as error:
            chunk, trouble = None, error
        if chunk is None:
            await self._reconnect(trouble)
        else:
            self._ready.extend(self._following.read(chunk))

    async def _reconnect(self, trouble: ClientError | None) -> None:
        while not self._following.ended:
            await asyncio.sleep(self._following.pause_seconds(trouble))
            if self._following.ended:
                return
            try:
                return await self._connect()
            except ClientError as error:
                trouble = error

    async def _connect(self) -> None:
        await self._hang_up()
        following = self._following
        with http_failures():
            request = self._http.build_request(
                "GET", following.path, headers=following.headers(), timeout=STREAM_TIMEOUTS
            )
            response = await self._http.send(request, stream=True)
            if response.status_code != 200:
                await response.aread()
                await response.aclose()
                raise refusal(reply_of(response))
        following.opened()
        self._response, self._chunks = response, response.aiter_bytes()


class AsyncAudioStream:
    """An audio WebSocket, open inside the `async with` block: send sound, then `finish`.

    Leaving the block without `finish` drops the socket.
    """

    def __init__(
        self, url: str, api_key: str, exchange: AudioExchange, send_seconds: float = SEND_SECONDS
    ) -> None:
        self._exchange = exchange
        self._send_seconds = send_seconds
        self._connecting = connect(url, **websocket_options(api_key))
        self._open: ClientConnection | None = None

    async def __aenter__(self) -> Self:
        with websocket_failures():
            self._open = await self._connecting
        try:
            await self._send(self._exchange.opening)
            while self._exchange.waits_for_ack:
                await self._take(CONNECT_SECONDS)
        except BaseException:
            await self._open.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._socket.close()

    async def send(self, pcm: Pcm) -> None:
        """Send sound; waits while the server has enough. Raises `StreamClosed` when it has closed."""
        for frame in frames(pcm):
            await self._send(frame)

    async def interrupt(self) -> None:
        """Silence the turn; what is sent next starts a new one (only for sound that is played)."""
        await self._send(InterruptMessage().model_dump_json())

    async def finish(self, timeout_seconds: float = FINISH_SECONDS) -> QueuedMessage | None:
        """End the sound and wait: until all was played (None), or for the answer that was queued.

        Raises `StreamClosed` when the server ends it otherwise, `TimedOut` after `timeout_seconds`.
        """
        await self._send(self._exchange.closing)
        try:
            async with asyncio.timeout(timeout_seconds):
                while True:
                    self._exchange.take(await self._socket.recv())
        except TimeoutError as error:
            raise TimedOut(f"the audio stream did not end within {timeout_seconds:g} s") from error
        except ConnectionClosed:
            return self._result()

    @property
    def _socket(self) -> ClientConnection:
        if self._open is None:
            raise ValueError("enter the audio stream first")
        return self._open

    async def _send(self, frame: str | bytes) -> None:
        try:
            async with asyncio.timeout(self._send_seconds):
                await self._socket.send(frame)
        except TimeoutError as error:
            self._socket.transport.abort()  # a goodbye would wait behind the sound
            raise TimedOut("the server takes no more sound") from error
        except ConnectionClosed:
            await self._fail()

    async def _take(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                self._exchange.take(await self._socket.recv())
        except TimeoutError as error:
            raise TimedOut("the audio stream did not answer in time") from error
        except ConnectionClosed:
            await self._fail()

    async def _fail(self) -> None:
        """Raise what the server said before it closed."""
        try:
            async with asyncio.timeout(1.0):
                while True:
                    self._exchange.take(await self._socket.recv())
        except (ConnectionClosed, TimeoutError):
            pass
        self._result()
        raise ConnectionFailed("the server closed the audio stream before its end")

    def _result(self) -> QueuedMessage | None:
        return self._exchange.result(self._socket.close_code, self._socket.close_reason or "")

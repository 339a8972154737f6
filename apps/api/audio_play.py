"""The `config` dialect of the audio WebSocket: samples drive the face as they arrive."""

import asyncio

import numpy as np

from apps.api.audio_socket import AudioSocket, ClientGone, unexpected
from apps.api.deps import ApiServices
from opentalking.core.audio_stream import (
    DEFAULT_SAMPLE_RATE,
    AckMessage,
    ClientMessage,
    ConfigMessage,
    EosMessage,
    InterruptMessage,
)
from opentalking.core.errors import Conflict, InvalidInput, NotFound, OpenTalkingError, Unavailable
from opentalking.core.media import Samples
from opentalking.core.ports import StreamClosed
from opentalking.services.playing import PlayedStream

Frame = Samples | ClientMessage


async def play(socket: AudioSocket, services: ApiServices, session_id: str, first: Frame) -> None:
    """Play what the client sends until everything was played, or raise why it ends."""
    rate = first.sample_rate if isinstance(first, ConfigMessage) else DEFAULT_SAMPLE_RATE
    stream = await services.playing.stream(session_id, rate)
    tasks: set[asyncio.Task[str]] = set()
    try:
        if isinstance(first, ConfigMessage):
            await socket.send(AckMessage(type="ack"))
        listening = _Listening(socket, stream, services.playing.limits.quiet_seconds)
        tasks.add(asyncio.create_task(listening.run(first), name="audio socket"))
        tasks.add(asyncio.create_task(stream.over(), name="audio turn"))
        tasks.add(asyncio.create_task(_closing(services.closing), name="audio socket's server"))
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            _judge(task.result())
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await stream.aclose()
        socket.turns = stream.turns


async def _closing(closing: asyncio.Event) -> str:
    """End when the server does: a client that is held back would not be heard saying goodbye."""
    await closing.wait()
    raise ClientGone


class _Listening:
    """What the client's frames do, one after another."""

    def __init__(self, socket: AudioSocket, stream: PlayedStream, quiet_seconds: float) -> None:
        self._socket = socket
        self._stream = stream
        self._quiet_seconds = quiet_seconds
        self._ended = False

    async def run(self, first: Frame) -> str:
        """Heed every frame until nothing is left to be played; how the last turn ended."""
        frame: Frame | None = None if isinstance(first, ConfigMessage) else first
        while True:
            try:
                await self._heed(frame)
            except StreamClosed as closed:
                return closed.reason
            if self._ended and not self._stream.is_playing:
                return "completed"
            frame = await self._next()

    async def _next(self) -> Frame | None:
        """The next frame; None when a turn's sound has paused for long."""
        patience = self._quiet_seconds if self._stream.is_playing and not self._ended else None
        try:
            async with asyncio.timeout(patience):
                return await self._socket.frame()
        except TimeoutError:
            return None

    async def _heed(self, frame: Frame | None) -> None:
        match frame:
            case None:
                if self._stream.is_playing:
                    await self._stream.finish()
                    await self._stream.renew()
            case np.ndarray():
                if self._ended:
                    raise InvalidInput("sound came after eos; open another socket")
                await self._stream.put(frame)
            case InterruptMessage():
                await self._stream.interrupt()
            case EosMessage():
                self._ended = True
                await self._stream.finish()
            case _:
                raise unexpected(frame)


def _judge(ending: str) -> None:
    """Raise unless everything was played."""
    match ending:
        case "completed":
            return
        case "interrupted":
            raise Conflict("another turn took over; open another socket", code="interrupted")
        case "session_ended":
            raise NotFound("the session has ended; make another one", code=ending)
        case "failed":
            raise OpenTalkingError("the turn failed; its events say why", code="playback_failed")
    raise Unavailable("the worker does not play it; try again", code=ending or "unavailable")

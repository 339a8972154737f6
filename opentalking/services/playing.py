"""Sound of the client's own through the face: files, and streams of samples as they arrive."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO

import structlog

from opentalking.core.commands import ExpectSound, Interrupt, StartPlay, Touch
from opentalking.core.errors import OpenTalkingError, TooMany
from opentalking.core.ids import new_id
from opentalking.core.media import MEDIA_RATE, Samples
from opentalking.core.ports import AudioInlet, CommandBus, StreamClosed
from opentalking.services.sessions import SessionService
from opentalking.services.sound_file import SoundFile, SoundLimits

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PlayLimits:
    """Sizes of files, number and sound of sockets, and times in seconds.

    A socket's first frame comes within `first_frame_seconds`; a streamed turn whose sound pauses for
    `quiet_seconds` has ended, and more sound starts another one.
    """

    sound: SoundLimits = field(default_factory=SoundLimits)
    sockets_per_session: int = 2
    socket_bytes: int = 15 * 2**20
    first_frame_seconds: float = 30.0
    quiet_seconds: float = 30.0
    command_seconds: float = 10.0
    touch_seconds: float = 5.0


class PlayService:
    """Plays sound in sessions.

    Errors, checked in this order: `NotFound`, `Conflict` (the session's state), `InvalidInput` and
    `TooLarge` (the sound), `TooMany`, `Unavailable`.
    """

    def __init__(self, sessions: SessionService, bus: CommandBus, limits: PlayLimits | None = None) -> None:
        self._sessions = sessions
        self._bus = bus
        self.limits = limits or PlayLimits()
        self._sockets: Counter[str] = Counter()
        self._feeding: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serve while inside; afterwards no file is open any more."""
        try:
            yield
        finally:
            for task in self._feeding:
                task.cancel()
            await asyncio.gather(*self._feeding, return_exceptions=True)

    async def play_file(self, session_id: str, upload: BinaryIO, raw_rate: int | None = None) -> str:
        """Play a file, or raw s16le samples at `raw_rate`; returns the turn's id once its beginning decodes.

        `upload` may be closed afterwards. Damage that shows later fails the turn. Raises `Conflict` with the
        code `interrupted` when an interrupt or another turn was accepted while the beginning was read.
        """
        await self._sessions.require_talking(session_id)
        turn_id = new_id()
        await self._bus.send(ExpectSound(session_id=session_id, turn_id=turn_id, answer=True))
        sound = await SoundFile.open(upload, MEDIA_RATE, raw_rate=raw_rate, limits=self.limits.sound)
        try:
            inlet = await self._begin(session_id, turn_id, sound)
        except BaseException:
            sound.close()
            raise
        feeding = asyncio.create_task(self._feed(sound, inlet), name=f"feed {turn_id}")
        self._feeding.add(feeding)
        feeding.add_done_callback(lambda task: self._fed(task, sound))
        return turn_id

    async def _begin(self, session_id: str, turn_id: str, sound: SoundFile) -> AudioInlet:
        """Start the turn with the first piece of its sound."""
        inlet = await self._bus.open_audio(session_id, MEDIA_RATE)
        try:
            first = await sound.next()
            if first is not None:
                await inlet.put(first)
            command = StartPlay(session_id=session_id, turn_id=turn_id, stream_id=inlet.stream_id)
            await self._bus.call(command, self.limits.command_seconds)
        except BaseException:
            await inlet.aclose()
            raise
        return inlet

    async def stream(self, session_id: str, sample_rate: int) -> "PlayedStream":
        """A way for samples (mono int16) into the session, turn after turn; close it."""
        await self._sessions.require_talking(session_id)
        stream = PlayedStream(self._bus, session_id, sample_rate, self.limits)
        await stream.renew()
        return stream

    @contextmanager
    def socket(self, session_id: str) -> Iterator[None]:
        """Count one more audio socket of the session while inside; raises `TooMany`."""
        most = self.limits.sockets_per_session
        if self._sockets[session_id] >= most:
            raise TooMany(f"this session has {most} audio sockets already; close one first")
        self._sockets[session_id] += 1
        try:
            yield
        finally:
            self._sockets[session_id] -= 1
            if not self._sockets[session_id]:
                del self._sockets[session_id]

    async def _feed(self, sound: SoundFile, inlet: AudioInlet) -> None:
        try:
            while (piece := await sound.next()) is not None:
                await inlet.put(piece)
            await inlet.finish()
        except StreamClosed:
            pass  # the turn is over
        except OpenTalkingError as error:
            await inlet.fail(error)
        finally:
            await inlet.aclose()

    def _fed(self, task: "asyncio.Task[None]", sound: SoundFile) -> None:
        sound.close()
        self._feeding.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("feeding a turn failed", exc_info=task.exception())


class PlayedStream:
    """Samples of one client on their way into a session: the first ones start a turn."""

    def __init__(self, bus: CommandBus, session_id: str, sample_rate: int, limits: PlayLimits) -> None:
        self.turns = 0
        """How many turns were started."""
        self._bus = bus
        self._session_id = session_id
        self._sample_rate = sample_rate
        self._limits = limits
        self._inlet: AudioInlet
        self._turn_id: str | None = None
        self._touched = 0.0

    @property
    def is_playing(self) -> bool:
        """Whether a turn was started that has neither been interrupted nor left to itself."""
        return self._turn_id is not None

    async def renew(self) -> None:
        """Begin anew: what was put belongs to its turn, what comes next to another one."""
        if self._turn_id is not None:
            await self._inlet.aclose()
        self._turn_id = None
        self._inlet = await self._bus.open_audio(self._session_id, self._sample_rate)

    async def put(self, samples: Samples) -> None:
        """Play samples after the earlier ones; waits while 10 s lie unplayed.

        Raises `StreamClosed` with the reason when the turn has ended otherwise than by `interrupt`.
        """
        await self._touch()
        if not len(samples):
            return
        if self._turn_id is None:
            self._turn_id = new_id()
            self.turns += 1
            await self._inlet.put(samples[: self._sample_rate])
            samples = samples[self._sample_rate :]
            command = StartPlay(
                session_id=self._session_id, turn_id=self._turn_id, stream_id=self._inlet.stream_id
            )
            await self._bus.call(command, self._limits.command_seconds)
        await self._inlet.put(samples)

    async def interrupt(self) -> None:
        """Cancel the turn, if there is one; the next samples start another one."""
        turn_id = self._turn_id
        await self._touch()
        if turn_id is not None:
            await self.renew()
            command = Interrupt(session_id=self._session_id, turn_id=turn_id)
            await self._bus.call(command, self._limits.command_seconds)

    async def finish(self) -> None:
        """That was all of the turn."""
        await self._inlet.finish()

    async def over(self) -> str:
        """Wait until the present turn, or the session, has ended; how ("completed", "interrupted", …)."""
        while True:
            inlet = self._inlet
            reason = await inlet.closed()
            if inlet is self._inlet:
                return reason

    async def aclose(self) -> None:
        """Let go; what was put is played. Idempotent."""
        await self._inlet.aclose()

    async def _touch(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._touched >= self._limits.touch_seconds:
            self._touched = now
            await self._bus.send(Touch(session_id=self._session_id))

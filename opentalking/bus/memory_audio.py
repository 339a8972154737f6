"""Sound on its way from a client to a session's worker, inside one process."""

import asyncio
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from opentalking.core.errors import NotFound, OpenTalkingError, TooMany
from opentalking.core.ids import new_id
from opentalking.core.media import Samples
from opentalking.core.ports import NOT_READ, SESSION_ENDED, StreamClosed

_JOINED_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class AudioLimits:
    """How much lies unread, how long sound waits for its reader, and how many streams a session has."""

    unread_seconds: float = 10.0
    claim_seconds: float = 30.0
    streams_per_session: int = 8


@dataclass(eq=False, slots=True)
class _Stream:
    """What both ends share; whoever changes it sets `changed`."""

    session_id: str
    sample_rate: int
    id: str = field(default_factory=new_id)
    pieces: deque[Samples] = field(default_factory=deque)
    unread: int = 0
    finished: bool = False
    ended: bool = False
    failure: OpenTalkingError | None = None
    claimed: bool = False
    closed: str | None = None
    """Why the reader let go; None while it may still read."""
    timer: asyncio.TimerHandle | None = None
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def changes(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    def tell(self) -> None:
        self._changed.set()

    def append(self, piece: Samples) -> None:
        """Small pieces are joined, so that a flood of them costs no more than their sound."""
        if self.pieces and len(self.pieces[-1]) + len(piece) <= _JOINED_SECONDS * self.sample_rate:
            self.pieces[-1] = np.concatenate([self.pieces[-1], piece])
        else:
            self.pieces.append(piece)
        self.unread += len(piece)
        self.tell()

    def let_go(self, reason: str) -> None:
        if self.closed is None:
            self.closed = reason
            self.pieces.clear()
            self.tell()
        if self.timer is not None:
            self.timer.cancel()


class MemoryAudioInlet:
    """The writer's end; see `AudioInlet`."""

    def __init__(self, stream: _Stream, streams: "MemoryAudio") -> None:
        self._stream = stream
        self._streams = streams
        self._most = round(streams.limits.unread_seconds * stream.sample_rate)

    @property
    def stream_id(self) -> str:
        """What a command names."""
        return self._stream.id

    @property
    def sample_rate(self) -> int:
        """Of what is put, Hz."""
        return self._stream.sample_rate

    async def put(self, samples: Samples) -> None:
        """Append; waits while the limit lies unread."""
        stream = self._stream
        if stream.ended:
            raise ValueError("the stream has been ended")
        self._streams.await_reader(stream)
        for piece in _seconds_of(samples, stream.sample_rate):
            while stream.closed is None and stream.unread >= self._most:
                await stream.changes()
            if stream.closed is not None:
                raise StreamClosed(stream.closed)
            stream.append(piece)

    async def finish(self) -> None:
        """That was all."""
        if not self._stream.ended:
            self._stream.finished = True
            self._end()

    async def fail(self, error: OpenTalkingError) -> None:
        """No more can be had; the reader gets `error` after what was put."""
        if not self._stream.ended:
            self._stream.failure = error
            self._end()

    async def aclose(self) -> None:
        """Dropped, unless it was finished; idempotent."""
        self._end()

    async def closed(self) -> str:
        """Wait until the reader let go; why."""
        while self._stream.closed is None:
            await self._stream.changes()
        return self._stream.closed

    def _end(self) -> None:
        self._stream.ended = True
        self._stream.tell()
        self._streams.await_reader(self._stream)


class MemoryAudioOutlet:
    """The reader's end; see `AudioOutlet`."""

    def __init__(self, stream: _Stream, streams: "MemoryAudio") -> None:
        self._stream = stream
        self._streams = streams

    @property
    def sample_rate(self) -> int:
        """Of what comes out, Hz."""
        return self._stream.sample_rate

    @property
    def completed(self) -> bool:
        """Whether the writer said that this is all."""
        return self._stream.finished

    async def next(self) -> Samples | None:
        """The next piece; None at the end."""
        stream = self._stream
        while True:
            if stream.closed is not None:
                raise StreamClosed(stream.closed)
            if stream.pieces:
                piece = stream.pieces.popleft()
                stream.unread -= len(piece)
                stream.tell()
                return piece
            if stream.failure is not None:
                raise stream.failure
            if stream.ended:
                return None
            await stream.changes()

    async def aclose(self, reason: str = "") -> None:
        """Let go; idempotent, the first reason stays."""
        self._stream.let_go(reason)
        self._streams.forget(self._stream)


class MemoryAudio:
    """All streams of a process; each belongs to a session and goes with it at the latest."""

    def __init__(self, limits: AudioLimits | None = None) -> None:
        self.limits = limits or AudioLimits()
        self._streams: dict[str, _Stream] = {}

    def open(self, session_id: str, sample_rate: int) -> MemoryAudioInlet:
        """A new stream, which nobody reads yet; raises `TooMany`."""
        most = self.limits.streams_per_session
        if sum(1 for other in self._streams.values() if other.session_id == session_id) >= most:
            raise TooMany(f"{most} sounds are on their way to this session already; wait for one to end")
        stream = _Stream(session_id, sample_rate)
        self._streams[stream.id] = stream
        return MemoryAudioInlet(stream, self)

    def outlet(self, stream_id: str) -> MemoryAudioOutlet:
        """The reader's end, once; raises `NotFound`."""
        stream = self._streams.get(stream_id)
        if stream is None or stream.claimed or stream.closed is not None:
            raise NotFound("there is no such sound, or it is being read already")
        stream.claimed = True
        if stream.timer is not None:
            stream.timer.cancel()
        return MemoryAudioOutlet(stream, self)

    def end_session(self, session_id: str, reason: str = SESSION_ENDED) -> None:
        """Both ends of the session's streams learn that it is gone."""
        for stream in [s for s in self._streams.values() if s.session_id == session_id]:
            stream.let_go(reason)
            self.forget(stream)

    def forget(self, stream: _Stream) -> None:
        """The stream is over."""
        self._streams.pop(stream.id, None)

    def await_reader(self, stream: _Stream) -> None:
        """Something can be read, or that was all: a reader has so long to come from now on."""
        if stream.claimed or stream.closed is not None:
            return
        if stream.ended and not stream.finished and not stream.pieces and stream.failure is None:
            self._give_up(stream)  # dropped before there was anything
        elif stream.timer is None:
            loop = asyncio.get_running_loop()
            stream.timer = loop.call_later(self.limits.claim_seconds, self._give_up, stream)

    def _give_up(self, stream: _Stream) -> None:
        stream.let_go(NOT_READ)
        self.forget(stream)


def _seconds_of(samples: Samples, rate: int) -> Iterator[Samples]:
    for start in range(0, len(samples), rate):
        yield np.asarray(samples[start : start + rate], np.int16)

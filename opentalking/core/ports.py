"""Protocols of the buses and stores between services and engine.

The memory implementation is the first; another must pass the same contract tests.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from opentalking.core.commands import Command, Reply
from opentalking.core.errors import OpenTalkingError
from opentalking.core.events import Event
from opentalking.core.media import Samples
from opentalking.core.sessions import SessionRecord


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event with its id: unique in the bus, increasing per session; made of `[0-9a-z-]`."""

    id: str
    event: Event


class Lagged(Exception):
    """A subscriber fell behind its bounded queue and was dropped; it may resume by id."""


class Subscription(Protocol):
    """One subscriber of one session's events."""

    @property
    def start_id(self) -> str:
        """Id of the session's newest event when the subscription began; can be resumed from."""
        ...

    @property
    def resumed(self) -> bool:
        """Whether the given last event id was found, so that the backlog after it is replayed."""
        ...

    async def next(self) -> StoredEvent:
        """The next event; raises `Lagged` when this subscriber fell behind. Cancel-safe."""
        ...


class EventBus(Protocol):
    """Events of sessions on their way to clients; the backlog per session is bounded and has a TTL."""

    async def publish(self, event: Event) -> None:
        """Append to the backlog and hand to the subscribers; never waits for a slow subscriber."""
        ...

    def subscribe(
        self, session_id: str, last_event_id: str | None = None
    ) -> AbstractAsyncContextManager[Subscription]:
        """Subscribe from now on, or after `last_event_id` when the backlog still holds it.

        Raises `TooMany` when the session has its maximum of subscribers.
        """
        ...

    async def forget(self, session_id: str) -> None:
        """Drop a finished session's backlog (live subscribers keep what they have)."""
        ...


SESSION_ENDED, WORKER_GONE, NOT_READ = "session_ended", "worker_gone", "not_read"
"""Reasons of a bus's own for closing a sound's way."""


class StreamClosed(Exception):
    """The other end of a sound's way is gone; `reason` is a word of whoever closed it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason or "closed")
        self.reason = reason


class AudioInlet(Protocol):
    """A client's end of a sound on its way to a worker: one writer, first in, first out."""

    @property
    def stream_id(self) -> str:
        """Names the stream in a command."""
        ...

    @property
    def sample_rate(self) -> int:
        """Of what is put, Hz."""
        ...

    async def put(self, samples: Samples) -> None:
        """Append mono int16 samples, shape (n,); waits while 10 s lie unread.

        Raises `StreamClosed` when the worker let go. Cancelled, it may have put a part.
        """
        ...

    async def finish(self) -> None:
        """That was all of the sound."""
        ...

    async def fail(self, error: OpenTalkingError) -> None:
        """The rest of the sound cannot be had; the worker gets `error` after what was put."""
        ...

    async def aclose(self) -> None:
        """Let go, without `finish` as a sound that was dropped; what was put is still read. Idempotent."""
        ...

    async def closed(self) -> str:
        """Wait until the worker let go; returns its reason. Cancel-safe."""
        ...


class AudioOutlet(Protocol):
    """A worker's end of a sound on its way from a client."""

    @property
    def sample_rate(self) -> int:
        """Of what comes out, Hz."""
        ...

    @property
    def completed(self) -> bool:
        """Whether the writer said that this is all (`finish`); else it was dropped or goes on."""
        ...

    async def next(self) -> Samples | None:
        """The next piece of at most 1 s, mono int16; None at the end. Cancel-safe.

        Raises what the writer failed with, and `StreamClosed` when the session is gone.
        """
        ...

    async def aclose(self, reason: str = "") -> None:
        """Let go; the writer gets `reason`. Idempotent, the first reason stays."""
        ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """A command at a worker, and the ways to answer it (exactly one is called, once)."""

    command: Command
    reply: Callable[[Reply], Awaitable[None]]
    fail: Callable[[Exception], Awaitable[None]]


class CommandBus(Protocol):
    """Commands from services to the worker that owns a session; FIFO per session."""

    async def call(self, command: Command, timeout_seconds: float) -> Reply:
        """Deliver and wait for the reply. An `OpenTalkingError` raised by the worker is raised here.

        Raises `Unavailable` when no worker takes it or none answers in time.
        """
        ...

    async def send(self, command: Command) -> None:
        """Deliver without waiting for a reply; dropped when nobody owns the session."""
        ...

    def deliveries(self, worker_id: str) -> AsyncIterator[Delivery]:
        """A worker's commands, in order of arrival; registers the worker until closed."""
        ...

    async def own(self, session_id: str, worker_id: str) -> None:
        """Route the session's further commands to this worker."""
        ...

    async def disown(self, session_id: str) -> None:
        """The session is gone; commands for it raise `NotFound`, its sounds are closed at both ends."""
        ...

    async def open_audio(self, session_id: str, sample_rate: int) -> AudioInlet:
        """A way for sound to the session's worker; a command then names its `stream_id`.

        It goes with the session, and when no worker comes to read what was put within 30 s.
        Raises `NotFound` when nobody owns the session, `TooMany` when it has many streams already.
        """
        ...

    async def audio(self, stream_id: str) -> AudioOutlet:
        """The worker's end of a stream, once; raises `NotFound`."""
        ...


class SessionStore(Protocol):
    """Records of live sessions."""

    async def put(self, record: SessionRecord) -> None:
        """Insert or replace."""
        ...

    async def get(self, session_id: str) -> SessionRecord | None:
        """The record, or None."""
        ...

    async def all(self) -> Sequence[SessionRecord]:
        """Every record, oldest first."""
        ...

    async def delete(self, session_id: str) -> None:
        """Remove; nothing happens when it is not there."""
        ...

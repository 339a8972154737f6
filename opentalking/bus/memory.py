"""Buses and session store inside one process; everything happens on one event loop."""

import asyncio
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import structlog

from opentalking.bus.memory_audio import AudioLimits, MemoryAudio, MemoryAudioInlet, MemoryAudioOutlet
from opentalking.core.commands import CloseSession, Command, CreateSession, Reply
from opentalking.core.errors import NotFound, OpenTalkingError, TooMany, Unavailable
from opentalking.core.events import DROPPED_FIRST, NOT_REPLAYED, Event
from opentalking.core.ports import WORKER_GONE, Delivery, Lagged, StoredEvent
from opentalking.core.sessions import SessionRecord

_log = structlog.get_logger(__name__)
_STREAM_DIGITS = 6
_SEQUENCE_DIGITS = 9


@dataclass(frozen=True, slots=True)
class EventLimits:
    """Sizes of the event bus; the backlog's lifetime counts from the session's last event."""

    backlog_events: int = 2000
    backlog_ttl_seconds: float = 900.0
    subscriber_events: int = 500
    subscribers_per_session: int = 8


class _Subscriber:
    """A bounded queue of one subscriber: first it loses droppable events, then it lags for good."""

    def __init__(self, start_id: str, replay: Sequence[StoredEvent] | None, limit: int) -> None:
        self.start_id = start_id
        self.resumed = replay is not None
        self._replay = deque(replay or ())
        self._live: deque[StoredEvent] = deque()
        self._limit = limit
        self._lagged = False
        self._news = asyncio.Event()

    async def next(self) -> StoredEvent:
        while True:
            for queue in (self._replay, self._live):
                if queue:
                    return queue.popleft()
            if self._lagged:
                raise Lagged
            self._news.clear()
            await self._news.wait()

    def offer(self, stored: StoredEvent) -> None:
        if not self._lagged and self._has_room(stored):
            self._live.append(stored)
        self._news.set()

    def _has_room(self, stored: StoredEvent) -> bool:
        if len(self._live) < self._limit:
            return True
        if stored.event.type in DROPPED_FIRST:
            return False
        kept = [item for item in self._live if item.event.type not in DROPPED_FIRST]
        self._lagged = len(kept) == len(self._live)
        if not self._lagged:
            self._live = deque(kept)
        return not self._lagged


class _Stream:
    """One session's numbering, backlog and subscribers.

    `floor` is the highest number whose event is no longer (or never was) needed for a
    complete replay: whoever has seen it misses nothing that the backlog does not hold.
    """

    def __init__(self, prefix: str, now_seconds: float) -> None:
        self.prefix = prefix
        self.number = 0
        self.floor = 0
        self.backlog: deque[tuple[int, StoredEvent]] = deque()
        self.subscribers: set[_Subscriber] = set()
        self.touched_seconds = now_seconds

    @property
    def newest_id(self) -> str:
        return self.id_of(self.number)

    def id_of(self, number: int) -> str:
        return f"{self.prefix}{number:0{_SEQUENCE_DIGITS}d}"

    def store(self, event: Event, limit: int) -> StoredEvent:
        self.number += 1
        stored = StoredEvent(self.id_of(self.number), event)
        if event.type not in NOT_REPLAYED:
            self.backlog.append((self.number, stored))
            if len(self.backlog) > limit:
                self.floor = self.backlog.popleft()[0]
        return stored

    def after(self, event_id: str) -> list[StoredEvent] | None:
        """What came after `event_id`, or None when that id is foreign, unknown or evicted."""
        number = self._number_of(event_id)
        if number is None or not self.floor <= number <= self.number:
            return None
        return [stored for at, stored in self.backlog if at > number]

    def _number_of(self, event_id: str) -> int | None:
        tail = event_id.removeprefix(self.prefix)
        if tail == event_id or len(tail) != _SEQUENCE_DIGITS or not (tail.isascii() and tail.isdigit()):
            return None
        return int(tail)

    def forget_backlog(self) -> None:
        self.backlog.clear()
        self.floor = self.number


class MemoryEventBus:
    """`EventBus` in memory.

    Ids are decimal digits of one length: a random number of this process, a number of the
    session's stream, a counter. So they grow as text and as numbers, and an id of another
    process or session is not mistaken for one's own. `clock` gives monotonic seconds.
    """

    def __init__(
        self, limits: EventLimits | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limits = limits or EventLimits()
        self._clock = clock
        self._process = 100_000 + secrets.randbelow(900_000)
        self._streams_made = 0
        self._streams: OrderedDict[str, _Stream] = OrderedDict()

    async def publish(self, event: Event) -> None:
        """Append to the backlog and hand to the subscribers; never waits."""
        stream = self._stream(event.session_id)
        stored = stream.store(event, self._limits.backlog_events)
        for subscriber in stream.subscribers:
            subscriber.offer(stored)

    @asynccontextmanager
    async def subscribe(
        self, session_id: str, last_event_id: str | None = None
    ) -> AsyncIterator[_Subscriber]:
        """Subscribe from now on, or after `last_event_id`; raises `TooMany`."""
        self._expire()
        known = self._streams.get(session_id)
        if known and len(known.subscribers) >= self._limits.subscribers_per_session:
            most = self._limits.subscribers_per_session
            raise TooMany(f"this session has {most} event streams already; close one first")
        stream = self._stream(session_id)
        replay = stream.after(last_event_id) if last_event_id else None
        subscriber = _Subscriber(stream.newest_id, replay, self._limits.subscriber_events)
        stream.subscribers.add(subscriber)
        try:
            yield subscriber
        finally:
            stream.subscribers.discard(subscriber)

    async def forget(self, session_id: str) -> None:
        """Drop a finished session's backlog; who still listens hears what may follow."""
        stream = self._streams.get(session_id)
        if stream is not None and stream.subscribers:
            stream.forget_backlog()
        elif stream is not None:
            del self._streams[session_id]

    def _stream(self, session_id: str) -> _Stream:
        self._expire()
        now_seconds = self._clock()
        stream = self._streams.get(session_id)
        if stream is None:
            self._streams_made += 1
            stream = _Stream(f"{self._process}{self._streams_made:0{_STREAM_DIGITS}d}", now_seconds)
            self._streams[session_id] = stream
        stream.touched_seconds = now_seconds
        self._streams.move_to_end(session_id)
        return stream

    def _expire(self) -> None:
        """Streams are ordered by their last use: look at the oldest until one is young enough."""
        now_seconds = self._clock()
        while self._streams:
            session_id, stream = next(iter(self._streams.items()))
            if now_seconds - stream.touched_seconds < self._limits.backlog_ttl_seconds:
                return
            if stream.subscribers:
                stream.forget_backlog()
                stream.touched_seconds = now_seconds
                self._streams.move_to_end(session_id)
            else:
                del self._streams[session_id]


@dataclass(eq=False, slots=True)
class _Pending:
    """A command on its way; `answer` is None when nobody waits for a reply."""

    command: Command
    answer: asyncio.Future[Reply] | None

    def settle(self, reply: Reply) -> None:
        if self.answer is not None and not self.answer.done():
            self.answer.set_result(reply)

    def reject(self, error: Exception) -> None:
        if self.answer is not None and not self.answer.done():
            self.answer.set_exception(error)

    @property
    def given_up(self) -> bool:
        """Whether its caller was told that it failed; a close is carried out all the same."""
        expired = self.answer is not None and self.answer.done()
        return expired and not isinstance(self.command, CloseSession)


@dataclass(eq=False, slots=True)
class _Inbox:
    """A worker's bounded queue, and what it has taken out but not answered yet."""

    worker_id: str
    waiting: deque[_Pending] = field(default_factory=deque)
    held: set[_Pending] = field(default_factory=set)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self) -> _Pending:
        while True:
            while self.waiting:
                pending = self.waiting.popleft()
                if not pending.given_up:
                    return pending
            self.news.clear()
            await self.news.wait()


class MemoryCommandBus:
    """`CommandBus` in memory: one bounded first-in-first-out inbox per worker."""

    def __init__(self, inbox_commands: int = 1000, audio: AudioLimits | None = None) -> None:
        self._inbox_commands = inbox_commands
        self._audio = MemoryAudio(audio)
        self._inboxes: dict[str, _Inbox] = {}
        self._owners: dict[str, str] = {}

    async def call(self, command: Command, timeout_seconds: float) -> Reply:
        """Deliver and wait for the reply; raises `NotFound`, `Unavailable` or the worker's error."""
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._put(_Pending(command, answer))
        try:
            async with asyncio.timeout(timeout_seconds):
                return await answer
        except TimeoutError as error:
            raise Unavailable(
                f"no answer to '{command.type}' within {timeout_seconds:g} s; try again",
                code="worker_timeout",
            ) from error

    async def send(self, command: Command) -> None:
        """Deliver without waiting; dropped when nobody owns the session or its worker cannot take it."""
        try:
            self._put(_Pending(command, None))
        except (NotFound, Unavailable) as error:
            _log.debug("command.dropped", command=command.type, reason=error.log_message)

    def deliveries(self, worker_id: str) -> AsyncGenerator[Delivery, None]:
        """A worker's commands, in order of arrival.

        The worker is registered at once and until the iterator is closed or its consumer
        is cancelled; then whoever waits for its answer gets `Unavailable`.
        """
        if worker_id in self._inboxes:
            raise ValueError(f"worker {worker_id} is registered already")
        inbox = self._inboxes[worker_id] = _Inbox(worker_id)
        return self._drain(inbox)

    async def own(self, session_id: str, worker_id: str) -> None:
        """Route the session's further commands to this worker."""
        self._owners[session_id] = worker_id

    async def disown(self, session_id: str) -> None:
        """The session is gone; commands for it raise `NotFound`, its sounds are closed at both ends."""
        self._owners.pop(session_id, None)
        self._audio.end_session(session_id)

    async def open_audio(self, session_id: str, sample_rate: int) -> MemoryAudioInlet:
        """A way for sound to the session's worker; raises `NotFound`, `TooMany`."""
        if session_id not in self._owners:
            raise NotFound("session not found")
        return self._audio.open(session_id, sample_rate)

    async def audio(self, stream_id: str) -> MemoryAudioOutlet:
        """The worker's end of a stream, once; raises `NotFound`."""
        return self._audio.outlet(stream_id)

    def _put(self, pending: _Pending) -> None:
        inbox = self._inbox_for(pending.command)
        if len(inbox.waiting) >= self._inbox_commands:
            raise Unavailable("the worker is overloaded; try again", code="worker_overloaded")
        inbox.waiting.append(pending)
        inbox.news.set()

    def _inbox_for(self, command: Command) -> _Inbox:
        if isinstance(command, CreateSession) and command.session_id not in self._owners:
            if not self._inboxes:
                raise Unavailable("no worker is running; try again", code="worker_gone")
            inbox = min(self._inboxes.values(), key=self._load)
            self._owners[command.session_id] = inbox.worker_id
            return inbox
        owner = self._owners.get(command.session_id)
        if owner is None:
            raise NotFound("session not found")
        if owner not in self._inboxes:
            raise Unavailable(
                "this session's worker is gone; delete it and make a new one", code="worker_gone"
            )
        return self._inboxes[owner]

    def _load(self, inbox: _Inbox) -> int:
        return sum(1 for owner in self._owners.values() if owner == inbox.worker_id)

    async def _drain(self, inbox: _Inbox) -> AsyncGenerator[Delivery, None]:
        try:
            while True:
                pending = await inbox.take()
                if pending.answer is not None:
                    inbox.held.add(pending)
                yield self._delivery(inbox, pending)
        finally:
            self._unregister(inbox)

    def _delivery(self, inbox: _Inbox, pending: _Pending) -> Delivery:
        async def reply(answer: Reply) -> None:
            inbox.held.discard(pending)
            pending.settle(answer)

        async def fail(error: Exception) -> None:
            inbox.held.discard(pending)
            if isinstance(pending.command, CreateSession):
                self._owners.pop(pending.command.session_id, None)
            pending.reject(_crossing(error))

        return Delivery(pending.command, reply, fail)

    def _unregister(self, inbox: _Inbox) -> None:
        if self._inboxes.get(inbox.worker_id) is inbox:
            del self._inboxes[inbox.worker_id]
        for session_id in [owned for owned, owner in self._owners.items() if owner == inbox.worker_id]:
            self._audio.end_session(session_id, WORKER_GONE)
        lost = [*inbox.held, *inbox.waiting]
        inbox.held.clear()
        inbox.waiting.clear()
        for pending in lost:
            if isinstance(pending.command, CreateSession):
                self._owners.pop(pending.command.session_id, None)
            pending.reject(Unavailable("the worker has stopped; try again", code="worker_gone"))


def _crossing(error: Exception) -> OpenTalkingError:
    """What of a worker's failure crosses the bus: our own errors whole, of others only that there was one."""
    if isinstance(error, OpenTalkingError):
        return error
    wrapped = OpenTalkingError("the worker failed")
    wrapped.__cause__ = error
    return wrapped


class MemorySessionStore:
    """`SessionStore` in memory."""

    def __init__(self) -> None:
        self._records: dict[str, SessionRecord] = {}

    async def put(self, record: SessionRecord) -> None:
        """Insert or replace."""
        self._records[record.session_id] = record

    async def get(self, session_id: str) -> SessionRecord | None:
        """The record, or None."""
        return self._records.get(session_id)

    async def all(self) -> Sequence[SessionRecord]:
        """Every record, oldest first."""
        return sorted(self._records.values(), key=lambda record: record.created_at)

    async def delete(self, session_id: str) -> None:
        """Remove; nothing happens when it is not there."""
        self._records.pop(session_id, None)

"""One live session: its commands in order, its turn, its peer, its end."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass

import structlog

from opentalking.core.commands import (
    Answer,
    CloseSession,
    ConnectPeer,
    Done,
    Interrupt,
    Reply,
    StartChat,
    StartSession,
    StartSpeak,
    VoiceChoice,
)
from opentalking.core.errors import Conflict, NotFound, OpenTalkingError, TooMany, Unavailable
from opentalking.core.events import ExpiredEvent, ExpiringEvent, TerminatedEvent
from opentalking.core.ports import Delivery
from opentalking.core.sessions import CAN_TALK, SessionRecord, SessionState
from opentalking.engine.admission import Ticket
from opentalking.engine.config import EngineConfig, Toolbox
from opentalking.engine.expiry import Expiry, ExpiryReason
from opentalking.engine.outbox import EventOutbox
from opentalking.engine.peers import PeerSlot
from opentalking.engine.state import SessionLife
from opentalking.engine.talk import Conversation
from opentalking.engine.turn import Turn
from opentalking.media.output import MediaOutput

MAX_PENDING_COMMANDS = 64

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ending:
    """The session ends: `reason` for the log and the clients; `expired` unless DELETE asked for it."""

    reason: str
    expired: ExpiryReason | None = "session_expired"


class Session:
    """Runs one session; `release` gives its place back and is awaited before a DELETE is answered."""

    def __init__(
        self,
        record: SessionRecord,
        toolbox: Toolbox,
        config: EngineConfig,
        release: Callable[[], Awaitable[None]],
    ) -> None:
        self.id = record.session_id
        self.ended = asyncio.Event()
        self._tools = toolbox
        self._config = config
        self._release = release
        self._outbox = EventOutbox(toolbox.events)
        emit = self._outbox.emit
        self._life = SessionLife(record, toolbox, config, emit)
        self.loaded = self._life.loaded
        self._talk = Conversation(self.id, record.settings, toolbox, config, emit)
        self._output = MediaOutput(self._talk, toolbox.encode_pool)
        self._peers = PeerSlot(self._output, toolbox.idle_cache, config.rtc, self._spawn, self._on_peer)
        self._expiry = Expiry(config, self._on_expiring, self._on_expired)
        self._inbox: asyncio.Queue[Delivery | Ending] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._group = asyncio.TaskGroup()
        self._is_speaking = self._has_peer = self._was_started = False

    async def submit(self, delivery: Delivery) -> None:
        """Queue a command behind the earlier ones; a flood is refused."""
        if self._inbox.qsize() >= MAX_PENDING_COMMANDS and not isinstance(delivery.command, CloseSession):
            await delivery.fail(TooMany("too many commands wait for this session; slow down"))
        else:
            self._inbox.put_nowait(delivery)

    def end(self, ending: Ending) -> None:
        """End the session for a reason of the server's own."""
        self._inbox.put_nowait(ending)

    def queue_position(self, position: int) -> None:
        """The place in the queue changed."""
        self._spawn(self._life.queued_at(position))

    async def run(self, ticket: Ticket) -> None:
        """Live until deleted, expired or told to end."""
        async with asyncio.TaskGroup() as publishing:
            publishing.create_task(self._outbox.run())
            try:
                async with self._group:
                    self._spawn(self._live(ticket))
                    await self._serve()
                    for task in self._tasks:
                        task.cancel()
            finally:
                self._life.abandon()
                self._tools.ticker.remove(self._output)
                self._outbox.close()

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # -- life

    async def _live(self, ticket: Ticket) -> None:
        if await self._life.prepare(ticket):
            self._expiry.running(self._config.admission.slot_session_seconds if ticket.slot else 0.0)
            await self._expiry.run()
        else:
            await asyncio.sleep(self._config.error_linger_seconds)
            self.end(Ending("error"))

    async def _serve(self) -> None:
        while True:
            item = await self._inbox.get()
            if isinstance(item, Ending):
                await self._close(item)
                return
            self._expiry.touch()
            if isinstance(item.command, CloseSession):
                await self._close(Ending("deleted", expired=None))
                await item.reply(Done())
                return
            if isinstance(item.command, ConnectPeer):
                self._spawn(self._answer(item, self._connect(item.command.sdp)))
            else:
                await self._answer(item, self._carry_out(item.command))

    async def _close(self, ending: Ending) -> None:
        await self._talk.interrupt()
        await self._life.move(SessionState.CLOSING)
        try:
            async with asyncio.timeout(self._config.close_timeout_seconds):
                await self._peers.close()
                await self._output.aclose()
                if self._life.face is not None:
                    await self._life.face.aclose()
        except TimeoutError:
            log.warning("session closed slowly", session_id=self.id)
        if ending.expired is not None:
            self._outbox.emit(ExpiredEvent(session_id=self.id, message=ending.expired))
        self._outbox.emit(TerminatedEvent(session_id=self.id, reason=ending.reason))
        await self._release()
        while not self._inbox.empty():
            left = self._inbox.get_nowait()
            if isinstance(left, Delivery):
                await left.fail(NotFound("session not found"))
        log.info("session ended", session_id=self.id, reason=ending.reason)

    # -- commands

    async def _answer(self, delivery: Delivery, work: Awaitable[Reply]) -> None:
        try:
            reply = await work
        except OpenTalkingError as error:
            await delivery.fail(error)
        except BaseException:
            await delivery.fail(Unavailable("the session ended before it could answer"))
            raise
        else:
            await delivery.reply(reply)

    async def _carry_out(self, command: object) -> Reply:
        match command:
            case StartSession():
                await self._start()
            case StartChat(turn_id=turn_id, prompt=prompt, voice=voice):
                await self._begin_turn(turn_id, prompt, voice, chat=True)
            case StartSpeak(turn_id=turn_id, text=text, voice=voice):
                await self._begin_turn(turn_id, text, voice, chat=False)
            case Interrupt(turn_id=only):
                await self._talk.interrupt(only)
        return Done()

    async def _start(self) -> None:
        if self._was_started:
            raise Conflict("the session was started before; it can be started once")
        if self._life.state not in CAN_TALK:
            raise Conflict(f"the session is {self._life.state}; it cannot be started now")
        self._was_started = True
        if self._life.state is SessionState.WORKER_READY:
            await self._life.move(SessionState.READY)

    async def _begin_turn(self, turn_id: str, text: str, voice: VoiceChoice, *, chat: bool) -> None:
        face = self._life.face
        if face is None or self._life.state not in CAN_TALK:
            raise Conflict(f"the session is {self._life.state}; it cannot talk yet")
        parts = self._talk.parts(turn_id, voice, face, self._output)
        await self._talk.start(Turn(turn_id, text, parts, chat=chat), self._spawn, self._on_speaking)

    async def _connect(self, sdp: str) -> Reply:
        if self._life.state is SessionState.QUEUED:
            raise Conflict("session is queued")
        try:
            async with asyncio.timeout(self._config.offer_wait_seconds):
                face = await asyncio.shield(self.loaded)
        except TimeoutError:
            raise Unavailable("the session is still loading; send the offer again") from None
        return Answer(sdp=await self._peers.answer(sdp, face))

    # -- what others tell

    async def _on_speaking(self, speaking: bool) -> None:
        self._keep_clock(is_speaking=speaking)
        if speaking:
            self._expiry.turn_began()
            if self._life.state is SessionState.WORKER_READY:
                await self._life.move(SessionState.READY)
            await self._life.move(SessionState.SPEAKING)
        else:
            self._expiry.turn_ended()
            if self._life.state is SessionState.SPEAKING:
                await self._life.move(SessionState.READY)

    def _on_peer(self, connected: bool) -> None:
        self._keep_clock(has_peer=connected)
        if connected:
            self._expiry.peer_connected()
        else:
            self._expiry.peer_lost()
        log.info("peer connected" if connected else "peer lost", session_id=self.id)

    def _keep_clock(self, *, is_speaking: bool | None = None, has_peer: bool | None = None) -> None:
        """Tick the output while somebody is there or a turn runs; an idle session alone costs nothing."""
        self._is_speaking = self._is_speaking if is_speaking is None else is_speaking
        self._has_peer = self._has_peer if has_peer is None else has_peer
        if self._is_speaking or self._has_peer:
            self._tools.ticker.add(self._output)
        else:
            self._tools.ticker.remove(self._output)

    def _on_expiring(self, remaining_seconds: int) -> None:
        self._outbox.emit(ExpiringEvent(session_id=self.id, remaining_sec=remaining_seconds))

    def _on_expired(self, reason: ExpiryReason) -> None:
        self.end(Ending(reason, expired=reason))

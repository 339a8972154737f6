"""One live session: its commands in order, its turn, its peer, its end."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial

import structlog

from opentalking.core.commands import (
    CloseSession,
    Command,
    ConnectPeer,
    CopySaid,
    Done,
    ExpectSound,
    GetRecording,
    Interrupt,
    Listen,
    Reply,
    ReportSilence,
    StartChat,
    StartPlay,
    StartRecognition,
    StartRecording,
    StartSession,
    StartSpeak,
    StopRecording,
)
from opentalking.core.errors import Conflict, NotFound
from opentalking.core.events import Event, ExpiredEvent, ExpiringEvent, TerminatedEvent
from opentalking.core.media import Samples
from opentalking.core.ports import SESSION_ENDED, Delivery
from opentalking.core.sessions import SessionRecord, SessionState
from opentalking.core.turns import HeardTimes
from opentalking.engine.admission import Ticket
from opentalking.engine.belongings import Belongings
from opentalking.engine.config import EngineConfig, Toolbox
from opentalking.engine.ear import Ear, EarParts, EarWays
from opentalking.engine.expiry import Expiry
from opentalking.engine.hearing import Hearing
from opentalking.engine.inbox import Ending, Inbox, Moved
from opentalking.engine.looks import Looks
from opentalking.engine.on_air import OnAir
from opentalking.engine.outbox import EventOutbox
from opentalking.engine.recording import Recording
from opentalking.engine.state import SessionLife
from opentalking.engine.talk import Conversation

log = structlog.get_logger(__name__)


StartTurn = StartChat | StartSpeak | StartPlay


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
        self._config = config
        self._release = release
        self._outbox = EventOutbox(toolbox.events)
        self._life = SessionLife(record, toolbox, config, self._outbox.emit)
        self.loaded = self._life.loaded
        self._talk = Conversation(self.id, record.settings, toolbox, config, self._emit, self._on_speaking)
        self._air = OnAir(self._talk, toolbox, config, self._spawn, self._on_peer, self.hear)
        able = toolbox.renderers[record.settings.model].capabilities.looks
        self._looks = Looks(self._air.output, lambda: self._life.face, able=able)
        self._expiry = Expiry(config, self._on_expiring, lambda why: self.end(Ending(why, expired=why)))
        touch = self._expiry.touch
        self._hearing = Hearing(self.id, record.settings, toolbox, config, emit=self._emit, touch=touch)
        lent = EarParts(self.id, toolbox, self._air.output, self._hearing, self._talk, self._emit)
        ways = EarWays(self._begin_turn, touch, self._spawn, lambda: self._life.can_talk)
        self._ear = Ear(lent, ways, record.settings.turn_taking or config.turn_taking)
        self._recording = Recording(
            self._life, self._air, toolbox, config.recordings, self._emit, self._expiry.in_use
        )
        held = [self._recording.aclose, self._air.aclose, self._talk.said.aclose, self._life.aclose]
        self._belongings = Belongings(self.id, config.close_timeout_seconds, held)
        self._inbox = Inbox(self._hearing.refused)
        self._tasks: set[asyncio.Task[None]] = set()
        self._group = asyncio.TaskGroup()

    async def submit(self, delivery: Delivery) -> None:
        """Queue a command behind the earlier ones; a flood is refused."""
        await self._inbox.submit(delivery)

    def end(self, ending: Ending) -> None:
        """End the session for a reason of the server's own."""
        self._inbox.tell(ending)

    def hear(self, sound: Samples) -> None:
        """Take a piece of the microphone's sound: mono int16 at 16 kHz, in order."""
        self._ear.hear(sound)

    def queue_position(self, position: int) -> None:
        """The place in the queue changed."""
        self._inbox.tell(Moved(position))

    async def run(self, ticket: Ticket) -> None:
        """Live until deleted, expired or told to end."""
        async with asyncio.TaskGroup() as publishing:
            outbox = publishing.create_task(self._outbox.run())
            try:
                async with self._group:
                    self._living = self._spawn(self._live(ticket))
                    self._spawn(self._ear.run())
                    await self._serve()
                    for task in self._tasks:
                        task.cancel()
            finally:
                await self._belongings.free()
                await self._inbox.close()
                self._outbox.close()
                # After a crash, too, what was said is published.
                await asyncio.wait({outbox}, timeout=self._config.close_timeout_seconds)

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # -- life

    async def _live(self, ticket: Ticket) -> None:
        if await self._life.prepare(ticket):
            self._talk.meet(self._life.avatar)
            self._expiry.running(self._config.admission.slot_session_seconds if ticket.slot else 0.0)
            await self._expiry.run()
        else:
            ticket.leave()
            await asyncio.sleep(self._config.error_linger_seconds)
            self.end(Ending("error"))

    async def _serve(self) -> None:
        is_over = False
        while not is_over:
            item = await self._inbox.next()
            async with self._hearing.order:
                is_over = await self._take(item)

    async def _take(self, item: Delivery | Ending | Moved) -> bool:
        """Carry out one item; True when it was the session's last."""
        if isinstance(item, Ending):
            await self._close(item)
            return True
        if isinstance(item, Moved):
            await self._life.queued_at(item.position)
            return False
        self._expiry.touch()
        command = item.command
        match command:
            case CloseSession():
                await self._inbox.answer(item, partial(self._close, Ending("deleted", expired=None)))
                return True
            case ConnectPeer() | CopySaid() | StartRecording() | StopRecording():
                await self._set_aside(item, command)
            case StartRecognition() if self._life.can_talk:
                await self._set_aside(item, command)
            case _:
                await self._inbox.answer(item, partial(self._carry_out, command))
        return False

    async def _set_aside(self, item: Delivery, command: Command) -> None:
        """Begin a command whose end others do not wait for."""
        if not await self._inbox.set_aside(item):
            return
        work: Callable[[], Awaitable[Reply]]
        match command:
            case ConnectPeer():
                work = partial(self._air.connect, command.sdp, self._life.face_for_offer)
            case CopySaid():
                work = self._talk.said.copy_for(command.job_id)
            case StartRecognition():
                work = self._hearing.accept(command, self._begin_turn)
            case _:
                work = partial(self._carry_out, command)
        self._spawn(self._inbox.answer(item, work))

    async def _close(self, ending: Ending) -> Reply:
        self._living.cancel()
        self._ear.close()
        self._hearing.interrupt(error=NotFound("session not found"))
        await self._talk.interrupt(why=SESSION_ENDED)
        if ending.reason == "deleted":
            self._recording.session_deleted()
        await self._life.move(SessionState.CLOSING)
        await self._belongings.free()
        if ending.expired is not None:
            self._outbox.emit(ExpiredEvent(session_id=self.id, message=ending.expired))
        self._outbox.emit(TerminatedEvent(session_id=self.id, reason=ending.reason))
        await self._release()
        log.info("session ended", session_id=self.id, reason=ending.reason)
        return Done()

    # -- commands

    async def _carry_out(self, command: object) -> Reply:
        match command:
            case StartSession():
                await self._life.start()
            case StartChat() | StartSpeak() | StartPlay():
                await self._begin_turn(command)
            case StartRecognition():
                raise Conflict(f"the session is {self._life.state}; it cannot listen yet")
            case StartRecording() | StopRecording() | GetRecording():
                return await self._recording.carry_out(command)
            case ExpectSound():
                self._hearing.expect(command)
            case Listen():
                return self._ear.listen(command)
            case ReportSilence(after_ms=after_ms):
                self._talk.page_fell_silent(after_ms)
            case Interrupt(turn_id=only):
                self._hearing.interrupt(only)
                await self._talk.interrupt(only)
        return Done()

    async def _begin_turn(self, command: StartTurn, heard: HeardTimes | None = None) -> None:
        face, avatar = self._life.face, self._life.avatar
        if face is None or avatar is None or not self._life.can_talk:
            raise Conflict(f"the session is {self._life.state}; it cannot talk yet")
        self._hearing.overtake(command.turn_id)
        turn = await self._talk.turn(command, face, self._air.output, heard)
        await self._talk.start(turn, self._spawn)

    # -- what others tell

    def _emit(self, event: Event) -> None:
        self._outbox.emit(event)
        self._looks.told(event)
        self._recording.told(event)

    async def _on_speaking(self, speaking: bool) -> None:
        self._air.speaking(speaking)
        self._ear.turn_runs(speaking)
        self._expiry.in_use(speaking)
        await self._life.speaking(speaking)

    def _on_peer(self, connected: bool) -> None:
        self._expiry.peer(connected)
        self._ear.peer(connected)
        log.info("peer connected" if connected else "peer lost", session_id=self.id)

    def _on_expiring(self, remaining_seconds: int) -> None:
        self._outbox.emit(ExpiringEvent(session_id=self.id, remaining_sec=remaining_seconds))

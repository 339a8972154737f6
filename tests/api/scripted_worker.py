"""A stand-in for the engine's side of the bus, which does as it is told."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field

from opentalking.bus.memory import MemoryCommandBus, MemoryEventBus, MemorySessionStore
from opentalking.core.commands import (
    Answer,
    CloseSession,
    Command,
    ConnectPeer,
    CopySaid,
    Created,
    CreateSession,
    Done,
    ExpectSound,
    GetRecording,
    Interrupt,
    Listen,
    Listening,
    Recorded,
    Reply,
    ReportSilence,
    StartChat,
    StartPlay,
    StartRecording,
    StartSession,
    StartSpeak,
    StopRecording,
    Touch,
)
from opentalking.core.errors import Conflict, OpenTalkingError
from opentalking.core.events import (
    QueuedEvent,
    SpeechEndedEvent,
    SpeechStartedEvent,
    StateChangedEvent,
    TerminatedEvent,
)
from opentalking.core.ports import AudioOutlet, Delivery
from opentalking.core.sessions import SessionRecord, SessionState, transition

ANSWER_SDP = "v=0\r\ns=answer\r\n"


@dataclass
class ScriptedWorker:
    """Answers commands as told and remembers them; it renders nothing."""

    bus: MemoryCommandBus
    store: MemorySessionStore
    events: MemoryEventBus
    listening: Listening = field(default_factory=lambda: Listening(turn_taking="auto", talking=False))
    created: Created = field(default_factory=lambda: Created(status="created"))
    recorded: Recorded = field(default_factory=lambda: Recorded(state="idle"))
    refuse: dict[str, Exception] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    seen: list[Command] = field(default_factory=list)
    sounds: dict[str, AudioOutlet] = field(default_factory=dict)
    told_to_close: asyncio.Event = field(default_factory=asyncio.Event)
    creating: asyncio.Event = field(default_factory=asyncio.Event)
    may_create: asyncio.Event | None = None
    copy_said: Callable[[CopySaid], None] | None = None

    async def run(self) -> None:
        async with aclosing(self.bus.deliveries("worker")) as deliveries:
            async for delivery in deliveries:
                self.seen.append(delivery.command)
                await self._answer(delivery)

    def commands(self, *, with_touch: bool = False) -> list[Command]:
        quiet = () if with_touch else (Touch, ExpectSound)
        return [command for command in self.seen if not isinstance(command, quiet)]

    async def _answer(self, delivery: Delivery) -> None:
        kind = delivery.command.type
        if kind in self.silent:
            return
        try:
            if kind in self.refuse:
                raise self.refuse[kind]
            reply = await self._carry_out(delivery.command)
        except (OpenTalkingError, ZeroDivisionError) as error:
            await delivery.fail(error)
        else:
            await delivery.reply(reply)

    async def _carry_out(self, command: Command) -> Reply:
        match command:
            case CreateSession():
                self.creating.set()
                if self.may_create is not None:
                    await self.may_create.wait()
                await self._create(command)
                return self.created
            case ConnectPeer():
                return Answer(sdp=ANSWER_SDP)
            case StartRecording() | StopRecording() | GetRecording():
                return self.recorded
            case Listen():
                self._listen(command)
                return self.listening
            case StartSession():
                await self._start(command.session_id)
            case CloseSession():
                self.told_to_close.set()
                await self.close(command.session_id)
            case _:
                await self._do(command)
        return Done()

    def _listen(self, command: Listen) -> None:
        changes = {"turn_taking": command.turn_taking, "talking": command.talking}
        now = self.listening.model_copy(update={k: v for k, v in changes.items() if v is not None})
        if command.talking is not None and now.turn_taking != "push_to_talk":
            raise Conflict("there is no button; choose push_to_talk first")
        self.listening = now

    async def _do(self, command: Command) -> None:
        match command:
            case StartChat() | StartSpeak():
                await self._talk(command)
            case StartPlay():
                self.sounds[command.turn_id] = await self.bus.audio(command.stream_id)
            case CopySaid():
                if self.copy_said is None:
                    raise Conflict("the session has said nothing")
                self.copy_said(command)
            case Interrupt() | Touch() | ExpectSound() | ReportSilence():
                pass

    async def _create(self, command: CreateSession) -> None:
        states = {
            "queued": [],
            "initializing": [SessionState.INITIALIZING],
            "created": [SessionState.INITIALIZING, SessionState.WORKER_READY],
        }
        await self.bus.own(command.session_id, "worker")
        record = command.record.model_copy(update={"worker_id": "worker", "queue_position": 1})
        await self.store.put(record)
        if self.created.status == "queued":
            await self.events.publish(
                QueuedEvent(session_id=record.session_id, position=1, message="waiting")
            )
        for state in states[self.created.status]:
            await self.move(command.session_id, state)

    async def move(self, session_id: str, state: SessionState) -> None:
        record = await self.record(session_id)
        await self.store.put(transition(record, state))
        await self.events.publish(StateChangedEvent(session_id=session_id, state=state.value))

    async def record(self, session_id: str) -> SessionRecord:
        record = await self.store.get(session_id)
        assert record is not None
        return record

    async def _start(self, session_id: str) -> None:
        if (await self.record(session_id)).state is not SessionState.WORKER_READY:
            raise Conflict("session was started before")
        await self.move(session_id, SessionState.READY)

    async def _talk(self, command: StartChat | StartSpeak) -> None:
        text = command.prompt if isinstance(command, StartChat) else command.text
        ids = {"session_id": command.session_id, "turn_id": command.turn_id}
        await self.events.publish(SpeechStartedEvent(**ids, text=text))
        await self.events.publish(SpeechEndedEvent(**ids, text=text, reason="completed"))

    async def close(self, session_id: str) -> None:
        await self.events.publish(TerminatedEvent(session_id=session_id, reason="deleted"))
        await self.store.delete(session_id)
        await self.bus.disown(session_id)

"""The API over the memory bus, with a scripted stand-in for the engine's side of it."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import numpy as np
from fastapi import FastAPI

from apps.api.deps import ApiServices
from apps.api.main import create_app
from apps.api.server import make_server
from apps.api.sse import StreamTimes
from opentalking.bus.memory import MemoryCommandBus, MemoryEventBus, MemorySessionStore
from opentalking.catalog.avatars import AvatarCatalog
from opentalking.core.commands import (
    Answer,
    CloseSession,
    Command,
    ConnectPeer,
    Created,
    CreateSession,
    Done,
    Interrupt,
    Recorded,
    RecordingCommand,
    Reply,
    StartChat,
    StartSession,
    StartSpeak,
    Touch,
)
from opentalking.core.conversation import ChatModelInfo, Voice
from opentalking.core.errors import Conflict, InvalidInput, OpenTalkingError, ProviderError
from opentalking.core.events import (
    QueuedEvent,
    SpeechEndedEvent,
    SpeechStartedEvent,
    StateChangedEvent,
    TerminatedEvent,
)
from opentalking.core.media import Speech
from opentalking.core.ports import Delivery
from opentalking.core.sessions import SessionRecord, SessionState, transition
from opentalking.services.avatars import AvatarService
from opentalking.services.health import HealthInfo, QueueStatus
from opentalking.services.models import AlwaysConnected, Backend, ModelService, Reason
from opentalking.services.names import ProviderNames
from opentalking.services.recordings import RecordingService
from opentalking.services.sessions import Offered, SessionLimits, SessionPorts, SessionService
from opentalking.services.speech import SpeechLimits, SpeechService
from opentalking.services.voices import VoiceService

PNG = b"\x89PNG\r\n\x1a\n" + b"the bytes of a picture"
NAMES = ProviderNames(
    tts=frozenset({"local", "edge", "dashscope"}),
    stt=frozenset({"local", "dashscope"}),
    aliases={"qwen_tts": "dashscope"},
)
ANSWER_SDP = "v=0\r\ns=answer\r\n"


def write_bundle(root: Path, directory_name: str, **changes: Any) -> Path:
    """A bundle on disk; a change to None removes the key."""
    manifest = {"id": directory_name, "fps": 25, "sample_rate": 16000, "width": 512, "height": 640} | changes
    directory = root / directory_name
    directory.mkdir(parents=True)
    kept = {key: value for key, value in manifest.items() if value is not None}
    (directory / "manifest.json").write_text(json.dumps(kept), encoding="utf-8")
    return directory


@dataclass
class ScriptedWorker:
    """Answers commands as told and remembers them; it renders nothing."""

    bus: MemoryCommandBus
    store: MemorySessionStore
    events: MemoryEventBus
    created: Created = field(default_factory=lambda: Created(status="created"))
    recorded: Recorded = field(default_factory=lambda: Recorded(state="idle"))
    refuse: dict[str, Exception] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    seen: list[Command] = field(default_factory=list)
    told_to_close: asyncio.Event = field(default_factory=asyncio.Event)
    creating: asyncio.Event = field(default_factory=asyncio.Event)
    may_create: asyncio.Event | None = None

    async def run(self) -> None:
        async with aclosing(self.bus.deliveries("worker")) as deliveries:
            async for delivery in deliveries:
                self.seen.append(delivery.command)
                await self._answer(delivery)

    def commands(self, *, with_touch: bool = False) -> list[Command]:
        return [command for command in self.seen if with_touch or not isinstance(command, Touch)]

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
            case StartSession():
                await self._start(command.session_id)
            case StartChat() | StartSpeak():
                await self._talk(command)
            case CloseSession():
                self.told_to_close.set()
                await self.close(command.session_id)
            case Interrupt() | Touch():
                pass
            case _ if isinstance(command, RecordingCommand):
                return self.recorded
        return Done()

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


@dataclass
class ToneSpeaker:
    """A voice engine that hums 50 ms a character, in a rate of its own."""

    name: str
    trouble: str = ""
    fails: bool = False
    stalls: bool = False
    said: list[tuple[str, str | None, str | None]] = field(default_factory=list)

    def ready(self) -> str:
        return self.trouble

    def voices(self) -> Sequence[Voice]:
        return [
            Voice("joe", "Joe", self.name, language="en-US", gender="male", engine="hum", licence="CC0-1.0"),
            Voice("mei", "Mei 美", self.name, target_model="big", language="zh"),
        ]

    async def speak(
        self, text: str, voice: str | None = None, model: str | None = None
    ) -> AsyncGenerator[Speech, None]:
        if voice == "nobody":
            raise InvalidInput("voice is not known")
        self.said.append((text, voice, model))
        if self.stalls:
            await asyncio.Event().wait()
        if self.fails:
            raise ProviderError("the voice broke", stage="tts", provider=self.name)
        time_seconds = np.arange(22_050 * len(text) // 20) / 22_050
        yield Speech((8000 * np.sin(2 * np.pi * 220 * time_seconds)).astype(np.int16), 22_050, text)

    async def warm(self, voices: Sequence[str] = ()) -> None:
        pass

    async def aclose(self) -> None:
        pass


@dataclass
class SwitchedProbe:
    """A model that a test connects, disconnects, breaks or stalls."""

    id: str
    backend: Backend = "omnirt"
    result: tuple[bool, Reason] | Exception = (True, "omnirt")
    stalls: bool = False
    rounds: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    async def probe(self) -> tuple[bool, Reason]:
        self.rounds.release()
        if self.stalls:
            await asyncio.Event().wait()
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


class Api:
    """Services over the memory bus, the application, and the worker behind it."""

    def __init__(self, folder: Path, limits: SessionLimits | None = None) -> None:
        self.avatars_root = folder / "avatars"
        write_bundle(self.avatars_root, "demo-avatar", name="Demo")
        (self.avatars_root / "demo-avatar" / "preview.png").write_bytes(PNG)
        self.store, self.bus, self.events = MemorySessionStore(), MemoryCommandBus(), MemoryEventBus()
        self.worker = ScriptedWorker(self.bus, self.store, self.events)
        self.speakers = {
            "local": ToneSpeaker("local"),
            "edge": ToneSpeaker("edge", trouble="the package edge-tts is missing"),
        }
        self.remote = SwitchedProbe("wav2lip", result=(False, "omnirt_unavailable"))
        avatars = AvatarService(AvatarCatalog([self.avatars_root], 409_600))
        models = ModelService([AlwaysConnected("mock"), AlwaysConnected("portrait"), self.remote], "portrait")
        self.services = ApiServices(
            sessions=SessionService(
                SessionPorts(self.store, self.bus, self.events),
                Offered(avatars, models, NAMES),
                limits or SessionLimits(command_seconds=2.0, offer_seconds=2.0, close_seconds=2.0),
            ),
            avatars=avatars,
            voices=VoiceService(self.speakers, NAMES.aliases),
            speech=SpeechService(self.speakers, NAMES, "local", SpeechLimits(timeout_seconds=2.0)),
            recordings=RecordingService(self.store, self.bus, folder / "recordings"),
            models=models,
            events=self.events,
            health=lambda: HealthInfo(
                ChatModelInfo("builtin", "tiny", demo=True), "local", True, "local", False
            ),
            queue_status=self.queue_status,
            stream_times=StreamTimes(linger_seconds=0.3),
        )
        self.queue: QueueStatus | Exception = QueueStatus(slot_occupied=True, queue_size=2)

    async def queue_status(self) -> QueueStatus:
        if isinstance(self.queue, Exception):
            raise self.queue
        return self.queue

    def app(self) -> FastAPI:
        return create_app(self.services)

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx.AsyncClient]:
        """A client in this process, without a network."""
        app = self.app()
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with (
            running(self.worker.run()),
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://test") as client,
        ):
            yield client

    @asynccontextmanager
    async def served(self) -> AsyncIterator[str]:
        """The API on a loopback port; yields its base URL."""
        server = make_server(self.app(), "127.0.0.1", 0)
        async with running(self.worker.run()):
            serving = asyncio.create_task(server.serve())
            await asyncio.wait_for(server.ready.wait(), 10)
            try:
                yield f"http://127.0.0.1:{server.port}"
            finally:
                server.should_exit = True
                await asyncio.wait_for(serving, 10)


@asynccontextmanager
async def running(work: Any) -> AsyncIterator[None]:
    """Run a coroutine beside the block, until the block ends."""
    task = asyncio.create_task(work)
    await asyncio.sleep(0)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def new_session(client: httpx.AsyncClient, **fields: Any) -> str:
    """A session by the API; returns its id."""
    answer = await client.post("/sessions", json={"avatar_id": "demo-avatar", "model": "portrait"} | fields)
    assert answer.status_code == 200, answer.text
    session_id = answer.json()["session_id"]
    assert isinstance(session_id, str)
    return session_id


@dataclass(frozen=True)
class Heard:
    """One event of a stream, or a comment (then only `comment` is set)."""

    event: str = ""
    id: str | None = None
    data: Any = None
    comment: str | None = None


class EventReader:
    """Reads a session's event stream as a browser would."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response

    async def anything(self) -> Heard | None:
        """The next event or comment; None at the end."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(10):
            while raw := await self.response.content.readline():
                line = raw.decode().rstrip("\n")
                if line.startswith(":"):
                    return Heard(comment=line[1:].strip())
                if line:
                    name, _, value = line.partition(": ")
                    fields[name] = value
                elif fields:
                    return Heard(fields["event"], fields.get("id"), json.loads(fields["data"]))
        return None

    async def next(self) -> Heard | None:
        """The next event; None at the end."""
        heard = await self.anything()
        while heard is not None and heard.comment is not None:
            heard = await self.anything()
        return heard

    async def event(self) -> Heard:
        """The next event; there must be one."""
        heard = await self.next()
        assert heard is not None, "the stream ended"
        return heard

    async def until(self, event: str) -> list[Heard]:
        """Events up to and including the next one of this name."""
        found: list[Heard] = []
        while not found or found[-1].event != event:
            found.append(await self.event())
        return found


@asynccontextmanager
async def follow(url: str, session_id: str, **options: Any) -> AsyncIterator[EventReader]:
    """Subscribe to a session's events over a real connection."""
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as client,
        client.get(f"{url}/sessions/{session_id}/events", **options) as response,
    ):
        yield EventReader(response)

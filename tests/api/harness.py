"""The API over the memory bus, with a scripted stand-in for the engine's side of it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import httpx
from fastapi import FastAPI

from apps.api.connections import ConnectionLimits
from apps.api.deps import ApiServices
from apps.api.main import create_app
from apps.api.server import make_server
from apps.api.sse import StreamTimes
from opentalking.bus.memory import MemoryCommandBus, MemoryEventBus, MemorySessionStore
from opentalking.catalog.avatars import AvatarCatalog
from opentalking.catalog.uploads import SampleUploads
from opentalking.catalog.voices import VoiceCatalog
from opentalking.core.conversation import ChatModelInfo
from opentalking.core.sessions import SessionSettings
from opentalking.services.avatars import AvatarService
from opentalking.services.exports.service import ExportConfig, ExportService
from opentalking.services.health import HealthInfo, QueueStatus
from opentalking.services.listening import ListeningService
from opentalking.services.models import AlwaysConnected, ModelService
from opentalking.services.names import ProviderNames
from opentalking.services.playing import PlayLimits, PlayService
from opentalking.services.playout import PlayoutService
from opentalking.services.recognition import RecognitionService
from opentalking.services.recordings import RecordingService
from opentalking.services.sessions import Offered, SessionLimits, SessionPorts, SessionService
from opentalking.services.speech import SpeechLimits, SpeechService
from opentalking.services.voice_choice import VoiceChoices
from opentalking.services.voice_clones import VoiceCloneService
from opentalking.services.voices import VoiceService
from tests.api.scripted_parts import SwitchedProbe, ToneSpeaker
from tests.api.scripted_worker import ANSWER_SDP, ScriptedWorker
from tests.support.studio import studio_of

__all__ = ["ANSWER_SDP", "ScriptedWorker", "SwitchedProbe", "ToneSpeaker"]

PNG = b"\x89PNG\r\n\x1a\n" + b"the bytes of a picture"
NAMES = ProviderNames(
    tts=frozenset({"local", "edge", "dashscope"}),
    stt=frozenset({"local", "dashscope"}),
    aliases={"qwen_tts": "dashscope"},
)


def write_bundle(root: Path, directory_name: str, **changes: Any) -> Path:
    """A bundle on disk; a change to None removes the key."""
    manifest = {"id": directory_name, "fps": 25, "sample_rate": 16000, "width": 512, "height": 640} | changes
    directory = root / directory_name
    directory.mkdir(parents=True, exist_ok=True)
    kept = {key: value for key, value in manifest.items() if value is not None}
    (directory / "manifest.json").write_text(json.dumps(kept), encoding="utf-8")
    return directory


def two_speakers() -> dict[str, ToneSpeaker]:
    """One that speaks and one that cannot."""
    trouble = "the package edge-tts is missing"
    return {"local": ToneSpeaker("local"), "edge": ToneSpeaker("edge", trouble=trouble)}


class Api:
    """Services over the memory bus, the application, and the worker behind it."""

    def __init__(
        self, folder: Path, limits: SessionLimits | None = None, exports: ExportConfig | None = None
    ) -> None:
        self.avatars_root = folder / "avatars"
        write_bundle(self.avatars_root, "demo-avatar", name="Demo")
        (self.avatars_root / "demo-avatar" / "preview.png").write_bytes(PNG)
        self.store, self.bus, self.events = MemorySessionStore(), MemoryCommandBus(), MemoryEventBus()
        self.worker = ScriptedWorker(self.bus, self.store, self.events)
        self.run_worker = self.worker.run
        self.speakers = two_speakers()
        self.remote = SwitchedProbe("wav2lip", result=(False, "omnirt_unavailable"))
        avatars = AvatarService(AvatarCatalog([self.avatars_root], 409_600))
        self.voice_catalog = VoiceCatalog(folder / "voices.sqlite3")
        self.voice_catalog.prepare()
        self.uploads = SampleUploads(folder / "uploads")
        voices = VoiceService(self.speakers, self.voice_catalog, NAMES.aliases)
        self.choices = VoiceChoices(voices, NAMES, "local", frozenset({"local"}))
        models = ModelService([AlwaysConnected("mock"), AlwaysConnected("portrait"), self.remote], "portrait")
        sessions = SessionService(
            SessionPorts(self.store, self.bus, self.events),
            Offered(avatars, models, NAMES, self.choices),
            limits or SessionLimits(command_seconds=2.0, offer_seconds=2.0, close_seconds=2.0),
        )
        studio, customisations = studio_of(folder, avatars, models)
        self.services = ApiServices(
            sessions=sessions,
            avatars=avatars,
            voices=voices,
            clones=VoiceCloneService(voices, self.voice_catalog, {}, self.uploads),
            studio=studio,
            customisations=customisations,
            speech=SpeechService(self.speakers, self.choices, "local", SpeechLimits(timeout_seconds=2.0)),
            playing=PlayService(sessions, self.bus, PlayLimits(command_seconds=2.0)),
            recordings=RecordingService(self.store, self.bus, folder / "recordings"),
            models=models,
            exports=ExportService(
                folder / "recordings", SessionPorts(self.store, self.bus, self.events), avatars, exports
            ),
            recognition=RecognitionService(sessions, self.bus, NAMES),
            listening=ListeningService(sessions, self.bus),
            playout=PlayoutService(sessions, self.bus),
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

    async def new_session(self) -> str:
        """A session that can talk, without HTTP; the worker must be running."""
        wanted = SessionSettings(avatar_id="demo-avatar", model="portrait")
        session_id, _ = await self.services.sessions.create(wanted)
        return session_id

    def app(self) -> FastAPI:
        return create_app(self.services)

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx.AsyncClient]:
        """A client in this process, without a network."""
        app = self.app()
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with (
            running(self.run_worker()),
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://test") as client,
        ):
            yield client

    @asynccontextmanager
    async def served(self, connections: ConnectionLimits | None = None) -> AsyncIterator[str]:
        """The API on a loopback port; yields its base URL."""
        server = make_server(self.app(), "127.0.0.1", 0, connections=connections)
        async with running(self.run_worker()):
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

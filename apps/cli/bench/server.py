"""A real server in a process of its own, as the benchmark's subject."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import psutil

from apps.cli.bench.clips import Clip, wav_clip
from opentalking.rtc.receiver import PacketClient

START_SECONDS = 60.0
WARM_SECONDS = 120.0
_CHILDREN = {
    "tts": "engines.piper",
    "kokoro": "engines.kokoro",
    "llm": "engines.llm",
    "stt": "engines.whisper",
    "vad": "engines.ears",
}
QUICK_VOICE = "en_US-joe-medium"


@dataclass(frozen=True, slots=True)
class CpuTimes:
    """CPU seconds used so far: `media` is the server's own process, the others its model processes."""

    media: float
    tts: float
    kokoro: float
    llm: float
    stt: float
    vad: float


class Told(NamedTuple):
    """An event: its arrival (monotonic seconds), name and payload."""

    at: float
    name: str
    data: dict[str, Any]


class Events:
    """The events of a session as they come."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self._changed = asyncio.Event()

    async def read(self, stream: httpx.Response) -> None:
        """Keep everything but `frame` until the stream ends."""
        name = ""
        async for line in stream.aiter_lines():
            field, _, value = line.partition(": ")
            if field == "event":
                name = value
            elif field == "data" and name not in ("ping", "frame"):
                self.told.append(Told(time.monotonic(), name, json.loads(value)))
                self._changed.set()

    def since(self, moment: float, *names: str) -> list[Told]:
        """Events of these names that came after a moment."""
        return [event for event in self.told if event.at > moment and event.name in names]

    async def until(
        self, name: str, since: float, turn_id: str | None = None, timeout_seconds: float = 30.0
    ) -> Told:
        """The first event of this name (and turn) after a moment; raises `TimeoutError`."""
        async with asyncio.timeout(timeout_seconds):
            while True:
                for event in self.since(since, name):
                    if turn_id in (None, event.data.get("turn_id")):
                        return event
                self._changed.clear()
                await self._changed.wait()


class Subject:
    """The running server: its API, and what its processes use."""

    def __init__(self, pid: int, api: httpx.AsyncClient, healthy_ms: float) -> None:
        self.api = api
        self.healthy_ms = healthy_ms
        self._process = psutil.Process(pid)

    def cpu(self) -> CpuTimes:
        """CPU seconds of the server and of its model processes."""
        used = dict.fromkeys(_CHILDREN, 0.0)
        for child in self._process.children(recursive=True):
            line = " ".join(child.cmdline())
            for kind, module in _CHILDREN.items():
                if module in line:
                    used[kind] += _seconds(child)
        return CpuTimes(_seconds(self._process), **used)

    def rss_mb(self) -> float:
        """Resident memory of the server's own process, MB."""
        return float(self._process.memory_info().rss) / 1e6

    async def post(self, path: str, body: Mapping[str, object] | None = None) -> dict[str, str]:
        """POST and parse; raises `httpx.HTTPStatusError`."""
        reply = await self.api.post(path, json=body or {})
        reply.raise_for_status()
        parsed: dict[str, str] = reply.json()
        return parsed

    async def hear_once(self, voice: str, text: str) -> None:
        """Let a voice speak outside any session, so that it is loaded; raises `httpx.HTTPStatusError`."""
        (await self.api.post("/tts/preview", json={"text": text, "voice": voice})).raise_for_status()

    async def clip(self, text: str, voice: str) -> Clip:
        """A text said by one of the server's voices; raises `httpx.HTTPStatusError`."""
        reply = await self.api.post("/tts/preview", json={"text": text, "voice": voice})
        reply.raise_for_status()
        return wav_clip(reply.content, text)

    @asynccontextmanager
    async def session(self, voice: str = QUICK_VOICE, **more: str) -> AsyncIterator[str]:
        """A session of the default avatar, deleted at the end; with `voice` "" the avatar's own speaks."""
        wanted = {"avatar_id": "demo-avatar", "model": "portrait", **more}
        made = await self.post("/sessions", {**wanted, "tts_voice": voice} if voice else wanted)
        try:
            yield made["session_id"]
        finally:
            await self.api.delete(f"/sessions/{made['session_id']}")

    @asynccontextmanager
    async def peer(
        self, session_id: str, *, keep: bool, microphone: bool = False, echo_db: float | None = None
    ) -> AsyncIterator[PacketClient]:
        """A connected client."""
        client = PacketClient(keep=keep, microphone=microphone, echo_db=echo_db)
        try:
            offer = {"sdp": await client.offer(), "type": "offer"}
            answer = await self.post(f"/sessions/{session_id}/webrtc/offer", offer)
            await client.accept(answer["sdp"])
            yield client
        finally:
            await client.close()

    @asynccontextmanager
    async def events(self, session_id: str) -> AsyncIterator["Events"]:
        """What the session tells from now on."""
        events = Events()
        async with self.api.stream("GET", f"/sessions/{session_id}/events", timeout=None) as stream:
            reading = asyncio.create_task(events.read(stream))
            try:
                yield events
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)

    async def until_event(self, session_id: str, name: str, began: asyncio.Event) -> None:
        """Wait for the next event of this name; `began` is set when the stream is open."""
        async with self.api.stream("GET", f"/sessions/{session_id}/events", timeout=60) as stream:
            async for line in stream.aiter_lines():
                began.set()
                if line == f"event: {name}":
                    return


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


@asynccontextmanager
async def running_server(environment: dict[str, str], log: Path) -> AsyncIterator[Subject]:
    """Start a server on a free loopback port, wait until it is warm; its log goes to `log`."""
    command = (sys.executable, "-m", "apps.cli", "serve", "--host", "127.0.0.1", "--port", "0")
    pipe = asyncio.subprocess.PIPE
    started = time.monotonic()
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe, env=environment)
    assert process.stdout is not None  # noqa: S101 - asked for above
    assert process.stderr is not None  # noqa: S101
    warm = asyncio.Event()
    copying = asyncio.create_task(_copy_log(process.stderr, log, warm))
    try:
        async with asyncio.timeout(START_SECONDS):
            line = (await process.stdout.readline()).decode()
        base = f"http://127.0.0.1:{line.rsplit(':', 1)[-1].strip()}"
        async with httpx.AsyncClient(base_url=base, timeout=60) as api:
            (await api.get("/healthz")).raise_for_status()
            healthy_ms = (time.monotonic() - started) * 1000
            async with asyncio.timeout(WARM_SECONDS):
                await warm.wait()
            yield Subject(process.pid, api, healthy_ms)
    finally:
        process.terminate()
        await process.wait()
        await copying


async def _copy_log(stream: asyncio.StreamReader, log: Path, warm: asyncio.Event) -> None:
    lines: list[bytes] = []
    async for line in stream:
        lines.append(line)
        if _event(line) == "warm":
            warm.set()
    await asyncio.to_thread(log.write_bytes, b"".join(lines))


def _event(line: bytes) -> str:
    try:
        return str(json.loads(line).get("event", ""))
    except ValueError:
        return ""

"""A whole worker on virtual time, with the shipped fakes in place of models."""

import asyncio
import functools
import inspect
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from opentalking.audio.echo import EchoGuard
from opentalking.bus.memory import MemoryCommandBus, MemoryEventBus, MemorySessionStore
from opentalking.core.avatars import AvatarBundle
from opentalking.core.commands import (
    CloseSession,
    Command,
    Created,
    CreateSession,
    Interrupt,
    Reply,
    StartChat,
    StartSpeak,
)
from opentalking.core.errors import NotFound
from opentalking.core.events import Event, TerminatedEvent
from opentalking.core.ids import new_id
from opentalking.core.providers import ChatModel, Renderer, SpeechToText, TextToSpeech, TurnDetector
from opentalking.core.sessions import SessionRecord, SessionSettings
from opentalking.core.turns import TurnObserver
from opentalking.engine.config import EngineConfig, Toolbox
from opentalking.engine.said import SaidSpool
from opentalking.engine.worker import Worker
from opentalking.media.clock import MediaTicker
from opentalking.media.idle import IdleCache
from opentalking.media.output import MediaOutput
from opentalking.providers.fake import FlatRenderer, ScriptedListener, ScriptedModel, ToneVoice
from tests.support.virtual_time import InlineExecutor, VirtualTimeLoop

Test = Callable[..., Coroutine[Any, Any, None]]


def virtual(test: Test) -> Callable[..., None]:
    """Run an async test on virtual time; tasks it leaves behind fail it."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        async def body() -> None:
            await test(*args, **kwargs)
            left = asyncio.all_tasks() - {asyncio.current_task()}
            assert not left, f"tasks left running: {left}"

        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            runner.run(body())

    # pytest must not see the coroutine function behind the wrapper
    del run.__wrapped__
    run.__signature__ = inspect.signature(test)  # type: ignore[attr-defined]  # its fixtures
    return run


class OneAvatar:
    """Knows the avatar "anna" and no other."""

    def __init__(self, metadata: dict[str, Any] | None = None) -> None:
        self._manifest = {"metadata": metadata or {}}

    async def bundle(self, avatar_id: str) -> AvatarBundle:
        if avatar_id != "anna":
            raise NotFound("avatar not found")
        return AvatarBundle("anna", "Anna", "fake", 16, 16, False, Path("/nonexistent"), self._manifest)


@dataclass
class Log:
    """Every event of one session, with the virtual second in which it came."""

    events: list[tuple[float, Event]] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, event: Event) -> None:
        self.events.append((asyncio.get_running_loop().time(), event))
        self._news.set()

    def of(self, kind: str, turn_id: str | None = None) -> list[Any]:
        return [e for _, e in self.events if e.type == kind and turn_id in (None, e.turn_id)]

    def kinds(self, turn_id: str | None = None) -> list[str]:
        """Names in order; `status` as "status:<stage>"; repeats of a name in a row are folded.

        Left out are `frame`, and `turn.metrics`, which tests/engine/test_turn_times.py looks at.
        """
        names: list[str] = []
        for _, event in self.events:
            if event.type in ("frame", "turn.metrics") or turn_id not in (None, event.turn_id):
                continue
            name = f"{event.type}:{event.stage}" if event.type in ("status", "tts") else event.type
            if not names or names[-1] != name:
                names.append(name)
        return names

    def when(self, kind: str, turn_id: str | None = None) -> float:
        return next(at for at, e in self.events if e.type == kind and turn_id in (None, e.turn_id))

    async def until(self, kind: str, turn_id: str | None = None, seconds: float = 600, count: int = 1) -> Any:
        """Wait for the `count`th event of a kind (virtual seconds)."""
        async with asyncio.timeout(seconds):
            while len(found := self.of(kind, turn_id)) < count:
                self._news.clear()
                await self._news.wait()
        return found[count - 1]


class Engine:
    """The running worker, and how a service would talk to it."""

    def __init__(self, toolbox: Toolbox, worker: Worker, group: asyncio.TaskGroup) -> None:
        self.tools = toolbox
        self.worker = worker
        self._group = group
        self._collectors: list[asyncio.Task[None]] = []

    async def create(self, model: str = "fake", **settings: Any) -> tuple[str, str, Log]:
        """Make a session: (id, status of the reply, its events so far and to come)."""
        session_id = new_id()
        log = self.listen(session_id)
        await asyncio.sleep(0)
        wanted = SessionSettings(**{"avatar_id": "anna", "model": model, **settings})
        record = SessionRecord(session_id=session_id, settings=wanted)
        reply = await self.call(CreateSession(session_id=session_id, record=record))
        assert isinstance(reply, Created)
        return session_id, reply.status, log

    def listen(self, session_id: str) -> Log:
        """Collect a session's events until its last one."""
        log = Log()

        async def collect() -> None:
            async with self.tools.events.subscribe(session_id) as subscription:
                while True:
                    event = (await subscription.next()).event
                    log.add(event)
                    if isinstance(event, TerminatedEvent):
                        return

        self._collectors.append(self._group.create_task(collect()))
        return log

    async def stop_listening(self) -> None:
        """Let the collectors take what is there, then end those whose session never was."""
        await asyncio.sleep(0.001)
        for collector in self._collectors:
            collector.cancel()

    async def call(self, command: Command) -> Reply:
        return await self.tools.commands.call(command, 60)

    async def chat(self, session_id: str, prompt: str) -> str:
        turn_id = new_id()
        await self.call(StartChat(session_id=session_id, turn_id=turn_id, prompt=prompt))
        return turn_id

    async def speak(self, session_id: str, text: str, **more: Any) -> str:
        turn_id = new_id()
        await self.call(StartSpeak(session_id=session_id, turn_id=turn_id, text=text, **more))
        return turn_id

    async def interrupt(self, session_id: str, turn_id: str | None = None) -> None:
        await self.call(Interrupt(session_id=session_id, turn_id=turn_id))

    async def delete(self, session_id: str) -> None:
        await self.call(CloseSession(session_id=session_id))


class WatchedTicker(MediaTicker):
    """A ticker that tells which outputs it drives."""

    def __init__(self) -> None:
        super().__init__(time=asyncio.get_running_loop().time)
        self.driven: set[MediaOutput] = set()

    def add(self, output: Any) -> None:
        self.driven.add(output)
        super().add(output)

    def remove(self, output: Any) -> None:
        self.driven.discard(output)
        super().remove(output)


@dataclass
class Parts:
    """What a test may replace."""

    speakers: Mapping[str, TextToSpeech] = field(default_factory=lambda: {"local": ToneVoice("local")})
    recognisers: Mapping[str, SpeechToText] = field(
        default_factory=lambda: {"local": ScriptedListener(name="local")}
    )
    chat_model: ChatModel = field(default_factory=ScriptedModel)
    renderers: dict[str, Renderer] = field(default_factory=lambda: {"fake": FlatRenderer()})
    config: EngineConfig = field(default_factory=EngineConfig)
    avatar: OneAvatar = field(default_factory=OneAvatar)
    said: SaidSpool | None = None
    observers: Sequence[TurnObserver] = ()
    turn_detector: TurnDetector | None = None
    echo_guard: Callable[[], EchoGuard] = EchoGuard


@asynccontextmanager
async def engine(parts: Parts | None = None) -> AsyncIterator[Engine]:
    """A worker that runs while inside; it shuts down cleanly at the end."""
    parts = parts or Parts()
    executor = InlineExecutor()
    toolbox = Toolbox(
        events=MemoryEventBus(),
        commands=MemoryCommandBus(),
        store=MemorySessionStore(),
        avatars=parts.avatar,
        renderers=parts.renderers,
        speakers=parts.speakers,
        chat_model=parts.chat_model,
        ticker=WatchedTicker(),
        idle_cache=IdleCache(None, executor),
        encode_pool=executor,
        said=parts.said,
        recording_pool=executor,
        recognisers=parts.recognisers,
        observers=parts.observers,
        turn_detector=parts.turn_detector,
        echo_guard=parts.echo_guard,
        clock=asyncio.get_running_loop().time,
    )
    worker = Worker(toolbox, parts.config)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(worker.run())
        await asyncio.sleep(0)
        running_engine = Engine(toolbox, worker, group)
        yield running_engine
        running.cancel()
        await asyncio.wait({running})
        await running_engine.stop_listening()

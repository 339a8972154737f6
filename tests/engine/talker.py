"""Somebody at a microphone, on virtual time: what is loud is speech to a `FakeTurnDetector`."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Self

import numpy as np

from opentalking.audio.echo import Cleaned, EchoGuard
from opentalking.core.conversation import Transcript
from opentalking.core.media import Samples
from opentalking.core.turns import TurnTimes
from opentalking.engine.session import Session
from opentalking.providers.fake import FakeTurnDetector, ScriptedListener
from tests.engine.harness import Engine, Parts

PIECE_SECONDS = 0.02
PIECE_SAMPLES = 320


class NoEcho(EchoGuard):
    """The guard of a microphone that no loudspeaker is near to; it notes how loud what is played was."""

    def __init__(self) -> None:
        super().__init__()
        self.levels: list[tuple[float, int]] = []
        """For each 20 ms of sound that went out, when, and its peak."""

    def played(self, sound: Samples | None) -> None:
        if sound is not None:
            self.levels.append((asyncio.get_running_loop().time(), int(np.abs(sound).max())))

    def clean(self, near: Samples) -> Cleaned:
        return Cleaned(near, 0.0)


class Whispers(ScriptedListener):
    """A recogniser whose words come one after another; `pieces` are the lengths of what each utterance was.

    `text` may be changed between utterances. `languages` collects what it was told is spoken.
    """

    def __init__(self, text: str = "hello there", **more: Any) -> None:
        super().__init__(text, "local", **more)
        self.pieces: list[list[int]] = []
        self.languages: list[str | None] = []

    async def transcribe(
        self, audio: AsyncIterator[Samples], language: str | None = None
    ) -> AsyncGenerator[Transcript, None]:
        self.languages.append(language)
        pieces: list[int] = []
        self.pieces.append(pieces)

        async def noted() -> AsyncGenerator[Samples, None]:
            async for piece in audio:
                pieces.append(len(piece))
                yield piece

        async for transcript in super().transcribe(noted(), language):
            yield transcript


@dataclass
class Observed:
    """A `TurnObserver` that remembers."""

    outcomes: list[str] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    silences: list[int] = field(default_factory=list)
    turns: list[TurnTimes] = field(default_factory=list)

    def turn_ended(self, times: TurnTimes) -> None:
        self.turns.append(times)

    def stage_failed(self, stage: str, code: str) -> None:
        self.failures.append((stage, code))

    def page_fell_silent(self, after_ms: int) -> None:
        self.silences.append(after_ms)

    def barge_in(self, outcome: Literal["ducked", "resumed", "interrupted"]) -> None:
        self.outcomes.append(outcome)


def listening(**more: Any) -> Parts:
    """Parts of an engine that hears microphones."""
    recogniser = more.pop("recogniser", None)
    if recogniser is not None:
        more["recognisers"] = {"local": recogniser}
    return Parts(**{"turn_detector": FakeTurnDetector(), "echo_guard": NoEcho, **more})


class Talker:
    """Sends 20 ms of sound each 20 ms to a session, silent unless it is told to speak."""

    def __init__(self, engine: Engine, session_id: str) -> None:
        session = engine.worker.session(session_id)
        assert session is not None
        self._session: Session = session
        self._loud = (0.0, 0.0)
        self.is_sending = True
        self.stopped_at = 0.0
        """When the last piece of speech was sent."""

    async def __aenter__(self) -> Self:
        self._sending = asyncio.create_task(self._send())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sending.cancel()
        with suppress(asyncio.CancelledError):
            await self._sending

    def begin(self, seconds: float = 1000.0) -> None:
        """Speak for so long, from the next piece on."""
        now = asyncio.get_running_loop().time()
        self._loud = (now, now + seconds)

    async def say(self, seconds: float, pause: float = 0.0) -> None:
        """Speak, then pause."""
        self.begin(seconds)
        await asyncio.sleep(seconds + pause)

    async def _send(self) -> None:
        loop = asyncio.get_running_loop()
        loud = np.tile(np.array([3000, -3000], np.int16), PIECE_SAMPLES // 2)
        quiet = np.zeros(PIECE_SAMPLES, np.int16)
        at = loop.time()
        while True:
            at += PIECE_SECONDS
            await asyncio.sleep(at - loop.time())
            # A microphone tells of the 20 ms that have just gone by.
            begins, ends = self._loud
            is_loud = begins - 1e-9 <= at - PIECE_SECONDS < ends - 1e-9
            if is_loud:
                self.stopped_at = at
            if self.is_sending:
                self._session.hear(loud if is_loud else quiet)

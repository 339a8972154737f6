"""Shipped stand-ins for models: they speak tones, answer from a list and draw flat pictures.

For tests and for trying the server without any model file; they never pretend to be more.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from opentalking.core.avatars import AvatarBundle
from opentalking.core.conversation import ChatModelInfo, Delta, Message, Transcript, Voice
from opentalking.core.errors import ProviderError
from opentalking.core.media import FPS, I420, Samples, Segment, Speech, WordTiming
from opentalking.core.providers import VAD_FRAME_SAMPLES, Look, RendererCapabilities
from opentalking.providers.render.timeline import SpeechTimeline

_RATE = 16_000
_SECONDS_PER_WORD = 0.3


class ToneVoice:
    """A `TextToSpeech` that speaks each word as 0.3 s of a tone; text with `fail_on` in it fails.

    `delay_seconds` is waited before each sentence's sound; `spoken` collects the texts asked for,
    `voiced` the voices asked for with them.
    """

    def __init__(
        self,
        name: str = "fake",
        *,
        fail_on: str = "",
        delay_seconds: float = 0.0,
        voices: Sequence[str] = ("tone",),
    ) -> None:
        self.name = name
        self.spoken: list[str] = []
        self.voiced: list[str | None] = []
        self._voices = voices
        self._fail_on = fail_on
        self._delay_seconds = delay_seconds

    def ready(self) -> str:
        """Always ready."""
        return ""

    def voices(self) -> Sequence[Voice]:
        """The voices it was made with; they sound the same."""
        return [Voice(name, name.title(), self.name) for name in self._voices]

    async def speak(
        self, text: str, voice: str | None = None, model: str | None = None
    ) -> AsyncGenerator[Speech, None]:
        """One piece per call, at 16 kHz, with word timings."""
        self.spoken.append(text)
        self.voiced.append(voice)
        await asyncio.sleep(self._delay_seconds)
        if self._fail_on and self._fail_on in text:
            raise ProviderError("told to fail", stage="tts", provider=self.name)
        words, offset = [], 0
        for number, word in enumerate(text.split()):
            start = text.index(word, offset)
            offset = start + len(word)
            begin = number * _SECONDS_PER_WORD
            words.append(WordTiming(word, start, offset, begin, begin + _SECONDS_PER_WORD))
        yield Speech(_tone(len(words) * _SECONDS_PER_WORD), _RATE, text, words=tuple(words))

    async def warm(self, voices: Sequence[str] = ()) -> None:
        """Nothing to warm."""

    async def aclose(self) -> None:
        """Nothing to close."""


class ScriptedModel:
    """A `ChatModel` that answers with what `script` makes of the messages, word by word."""

    def __init__(
        self,
        script: Callable[[Sequence[Message]], str] = lambda messages: f"You said: {messages[-1].content}.",
        *,
        delay_seconds: float = 0.0,
        fail_after_words: int | None = None,
    ) -> None:
        self.asked: list[tuple[Message, ...]] = []
        self._script = script
        self._delay_seconds = delay_seconds
        self._fail_after_words = fail_after_words

    def info(self) -> ChatModelInfo:
        """A model that says that it is a fake."""
        return ChatModelInfo("fake", "scripted", demo=True)

    async def reply(self, messages: Sequence[Message]) -> AsyncGenerator[Delta, None]:
        """The script's answer, a word at a time."""
        self.asked.append(tuple(messages))
        words = self._script(messages).split(" ")
        for number, word in enumerate(words):
            if number == self._fail_after_words:
                raise ProviderError("told to fail", stage="llm", provider="fake", retryable=True)
            await asyncio.sleep(self._delay_seconds)
            yield Delta(word if number == 0 else f" {word}")

    async def warm(self, system_prompt: str) -> None:
        """Nothing to warm."""

    async def aclose(self) -> None:
        """Nothing to close."""


class ScriptedListener:
    """A `SpeechToText` that hears `text` in every sound, after `delay_seconds`; `partials` come first.

    `heard` collects the lengths of the sounds in samples, `cancelled` counts the utterances it was kept from.
    """

    def __init__(
        self,
        text: str = "hello there",
        name: str = "fake",
        *,
        delay_seconds: float = 0.0,
        partials: Sequence[str] = (),
        fails: bool = False,
    ) -> None:
        self.name = name
        self.text = text
        self.delay_seconds = delay_seconds
        self.fails = fails
        self.heard: list[int] = []
        self.begun = 0
        self.cancelled = 0
        self._partials = partials

    def ready(self) -> str:
        """Always ready."""
        return ""

    async def transcribe(
        self, audio: AsyncIterator[Samples], language: str | None = None
    ) -> AsyncGenerator[Transcript, None]:
        """The partial transcripts with the first sound, the final one after the last."""
        self.begun += 1
        length = 0
        try:
            async for pcm in audio:
                for text in () if length else self._partials:
                    yield Transcript(text, is_final=False)
                length += len(pcm)
            await asyncio.sleep(self.delay_seconds)
        except BaseException:
            self.cancelled += 1
            raise
        self.heard.append(length)
        if self.fails:
            raise ProviderError("told to fail", stage="stt", provider=self.name)
        yield Transcript(self.text, is_final=True)

    async def warm(self) -> None:
        """Nothing to warm."""

    async def aclose(self) -> None:
        """Nothing to close."""


class LoudnessActivity:
    """A `VoiceActivity` that takes what is loud for speech; made by `FakeTurnDetector.open`."""

    def __init__(self, detector: "FakeTurnDetector") -> None:
        self._detector = detector
        self._left = np.zeros(0, np.int16)

    async def feed(self, pcm: Samples) -> Sequence[float]:
        """0.95 for each loud frame, 0.02 for the others."""
        await asyncio.sleep(self._detector.feed_delay_seconds)
        if self._detector.feed_fails:
            self._left = self._left[:0]
            raise ProviderError("told to fail", stage="vad", provider=self._detector.name, retryable=True)
        sound = np.concatenate([self._left, pcm])
        whole = len(sound) // VAD_FRAME_SAMPLES
        self._left = sound[whole * VAD_FRAME_SAMPLES :]
        frames = sound[: whole * VAD_FRAME_SAMPLES].reshape(whole, VAD_FRAME_SAMPLES) / 32768
        return [0.95 if rms > self._detector.level else 0.02 for rms in np.sqrt(np.mean(frames**2, axis=1))]


class FakeTurnDetector:
    """A `TurnDetector` that hears speech in every frame louder than `level` (RMS, a share of full scale).

    `end_of_turn` answers `probability` after `delay_seconds`, or the next of `script` while there are any;
    `asked` collects the lengths in samples that it was asked about. `fails` makes it raise, `feed_fails` its
    microphones, `reason` makes it not ready. All of these may be changed at any time.
    """

    def __init__(
        self,
        name: str = "fake",
        *,
        probability: float = 0.9,
        script: Sequence[float] = (),
        level: float = 0.01,
        delay_seconds: float = 0.0,
        reason: str = "",
    ) -> None:
        self.name = name
        self.probability = probability
        self.script = list(script)
        self.level = level
        self.delay_seconds = delay_seconds
        self.feed_delay_seconds = 0.0
        self.feed_fails = False
        self.fails = False
        self.reason = reason
        self.asked: list[int] = []
        self.opened = 0

    def ready(self) -> str:
        """The reason it was told to give."""
        return self.reason

    def open(self) -> LoudnessActivity:
        """One more microphone."""
        self.opened += 1
        return LoudnessActivity(self)

    async def end_of_turn(self, pcm: Samples) -> float:
        """What it was told to answer."""
        self.asked.append(len(pcm))
        probability = self.script.pop(0) if self.script else self.probability
        await asyncio.sleep(self.delay_seconds)
        if self.fails:
            raise ProviderError("told to fail", stage="vad", provider=self.name, retryable=True)
        return probability

    async def warm(self) -> None:
        """Nothing to warm."""

    async def aclose(self) -> None:
        """Nothing to close."""


class FlatFace:
    """A `LookingFace` of one grey: 16x16, its brightness follows the loudness of the frame's sound.

    `looks` collects the looks that it was asked for.
    """

    width = 16
    height = 16
    idle_key = "fake-flat-face"

    def __init__(self) -> None:
        self.looks: list[Look] = []

    def idle_frames(self) -> Iterator[I420]:
        """One second of dark grey."""
        for _ in range(FPS):
            yield _flat(40)

    async def render(
        self, speech: AsyncIterator[Speech], turn_id: str, idle_position: int = 0
    ) -> AsyncGenerator[Segment, None]:
        """A segment per piece, without a tail."""
        timeline = SpeechTimeline()
        async for piece in speech:
            timeline.add(piece)
            while timeline.ready_frames:
                count = min(5, timeline.ready_frames)
                pcm, marks = timeline.take(count)
                loudest = np.abs(pcm.reshape(count, -1).astype(np.int32)).max(axis=1)
                frames = tuple(_flat(40 + int(level) // 100) for level in loudest)
                yield Segment(turn_id, pcm, frames, marks)

    async def look(self, kind: Look, idle_position: int = 0) -> AsyncGenerator[I420, None]:
        """Light grey; back at rest after 5 frames."""
        self.looks.append(kind)
        shown = 0
        while kind != "rest" or shown < 5:
            yield _flat({"thinking": 150, "listening": 190, "rest": 100}[kind])
            shown += 1

    async def aclose(self) -> None:
        """Nothing to close."""


@dataclass
class FlatRenderer:
    """A `Renderer` of `FlatFace`s; opening takes `open_seconds` and may fail."""

    name: str = "fake"
    capabilities: RendererCapabilities = field(default_factory=RendererCapabilities)
    open_seconds: float = 0.0
    failure: ProviderError | None = None

    async def open(self, avatar: AvatarBundle) -> FlatFace:
        """A new face; the avatar does not matter."""
        await asyncio.sleep(self.open_seconds)
        if self.failure is not None:
            raise self.failure
        return FlatFace()

    async def aclose(self) -> None:
        """Nothing to close."""


def _tone(seconds: float) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    times = np.arange(round(seconds * _RATE)) / _RATE
    return (np.sin(2 * np.pi * 440 * times) * 8000).astype(np.int16)


def _flat(level: int) -> I420:
    return np.full((FlatFace.height * 3 // 2, FlatFace.width), min(level, 235), np.uint8)

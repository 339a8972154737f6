"""The embedded turn detector: Silero VAD and Smart Turn, each in a process of its own."""

import asyncio
import importlib.util
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np

import opentalking
from opentalking.core.errors import ProviderError, provider_errors
from opentalking.core.media import Samples
from opentalking.core.providers import RECOGNITION_RATE, VAD_FRAME_SAMPLES
from opentalking.inference.host import InferenceProcess, ProcessConfig

PROVIDER = "silero"
_STAGE = "vad"
WEIGHTS = ("silero_vad_v6.onnx", "smart_turn_v3.2.onnx")
_FOLDER = Path(opentalking.__file__).parent / "assets" / "models"
_CONTEXT_SAMPLES = 64
_HEARD_SAMPLES = 8 * RECOGNITION_RATE
_QUIET_PEAK = 16
"""−66 dB of full scale: below what the faintest speech has, above what silence has after a codec."""
_FORGET_FRAMES = 32
"""After about a second of quiet the network begins anew."""

_MOST_FRAMES = 125
"""More than 4 s go to the engine in several pieces: a long sound takes no longer than allowed."""

T = TypeVar("T")
Ask = Callable[[bytes, Samples], Awaitable[tuple[list[float], bytes]]]


@dataclass(frozen=True, slots=True)
class SileroConfig:
    """How long the detector may take, and how much it does at once.

    An answer that takes longer than `activity_seconds` or `end_of_turn_seconds` is none. `hearing` requests
    of microphones and `judging` ends of turns are worked on at once, each by one thread. At most
    `max_waiting` more of either wait; further ones fail at once. A process that is silent for
    `hung_seconds` is ended.
    """

    activity_seconds: float = 1.0
    end_of_turn_seconds: float = 0.6
    hearing: int = 1
    judging: int = 1
    max_waiting: int = 256
    start_timeout_seconds: float = 60.0
    hung_seconds: float = 5.0
    environment: Mapping[str, str] = field(default_factory=dict)


class SileroActivity:
    """`VoiceActivity` of one microphone; made by `SileroTurnDetector.open`.

    What is quieter than −66 dB of full scale is no speech and costs nothing; after a second of it, what came
    before is forgotten.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._sound = np.zeros(_CONTEXT_SAMPLES, np.int16)
        self._state = b""
        self._quiet_frames = 0

    async def feed(self, pcm: Samples) -> Sequence[float]:
        """The probability of speech in each frame that `pcm` completes; see `VoiceActivity.feed`."""
        sound = np.concatenate([self._sound, pcm])
        frames = (len(sound) - _CONTEXT_SAMPLES) // VAD_FRAME_SAMPLES
        self._sound = sound[frames * VAD_FRAME_SAMPLES :]
        found: list[float] = []
        for is_quiet, start, end in _stretches(sound[_CONTEXT_SAMPLES:], frames):
            if is_quiet:
                found += [0.0] * (end - start)
                self._missed(end - start)
            else:
                heard = sound[start * VAD_FRAME_SAMPLES : end * VAD_FRAME_SAMPLES + _CONTEXT_SAMPLES]
                found += await self._hear(heard, end - start)
        return found

    async def _hear(self, sound: Samples, frames: int) -> list[float]:
        try:
            found, self._state = await self._ask(self._state, sound)
        except ProviderError:
            self._missed(frames)
            raise
        self._quiet_frames = 0
        return found

    def _missed(self, frames: int) -> None:
        self._quiet_frames += frames
        if self._quiet_frames >= _FORGET_FRAMES:
            self._state = b""


class SileroTurnDetector:
    """`TurnDetector` with Silero VAD v6 and Smart Turn v3.2, for any number of microphones."""

    name = PROVIDER

    def __init__(self, config: SileroConfig | None = None) -> None:
        self._config = config = config or SileroConfig()
        self._is_installed = importlib.util.find_spec("onnxruntime") is not None
        self._ears = _process("ears", config, config.hearing)
        self._turn_ends = _process("turn_ends", config, config.judging)

    @property
    def pids(self) -> dict[str, int]:
        """Process ids of the engines that run, by the name of the engine."""
        found = {"ears": self._ears.pid, "turn_ends": self._turn_ends.pid}
        return {name: pid for name, pid in found.items() if pid is not None}

    def ready(self) -> str:
        """ "" when it can listen, else `package_missing` or `weights_missing` and the remedy; instant."""
        if not self._is_installed:
            return "package_missing: pip install 'opentalking[local]'"
        if missing := [name for name in WEIGHTS if not (_FOLDER / name).is_file()]:
            return f"weights_missing: {', '.join(missing)}; install opentalking anew"
        return ""

    def open(self) -> SileroActivity:
        """The voice activity of one microphone, from silence on."""
        return SileroActivity(self._activity)

    async def end_of_turn(self, pcm: Samples) -> float:
        """The probability that the speaker has finished; see `TurnDetector.end_of_turn`."""
        return await self._in_time(self._config.end_of_turn_seconds, self._judge(pcm))

    async def warm(self) -> None:
        """Load both networks and have them listen to half a second that is not speech."""
        self._refuse_unready()
        hum = (1000 * np.sin(np.arange(RECOGNITION_RATE // 2) / 51)).astype(np.int16)
        await self._hear(b"", hum[: _CONTEXT_SAMPLES + VAD_FRAME_SAMPLES])
        await self._judge(hum)

    async def aclose(self) -> None:
        """End the engines; idempotent."""
        await self._ears.aclose()
        await self._turn_ends.aclose()

    async def _activity(self, state: bytes, pcm: Samples) -> tuple[list[float], bytes]:
        return await self._in_time(self._config.activity_seconds, self._hear(state, pcm))

    async def _hear(self, state: bytes, pcm: Samples) -> tuple[list[float], bytes]:
        if not self._ears.running:
            self._refuse_unready()
        part = await self._ears.call("activity", {"state": len(state)}, state + pcm.tobytes())
        cut = len(part.data) - part.header["state"]
        return np.frombuffer(part.data[:cut], np.float32).tolist(), part.data[cut:]

    async def _judge(self, pcm: Samples) -> float:
        if not self._turn_ends.running:
            self._refuse_unready()
        part = await self._turn_ends.call("end_of_turn", {}, pcm[-_HEARD_SAMPLES:].tobytes())
        return float(part.header["probability"])

    async def _in_time(self, seconds: float, work: Awaitable[T]) -> T:
        with provider_errors(_STAGE, PROVIDER):
            async with asyncio.timeout(seconds):
                return await work

    def _refuse_unready(self) -> None:
        if reason := self.ready():
            raise ProviderError(f"{PROVIDER}: {reason}", stage=_STAGE, provider=PROVIDER)


def _process(engine: str, config: SileroConfig, threads: int) -> InferenceProcess:
    return InferenceProcess(
        ProcessConfig(
            module=f"opentalking.inference.engines.{engine}",
            stage=_STAGE,
            provider=PROVIDER,
            environment=config.environment,
            max_parallel=threads,
            max_waiting=config.max_waiting,
            start_timeout_seconds=config.start_timeout_seconds,
            part_timeout_seconds=config.hung_seconds,
            queue_timeout_seconds=config.hung_seconds,
        )
    )


def _stretches(sound: Samples, frames: int) -> Iterator[tuple[bool, int, int]]:
    """`(is quiet, first frame, frame behind the last)` of what is alike, at most `_MOST_FRAMES` at a time."""
    views = sound[: frames * VAD_FRAME_SAMPLES].reshape(frames, VAD_FRAME_SAMPLES)
    quiet = (views.max(axis=1, initial=0) <= _QUIET_PEAK) & (views.min(axis=1, initial=0) >= -_QUIET_PEAK)
    start = 0
    for frame in range(1, frames + 1):
        if frame == frames or quiet[frame] != quiet[start] or frame - start == _MOST_FRAMES:
            yield bool(quiet[start]), start, frame
            start = frame

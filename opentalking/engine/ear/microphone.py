"""A session's microphone: sound comes in as it is spoken, out come frames and how likely they are speech."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import structlog

from opentalking.audio.echo import EchoGuard
from opentalking.core.errors import ProviderError, provider_errors
from opentalking.core.media import Samples
from opentalking.core.providers import (
    RECOGNITION_RATE,
    VAD_FRAME_SAMPLES,
    TurnDetector,
    VoiceActivity,
)

MAX_WAITING_SAMPLES = 2 * RECOGNITION_RATE
FEED_SECONDS = 2.0
"""The longest that a decision about speech is waited for."""
TRY_AGAIN_SAMPLES = RECOGNITION_RATE
"""How much sound goes by before a detector that was not ready is asked again."""
UNAVAILABLE = "vad_unavailable"

T = TypeVar("T")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Frame:
    """`VAD_FRAME_SAMPLES` samples, and the probability that they are speech."""

    pcm: Samples
    probability: float


class Microphone:
    """Takes sound without waiting, at most 2 s ahead (the oldest is dropped), and listens to it in order.

    `on_failure` is told once of each failure of the detector, with a code and a message; what it could not
    judge is silence, and so is what a guard breaks at: a new one follows it.
    """

    def __init__(
        self,
        session_id: str,
        echo_guard: Callable[[], EchoGuard],
        detector: TurnDetector | None,
        on_failure: Callable[[str, str], None],
    ) -> None:
        self._session_id = session_id
        self._echo_guard = echo_guard
        self._guard = echo_guard()
        self._detector = detector
        self._on_failure = on_failure
        self._waiting: deque[Samples] = deque()
        self._waiting_samples = 0
        self._news = asyncio.Event()
        self._left = np.zeros(0, np.int16)
        self._activity: VoiceActivity | None = None
        self._retry_in = self._beginnings = 0
        self._is_failing = self._has_told_unavailable = self._has_overflowed = False
        self._has_guard_failed = False

    @property
    def unread(self) -> int:
        """Samples that came and are in no frame yet."""
        return self._waiting_samples + len(self._left)

    def played(self, sound: Samples | None) -> None:
        """Take 20 ms that the avatar was heard with, as `EchoGuard.played` does."""
        self._ask_guard(lambda guard: guard.played(sound))

    def hear(self, samples: Samples) -> None:
        """Take a piece of mono int16 at 16 kHz."""
        # At once: later, nobody could tell which of the played sound belongs to it.
        self._waiting.append(self._without_echo(samples))
        self._waiting_samples += len(samples)
        while self._waiting_samples > MAX_WAITING_SAMPLES:
            self._waiting_samples -= len(self._waiting.popleft())
            if not self._has_overflowed:
                self._has_overflowed = True
                log.warning(
                    "microphone heard too slowly; the oldest sound is lost", session_id=self._session_id
                )
        self._news.set()

    def wake(self) -> None:
        """Let `frames` return, with nothing if nothing came."""
        self._news.set()

    def start_anew(self) -> None:
        """Forget what was heard, also what is being judged: it counts as silence."""
        self._beginnings += 1
        self._waiting.clear()
        self._waiting_samples = 0
        self._left = self._left[:0]
        self._activity = None
        self._retry_in = 0

    async def frames(self, patience_seconds: float | None, *, detects: bool) -> list[Frame]:
        """The next frames. Silence of that length when nothing comes for `patience_seconds`.

        Without `detects` nothing is taken for speech.
        """
        try:
            async with asyncio.timeout(patience_seconds):
                await self._news.wait()
        except TimeoutError:
            silence = np.zeros(VAD_FRAME_SAMPLES, np.int16)
            count = round((patience_seconds or 0) * RECOGNITION_RATE / VAD_FRAME_SAMPLES)
            return [Frame(silence, 0.0)] * count
        sound, beginnings = self._take(), self._beginnings
        if not len(sound):
            return []
        probabilities = await self._speech(sound) if detects else [0.0] * (len(sound) // VAD_FRAME_SAMPLES)
        if beginnings != self._beginnings:
            return []
        pieces = sound.reshape(-1, VAD_FRAME_SAMPLES)
        return [Frame(pcm, p) for pcm, p in zip(pieces, probabilities, strict=True)]

    def _without_echo(self, samples: Samples) -> Samples:
        cleaned = self._ask_guard(lambda guard: guard.clean(samples))
        return np.zeros_like(samples) if cleaned is None else cleaned.pcm

    def _ask_guard(self, ask: Callable[[EchoGuard], T]) -> T | None:
        """None when the guard breaks."""
        try:
            return ask(self._guard)
        except Exception:
            if not self._has_guard_failed:
                log.exception("echo guard crashed; a new one begins", session_id=self._session_id)
            self._has_guard_failed = True
            self._guard = self._echo_guard()
            return None

    def _take(self) -> Samples:
        """All whole frames that are there."""
        self._news.clear()
        sound = np.concatenate([self._left, *self._waiting])
        self._waiting.clear()
        self._waiting_samples = 0
        whole = len(sound) - len(sound) % VAD_FRAME_SAMPLES
        self._left = sound[whole:]
        taken: Samples = sound[:whole]
        return taken

    async def _speech(self, sound: Samples) -> Sequence[float]:
        count = len(sound) // VAD_FRAME_SAMPLES
        activity = self._open(len(sound))
        if activity is None or self._detector is None:
            return [0.0] * count
        try:
            with provider_errors("vad", self._detector.name):
                async with asyncio.timeout(FEED_SECONDS):
                    probabilities = await activity.feed(sound)
            if len(probabilities) != count:
                raise ValueError(f"{len(probabilities)} probabilities for {count} frames")
        except ProviderError as error:
            self._failed(error.code, error.message)
            return [0.0] * count
        except Exception:
            if not self._is_failing:
                log.exception("turn detector crashed", session_id=self._session_id)
            self._failed("vad_failed", "the turn detector crashed; the log has details")
            self._activity = None
            return [0.0] * count
        self._is_failing = False
        return probabilities

    def _failed(self, code: str, message: str) -> None:
        if not self._is_failing:
            self._is_failing = True
            self._on_failure(code, message)

    def _open(self, samples: int) -> VoiceActivity | None:
        self._retry_in -= samples
        if self._activity is not None or self._retry_in > 0:
            return self._activity
        reason = self._detector.ready() if self._detector is not None else "no turn detector is installed"
        if self._detector is not None and not reason:
            self._activity = self._detector.open()
        else:
            self._retry_in = TRY_AGAIN_SAMPLES
            self._tell_unavailable(reason)
        return self._activity

    def _tell_unavailable(self, reason: str) -> None:
        if not self._has_told_unavailable:
            self._has_told_unavailable = True
            self._on_failure(UNAVAILABLE, f"the microphone is not heard: {reason}")

"""Sound, pictures and their timings, as they travel through a turn.

Inside a session all sound is 16-bit mono at `MEDIA_RATE`, all pictures are planar I420, and
one video frame lasts exactly `SAMPLES_PER_FRAME` samples, so that lips cannot drift from voice.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from opentalking.core.conversation import Emotion

MEDIA_RATE = 48_000
"""Sample rate inside a session, Hz."""
FPS = 25
SAMPLES_PER_FRAME = MEDIA_RATE // FPS
PACKET_SECONDS = 0.02
SAMPLES_PER_PACKET = int(MEDIA_RATE * PACKET_SECONDS)
PACKETS_PER_FRAME = SAMPLES_PER_FRAME // SAMPLES_PER_PACKET

Samples = NDArray[np.int16]
"""Mono PCM, shape (n,), int16."""
I420 = NDArray[np.uint8]
"""Planar YUV 4:2:0 (BT.601 limited), shape (height * 3 // 2, width), uint8; even sides."""


@dataclass(frozen=True, slots=True)
class PhonemeTiming:
    """One phoneme (IPA, stress merged into the vowel; "" is silence); seconds from the piece's start."""

    symbol: str
    start_seconds: float
    end_seconds: float


@dataclass(frozen=True, slots=True)
class WordTiming:
    """One word with its place in the chunk's `text` (character offsets) and in its sound (seconds)."""

    text: str
    text_start: int
    text_end: int
    start_seconds: float
    end_seconds: float


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the sound that the turn wants to hear about when it is played.

    `at_samples` counts from the start of the `Speech` or `Segment` that carries the mark.
    """

    kind: Literal["sentence_start", "sentence_end"]
    sentence_index: int
    at_samples: int


@dataclass(frozen=True, slots=True)
class Outlook:
    """What an engine knows of a whole sentence before all its sound is made.

    Times are seconds from the start of the sentence's first piece, offsets characters of the
    texts of all its pieces, joined.
    """

    seconds: float
    words: tuple[WordTiming, ...]


@dataclass(frozen=True, slots=True)
class Speech:
    """A piece of synthesised (or played) sound on its way to the face.

    `pcm` is mono int16 at `sample_rate`; providers use their own rate, the speak stage
    resamples to `MEDIA_RATE` before the face sees it. Timings are seconds from the piece's
    start, in order, without overlap. `ends_sentence` lets the face pad to a whole frame. The
    first piece of a sentence may carry an `outlook` on all of it. `emotion` is what the face shows
    while the piece sounds.
    """

    pcm: Samples
    sample_rate: int
    text: str = ""
    phonemes: tuple[PhonemeTiming, ...] = ()
    words: tuple[WordTiming, ...] = ()
    ends_sentence: bool = True
    marks: tuple[Mark, ...] = ()
    outlook: Outlook | None = None
    emotion: Emotion = "neutral"

    @property
    def seconds(self) -> float:
        """Duration in seconds."""
        return len(self.pcm) / self.sample_rate


@dataclass(frozen=True, slots=True)
class Segment:
    """Sound and the frames that belong to it, as one value.

    `len(pcm) == len(frames) * SAMPLES_PER_FRAME` at `MEDIA_RATE`; `marks` are relative to
    the segment's first sample.
    """

    turn_id: str
    pcm: Samples
    frames: tuple[I420, ...]
    marks: tuple[Mark, ...] = ()

    @property
    def seconds(self) -> float:
        """Duration in seconds."""
        return len(self.frames) / FPS

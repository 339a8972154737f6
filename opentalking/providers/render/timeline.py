"""Sound cut into whole video frames: carry, padding and marks, the same for every renderer."""

from collections import deque
from dataclasses import dataclass, replace

import numpy as np

from opentalking.core.media import MEDIA_RATE, SAMPLES_PER_FRAME, Mark, Samples, Speech


@dataclass(frozen=True, slots=True)
class _Placed:
    mark: Mark
    at: int
    inside: int
    """The sample that decides which segment carries the mark."""


class SpeechTimeline:
    """Takes pieces of speech as they come and hands out sound by the frame, sample-exact.

    Positions count samples at `MEDIA_RATE` from the start of the turn.
    """

    def __init__(self) -> None:
        self._waiting: deque[Samples] = deque()
        self._marks: deque[_Placed] = deque()
        self._start = 0
        self._end = 0

    @property
    def ready_frames(self) -> int:
        """How many whole frames can be taken."""
        return (self._end - self._start) // SAMPLES_PER_FRAME

    @property
    def start_frame(self) -> int:
        """Number of the frame that is taken next."""
        return self._start // SAMPLES_PER_FRAME

    @property
    def has_marks(self) -> bool:
        """Whether marks wait for a segment."""
        return bool(self._marks)

    def add(self, speech: Speech) -> int:
        """Append a piece; return the position of its first sample. A foreign rate raises `ValueError`."""
        if speech.sample_rate != MEDIA_RATE:
            raise ValueError(f"speech at {speech.sample_rate} Hz, the face wants {MEDIA_RATE} Hz")
        start, count = self._end, len(speech.pcm)
        if count:
            self._waiting.append(speech.pcm)
            self._end += count
        for mark in speech.marks:
            at = start + min(max(mark.at_samples, 0), count)
            # the very end of a piece belongs to that piece, not to what follows
            inside = at - 1 if count and at == start + count else at
            self._marks.append(_Placed(mark, at, inside))
        if speech.ends_sentence:
            self.pad()
        return start

    def pad(self) -> None:
        """Fill the last frame up with silence."""
        self.add_silence(-self._end % SAMPLES_PER_FRAME)

    def add_silence(self, samples: int) -> None:
        """Append `samples` of silence."""
        if samples:
            self._waiting.append(np.zeros(samples, np.int16))
            self._end += samples

    def take(self, frames: int) -> tuple[Samples, tuple[Mark, ...]]:
        """Remove `frames` frames of sound and the marks inside them, relative to their first sample."""
        wanted = frames * SAMPLES_PER_FRAME
        parts: list[Samples] = []
        missing = wanted
        while missing:
            part = self._waiting.popleft()
            if len(part) > missing:
                self._waiting.appendleft(part[missing:])
                part = part[:missing]
            parts.append(part)
            missing -= len(part)
        first, self._start = self._start, self._start + wanted
        marks: list[Mark] = []
        while self._marks and self._marks[0].inside < self._start:
            placed = self._marks.popleft()
            marks.append(replace(placed.mark, at_samples=max(0, placed.at - first)))
        return np.concatenate(parts).astype(np.int16, copy=False), tuple(marks)

"""A stretch of speech of which only the sound is known, as a piece of the mouth's plan."""

import numpy as np
from numpy.typing import NDArray

from opentalking.core.media import Samples
from opentalking.providers.render.sound.features import HOP_SECONDS
from opentalking.providers.render.sound.visemes import SoundShapes, SoundVisemes
from opentalking.providers.render.visemes import PARAMETERS, FaceParameters

Closures = list[tuple[float, FaceParameters]]
"""Moments (seconds from the turn's start) at which lips must have met, and their shape."""


class HeardSound:
    """Targets (n, 9) and loudness (n,) per hop from `start` seconds of the turn on; grows as sound comes."""

    def __init__(self, start: float) -> None:
        self.start = start
        self.targets = np.zeros((0, len(PARAMETERS)), np.float32)
        self.loudness: NDArray[np.float32] = np.zeros(0, np.float32)
        self._visemes = SoundVisemes()
        self._forgotten = 0

    @property
    def end(self) -> float:
        """Up to where the mouth is decided, seconds; about 80 ms less than the sound that came."""
        return self.start + (self._forgotten + len(self.targets)) * HOP_SECONDS

    def index(self, at: float) -> int:
        """The row of `targets` and `loudness` for the time `at`."""
        row = int((at - self.start) / HOP_SECONDS) - self._forgotten
        return min(len(self.targets) - 1, max(0, row))

    def feed(self, pcm: Samples) -> Closures:
        """More sound; returns the closures in what it decides."""
        return self._append(self._visemes.feed(pcm))

    def finish(self) -> Closures:
        """No more sound: decide what is left."""
        return self._append(self._visemes.finish())

    def forget(self, before: float) -> None:
        """Drop what lies more than a second before `before`."""
        rows = max(0, self.index(before - 1))
        self.targets, self.loudness = self.targets[rows:], self.loudness[rows:]
        self._forgotten += rows

    def _append(self, shapes: SoundShapes) -> Closures:
        first = self._forgotten + len(self.targets)
        self.targets = np.concatenate([self.targets, shapes.targets])
        self.loudness = np.concatenate([self.loudness, shapes.loudness])
        return [(self.start + (first + hop + 0.5) * HOP_SECONDS, target) for hop, target in shapes.closures]

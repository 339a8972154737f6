"""What goes out, in figures: of one turn, and of all sessions together."""

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal

from opentalking.core.media import FPS, Samples

PictureSource = Literal["speaking", "look", "idle"]
_RATE_SECONDS = 1.0
_STALE_SECONDS = 2.0


class TurnFigures:
    """When a turn's own sound and pictures went out, by `clock` (monotonic seconds)."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.last_sound_at: float | None = None
        """The last packet that was not silent through and through; a hole or a pause is not sound."""
        self.first_picture_at: float | None = None
        """The first picture that left; None where nobody takes pictures."""
        self._behind: Counter[int] = Counter()

    def sound(self, samples: Samples) -> None:
        """A packet of the turn goes out."""
        if samples.any():
            self.last_sound_at = self._clock()

    def picture(self, behind_frames: int) -> None:
        """A picture goes out whose own sound began so many pictures ago (0: it begins now)."""
        if self.first_picture_at is None:
            self.first_picture_at = self._clock()
        self._behind[behind_frames] += 1

    @property
    def av_offset_ms(self) -> float | None:
        """How far the pictures were behind their own sound when they left: the median over the turn.

        A whole number of pictures, as sound and picture leave on the same tick; what network and
        player add is not in it. None without pictures.
        """
        left = self._behind.total() / 2
        for frames, count in sorted(self._behind.items()):
            left -= count
            if left <= 0:
                return frames * 1000 / FPS
        return None


class TimeCounts:
    """A histogram of seconds: `counts[i]` of those up to `bounds[i]` (the last: of all above)."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(bounds) + 1)
        self.sum_seconds = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.sum_seconds += seconds

    def copy(self) -> "TimeCounts":
        """As it is now, for another thread to read."""
        same = TimeCounts(self.bounds)
        same.counts, same.sum_seconds = self.counts.copy(), self.sum_seconds
        return same


class OutputTotals:
    """The pictures of all outputs that share it; outputs of which nobody takes pictures count nothing."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.sent: dict[PictureSource, int] = {"speaking": 0, "look": 0, "idle": 0}
        """Pictures that went out, by where they came from."""
        self.dropped = 0
        """Pictures of turns that were due and did not go out: late, skipped, or never encoded."""
        self._window_began = clock()
        self._in_window = 0
        self._per_second = 0.0

    def picture(self, source: PictureSource) -> None:
        """One went out."""
        self.sent[source] += 1
        now = self._clock()
        lasted = now - self._window_began
        if lasted >= _RATE_SECONDS:
            self._per_second = self._in_window / lasted
            self._window_began, self._in_window = now, 0
        self._in_window += 1

    @property
    def per_second(self) -> float:
        """Pictures in the last whole second or so."""
        stale = self._clock() - self._window_began > _STALE_SECONDS
        return 0.0 if stale else self._per_second

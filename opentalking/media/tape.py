"""What a session puts out, kept in memory until somebody writes it down."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from opentalking.core.media import (
    FPS,
    PACKETS_PER_FRAME,
    SAMPLES_PER_FRAME,
    SAMPLES_PER_PACKET,
    Samples,
)
from opentalking.media.pictures import Shown

WAKE_UNITS = 5
"""The writer is woken for 200 ms at a time."""
MAX_PENDING_PICTURES = 2 * FPS
MAX_PENDING_BYTES = 15_000_000
"""Unencoded pictures that wait for the writer."""
MAX_PENDING_UNITS = 60 * FPS


@dataclass(frozen=True, slots=True)
class TapeUnit:
    """40 ms, `count` times over: one picture and its sound (None: silence)."""

    shown: Shown
    pcm: Samples | None
    count: int = 1


class Tape:
    """Collects an output's ticks (it is an `OutputTap`) in units of 40 ms, from the first even tick on.

    When the writer falls behind by more than 2 s or 15 MB of pictures, new pictures are left out
    (the one before stays, `held_pictures` counts them), never sound; a minute behind, the tape is
    `is_overrun` and takes no more. Skipped ticks become silence under a picture that stays.
    `wake` is called when there is something to write.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self.held_pictures = 0
        self.is_overrun = False
        self._wake = wake
        self._units: deque[TapeUnit] = deque()
        self._next_tick: int | None = None
        self._first_tick = 0
        self._shown: Shown = None
        self._first_half: Samples | None = None
        self._pending_pictures = self._pending_bytes = 0

    @property
    def milliseconds(self) -> int:
        """How much has gone by on the tape's clock."""
        ticks = 0 if self._next_tick is None else self._next_tick - self._first_tick
        return ticks * 1000 // (FPS * PACKETS_PER_FRAME)

    def tick(self, number: int, sound: Samples | None, shown: Shown) -> None:
        """20 ms went out."""
        begins_unit = number % PACKETS_PER_FRAME == 0
        if self.is_overrun or (self._next_tick is None and not begins_unit):
            return
        if self._next_tick is None:
            self._first_tick = number
        elif number > self._next_tick:
            self._add(TapeUnit(None, None, (number - self._next_tick) // PACKETS_PER_FRAME))
        self._next_tick = number + 1
        if begins_unit:
            self._shown, self._first_half = shown, sound
        else:
            self._add(TapeUnit(self._kept(self._shown), _joined(self._first_half, sound)))

    def take(self) -> list[TapeUnit]:
        """Everything that waits; whole units only."""
        units = list(self._units)
        self._units.clear()
        self._pending_pictures = self._pending_bytes = 0
        return units

    def _kept(self, shown: Shown) -> Shown:
        if shown is None:
            return None
        size = shown.nbytes if isinstance(shown, np.ndarray) else 0
        if self._pending_pictures >= MAX_PENDING_PICTURES or self._pending_bytes + size > MAX_PENDING_BYTES:
            self.held_pictures += 1
            return None
        self._pending_pictures += 1
        self._pending_bytes += size
        return shown

    def _add(self, unit: TapeUnit) -> None:
        if unit.count:
            self._units.append(unit)
        self.is_overrun = len(self._units) > MAX_PENDING_UNITS
        if len(self._units) >= WAKE_UNITS:
            self._wake()


def _joined(first: Samples | None, second: Samples | None) -> Samples | None:
    if first is None and second is None:
        return None
    pcm = np.zeros(SAMPLES_PER_FRAME, np.int16)
    for start, half in ((0, first), (SAMPLES_PER_PACKET, second)):
        if half is not None:
            pcm[start : start + len(half)] = half
    return pcm

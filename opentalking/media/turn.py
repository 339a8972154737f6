"""One turn's sound, pictures and marks on their way out: a bounded buffer without any clock."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from opentalking.core.media import (
    FPS,
    I420,
    PACKETS_PER_FRAME,
    SAMPLES_PER_FRAME,
    SAMPLES_PER_PACKET,
    Mark,
    Samples,
    Segment,
)
from opentalking.media.figures import TurnFigures

MAX_RAW_BYTES = 7_500_000
"""Pictures that one session may hold unencoded."""
_START_PATIENCE_FRAMES = 12
"""Sound waits at most 480 ms for the turn's first encoded picture."""


class TurnDropped(Exception):
    """The turn was dropped (or replaced), so nothing more of it will be played."""

    def __init__(self, turn_id: str) -> None:
        super().__init__(f"turn {turn_id} was dropped")
        self.turn_id = turn_id


@dataclass(slots=True)
class Unit:
    """40 ms of a turn: one picture (until it is encoded or skipped) and its 1920 samples."""

    index: int
    pcm: Samples
    picture: I420 | None


class TurnBuffer:
    """What of one turn is still to be played; units are counted from 0.

    `changed` is called whenever units were added. Waiting callers of `put` and `wait_over` are
    released by `close`.
    """

    def __init__(
        self,
        turn_id: str,
        ahead_seconds: float,
        changed: Callable[[], None],
        figures: TurnFigures | None = None,
    ) -> None:
        self.turn_id = turn_id
        self.figures = figures or TurnFigures()
        self.started = False
        self.ended = False
        self.played_samples = 0
        self.next_index = 0
        """The unit that starts at the next video tick, unless it is still missing."""
        self._frames_waited = 0
        self._max_units = max(1, round(ahead_seconds * FPS))
        self._changed = changed
        self._units: deque[Unit] = deque()
        self._current: Unit | None = None
        self._packets_left = 0
        self._marks: deque[tuple[int, Mark]] = deque()
        self._added_samples = 0
        self._raw_bytes = 0
        self._room = asyncio.Event()
        self._over = asyncio.Event()
        self._dropped = False

    # -- filling

    async def put(self, segment: Segment) -> None:
        """Append a segment unit by unit, waiting while the buffer is full; raises `TurnDropped`."""
        if len(segment.pcm) != len(segment.frames) * SAMPLES_PER_FRAME:
            raise ValueError(f"{len(segment.pcm)} samples do not last {len(segment.frames)} frames")
        if self.ended and not self._over.is_set():
            raise ValueError(f"turn {self.turn_id} has been ended")
        start = self._added_samples
        self._added_samples += len(segment.pcm)
        self._marks.extend((start + mark.at_samples, mark) for mark in segment.marks)
        for index, picture in enumerate(segment.frames):
            while self._is_full(picture) and not self._over.is_set():
                self._room.clear()
                await self._room.wait()
            if self._over.is_set():
                raise TurnDropped(self.turn_id)
            pcm = segment.pcm[index * SAMPLES_PER_FRAME : (index + 1) * SAMPLES_PER_FRAME]
            self._units.append(Unit(start // SAMPLES_PER_FRAME + index, pcm, picture))
            self._raw_bytes += picture.nbytes
            self._changed()

    def _is_full(self, picture: I420) -> bool:
        too_many_bytes = self._raw_bytes > 0 and self._raw_bytes + picture.nbytes > MAX_RAW_BYTES
        return len(self._units) >= self._max_units or too_many_bytes

    # -- the encoder's side

    def take_picture(self, first_index: int) -> tuple[int, I420] | None:
        """The first picture at or after `first_index` not taken yet; earlier ones are skipped."""
        for unit in self._units:
            if unit.picture is None:
                continue
            picture = self._release(unit)
            if unit.index >= first_index:
                return unit.index, picture
        return None

    def _release(self, unit: Unit) -> I420:
        picture = unit.picture
        assert picture is not None  # noqa: S101  (callers check)
        unit.picture = None
        self._raw_bytes -= picture.nbytes
        self._room.set()
        return picture

    # -- the clock's side

    @property
    def has_unit(self) -> bool:
        """Whether the next unit is there."""
        return bool(self._units)

    def may_start(self, keeps_waiting: bool) -> bool:
        """Whether the first unit goes out now, on a picture's tick; its picture may still be encoded."""
        if not self.has_unit:
            return False
        self._frames_waited += 1
        return not keeps_waiting or self._frames_waited > _START_PATIENCE_FRAMES

    @property
    def in_hole(self) -> bool:
        """Whether playing has begun but the sound that is due is missing."""
        return self.started and self._current is None

    def next_unit(self) -> int | None:
        """Start the next 40 ms; returns the index, or None while it is missing."""
        self._current = None
        if not self._units:
            return None
        unit = self._units.popleft()
        if unit.picture is not None:
            self._release(unit)
        self._room.set()
        self._current = unit
        self._packets_left = PACKETS_PER_FRAME
        self.next_index = unit.index + 1
        return unit.index

    def next_packet(self) -> Samples | None:
        """The next 20 ms of sound, or None in a hole."""
        if self._current is None or self._packets_left == 0:
            return None
        start = (PACKETS_PER_FRAME - self._packets_left) * SAMPLES_PER_PACKET
        self._packets_left -= 1
        self.played_samples += SAMPLES_PER_PACKET
        samples = self._current.pcm[start : start + SAMPLES_PER_PACKET]
        self.figures.sound(samples)
        return samples

    def due_marks(self, before_samples: int) -> list[Mark]:
        """Take the marks whose sample lies before `before_samples`."""
        due = []
        while self._marks and self._marks[0][0] < before_samples:
            due.append(self._marks.popleft()[1])
        return due

    def remaining_marks(self) -> list[Mark]:
        """Take all marks that are left (those at the very end of the sound)."""
        return self.due_marks(self._added_samples + 1)

    # -- the end

    def close(self, *, dropped: bool) -> None:
        """Forget everything and release whoever waits; `dropped` makes them raise."""
        self._dropped = dropped
        self._units.clear()
        self._marks.clear()
        self._current = None
        self._over.set()
        self._room.set()

    async def wait_over(self) -> None:
        """Wait for `close`; raises `TurnDropped` if it was dropped."""
        await self._over.wait()
        if self._dropped:
            raise TurnDropped(self.turn_id)

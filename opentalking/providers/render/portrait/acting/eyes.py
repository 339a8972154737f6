"""When the eyes of a talking face blink and where they look."""

import random
from collections import deque

from opentalking.core.media import FPS
from opentalking.providers.render.portrait.acting.motion import (
    QUICK_BLINK,
    SLOW_BLINK,
    USUAL,
    USUAL_BLINK,
    Idling,
)  # fmt: skip

_SHORTEST_SECONDS, _LONGEST_SECONDS = 2.0, 6.0
"""Between the beginnings of two blinks that are no pair."""
_PAIR_SHARE, _PAIR_FRAMES = 0.12, 7
_AT_PHRASE_END, _PHRASE_END_FRAMES = 0.55, 4
"""How likely the end of a phrase brings a blink, and how late it may come."""

_NEVER = -1_000_000
_AWAY_AT_START = 0.45
"""How often a sentence begins with a look aside."""


class Blinks:
    """Lids of a talking face: irregular blinks, rather at the ends of phrases.

    Goes on from the idle loop, also in the middle of a blink.
    """

    def __init__(self, chance: random.Random, idle_position: int, idling: Idling = USUAL) -> None:
        self._chance = chance
        self._idling = idling
        self._carried = idle_position
        self._carries = idling.shut(idle_position) > 0
        self._lids: tuple[float, ...] = ()
        self._start = -idling.since_blink(idle_position)
        self._pair_at = _NEVER
        self._due = max(4, self._next_due())
        self._phrase_ends: deque[int] = deque()

    def phrase_ends(self, frame: int) -> None:
        """A phrase ends at `frame`."""
        self._phrase_ends.append(frame)

    def at(self, frame: int, last: int | None) -> float:
        """How far the lids are shut at `frame`; call in order. At the frame `last` they are open again."""
        if self._carries:
            lids = self._idling.shut(self._carried + frame)
            self._carries = lids > 0
            return lids if last is None else min(lids, max(0.0, (last - frame) * 0.34))
        if frame == self._pair_at or frame >= self._due or self._at_phrase_end(frame):
            self._begin(frame, last)
        position = frame - self._start
        lids = self._lids[position] if 0 <= position < len(self._lids) else 0.0
        return lids if last is None else min(lids, max(0.0, (last - frame) * 0.34))

    def _begin(self, frame: int, last: int | None) -> None:
        is_second = frame == self._pair_at
        self._pair_at = _NEVER
        lids = self._chance.choices((QUICK_BLINK, USUAL_BLINK, SLOW_BLINK), (3, 5, 2))[0]
        if last is not None and frame + len(lids) > last:
            self._due = frame + FPS
            return
        self._start, self._lids = frame, QUICK_BLINK if is_second else lids
        if not is_second and self._chance.random() < _PAIR_SHARE:
            self._lids, self._pair_at = QUICK_BLINK, frame + _PAIR_FRAMES
        self._due = self._next_due()

    def _next_due(self) -> int:
        span = _LONGEST_SECONDS - _SHORTEST_SECONDS
        wait = _SHORTEST_SECONDS + span * self._chance.betavariate(1.6, 2.0)
        return max(self._start, self._pair_at) + round(wait * FPS)

    def _at_phrase_end(self, frame: int) -> bool:
        while self._phrase_ends and self._phrase_ends[0] + _PHRASE_END_FRAMES < frame:
            self._phrase_ends.popleft()
        if not self._phrase_ends or self._phrase_ends[0] > frame:
            return False
        self._phrase_ends.popleft()
        rested = frame - self._start >= _SHORTEST_SECONDS * FPS
        return rested and self._chance.random() < _AT_PHRASE_END


class Glances:
    """Where a talking face looks: at the camera, with small jumps, aside where a sentence begins."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._where = (0.0, 0.0)
        self._until = 0
        self._starts: deque[int] = deque()

    def sentence_starts(self, frame: int) -> None:
        """A sentence begins at `frame`."""
        self._starts.append(frame)

    def at(self, frame: int) -> tuple[float, float]:
        """Gaze x, y at `frame`, as in `Expression`; call in order."""
        begins = False
        while self._starts and self._starts[0] <= frame:
            self._starts.popleft()
            begins = True
        if begins and self._chance.random() < _AWAY_AT_START:
            side = self._chance.choice((-1, 1))
            self._look(
                frame, side * self._chance.uniform(0.3, 0.6), self._chance.uniform(-0.3, 0.3), 0.35, 0.8
            )
        elif frame >= self._until:
            if self._chance.random() < 0.08:
                self._look(
                    frame, self._chance.choice((-1, 1)) * 0.35, self._chance.uniform(-0.1, 0.25), 0.3, 0.6
                )
            else:
                self._look(frame, self._chance.gauss(0, 0.05), self._chance.gauss(0, 0.035), 0.5, 1.9)
        return self._where

    def _look(self, frame: int, x: float, y: float, shortest: float, longest: float) -> None:
        self._where = (x, y)
        self._until = frame + round(self._chance.uniform(shortest, longest) * FPS)

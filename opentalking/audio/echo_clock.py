"""Which of the server's ticks belongs to which block of a microphone's sound."""

_WINDOW = 100
_MOST_LATE = 20


class Alignment:
    """Counts both ends, so that packets that come late and in bursts do not look like another delay.

    The earliest arrivals of late (2 s) tell how the two counts belong together.
    """

    def __init__(self) -> None:
        self._blocks = 0
        self._ahead: int | None = None
        self._least = _MOST_LATE
        self._since = 0

    def tick(self, ticks: int) -> tuple[int, int]:
        """Count a block that has come after `ticks` ticks.

        Gives its tick, at most `_MOST_LATE` before `ticks`, and by how many blocks all delays are longer now,
        because the count has changed (0 nearly always).
        """
        self._blocks += 1
        now = ticks - self._blocks
        if self._ahead is None:
            self._ahead = now
        late = now - self._ahead
        moved = 0
        if late < 0:  # earlier than any before
            moved, self._ahead = late, now
        elif late > _MOST_LATE:  # the microphone was off for a while: its count has fallen behind
            self._ahead = now
        self._least = min(self._least, now - self._ahead)
        self._since += 1
        if self._since >= _WINDOW:
            self._ahead += self._least
            self._least, self._since = _MOST_LATE, 0
        return self._blocks + self._ahead, moved

"""RTP packets in the order of their sequence numbers."""

from typing import NamedTuple

from aiortc.rtp import RtpPacket

_MOST_HELD = 3
_HOLD_SECONDS = 0.06
_MOST_LATE = 100
_MOST_MISSING = 3000
"""Beyond these the sender has begun anew (MAX_MISORDER and MAX_DROPOUT of RFC 3550, A.1)."""
_SEQUENCE_NUMBERS = 1 << 16


class Ordered(NamedTuple):
    """A packet whose turn it is, and how many before it never came."""

    packet: RtpPacket
    lost: int


class ReorderBuffer:
    """Holds packets that came too early for the missing ones: at most 3, and no longer than 60 ms.

    Copies and packets whose place has gone by are dropped. No clock of its own: `now` in seconds.
    """

    def __init__(self) -> None:
        self._next: int | None = None
        self._held: dict[int, tuple[float, RtpPacket]] = {}

    def put(self, packet: RtpPacket, now: float) -> bool:
        """Take a packet as it comes; True when the numbers have begun anew (what was held is dropped)."""
        number = packet.sequence_number
        ahead = 0 if self._next is None else _signed(number - self._next)
        has_begun = self._next is None or not -_MOST_LATE <= ahead <= _MOST_MISSING
        if has_begun:
            self.clear()
            self._next, ahead = number, 0
        if ahead >= 0:
            self._held.setdefault(number, (now, packet))
        return has_begun

    def pop(self, now: float) -> Ordered | None:
        """The next packet in order; None while it is worth waiting for."""
        expected = self._next
        if expected is None or not self._held:
            return None
        lost = 0
        if expected not in self._held:
            if len(self._held) < _MOST_HELD and now < self.deadline:
                return None
            lost = min((number - expected) % _SEQUENCE_NUMBERS for number in self._held)
        number = (expected + lost) % _SEQUENCE_NUMBERS
        self._next = (number + 1) % _SEQUENCE_NUMBERS
        return Ordered(self._held.pop(number)[1], lost)

    @property
    def deadline(self) -> float:
        """When to `pop` again without a new packet; infinite when nothing waits."""
        return min((at + _HOLD_SECONDS for at, _ in self._held.values()), default=float("inf"))

    def clear(self) -> None:
        """Forget everything; the next packet is the first."""
        self._next = None
        self._held.clear()


def _signed(difference: int) -> int:
    half = _SEQUENCE_NUMBERS // 2
    return (difference + half) % _SEQUENCE_NUMBERS - half

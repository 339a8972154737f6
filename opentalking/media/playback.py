"""One step of a turn: takes the sound that is due and tells the listener what happens."""

from collections.abc import Iterable
from typing import Protocol

from opentalking.core.media import FPS, Mark, Samples
from opentalking.media.turn import TurnBuffer

_FRAME_MS = 1000 // FPS


class OutputListener(Protocol):
    """Hears what is played, on the tick; must not block."""

    def started(self, turn_id: str) -> None:
        """First sound and picture of the turn go out."""
        ...

    def mark(self, turn_id: str, mark: Mark) -> None:
        """The mark's sample starts to play."""
        ...

    def frame(self, turn_id: str, frame_index: int, pts_ms: int) -> None:
        """A picture of the turn is due; from 0 each turn, `pts_ms` in the turn's own sound."""
        ...


def play_packet(turn: TurnBuffer, listener: OutputListener, *, begins_unit: bool) -> Samples | None:
    """Play the next 20 ms of a turn; None in a hole.

    `begins_unit` on every second packet: a picture's 40 ms begin. A hole therefore lasts whole
    pictures, and lips never part from the voice.
    """
    if begins_unit:
        index = turn.next_unit()
        if index is not None:
            if not turn.started:
                turn.started = True
                listener.started(turn.turn_id)
            listener.frame(turn.turn_id, index, index * _FRAME_MS)
    samples = turn.next_packet()
    # In a hole only what lies behind the last sample played has happened.
    reached = turn.played_samples + (1 if samples is None else 0)
    report_marks(turn, listener, turn.due_marks(reached))
    return samples


def report_marks(turn: TurnBuffer, listener: OutputListener, marks: Iterable[Mark]) -> None:
    """Tell the listener about marks in their order."""
    for mark in marks:
        listener.mark(turn.turn_id, mark)

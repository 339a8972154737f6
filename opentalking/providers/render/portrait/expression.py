"""What a face shows beside its mouth and the place of its head."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Expression:
    """Brows and gaze, each -1..1 and 0 in the picture as it is.

    `gaze_x` to the right of the picture, `gaze_y` down; `brow_rise` up, `brow_slant` inner ends up.
    """

    gaze_x: float = 0.0
    gaze_y: float = 0.0
    brow_rise: float = 0.0
    brow_slant: float = 0.0


STILL = Expression()
"""The face of the picture."""

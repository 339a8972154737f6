"""What acting tells the painter beside the mouth: where the head is, brows and gaze."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the head is: shifts, turns and breath in millimetres, roll in radians."""

    shift_x: float = 0.0
    shift_y: float = 0.0
    roll: float = 0.0
    yaw: float = 0.0
    pitch: float = 0.0
    breath: float = 0.0


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

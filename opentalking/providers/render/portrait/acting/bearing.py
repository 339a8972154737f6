"""How a face bears itself beside speaking: a vector of slow movements, and how it changes over time."""

from dataclasses import astuple, dataclass, field

import numpy as np
from numpy.typing import NDArray

from opentalking.core.conversation import Emotion
from opentalking.core.media import FPS
from opentalking.providers.render.portrait.acting.motion import idle_expression
from opentalking.providers.render.portrait.expression import Expression, Pose

PARTS = ("gaze_x", "gaze_y", "brow_rise", "brow_slant", "lids", "smile", "shift_y", "roll", "yaw", "pitch")
"""Gaze and brows as in `Expression`, how far the lids are lowered (0..1), corners of the mouth up (-1..1),
and what is added to the idle loop's `Pose`."""

Bearing = NDArray[np.float64]
"""Shape (10,), in the order of `PARTS`."""

_QUICKNESS = {
    "gaze_x": 55.0,
    "gaze_y": 55.0,
    "brow_rise": 13.0,
    "brow_slant": 12.0,
    "lids": 16.0,
    "smile": 11.0,
    "pitch": 12.0,
}
_SLOW = 9.0
_FORGIVEN = np.array([0.13, 0.13, 0.0007, 0.13, 0.13, 0.13])
"""Millimetres and radians, as in `Pose`."""
_RATES = np.array([_QUICKNESS.get(name, _SLOW) for name in PARTS])
"""Natural frequency of each part, radians a second: it is there after about 4.7 / rate seconds."""


def bearing(**parts: float) -> Bearing:
    """A bearing with these parts and 0 elsewhere; raises `KeyError` for an unknown name."""
    values = dict.fromkeys(PARTS, 0.0)
    for name, value in parts.items():
        values[name] += value
        if name not in PARTS:
            raise KeyError(name)
    return np.array(list(values.values()))


EMOTIONS: dict[Emotion, Bearing] = {
    "neutral": bearing(),
    "happy": bearing(smile=0.95, brow_rise=0.22, roll=0.012, pitch=-0.3),
    "sad": bearing(
        smile=-0.80, brow_slant=0.95, brow_rise=-0.20, lids=0.12, roll=0.014, pitch=1.0, gaze_y=0.12
    ),
    "surprised": bearing(brow_rise=1.0, smile=0.10, pitch=-0.9, shift_y=-0.3),
    "serious": bearing(smile=-0.30, brow_slant=-0.85, brow_rise=-0.45, pitch=0.5),
}
"""What a face does for each emotion; small on purpose: too much of it is uncanny."""


@dataclass(slots=True)
class Ease:
    """Follows a target without a jump in place or speed: a critically damped spring for every part."""

    value: Bearing = field(default_factory=bearing)
    speed: Bearing = field(default_factory=bearing)

    def follow(self, target: Bearing, seconds: float = 1 / FPS) -> Bearing:
        """Where the bearing is `seconds` later, drawn to `target`."""
        away = self.value - target
        carried = (self.speed + _RATES * away) * seconds
        fading = np.exp(-_RATES * seconds)
        self.value = target + (away + carried) * fading
        self.speed = (self.speed - _RATES * carried) * fading
        return self.value

    def copy(self) -> "Ease":
        """The same movement, to be followed separately."""
        return Ease(self.value.copy(), self.speed.copy())


def idle_bearing(position: int) -> Bearing:
    """The bearing of the idle loop at one of its frames."""
    idle = idle_expression(position)
    return bearing(
        gaze_x=idle.gaze_x, gaze_y=idle.gaze_y, brow_rise=idle.brow_rise, brow_slant=idle.brow_slant
    )


def expression_of(value: Bearing) -> Expression:
    """Gaze and brows of a bearing."""
    gaze_x, gaze_y, rise, slant = (float(part) for part in value[:4])
    return Expression(gaze_x, gaze_y, rise, slant)


def posed(pose: Pose, value: Bearing) -> Pose:
    """`pose` with what the bearing adds."""
    shift_y, roll, yaw, pitch = (float(part) for part in value[6:])
    return Pose(
        pose.shift_x,
        pose.shift_y + shift_y,
        pose.roll + roll,
        pose.yaw + yaw,
        pose.pitch + pitch,
        pose.breath,
    )


def is_apart(one: Pose, other: Pose) -> bool:
    """Whether two places of a head differ by more than the eye forgives between two frames."""
    moved = np.abs(np.array(astuple(one)) - np.array(astuple(other)))
    return bool((moved > _FORGIVEN).any())


def lids_of(value: Bearing) -> float:
    """How far the lids are lowered; they follow a gaze downwards."""
    return float(value[4] + 0.35 * max(0.0, value[1] - 0.2))


def smile_of(value: Bearing) -> float:
    """How far the corners of the mouth are up."""
    return float(value[5])

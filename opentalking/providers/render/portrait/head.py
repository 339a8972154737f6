"""Head sway and breathing: one smooth field over the whole picture."""

from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from opentalking.providers.render.portrait import anatomy
from opentalking.providers.render.portrait.landmarks import Points
from opentalking.providers.render.portrait.warp import Field, Grid, smoothstep

PITCH = 8
_FACELESS_SHARE = 0.0032
"""Without a face a "millimetre" is this share of the picture's longer side."""

Floats = NDArray[np.float32]


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
class Head:
    """`basis` (6, rows * columns * 2): displacement in pixels per unit of each member of `Pose`."""

    width: int
    height: int
    basis: Floats

    @property
    def grid(self) -> Grid:
        """The coarse grid of the field."""
        return Grid(self.width, self.height, PITCH)

    def displacement(self, pose: Pose) -> Field:
        """How far each grid node moves, pixels."""
        grid = self.grid
        moved = np.array(astuple(pose), np.float32) @ self.basis
        return moved.reshape(grid.rows, grid.columns, 2)


def build_head(width: int, height: int, points: Points | None) -> Head:
    """The sway field of a head with these mesh points; without a face all of the picture moves."""
    nodes = Grid(width, height, PITCH).positions()
    x, y = nodes[..., 0], nodes[..., 1]
    if points is None:
        return Head(width, height, _basis(*_whole_picture(x, y, width, height)))
    frame = anatomy.measure(points)
    middle = points[list(anatomy.OVAL)].mean(0)
    left, right = (points[k, 0] for k in anatomy.TEMPLES)
    face_width, tall = float(abs(right - left)), frame.height
    radius = np.hypot((x - middle[0]) / (face_width * 0.80), (y - (middle[1] - 0.10 * tall)) / (tall * 0.82))
    inset = np.minimum.reduce([x, width - x, y + 0.06 * height, height - y])
    weight = smoothstep((1.75 - radius) / 0.80) * np.clip(inset / (0.06 * width), 0, 1)
    dome = np.sqrt(
        np.clip(
            1 - ((x - middle[0]) / (face_width * 0.55)) ** 2 - ((y - middle[1]) / (tall * 0.62)) ** 2, 0, 1
        )
    )
    torso = smoothstep((y - (points[anatomy.CHIN, 1] + 0.05 * tall)) / (0.35 * tall))
    # the lowest row stays, or the picture's edge would show
    torso = torso * np.clip((height - y) / (0.05 * height) + 0.25, 0, 1)
    pivot = np.array([middle[0], points[anatomy.CHIN, 1] + 0.25 * tall])
    return Head(
        width,
        height,
        _basis(frame.millimetre, x - pivot[0], y - pivot[1], weight, dome * weight, torso + 0.35 * weight),
    )


def _whole_picture(
    x: Floats, y: Floats, width: int, height: int
) -> tuple[float, Floats, Floats, Floats, Floats, Floats]:
    inset = np.minimum.reduce([x, width - x, y, height - y])
    weight = smoothstep(inset / (0.30 * min(width, height)))
    unit = max(width, height) * _FACELESS_SHARE
    return unit, x - width / 2, y - height, weight, weight, weight


def _basis(unit: float, x: Floats, y: Floats, weight: Floats, dome: Floats, breath: Floats) -> Floats:
    still = np.zeros_like(weight)
    fields = [
        (weight * unit, still),
        (still, weight * unit),
        (-y * weight, x * weight),
        (dome * unit, still),
        (still, dome * unit),
        (still, -breath * unit),
    ]
    return np.stack([np.dstack(pair).ravel() for pair in fields]).astype(np.float32)

"""Head sway and breathing: one smooth field over the whole picture."""

from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from opentalking.providers.render.portrait import anatomy
from opentalking.providers.render.portrait.expression import Pose
from opentalking.providers.render.portrait.landmarks import Points
from opentalking.providers.render.portrait.warp import Field, Grid, smoothstep

PITCH = 8
_FACELESS_SHARE = 0.0032
"""Without a face a "millimetre" is this share of the picture's longer side."""
_BENDING_SHARE = 0.5
"""How much of the sway is left where the backdrop has to bend with the head."""

Floats = NDArray[np.float32]


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


def build_head(width: int, height: int, points: Points | None, *, layered: bool = False) -> Head:
    """The sway field of a head with these mesh points; without a face all of the picture moves.

    `layered`: the backdrop is a layer of its own, so the head may move with its hair, as one piece.
    """
    nodes = Grid(width, height, PITCH).positions()
    x, y = nodes[..., 0], nodes[..., 1]
    if points is None:
        return Head(width, height, _basis(*_whole_picture(x, y, width, height)))
    frame = anatomy.measure(points)
    middle = points[list(anatomy.OVAL)].mean(0)
    left, right = (points[k, 0] for k in anatomy.TEMPLES)
    face_width, tall = float(abs(right - left)), frame.height
    inset = np.minimum.reduce([x, width - x, y + 0.06 * height, height - y])
    edge = np.clip(inset / (0.06 * width), 0, 1)
    if layered:
        place = frame.local(nodes.reshape(-1, 2)).reshape(*nodes.shape).astype(np.float32)
        weight = _rigid(place, frame, face_width) * edge
        unit = frame.millimetre
    else:
        radius = np.hypot(
            (x - middle[0]) / (face_width * 0.80), (y - middle[1] + 0.10 * tall) / (tall * 0.82)
        )
        weight = smoothstep((1.75 - radius) / 0.80) * edge
        unit = frame.millimetre * _BENDING_SHARE
    dome = np.sqrt(
        np.clip(
            1 - ((x - middle[0]) / (face_width * 0.55)) ** 2 - ((y - middle[1]) / (tall * 0.62)) ** 2, 0, 1
        )
    )
    torso = smoothstep((y - (points[anatomy.CHIN, 1] + 0.05 * tall)) / (0.35 * tall))
    # the lowest row stays, or the picture's edge would show
    torso = torso * np.clip((height - y) / (0.05 * height) + 0.25, 0, 1)
    pivot = np.array([middle[0], points[anatomy.CHIN, 1] + 0.25 * tall])
    share = np.float32(unit / frame.millimetre)
    return Head(
        width,
        height,
        _basis(
            unit, (x - pivot[0]) * share, (y - pivot[1]) * share, weight, dome * weight, torso + 0.35 * weight
        ),
    )


def _rigid(place: Field, frame: anatomy.FaceFrame, face_width: float) -> Floats:
    """Weight of a head that moves as one piece and hands over to the shoulders along the neck."""
    down, aside = place[..., 1], np.abs(place[..., 0])
    chin = 0.32 * frame.height  # below the corners of the mouth
    neck = smoothstep((np.float32(chin + 0.50 * frame.height) - down) / np.float32(0.55 * frame.height))
    return neck * smoothstep((np.float32(1.9 * face_width) - aside) / np.float32(0.8 * face_width))


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

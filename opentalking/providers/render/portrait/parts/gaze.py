"""Where the eyes look: the iris moves inside its eye, the white beside it gives way.

A smooth shift of the eye's own pixels, whole over the iris and gone at the corners and lids, needs no
outline of the opening and works for photos and drawings alike. The lids follow a little up and down,
as living ones do.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from opentalking.providers.render.portrait import anatomy
from opentalking.providers.render.portrait.anatomy import FaceFrame
from opentalking.providers.render.portrait.landmarks import Points
from opentalking.providers.render.portrait.parts.eyelids import Eye
from opentalking.providers.render.portrait.picture import Picture
from opentalking.providers.render.portrait.planes import Planes
from opentalking.providers.render.portrait.warp import bend, smoothstep

_ACROSS_MILLIMETRES, _ALONG_MILLIMETRES = 3.4, 2.0
"""How far a full glance moves the iris, if the eye is wide enough."""
_STEEPEST = 0.62
"""Share of the white beside the iris by which it may give way: more would fold it."""
_IRIS_MILLIMETRES = 5.9

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class MovingIris:
    """Shift of one eye's patch for a full glance, pixels, each (h, w), float32.

    `along` is that of a glance down; a glance to the side shifts by `across` and, so that the lids glide
    along themselves, by `slide` down.
    """

    across: Floats
    slide: Floats
    along: Floats


@dataclass(frozen=True, slots=True)
class _Iris:
    """Place and size of an iris inside its patch, and the room to both corners; pixels.

    `upper` and `lower` are the lids' lines, coefficients of parabolas.
    """

    x: float
    y: float
    radius: float
    left: float
    right: float
    upper: NDArray[np.float64]
    lower: NDArray[np.float64]


def build_gaze(picture: Picture, eyes: tuple[Eye, ...], points: Points) -> tuple[MovingIris, ...]:
    """The shift of every eye of `eyes`; both go equally far."""
    frame = anatomy.measure(points)
    irises = [_find(picture, eye, points, frame) for eye in eyes]
    room = min((min(iris.left, iris.right) - iris.radius for iris in irises), default=0.0)
    reach = min(_ACROSS_MILLIMETRES * frame.millimetre, _STEEPEST * max(0.0, room))
    down = _ALONG_MILLIMETRES * frame.millimetre
    return tuple(_shift(eye, iris, reach, down) for eye, iris in zip(eyes, irises, strict=True))


def look(iris: MovingIris, patch: Planes, x: float, y: float) -> Planes:
    """An eye's patch with the iris moved by shares of a full glance.

    `x` to the right of the picture, `y` down, both -1..1.
    """
    height, width = patch.luma.shape
    where = np.dstack(np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)))
    where[..., 0] -= iris.across * np.float32(x)
    where[..., 1] -= iris.along * np.float32(y) + iris.slide * np.float32(x)
    half = cv2.resize(where, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    moved = bend(patch.chroma, np.asarray((half - np.float32(0.5)) * np.float32(0.5), np.float32))
    return Planes(bend(patch.luma, where), moved)


def _find(picture: Picture, eye: Eye, points: Points, frame: FaceFrame) -> _Iris:
    """The dark middle part of the eye whose patch this is."""
    height, width = eye.luma.shape[1:]
    middle = np.array([eye.left + width / 2, eye.top + height / 2])
    lids = min(
        anatomy.EYES, key=lambda one: float(np.linalg.norm(points[[*one[0], *one[1]]].mean(0) - middle))
    )
    ring = np.r_[points[list(lids[0])], points[list(lids[1])][::-1]] - (eye.left, eye.top)
    start, end = float(ring[:, 0].min()), float(ring[:, 0].max())
    opening = np.zeros((height, width), np.uint8)
    cv2.fillPoly(opening, [np.round(ring * 16).astype(np.int32)], 255, cv2.LINE_8, 4)
    rows, columns = np.nonzero(opening)
    lines = [_parabola(points[list(one)] - (eye.left, eye.top)) for one in lids]
    half = (end - start) / 2
    radius = min(_IRIS_MILLIMETRES * frame.millimetre, 0.6 * half)
    x = (start + end) / 2
    if len(rows) > 8:
        tones = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)[eye.top + rows, eye.left + columns].astype(float)
        low, high = np.percentile(tones, (5, 90))
        central = np.clip(1.15 - np.abs(columns - x) / half, 0, 1)
        dark = np.clip((0.55 * low + 0.45 * high - tones) / (high - low + 12), 0, 1) * central
        if dark.sum() > 0.02 * len(rows):
            x = float((columns * dark).sum() / dark.sum())
            spread = float(np.sqrt((dark * (columns - x) ** 2).sum() / dark.sum()))
            radius = float(np.clip(2.0 * spread, 0.8 * radius, 0.66 * half))
    x = float(np.clip(x, start + radius, end - radius))
    margin = 0.12 * half
    y = float(sum(np.polyval(line, x) for line in lines)) / 2
    return _Iris(x, y, radius, x - start + margin, end - x + margin, lines[0], lines[1])


def _parabola(line: Points) -> NDArray[np.float64]:
    return np.asarray(np.polyfit(line[:, 0].astype(np.float64), line[:, 1].astype(np.float64), 2))


def _shift(eye: Eye, iris: _Iris, across: float, along: float) -> MovingIris:
    height, width = eye.luma.shape[1:]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    aside, below = x - np.float32(iris.x), np.abs(y - np.float32(iris.y))
    room = np.where(aside < 0, np.float32(iris.left), np.float32(iris.right)) - np.float32(iris.radius)
    beside = _falling((np.abs(aside) - np.float32(iris.radius)) / np.maximum(room, 1))
    near = _falling((below - np.float32(0.9 * iris.radius)) / np.float32(0.65 * iris.radius))
    inset = np.minimum.reduce([x, width - 1 - x, y, height - 1 - y])
    near = near * np.minimum(1, inset / 3)
    moved = np.float32(across) * beside * near
    reach = np.where(aside < 0, np.float32(iris.left), np.float32(iris.right))
    bow = np.clip(1 - np.square(aside / reach), 0, 1)
    return MovingIris(moved, moved * _slope(x, y, iris), np.float32(along) * bow * near)


def _slope(x: Floats, y: Floats, iris: _Iris) -> Floats:
    """How steeply the lids run at each pixel: the upper one above the opening, the lower one below it."""
    upper, lower = np.polyval(iris.upper, x), np.polyval(iris.lower, x)
    place = np.clip(2 * (y - upper) / np.maximum(lower - upper, 1) - 1, -1.2, 1.2)
    slopes = [np.clip(np.polyval(np.polyder(line), x), -0.8, 0.8) for line in (iris.upper, iris.lower)]
    return np.asarray(np.where(place < 0, *slopes) * np.abs(place) ** 1.5, np.float32)


def _falling(share: Floats) -> Floats:
    return np.asarray(1 - smoothstep(share), np.float32)

"""The moving mouth of a prepared portrait: two sheets cut at the lip seam and their fields."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from opentalking.providers.render.portrait import anatomy
from opentalking.providers.render.portrait.anatomy import FaceFrame
from opentalking.providers.render.portrait.landmarks import Points
from opentalking.providers.render.portrait.parts import lips
from opentalking.providers.render.portrait.parts.bare_lips import lips_only
from opentalking.providers.render.portrait.parts.interior import Interior, build_interior
from opentalking.providers.render.portrait.picture import Picture, crisper
from opentalking.providers.render.portrait.planes import Planes, split
from opentalking.providers.render.portrait.warp import Grid, smoothstep
from opentalking.providers.render.visemes import PARAMETERS

PITCH = 4
"""Pixels between grid nodes."""
_REACH_UP, _REACH_DOWN = 7.0, 7.0
"""How far a seam point can move (mm) before the jaw takes the lower sheet along."""
_CRISPNESS = 0.3
"""Sharpening of the sheets, which are resampled once more than the rest of the picture."""

Sheet = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Sheets:
    """One lip's sheet: luma and chroma times coverage, with the coverage as last channel.

    `luma` (rows, width, 2), `chroma` (rows / 2, width / 2, 3), uint8; `fields` (p + 1, grid rows *
    columns * 2): displacement in pixels per parameter, and the constant one that shuts the mouth.
    """

    luma: Sheet
    chroma: Sheet
    fields: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class MovingMouth:
    """Everything that the painter needs; the box is in pixels of the picture, all sides even.

    In a tilted head the lower eye reaches into the box: that corner, columns `notch_left` to
    `notch_right` down to `notch_bottom`, is no part of it. Rows above `band_top` show the upper
    sheet alone, rows from `band_bottom` on never show it.
    """

    left: int
    top: int
    width: int
    height: int
    band_top: int
    band_bottom: int
    upper: Sheets
    lower: Sheets
    bias: NDArray[np.float32]
    interior: Interior
    notch_left: int
    notch_right: int
    notch_bottom: int

    @property
    def parts(self) -> tuple[tuple[int, int, int, int], ...]:
        """The box without its notch, as boxes: left, top, right, bottom."""
        right, bottom = self.left + self.width, self.top + self.height
        if self.notch_bottom <= self.top:
            return ((self.left, self.top, right, bottom),)
        beside = (self.left, self.notch_left) if self.notch_left > self.left else (self.notch_right, right)
        return (beside[0], self.top, beside[1], self.notch_bottom), (
            self.left,
            self.notch_bottom,
            right,
            bottom,
        )

    @property
    def grid(self) -> Grid:
        """The coarse grid of the fields."""
        return Grid(self.width, self.height, PITCH)


def build_mouth(picture: Picture, planes: Planes, points: Points) -> MovingMouth:
    """Cut the mouth of `picture` (with mesh `points`) into sheets and compute their fields."""
    frame = anatomy.measure(points)
    mouth = lips.find_mouth(picture, points, frame)
    box = _box(picture, points, frame)
    is_open = mouth.gap > lips.OPEN_GAP_MILLIMETRES * frame.millimetre
    notch = _notch(points, box)
    upper_fields, lower_fields = _fields(points, mouth, box, notch, is_open)
    left, top, width, height = box
    pixels = Grid(width, height, 1).positions().reshape(-1, 2) + np.array([left, top])
    crispness = _fade(pixels, box, notch, frame.millimetre).reshape(height, width) * np.float32(_CRISPNESS)
    upper_cover, lower_cover = _covers(frame, mouth, box)
    if is_open:
        planes = split(lips_only(picture, mouth, frame))
    reach = frame.millimetre
    band_top = int(np.flatnonzero((lower_cover > 0).any(1))[0] - _REACH_UP * reach)
    band_bottom = int(np.flatnonzero((upper_cover > 0).any(1))[-1] + _REACH_DOWN * reach)
    bias = np.zeros(len(PARAMETERS) + 1, np.float32)
    bias[-1] = 1.0 if is_open else 0.0
    return MovingMouth(
        left=left,
        top=top,
        width=width,
        height=height,
        band_top=max(0, band_top) // 2 * 2,
        band_bottom=min(height, band_bottom // 2 * 2 + 2),
        upper=_sheets(planes, box, upper_cover, upper_fields, crispness),
        lower=_sheets(planes, box, lower_cover, lower_fields, crispness),
        bias=bias,
        notch_left=notch[0],
        notch_right=notch[1],
        notch_bottom=notch[2],
        interior=build_interior(picture, points, mouth, box, is_open=is_open),
    )


def _box(picture: Picture, points: Points, frame: FaceFrame) -> tuple[int, int, int, int]:
    height, width = picture.shape[:2]
    oval = points[list(anatomy.OVAL)]
    margin = 0.06 * frame.height
    left = max(0, int(oval[:, 0].min() - margin)) // 2 * 2
    right = min(width, int(oval[:, 0].max() + margin) // 2 * 2)
    top = max(0, int(anatomy.mouth_top(points))) // 2 * 2
    bottom = min(height, int(points[anatomy.CHIN, 1] + 0.30 * frame.height) // 2 * 2)
    return left, top, right - left, bottom - top


def _notch(points: Points, box: tuple[int, int, int, int]) -> tuple[int, int, int]:
    """Columns and lower end of the corner of `box` that the lower eye of a tilted head may need."""
    left, top, width, _ = box
    middle = int(points[anatomy.NOSE_TIP, 0]) // 2 * 2
    bottom = int(points[anatomy.NOSE_TIP, 1]) // 2 * 2
    if bottom <= top or not left < middle < left + width:
        return left, left, top
    is_right_lower = points[anatomy.CORNERS[1], 1] > points[anatomy.CORNERS[0], 1]
    return (middle, left + width, bottom) if is_right_lower else (left, middle, bottom)


def _fields(
    points: Points,
    mouth: lips.Mouth,
    box: tuple[int, int, int, int],
    notch: tuple[int, int, int],
    is_open: bool,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    frame = anatomy.measure(points)
    left, top, width, height = box
    mesh = points.astype(np.float64)
    inside = [
        k for k in anatomy.SKIN
        if left - 10 < mesh[k, 0] < left + width + 10 and top - 10 < mesh[k, 1] < top + height
    ]  # fmt: skip
    skin = mesh[inside]
    chin = float(frame.local(mesh[[anatomy.CHIN]])[0, 1])
    jaw = float(np.abs(frame.local(mesh[list(anatomy.JAW_ANGLES)])[:, 0]).max())
    moves = lips.control_displacements(frame, mouth, skin, chin, jaw)
    closing = lips.closing_displacements(frame, mouth, skin) if is_open else np.zeros((2, 22, 2))
    closing_around = closing[2] if is_open else np.zeros((len(skin), 2))
    nodes = Grid(width, height, PITCH).positions().reshape(-1, 2) + np.array([left, top])
    border = _border(box)
    fade = _fade(nodes, box, notch, frame.millimetre)
    place = frame.local(skin)
    below = place[:, 1] - np.interp(place[:, 0], *frame.local(mouth.seam).T)
    beside = np.abs(place[:, 0]) > 1.1 * frame.mouth_half_width
    fields = []
    for move, shut, contours, own in (
        (moves[0], closing[0], (mouth.upper_outer, mouth.upper_inner), (below < 0) | beside),
        (moves[1], closing[1], (mouth.lower_outer, mouth.lower_inner), (below > 0) | beside),
    ):
        # the other lip's skin would fold this sheet over where the mouth stands wide open
        lip = np.concatenate([move, shut[:, None]], 1)
        around = np.concatenate([moves[2][own], closing_around[own][:, None]], 1)
        values = np.concatenate([lip, around, np.zeros((len(border), lip.shape[1], 2))])
        controls, values = lips.without_doubles(np.concatenate([*contours, skin[own], border]), values)
        spread = lips.spread_over(frame, controls, values, nodes) * fade
        fields.append(spread.reshape(len(spread), -1).astype(np.float32))
    return fields[0], fields[1]


def _border(box: tuple[int, int, int, int]) -> NDArray[np.float64]:
    left, top, width, height = box
    across = np.linspace(left, left + width, 9)
    along = np.linspace(top, top + height, 8)[1:-1]
    return np.array(
        [(x, y) for y in (top, top + height) for x in across]
        + [(x, y) for x in (left, left + width) for y in along]
    )


def _fade(
    nodes: NDArray[np.float64], box: tuple[int, int, int, int], notch: tuple[int, int, int], unit: float
) -> NDArray[np.float32]:
    """Weight per node that lets every field vanish at the border of the box and of its notch."""
    left, top, width, height = box
    x, y = nodes[:, 0] - left, nodes[:, 1] - top
    inset = np.minimum.reduce([x, width - x, y, height - y])
    if notch[2] > top:
        aside = np.maximum.reduce([notch[0] - nodes[:, 0], nodes[:, 0] - notch[1], np.zeros(len(nodes))])
        below = np.maximum(nodes[:, 1] - notch[2], 0)
        inset = np.minimum(inset, np.hypot(aside, below))
    inset = inset - PITCH
    return smoothstep((inset / (6 * unit)).astype(np.float32))[:, None]


def _covers(
    frame: FaceFrame, mouth: lips.Mouth, box: tuple[int, int, int, int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Coverage of both sheets in 0..1: sharp at the lips, a soft hand-over beside the corners."""
    left, top, width, height = box
    x, y = np.meshgrid(np.arange(left, left + width), np.arange(top, top + height))
    place = frame.local(np.stack([x.ravel(), y.ravel()], -1)).reshape(height, width, 2)
    unit = frame.millimetre
    upper_edge, lower_edge = (frame.local(mouth.cut(upper=is_upper)) for is_upper in (True, False))
    outside = np.maximum(upper_edge[0, 0] - place[..., 0], place[..., 0] - upper_edge[-1, 0])
    soft = np.clip(outside / (5 * unit), 0, 1) * 6.5 * unit
    covers = []
    for edge, sign in ((upper_edge, 1.0), (lower_edge, -1.0)):
        line = np.interp(place[..., 0], edge[:, 0], edge[:, 1])
        above = (line - place[..., 1]) * sign + 0.25 * unit
        covers.append(smoothstep((0.5 + above / (1.4 + 2 * soft)).astype(np.float32)))
    # beside the corners the upper sheet fades out over a lower one that is whole
    whole = smoothstep((outside / (0.9 * unit) + 0.6).astype(np.float32))
    return covers[0], np.maximum(covers[1], whole)


def _sheets(
    planes: Planes,
    box: tuple[int, int, int, int],
    cover: NDArray[np.float32],
    fields: NDArray[np.float32],
    amount: NDArray[np.float32],
) -> Sheets:
    left, top, width, height = box
    part = np.ascontiguousarray(planes.luma[top : top + height, left : left + width])
    luma = crisper(part, amount).astype(np.float32)
    chroma = planes.chroma[top // 2 : (top + height) // 2, left // 2 : (left + width) // 2]
    half = cv2.resize(cover, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    return Sheets(
        luma=_whole_numbers(np.dstack([luma * cover, cover * 255])),
        chroma=_whole_numbers(np.dstack([chroma.astype(np.float32) * half[..., None], half * 255])),
        fields=fields,
    )


def _whole_numbers(values: NDArray[np.float32]) -> Sheet:
    return np.ascontiguousarray(np.clip(np.rint(values), 0, 255).astype(np.uint8))

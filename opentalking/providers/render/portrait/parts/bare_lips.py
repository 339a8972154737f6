"""The lips of an open mouth without what is seen between them, so that they can shut."""

import cv2
import numpy as np
from numpy.typing import NDArray

from opentalking.providers.render.portrait.anatomy import FaceFrame
from opentalking.providers.render.portrait.parts.lips import Mouth
from opentalking.providers.render.portrait.picture import Picture

_GROWN_MILLIMETRES = 1.0
_CORNER_SHARE = 0.55
"""From this share of the half width on, dark pixels between the lips belong to the hole."""
_DARK_SHARE = 0.62
_SEAM_MILLIMETRES = 0.75
_SEAM_SHADE = (0.46, 0.46, 0.36)
"""How much darker (blue, green, red) a lip is where it touches the other one."""


def lips_only(picture: Picture, mouth: Mouth, frame: FaceFrame) -> Picture:
    """`picture` with the hole of its open mouth painted over by the lips around, their edges shaded."""
    unit = frame.millimetre
    ring = np.r_[mouth.upper_outer, mouth.lower_outer]
    margin = int(6 * unit)
    height, width = picture.shape[:2]
    left, top = np.maximum(0, ring.min(0).astype(int) - margin)
    right, bottom = np.minimum([width, height], ring.max(0).astype(int) + margin)
    part = np.ascontiguousarray(picture[top:bottom, left:right])
    offset = np.array([left, top])
    hole = _hole(part, mouth, frame, offset)
    filled = cv2.inpaint(part, hole, max(2.0, 1.5 * unit), cv2.INPAINT_TELEA).astype(np.float32)
    shade = _along(mouth, part.shape[:2], offset, unit)[..., None] * np.array(_SEAM_SHADE, np.float32)
    result = picture.copy()
    result[top:bottom, left:right] = np.rint(filled * (1 - shade)).astype(np.uint8)
    return result


def _hole(part: Picture, mouth: Mouth, frame: FaceFrame, offset: NDArray[np.int_]) -> NDArray[np.uint8]:
    hole = np.zeros(part.shape[:2], np.uint8)
    inner = np.r_[mouth.upper_inner, mouth.lower_inner[::-1]] - offset
    cv2.fillPoly(hole, [np.round(inner).astype(np.int32)], 255)
    hole = np.asarray(cv2.dilate(hole, _disc(2 * _GROWN_MILLIMETRES * frame.millimetre)), np.uint8)
    lips = np.zeros_like(hole)
    outer = np.r_[mouth.upper_outer, mouth.lower_outer[::-1]] - offset
    cv2.fillPoly(lips, [np.round(outer).astype(np.int32)], 255)
    tone = cv2.cvtColor(part, cv2.COLOR_BGR2GRAY)
    common = float(np.median(tone[(lips > 0) & (hole == 0)])) if ((lips > 0) & (hole == 0)).any() else 128.0
    rows, columns = np.indices(hole.shape)
    aside = np.abs((np.stack([columns, rows], -1) + offset - frame.origin) @ frame.across)
    corner = aside > _CORNER_SHARE * frame.mouth_half_width
    lips = np.asarray(cv2.dilate(lips, _disc(5 * frame.millimetre)), np.uint8)
    dark = ((tone < _DARK_SHARE * common) & corner & (lips > 0)).astype(np.uint8) * 255
    return np.maximum(hole, np.asarray(cv2.dilate(dark, _disc(1.5 * frame.millimetre)), np.uint8))


def _along(
    mouth: Mouth, shape: tuple[int, ...], offset: NDArray[np.int_], unit: float
) -> NDArray[np.float32]:
    """1 on the inner edges of both lips, fading to both sides."""
    line = np.zeros(shape, np.float32)
    for is_upper in (True, False):
        points = np.round((mouth.cut(upper=is_upper) - offset) * 16).astype(np.int32)
        width = max(1, round(_SEAM_MILLIMETRES * unit))
        cv2.polylines(line, [points], False, 1.0, width, cv2.LINE_AA, 4)
    return np.asarray(cv2.GaussianBlur(line, (0, 0), max(0.5, 0.5 * unit)), np.float32)


def _disc(diameter: float) -> NDArray[np.uint8]:
    side = max(1, round(diameter)) | 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)

"""Inside the mouth: cavity, tongue and teeth, drawn only where the lips stand open."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from opentalking.providers.render.portrait.anatomy import EYES, FaceFrame, measure
from opentalking.providers.render.portrait.landmarks import Points
from opentalking.providers.render.portrait.parts.lips import MOVEMENTS, Mouth, closed_line
from opentalking.providers.render.portrait.picture import Picture
from opentalking.providers.render.visemes import PARAMETERS, FaceParameters

Floats = NDArray[np.float32]

_JAW, _PUCKER, _TONGUE = (PARAMETERS.index(name) for name in ("jaw", "pucker", "tongue"))
_JAW_DROP = MOVEMENTS["jaw"].lower_inner * 0.84
"""Millimetres that lower teeth and tongue travel with an open jaw; the lip travels a little more."""
_SPRITE_WIDTH = 60.0
_SUPERSAMPLING = 3
_UPPER_TEETH = ((8.4, 6.8, 7.4, 6.8, 6.6, 8.0), (9.0, 8.4, 8.7, 7.8, 7.2, 6.6))
_LOWER_TEETH = ((5.4, 5.9, 6.7, 6.8, 6.6, 8.0), (8.2, 8.2, 8.4, 7.8, 7.2, 7.0))
_IVORY = (214.0, 230.0, 238.0)
_TONGUE_COLOUR = (104.0, 98.0, 196.0)
_TIP_COLOUR = (122.0, 112.0, 214.0)
_TIP_WIDTH = 26.0
_CAVITY_COLOUR = (22.0, 20.0, 52.0)
_SHADE_TINT = (1.35, 1.12, 0.82)
_SKIN_REFERENCE = (128.0, 158.0, 205.0)


@dataclass(frozen=True, slots=True)
class Interior:
    """Sprites in BGR floats with their coverage, placed relative to the mouth's box (pixels).

    `centre`, `line` is the middle of the shut lips; `cosine`, `sine` are the tilt of the head.

    `photo_teeth` (box height, box width, 3) and `photo_cover` hold the teeth of a picture with an
    open mouth; both are empty otherwise.
    """

    unit: float
    centre: float
    line: float
    cosine: float
    sine: float
    cavity: Floats
    tongue: Floats
    tongue_cover: Floats
    tip: Floats
    tip_cover: Floats
    upper_teeth: Floats
    upper_cover: Floats
    lower_teeth: Floats
    lower_cover: Floats
    photo_teeth: Floats
    photo_cover: Floats


def build_interior(
    picture: Picture, points: Points, mouth: Mouth, box: tuple[int, int, int, int], *, is_open: bool
) -> Interior:
    """Sprites in the light and cast of this face."""
    left, top = box[:2]
    frame = measure(points)
    unit = frame.lip_unit
    light, cast = _light(picture, frame, points)
    upper, upper_cover = _teeth(*_UPPER_TEETH, unit, hanging=True)
    lower, lower_cover = _teeth(*_LOWER_TEETH, unit, hanging=False)
    tongue, tongue_cover = _tongue(unit)
    tip, tip_cover = _tongue_tip(unit)
    middle = len(mouth.upper_inner) // 2
    seam = mouth.seam[middle] - (left, top)
    if is_open:  # where the closing field brings both edges together
        seam = frame.origin + frame.down * closed_line(frame, mouth) - (left, top)
    photo = _photo_teeth(picture, mouth, box, light) if is_open else None
    empty = np.zeros((0, 0), np.float32)
    return Interior(
        unit=unit,
        centre=float(seam[0]),
        line=float(seam[1]),
        cosine=float(frame.across[0]),
        sine=float(frame.across[1]),
        cavity=np.array(_CAVITY_COLOUR, np.float32) * light,
        tongue=_tinted(tongue, light * cast),
        tongue_cover=tongue_cover,
        tip=_tinted(tip, light * cast),
        tip_cover=tip_cover,
        upper_teeth=_tinted(upper, light * cast),
        upper_cover=upper_cover,
        lower_teeth=_tinted(lower, light * cast * 0.88),
        lower_cover=lower_cover,
        photo_teeth=photo[0] if photo else np.zeros((0, 0, 3), np.float32),
        photo_cover=photo[1] if photo else empty,
    )


def _light(picture: Picture, frame: FaceFrame, points: Points) -> tuple[float, Floats]:
    """Brightness of the scene relative to a common one, and the skin's colour cast.

    Light skin and the white of the eyes both tell of the light; a dark skin must not darken the teeth.
    """
    reach = max(2, int(2 * frame.millimetre))
    tones = []
    for side in (-1, 1):
        x, y = frame.origin + frame.across * side * 34 * frame.millimetre - frame.down * 8 * frame.millimetre
        patch = picture[max(0, int(y) - reach) : int(y) + reach, max(0, int(x) - reach) : int(x) + reach]
        if patch.size:
            tones.append(np.median(patch.reshape(-1, 3), axis=0))
    reference = np.array(_SKIN_REFERENCE, np.float32)
    skin = np.max(tones, axis=0).astype(np.float32) if tones else reference
    white = _brightest_of_eyes(picture, points)
    light = float(np.clip(max(skin.mean() / 165, white / 205), 0.12, 1.06))
    cast = ((skin / (skin.mean() + 1)) / (reference / reference.mean())) ** 0.6
    return light, np.asarray(np.clip(cast, 0.7, 1.2), np.float32)


def _brightest_of_eyes(picture: Picture, points: Points) -> float:
    mask = np.zeros(picture.shape[:2], np.uint8)
    for upper, lower in EYES:
        ring = np.round(np.r_[points[list(upper)], points[list(lower)][::-1]]).astype(np.int32)
        cv2.fillPoly(mask, [ring], 1)  # type: ignore[list-item]  # the stubs want a list of plain arrays
    inside = picture[mask > 0]
    return float(np.percentile(inside.mean(1), 95)) if inside.size else 0.0


def _tinted(colour: Floats, tint: Floats) -> Floats:
    return np.asarray(np.clip(colour * tint, 0, 250), np.float32)


def _raster(width: float, height: float, unit: float) -> tuple[Floats, Floats, tuple[int, int]]:
    """Supersampled coordinates in mm (x from the middle, y from the top) and the final size."""
    size = (max(4, round(width * unit)), max(4, round(height * unit)))
    columns, rows = size[0] * _SUPERSAMPLING, size[1] * _SUPERSAMPLING
    x = ((np.arange(columns) + 0.5) / columns - 0.5) * width
    y = (np.arange(rows) + 0.5) / rows * height
    across, along = np.meshgrid(x.astype(np.float32), y.astype(np.float32))
    return across, along, size


def _teeth(
    widths: tuple[float, ...], heights: tuple[float, ...], unit: float, *, hanging: bool
) -> tuple[Floats, Floats]:
    """One row of teeth, seen from the front on its arch; hanging from the top, or standing."""
    depth = 13.0
    x, y, size = _raster(_SPRITE_WIDTH, depth, unit)
    y = y if hanging else depth - y
    middles = np.cumsum(widths) - np.array(widths) / 2
    shown = np.array(widths) * np.maximum(0.35, np.cos(np.minimum(1.25, middles / 26)))
    ends = np.cumsum(shown)
    side = np.abs(x)
    which = np.minimum(np.searchsorted(ends, side), len(widths) - 1)
    within = (side - (ends - shown)[which]) / shown[which] * 2 - 1
    bow = 0.0036 if hanging else 0.0028
    edge = np.array(heights)[which] - bow * side**2 - 0.6 * np.clip(within, -1, 1) ** 6
    cover = np.clip((edge - y) * 3 * unit + 0.5, 0, 1) * (side < ends[-1])
    share = np.clip(y / np.maximum(edge, 1), 0, 1)
    shade = (
        (1 - 0.07 * np.clip(within, -1, 1) ** 10)
        * np.clip(1.03 - 0.016 * side, 0.5, 1)
        * (0.86 + 0.14 * share)
    )
    colour = np.array(_IVORY, np.float32) * shade[..., None].astype(np.float32)
    return _shrink(colour, size), _shrink(cover.astype(np.float32), size)


def _tongue(unit: float) -> tuple[Floats, Floats]:
    x, y, size = _raster(_SPRITE_WIDTH, 22.0, unit)
    inside = 1 - (x / 16.5) ** 2 - ((y - 13) / 12) ** 2
    groove = 1 - 0.16 * np.exp(-((x / 1.8) ** 2)) * np.clip((y - 3) / 6, 0, 1)
    gleam = 26 * np.exp(-(((x + 4) / 3.6) ** 2) - ((y - 5.5) / 2.4) ** 2)
    shade = groove * np.clip(0.66 + 0.42 * inside, 0.5, 1.0)
    colour = np.array(_TONGUE_COLOUR, np.float32) * shade[..., None] + gleam[..., None]
    return _shrink(colour.astype(np.float32), size), _shrink(
        np.clip(inside * 5, 0, 1).astype(np.float32), size
    )


def _tongue_tip(unit: float) -> tuple[Floats, Floats]:
    """The tip as it shows between or behind the teeth: narrower, lighter, with a soft rim."""
    x, y, size = _raster(_TIP_WIDTH, 13.0, unit)
    inside = 1 - np.abs(x / 11.5) ** 2.4 - np.abs((y - 9.0) / 8.6) ** 2.2
    gleam = 34 * np.exp(-(((x + 2.5) / 5.0) ** 2) - ((y - 3.2) / 1.5) ** 2)
    shade = np.clip(0.72 + 0.5 * inside, 0.6, 1.04) * (1 - 0.10 * np.exp(-((x / 1.5) ** 2)))
    colour = np.array(_TIP_COLOUR, np.float32) * shade[..., None] + gleam[..., None]
    return _shrink(colour.astype(np.float32), size), _shrink(
        np.clip(inside * 4, 0, 1).astype(np.float32), size
    )


def _shrink(values: Floats, size: tuple[int, int]) -> Floats:
    return np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_AREA), np.float32)


def _photo_teeth(
    picture: Picture, mouth: Mouth, box: tuple[int, int, int, int], light: float
) -> tuple[Floats, Floats] | None:
    """The teeth that the picture itself shows, or None if the open mouth is dark."""
    left, top, width, height = box
    ring = np.r_[mouth.upper_inner, mouth.lower_inner[::-1]] - (left, top)
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [np.round(ring * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    pixels = picture[top : top + height, left : left + width].astype(np.float32)
    tone = pixels.mean(2)
    inside = tone[mask > 200]
    if inside.size == 0 or np.percentile(inside, 70) < 95 * light:
        return None
    bright = np.clip((tone - 45 * light) / (40 * light), 0, 1)
    cover = cv2.GaussianBlur(mask.astype(np.float32) / 255 * bright, (0, 0), 0.8)
    return pixels, np.asarray(cover, np.float32)


def paint(interior: Interior, face: FaceParameters, opening: Floats, left: int, top: int) -> Floats:
    """The inside of the mouth as BGR floats, same size as `opening` (coverage 0..1 of the hole).

    `left`, `top` place `opening` inside the mouth's box.
    """
    unit, jaw, pucker = interior.unit, float(face[_JAW]), float(face[_PUCKER])
    height, width = opening.shape
    canvas = np.empty((height, width, 3), np.float32)
    canvas[:] = interior.cavity
    lay = _Layers(interior, canvas, left, top)
    dropped = jaw * _JAW_DROP * unit
    tongue = float(face[_TONGUE])
    # rounded lips stand before the teeth and keep the light from them
    bared = float(np.clip((0.9 - pucker) / 0.25, 0.0, 1.0))
    lay.put(interior.tongue, interior.tongue_cover, dropped - (2.0 + 4.5 * jaw + 2.0 * tongue) * unit)
    lower_top = dropped - interior.lower_cover.shape[0] + 8.6 * unit
    lay.put(interior.lower_teeth, interior.lower_cover, lower_top, bared)
    if interior.photo_cover.size:
        area = (slice(top, top + height), slice(left, left + width))
        canvas += (interior.photo_teeth[area] - canvas) * (interior.photo_cover[area] * bared)[..., None]
    else:
        lay.put(interior.upper_teeth, interior.upper_cover, -5.6 * unit, bared)
    if tongue > 0.05:
        tip = (2.9 - 3.1 * min(1.0, tongue) + 1.0 * jaw) * unit
        lay.put(interior.tip, interior.tip_cover, tip, min(1.0, 1.6 * tongue))
    shade = 1 - _light_inside(opening, unit)
    # shadows in a mouth are red: grey ones make the teeth look dead
    return canvas * (1 - shade[..., None] * np.array(_SHADE_TINT, np.float32))


class _Layers:
    """Lays sprites into a part of the mouth's box, tilted like the head."""

    def __init__(self, interior: Interior, canvas: Floats, left: int, top: int) -> None:
        self._interior = interior
        self._canvas = canvas
        self._origin = (interior.centre - left, interior.line - top)

    def put(self, colour: Floats, cover: Floats, down: float, strength: float = 1.0) -> None:
        """Blend a sprite in, its upper edge `down` pixels below the line of the shut lips."""
        if strength <= 0:
            return
        height, width = self._canvas.shape[:2]
        cosine, sine = self._interior.cosine, self._interior.sine
        aside = -cover.shape[1] / 2
        place = np.array(
            [
                [cosine, -sine, self._origin[0] + cosine * aside - sine * down],
                [sine, cosine, self._origin[1] + sine * aside + cosine * down],
            ],
            np.float32,
        )
        weight = cv2.warpAffine(cover, place, (width, height))
        placed = cv2.warpAffine(colour, place, (width, height), borderMode=cv2.BORDER_REPLICATE)
        self._canvas += (placed - self._canvas) * (weight * np.float32(strength))[..., None]


def _light_inside(opening: Floats, unit: float) -> Floats:
    """Light that reaches in: less near the lips and under the upper one."""
    wide, low = int(4.5 * unit) | 1, int(2.0 * unit) | 1
    deep = cv2.blur(cv2.blur(opening, (wide, low)), (low, low))
    under = cv2.warpAffine(
        opening, np.array([[1, 0, 0], [0, 1, 1.3 * unit]], np.float32), opening.shape[::-1]
    )
    under = cv2.blur(under, (low, low))
    return np.asarray(0.74 + 0.26 * np.minimum(deep * 1.5, 1) * (0.55 + 0.45 * under), np.float32)

"""Blinks: every eye is painted once in a few steps from open to shut.

A drawn character may bring its own pictures of the lids; otherwise the lid is painted from a
smooth fit of the skin around the eye, because stretching the real lid would smear its lashes.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from opentalking.providers.render.portrait import anatomy
from opentalking.providers.render.portrait.anatomy import FaceFrame
from opentalking.providers.render.portrait.landmarks import Points
from opentalking.providers.render.portrait.picture import Picture
from opentalking.providers.render.portrait.planes import split
from opentalking.providers.render.portrait.warp import smoothstep

STEPS = 6
"""Steps from open (0) to shut (`STEPS`)."""
_SUPERSAMPLING = 4
_FRAME_MILLIMETRES = 18.0
"""What is darker or brighter than skin over this length is a spectacle frame or its glare."""

Floats = NDArray[np.float32]
Curve = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Eye:
    """One eye's patches: `luma` (STEPS + 1, h, w), `chroma` (STEPS + 1, h / 2, w / 2, 2), uint8."""

    left: int
    top: int
    luma: NDArray[np.uint8]
    chroma: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class _Lids:
    """Geometry of an eye inside its patch, pixels; curves run between the corners, (n, 2)."""

    upper: Curve
    lower: Curve
    centre: NDArray[np.float64]
    half_width: float
    unit: float


def build_eyes(picture: Picture, drawn: tuple[Picture, ...], points: Points) -> tuple[Eye, ...]:
    """Patches for both eyes; `drawn` is the same picture with lids further and further shut, or empty."""
    frame = anatomy.measure(points)
    eyes = []
    for lids, brow in zip(anatomy.EYES, anatomy.BROWS, strict=True):
        left, top, right, bottom = _box(picture, points, lids, brow, frame)
        if right - left < 4 or bottom - top < 4:
            continue
        area = (slice(top, bottom), slice(left, right))
        if drawn:
            steps = [picture[area], *(drawn[_nearest(k, len(drawn))][area] for k in range(1, STEPS + 1))]
        else:
            steps = _painted_steps(picture[area], _lids(points, lids, frame, left, top))
        planes = [split(np.ascontiguousarray(step)) for step in steps]
        eyes.append(Eye(left, top, np.stack([p.luma for p in planes]), np.stack([p.chroma for p in planes])))
    return tuple(eyes)


def _nearest(step: int, count: int) -> int:
    return max(0, round(step * count / STEPS) - 1)


def _painted_steps(patch: Picture, lids: _Lids) -> list[Picture]:
    source = patch.astype(np.float32)
    shut = _skin_lid(source, lids)
    steps = [source, *(_step(source, shut, lids, k / STEPS) for k in range(1, STEPS + 1))]
    return [np.clip(np.rint(step), 0, 255).astype(np.uint8) for step in steps]


def _box(
    picture: Picture,
    points: Points,
    lids: tuple[tuple[int, ...], ...],
    brow: tuple[int, ...],
    frame: FaceFrame,
) -> tuple[int, int, int, int]:
    height, width = picture.shape[:2]
    eye = points[[*lids[0], *lids[1]]]
    unit, reach = frame.millimetre, float(np.ptp(eye[:, 0])) * 0.42
    top = min(eye[:, 1].min() - 8 * unit, points[list(brow), 1].min() - 2 * unit)
    left = max(0, int(eye[:, 0].min() - reach)) // 2 * 2
    right = min(width, int(eye[:, 0].max() + reach) // 2 * 2)
    bottom = min(height, int(eye[:, 1].max() + 7 * unit) // 2 * 2, int(anatomy.mouth_top(points)) // 2 * 2)
    return left, max(0, int(top)) // 2 * 2, right, bottom


def _lids(points: Points, lids: tuple[tuple[int, ...], ...], frame: FaceFrame, left: int, top: int) -> _Lids:
    upper, lower = (_rounded(points[list(ids)].astype(np.float64) - (left, top)) for ids in lids)
    return _Lids(
        upper, lower, (upper.mean(0) + lower.mean(0)) / 2, float(np.linalg.norm(upper[-1] - upper[0])) / 2,
        frame.millimetre,
    )  # fmt: skip


def _rounded(curve: Curve, count: int = 49) -> Curve:
    """More points along a mesh contour, corners cut by two rounds of averaging."""
    way = np.linspace(0, len(curve) - 1, count)
    dense = np.stack([np.interp(way, np.arange(len(curve)), curve[:, k]) for k in (0, 1)], -1)
    for _ in range(4):
        dense[1:-1] = (dense[:-2] + 2 * dense[1:-1] + dense[2:]) / 4
    return dense


def _filled(ring: Curve, shape: tuple[int, ...]) -> Floats:
    mask = np.zeros((shape[0] * _SUPERSAMPLING, shape[1] * _SUPERSAMPLING), np.uint8)
    corners = np.round((ring + 0.5) * _SUPERSAMPLING * 16).astype(np.int32)
    cv2.fillPoly(mask, [corners], 255, cv2.LINE_8, 4)
    small = cv2.resize(mask, (shape[1], shape[0]), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32) / np.float32(255)


def _ellipse(width: float, height: float) -> NDArray[np.uint8]:
    size = (max(1, int(width)) | 1, max(1, int(height)) | 1)
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, size), np.uint8)


def _hole(lids: _Lids, shape: tuple[int, ...]) -> Floats:
    """The area that a shut lid has to cover: the opening with lashes and crease, mostly above."""
    opening = (_filled(np.r_[lids.upper, lids.lower[::-1]], shape) > 0.3).astype(np.uint8)
    unit = lids.unit
    around = cv2.dilate(opening, _ellipse(6 * unit, 3 * unit))
    raised = cv2.dilate(opening, _ellipse(7 * unit, 6 * unit))
    above = cv2.warpAffine(raised, np.array([[1, 0, 0], [0, 1, -2.2 * unit]], np.float32), shape[1::-1])
    return np.maximum(around, above).astype(np.float32)


def _skin_lid(source: Floats, lids: _Lids) -> Floats:
    """The eye's patch with the eye painted over by the skin around it.

    A quadratic fit gives the shape of the light; what it misses at the hole's edge is drawn inwards, so
    that no outline shows. Spectacle frames and their glare are neither taken for skin nor painted over.
    """
    shape, unit = source.shape[:2], lids.unit
    hole = _hole(lids, shape)
    ring = (cv2.dilate(hole, _ellipse(7 * unit, 7 * unit)) > 0) & (hole == 0)
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float64)
    u, v = (x - lids.centre[0]) / lids.half_width, (y - lids.centre[1]) / lids.half_width
    terms = np.stack([np.ones_like(u), u, v, u * u, v * v], -1)
    tone = source.mean(2)
    bright = np.percentile(tone[ring], 60)
    # brows and spectacle frames are no skin
    usable = ring & (tone > 0.86 * bright) & (tone < 1.2 * bright)
    system = terms[usable]
    damping = np.diag([1e-3, 0.5, 0.5, 6.0, 6.0]) * len(system) * 0.02
    weights = np.linalg.solve(system.T @ system + damping, system.T @ source[usable])
    skin = np.clip(terms @ weights, 0, 255)
    near = ring & (tone > 0.70 * bright) & (tone < 1.3 * bright)
    skin += _drawn_in(np.asarray(source - skin, np.float32), near, lids)
    skin *= (1 + _lid_relief(u, v, lids))[..., None]
    skin += _grain(source, usable, unit)[..., None]
    cover = cv2.GaussianBlur(hole, (0, 0), 1.5 * unit)
    cover = np.clip(cover * 1.25 - 0.12, 0, 1) * (1 - _foreign(tone, bright, lids))
    return np.asarray(source + (skin - source) * cover[..., None], np.float32)


def _drawn_in(missed: Floats, known: NDArray[np.bool_], lids: _Lids) -> Floats:
    """`missed` where it is known, drawn over all of the patch, weaker with distance."""
    have = known.astype(np.float32)
    total, share = np.zeros_like(missed), np.full(have.shape, 1e-4, np.float32)
    for millimetres, strength in ((1.2, 1.0), (3.0, 0.12), (7.0, 0.02)):
        sigma = max(0.6, millimetres * lids.unit)
        total += strength * cv2.GaussianBlur(missed * have[..., None], (0, 0), sigma)
        share += strength * cv2.GaussianBlur(have, (0, 0), sigma)
    return np.asarray(total / share[..., None], np.float32)


def _grain(source: Floats, skin: NDArray[np.bool_], unit: float) -> Floats:
    """Noise as fine and as strong as the skin's own: a lid without it looks like plastic."""
    fine = source.mean(2) - cv2.GaussianBlur(source.mean(2), (0, 0), max(0.8, 0.8 * unit))
    strength = float(np.median(np.abs(fine[skin]))) * 1.48 if skin.any() else 0.0
    noise = np.random.default_rng(7).normal(0, 1, source.shape[:2]).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), max(0.6, 0.45 * unit))
    return np.asarray(soft / (soft.std() + 1e-6) * min(strength, 5.0), np.float32)


def _foreign(tone: Floats, bright: float, lids: _Lids) -> Floats:
    """Where a frame or its glare lies over the eye's surroundings, 0..1."""
    opening = (_filled(np.r_[lids.upper, lids.lower[::-1]], tone.shape) > 0.3).astype(np.uint8)
    eye = cv2.dilate(opening, _ellipse(6 * lids.unit, 5.5 * lids.unit)) > 0
    odd = (((tone < 0.5 * bright) | (tone > 1.28 * bright)) & ~eye).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(odd)
    long = [  # lashes, creases and moles are short
        k for k in range(1, count)
        if max(stats[k, cv2.CC_STAT_WIDTH], stats[k, cv2.CC_STAT_HEIGHT]) > _FRAME_MILLIMETRES * lids.unit
    ]  # fmt: skip
    odd = np.isin(labels, long).astype(np.uint8)
    grown = cv2.dilate(odd, _ellipse(2 * lids.unit, 2 * lids.unit)).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(grown, (0, 0), max(0.5, 0.5 * lids.unit)), np.float32)


def _lid_relief(u: Curve, v: Curve, lids: _Lids) -> Curve:
    """Light and shade of a lid over the eyeball, relative."""
    inside = np.clip(1 - np.abs(u / 1.1) ** 4, 0, 1)
    return np.asarray(
        inside * (0.035 * np.exp(-(((v + 0.05) / 0.22) ** 2)) - 0.06 * np.exp(-(((v + 0.42) / 0.10) ** 2)))
    )


def _step(source: Floats, shut: Floats, lids: _Lids, amount: float) -> Floats:
    """The patch with the lid down by `amount` (0..1)."""
    shape, unit = source.shape[:2], lids.unit
    line = lids.upper * (1 - amount) + (lids.lower + np.array([0, 0.2 * unit])) * amount
    start, end = line[0], line[-1]
    far = (end - start) * 0.8
    lift = np.array([0, 400.0])
    above = _filled(np.r_[[start - far], line, [end + far], [end + far - lift], [start - far - lift]], shape)
    if amount == 1:
        above = np.maximum(
            above, _filled(np.r_[lids.upper, (lids.lower + np.array([0, 0.8 * unit]))[::-1]], shape)
        )
    above = np.asarray(cv2.GaussianBlur(above, (0, 0), max(0.3, 0.25 * unit)), np.float32)
    cover = above * min(1.0, amount * 2.2) * _fade(shape, unit)
    image = source + (shut - source) * cover[..., None]
    lash = _lash(line, shape, unit, amount)[..., None]
    dark = np.minimum(np.percentile(source.reshape(-1, 3), 2, axis=0) + 8, shut.mean((0, 1)) * 0.5)
    return np.asarray(image + (dark - image) * lash * 0.6, np.float32)


def _lash(line: Curve, shape: tuple[int, ...], unit: float, amount: float) -> Floats:
    mask = np.zeros((shape[0] * _SUPERSAMPLING, shape[1] * _SUPERSAMPLING), np.uint8)
    count = len(line) - 1
    corners = np.round((line + 0.5) * _SUPERSAMPLING * 16).astype(np.int32)
    for k in range(count):
        swell = np.sin(np.pi * np.clip((k + 0.5) / count, 0.06, 0.94)) ** 0.6
        width = max(1, round(_SUPERSAMPLING * unit * (0.9 + 0.2 * amount) * float(swell)))
        cv2.line(mask, corners[k].tolist(), corners[k + 1].tolist(), 255, width, cv2.LINE_8, 4)
    small = cv2.resize(mask, (shape[1], shape[0]), interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small.astype(np.float32) / 255, (0, 0), max(0.3, 0.28 * unit))
    return np.asarray(soft * min(1.0, amount * 2.2), np.float32)


def _fade(shape: tuple[int, ...], unit: float) -> Floats:
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    inset = np.minimum.reduce([x, shape[1] - 1 - x, y, shape[0] - 1 - y])
    return smoothstep(inset / (2.5 * unit))

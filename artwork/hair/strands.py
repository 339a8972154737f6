"""Hair as masses of colour with strands combed along guide lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import skia
from numpy.typing import NDArray

from artwork.brush import Point, fill, inside, outline, shaded, taper

Guides = Sequence[Sequence[Point]]
"""Lines from root to tip, all with the same number of points, ordered across the head."""


@dataclass(frozen=True)
class Tones:
    """Colours of hair."""

    dark: str
    base: str
    light: str
    gloss: str
    shine: float = 0.5


class Hair(Protocol):
    """What a style has to draw: what lies behind the head, and what lies over the face."""

    def back(self, canvas: skia.Canvas) -> None:
        """Behind neck and shoulders."""

    def front(self, canvas: skia.Canvas) -> None:
        """Around and over the face; it also throws the shadow on it."""


def _lane(guides: NDArray[np.float64], where: float) -> NDArray[np.float64]:
    low = min(int(where), len(guides) - 2)
    share = where - low
    return np.asarray(guides[low] * (1 - share) + guides[low + 1] * share)


def _part(lane: NDArray[np.float64], start: float, end: float) -> NDArray[np.float64]:
    """The stretch of a line between two shares of its length, with as many points."""
    way = np.linspace(start, end, len(lane)) * (len(lane) - 1)
    return np.stack([np.interp(way, np.arange(len(lane)), lane[:, k]) for k in (0, 1)], -1)


@dataclass(frozen=True)
class Comb:
    """How strands are laid: how many, how wide, how unruly (pixels), where they shine."""

    count: int = 90
    width: tuple[float, float] = (1.6, 4.6)
    unruly: float = 2.0
    alpha: float = 0.5
    shine_at: tuple[float, float] = (0.12, 0.42)
    whole: bool = False
    """Strands run from root to tip, instead of over a part of the way."""
    seed: int = 1


def comb(canvas: skia.Canvas, guides: Guides, tones: Tones, how: Comb) -> None:
    """Lay strands between the guides: dark ones, light ones, then the shine."""
    rng = np.random.default_rng(how.seed)
    lines = np.asarray(guides, float)
    for k in range(how.count):
        lane = _lane(lines, rng.random() * (len(lines) - 1))
        lane = lane + rng.normal(0, how.unruly, 2) + rng.normal(0, how.unruly * 0.5, lane.shape)
        code = (tones.dark, tones.light, tones.base, tones.dark, tones.light)[k % 5]
        start = 0.0 if how.whole else 0.45 * rng.random()
        part = _part(lane, start, min(1.0, start + 0.5 + 0.5 * rng.random()) if not how.whole else 1.0)
        width = rng.uniform(*how.width)
        taper(canvas, [tuple(p) for p in part], width, code, how.alpha * rng.uniform(0.5, 1.0))
    low, high = how.shine_at
    for _ in range(int(how.count * 0.5)):
        lane = _lane(lines, rng.random() * (len(lines) - 1)) + rng.normal(0, how.unruly, 2)
        middle, reach = rng.uniform(low, high), rng.uniform(0.08, 0.20)
        part = _part(lane, max(0, middle - reach), min(1, middle + reach))
        taper(
            canvas,
            [tuple(p) for p in part],
            rng.uniform(1.2, 3.4),
            tones.gloss,
            tones.shine * rng.uniform(0.3, 0.9),
        )


def mass(
    canvas: skia.Canvas, points: Sequence[Point], tones: Tones, guides: Guides, how: Comb, soft: float = 0.0
) -> None:
    """A closed shape of hair, darker towards its lower end, combed along `guides`; `soft` blurs its edge."""
    path = outline(points)
    rows = [y for _, y in points]
    body = shaded((0, min(rows)), (0, max(rows)), [tones.base, tones.base, tones.dark])
    if soft:
        body.setMaskFilter(skia.MaskFilter.MakeBlur(skia.kNormal_BlurStyle, soft))
    else:
        canvas.drawPath(path, fill(tones.dark, 0.5, blur=1.2))
    canvas.drawPath(path, body)
    inside(canvas, path, lambda canvas: comb(canvas, guides, tones, how))


def lock(
    canvas: skia.Canvas, lane: NDArray[np.float64], width: float, tones: Tones, rng: np.random.Generator
) -> None:
    """One lock along `lane` (n, 2): a dark edge, a body, strands, and shine on its crest."""
    taper(canvas, _knots(lane + np.array((0.6, 1.0))), width, tones.dark, 0.55)
    body = tones.base if rng.random() > 0.35 else tones.light
    taper(canvas, _knots(lane), width * 0.84, body, 0.9)
    for offset in (-0.30, -0.15, 0.0, 0.14, 0.28):
        code = tones.light if rng.random() < 0.62 - offset else tones.dark
        taper(
            canvas, _knots(lane + np.array((offset * width * 0.8, -0.2))), max(1.0, width * 0.11), code, 0.55
        )
    crest = int(rng.uniform(0.12, 0.45) * len(lane))
    shine = lane[crest : crest + max(6, len(lane) // 4)]
    taper(canvas, _knots(shine - np.array((0.14 * width, 0.4))), width * 0.20, tones.gloss, tones.shine)


def lane_at(guides: Guides, where: float, start: float = 0.0, end: float = 1.0) -> NDArray[np.float64]:
    """A dense line (120, 2) between the guides: at `where` (0..1) across them, `start`..`end` along."""
    lines = np.asarray(guides, float)
    lane = _lane(lines, where * (len(lines) - 1))
    way = np.linspace(start, end, 120) * (len(lane) - 1)
    dense = np.stack([np.interp(way, np.arange(len(lane)), lane[:, k]) for k in (0, 1)], -1)
    for _ in range(60):
        dense[1:-1] = (dense[:-2] + 2 * dense[1:-1] + dense[2:]) / 4
    return dense


def _knots(lane: NDArray[np.float64]) -> list[Point]:
    return [(float(x), float(y)) for x, y in lane[:: max(1, len(lane) // 24)]]


def roots(canvas: skia.Canvas, guides: Guides, tones: Tones, how: Comb) -> None:
    """Short hairs that start a little outside the hairline and soften it."""
    rng = np.random.default_rng(how.seed + 200)
    for k in range(how.count):
        lane = lane_at(guides, rng.random(), 0.0, rng.uniform(0.2, 0.45))
        direction = lane[12] - lane[0]
        lane = (
            lane
            - direction / (np.linalg.norm(direction) + 1e-9) * rng.uniform(0, 5)
            + rng.normal(0, how.unruly, 2)
        )
        code = (tones.dark, tones.base, tones.light)[k % 3]
        taper(canvas, _knots(lane), rng.uniform(*how.width), code, how.alpha * rng.uniform(0.5, 1))

"""Beards: a soft mass along the jaw, with single hairs; the lips stay free."""

from dataclasses import dataclass

import numpy as np
import skia

from artwork.brush import AXIS, fill, flip, inside, outline, shape, stroke, taper
from artwork.hair.strands import Tones
from artwork.mouth import Lips
from artwork.nose import Nose
from artwork.skin import Head


@dataclass(frozen=True)
class Beard:
    """A beard that fits a head, its nose and its lips."""

    tones: Tones
    head: Head
    nose: Nose
    lips: Lips
    density: float = 0.85
    length: float = 4.0
    """How far it stands out below the chin, pixels."""
    cheek_line: float = 326.0
    """Row where it begins on the cheek."""
    hairs: int = 900
    reach: float = 7.0
    """Length of a hair, pixels."""
    curl: float = 0.0
    body: float = 0.85
    """How densely skin is covered between the hairs."""
    contrast: float = 0.7

    def _area(self) -> skia.Path:
        head, low, grown = self.head, self.head.bottom - 414.0, self.length
        right = [
            (head.cheek - 1, 262), (head.cheek + 0.1 * grown, 292),
            (head.cheek - 3 + 0.2 * grown, 318 + 0.4 * low),
            (head.jaw + 2 + 0.4 * grown, 352 + 0.7 * low),
            (0.56 * head.jaw + 0.5 * head.chin + 2 + 0.6 * grown, 386 + 0.9 * low + 0.5 * grown),
            (head.chin + 2, 408 + low + 0.9 * grown),
            (0, 415 + low + grown),
        ]  # fmt: skip
        base, line = self.nose.base, self.cheek_line
        corner = self.lips.half_width
        top = [
            (0, base + 10), (14, base + 8.5), (27, base + 12), (corner + 8, self.lips.height - 9),
            (corner + 15, self.lips.height - 8), (head.jaw - 13, line + 8), (head.cheek - 13, line - 24),
            (head.cheek - 9, 284), (head.cheek - 7, 262),
        ]  # fmt: skip
        ring = [(AXIS + x, y) for x, y in [*top, *right]]
        left = [(2 * AXIS - x, y) for x, y in reversed(ring[1:-1])]
        return outline([*ring, *left], tension=0.85)

    def __call__(self, canvas: skia.Canvas) -> None:
        """Draw it below the lips."""
        area = self._area()
        canvas.saveLayer(None, skia.Paint(Alphaf=self.density))
        canvas.drawPath(area, fill(self.tones.dark, self.body, blur=3.0))
        inside(
            canvas,
            area,
            lambda canvas: canvas.drawPath(area, fill(self.tones.base, 0.65 * self.body, blur=6)),
        )
        self._strands(canvas, area)
        self._free_lips(canvas)
        canvas.restore()

    def _strands(self, canvas: skia.Canvas, area: skia.Path) -> None:
        rng = np.random.default_rng(17)
        last = self.head.bottom + self.length + 4
        drawn = 0
        while drawn < self.hairs:
            x, y = rng.uniform(-100, 100), rng.uniform(258, last)
            if not area.contains(AXIS + x, y):
                continue
            drawn += 1
            reach = self.reach * rng.uniform(0.7, 1.25)
            on_lip = self.nose.base < y < self.lips.height - 2 and abs(x) < self.lips.half_width + 8
            lean = (
                0.9 * np.sign(x) if on_lip else -0.45 * x / 80 if y > 360 else 0.1 * np.sign(x)
            ) + rng.normal(0, 0.2)
            end = (AXIS + x + lean * reach, y + reach * (0.7 if on_lip else 1.0))
            if not area.contains(end[0], end[1] - 1.5):
                continue
            bend = self.curl * reach * rng.choice((-1, 1))
            middle = (AXIS + x + 0.4 * lean * reach + bend, y + 0.5 * reach)
            code = (self.tones.dark, self.tones.light, self.tones.base, self.tones.light)[
                int(rng.integers(0, 4))
            ]
            taper(
                canvas,
                [(AXIS + x, y), middle, end],
                rng.uniform(0.9, 1.8),
                code,
                self.contrast * rng.uniform(0.4, 1),
            )

    def _free_lips(self, canvas: skia.Canvas) -> None:
        """Take the beard away where the lips are, and thin it beside the chin tuft."""
        lips = self.lips
        away = fill("#000000", 1.0, blur=2.2)
        away.setBlendMode(skia.BlendMode.kDstOut)
        rim = stroke("#000000", 2 * lips_margin(self.length), 0.9, blur=1.6)
        rim.setBlendMode(skia.BlendMode.kDstOut)
        shape(canvas, lips.outer, away)
        shape(canvas, lips.outer, rim)
        soft = fill("#000000", 0.75, blur=3.2)
        soft.setBlendMode(skia.BlendMode.kDstOut)
        below = lips.height + lips.below
        for side in (-1, 1):
            bare = [
                (AXIS + 12, below - 1),
                (AXIS + 30, below - 6),
                (AXIS + 26, below + 4),
                (AXIS + 14, below + 6),
            ]
            shape(canvas, flip(bare, side), soft)


def lips_margin(length: float) -> float:
    """How much skin stays bare around the lips, pixels: less under a longer beard."""
    return 3.4 if length < 8 else 2.2


def stubble(tones: Tones, head: Head, nose: Nose, lips: Lips) -> Beard:
    """The shadow of a beard that was shaved the day before."""
    return Beard(
        tones, head, nose, lips, density=0.42, length=-2.0, hairs=1500, reach=2.4, body=0.42, contrast=0.9
    )

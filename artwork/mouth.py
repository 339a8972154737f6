"""Closed lips; their outline is what the renderer animates."""

from dataclasses import dataclass

import skia

from artwork.brush import AXIS, Point, fill, flip, inside, line, outline, oval, shaded, shape, shifted, stroke
from artwork.skin import Skin


@dataclass(frozen=True)
class Lips:
    """Closed lips: colours, fullness in pixels, and a slight smile."""

    upper: str
    lower: str
    seam: str
    half_width: float = 40.0
    height: float = 357.0
    """Row of the corners when the mouth does not smile."""
    above: float = 9.0
    below: float = 15.5
    bow: float = 2.6
    smile: float = 4.2
    """How much the corners are raised."""
    gloss: float = 0.5
    edge: float = 1.0
    """Sharpness of the lips' rim, 0..1."""

    def _row(self, shares: list[tuple[float, float]]) -> list[Point]:
        """Half a row of points (share of the half width, pixels below the corners), mirrored."""
        right = [(AXIS + x * self.half_width, self.height + y - self.smile) for x, y in shares]
        return [(2 * AXIS - x, y) for x, y in reversed(right) if x > AXIS + 0.01] + right

    @property
    def seam_line(self) -> list[Point]:
        """The line between the lips, from left to right."""
        drop = self.smile
        return self._row([(0, drop + 2.0), (0.34, drop + 1.3), (0.68, drop * 0.70 + 0.6), (1.0, 0.0)])

    @property
    def bow_line(self) -> list[Point]:
        """The upper edge of the upper lip, from left to right."""
        top = self.smile - self.above
        return self._row([(0, top + self.bow + 1.6), (0.24, top + 0.6), (0.62, top * 0.58 + 0.9), (1.0, 0.0)])

    @property
    def rim_line(self) -> list[Point]:
        """The lower edge of the lower lip, from right to left, without the corners."""
        low = self.smile + self.below
        right = [(0, low + 1.2), (0.40, low - 0.8), (0.76, low * 0.56)]
        return list(reversed(self._row(right)))

    @property
    def outer(self) -> list[Point]:
        """The outline of both lips, from the left corner over the bow."""
        return [*self.bow_line, *self.rim_line]


def draw_lips(canvas: skia.Canvas, lips: Lips, skin: Skin) -> None:
    """Both lips, the line between them and the soft folds beside them."""
    seam, bow, rim = lips.seam_line, lips.bow_line, lips.rim_line
    middle = lips.height
    oval(canvas, (AXIS, middle + lips.below + 8), (24, 4.5), fill(skin.deep, 0.34, blur=4.5))
    soft = 1.6 - 1.1 * lips.edge
    upper = outline([*bow, *reversed(seam[1:-1])], tension=0.92)
    lower = outline([*seam, *rim], tension=0.92)
    for path, code in ((upper, lips.upper), (lower, lips.lower)):
        canvas.drawPath(path, fill(code, 0.85, blur=max(0.3, soft)))
    top, bottom = middle - lips.above, middle + lips.below
    dark = lips.seam
    canvas.drawPath(upper, shaded((0, top), (0, middle + 2), [lips.lower, lips.upper, lips.upper], 0.9))
    canvas.drawPath(lower, shaded((0, middle), (0, bottom), [lips.upper, lips.lower, lips.lower], 0.95))
    inside(canvas, upper, lambda canvas: _upper_lights(canvas, lips, seam, dark))
    inside(canvas, lower, lambda canvas: _lower_lights(canvas, lips, skin, dark))
    rim_light = [(x, y - 1.6) for x, y in bow[1:-1]]
    line(canvas, rim_light, stroke(skin.shine, 1.8, 0.42 * skin.gloss, blur=1.0))
    for side in (-1, 1):
        x, y = AXIS + lips.half_width, lips.height - lips.smile
        corner = flip([(x - 2, y), (x + 1.6, y - 0.8), (x + 3.6, y - 3.0)], side)
        line(canvas, corner, stroke(skin.dark, 2.4, 0.38, blur=1.3))
        dimple = flip([(x + 4, y - 6), (x + 8, y + 2), (x + 5, y + 10)], side)
        line(canvas, dimple, stroke(skin.deep, 4, 0.20, blur=3.2))
        below = flip([(x - 6, y + 8), (x - 16, y + 15)], side)
        line(canvas, below, stroke(skin.deep, 5, 0.16, blur=3.5))
    line(canvas, seam, stroke(dark, 3.2, 0.35, blur=1.2))
    line(canvas, seam, stroke(dark, 1.9, 0.95, blur=0.25))


def _upper_lights(canvas: skia.Canvas, lips: Lips, seam: list[Point], dark: str) -> None:
    line(canvas, shifted(seam, 0, -1), stroke(dark, 6, 0.34, blur=2.6))
    for side in (-1, 1):
        bump = flip(
            [(AXIS + 5, lips.height - lips.above + 2.5), (AXIS + 18, lips.height - lips.above + 3)], side
        )
        line(canvas, bump, stroke("#FFF4EE", 2.6, 0.22 * lips.gloss, blur=1.6))


def _lower_lights(canvas: skia.Canvas, lips: Lips, skin: Skin, dark: str) -> None:
    line(canvas, shifted(lips.seam_line, 0, 2), stroke(dark, 4, 0.28, blur=2))
    y = lips.height + 0.42 * lips.below + 1
    oval(canvas, (AXIS - 3, y), (lips.half_width * 0.42, 2.6), fill("#FFF4EE", 0.62 * lips.gloss, blur=2.0))
    shape(
        canvas,
        [(AXIS - 22, lips.height + lips.below - 1), (AXIS, lips.height + lips.below + 0.4),
         (AXIS + 24, lips.height + lips.below - 1),
         (AXIS + 14, lips.height + lips.below + 5), (AXIS - 14, lips.height + lips.below + 5)],
        fill(skin.deep, 0.35, blur=2),
    )  # fmt: skip

"""Calm backgrounds, out of focus."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import skia

from artwork.brush import HEIGHT, WIDTH, Point, fill, glow, shaded, shape


@dataclass(frozen=True)
class Backdrop:
    """A wall with light on it, and soft round or leafy shapes far behind."""

    wall: Sequence[str]
    light: str
    shade: str
    dots: Sequence[tuple[float, float, float, str, float]] = field(default_factory=tuple)
    """Lights out of focus: x, y, radius, colour, opacity."""
    leaves: Sequence[tuple[float, float, float, float]] = field(default_factory=tuple)
    """Blurred leaves: root x, y, direction in degrees, length."""
    leaf: str = "#6E8F72"

    def draw(self, canvas: skia.Canvas) -> None:
        """Fill the picture."""
        canvas.drawRect(skia.Rect(0, 0, WIDTH, HEIGHT), shaded((0, 0), (WIDTH, HEIGHT), list(self.wall)))
        for x, y, direction, length in self.leaves:
            shape(canvas, _leaf((x, y), direction, length), fill(self.leaf, 0.50, blur=5))
        for x, y, radius, code, alpha in self.dots:
            canvas.drawCircle(x, y, radius, fill(code, alpha, blur=3.5))
        canvas.drawCircle(110, 130, 270, glow((110, 130), 270, [(self.light, 0.85), (self.light, 0.0)]))
        canvas.drawCircle(256, 290, 270, glow((256, 290), 270, [(self.light, 0.40), (self.light, 0.0)]))
        canvas.drawCircle(440, 520, 290, glow((440, 520), 290, [(self.shade, 0.55), (self.shade, 0.0)]))


def _leaf(root: Point, direction: float, length: float) -> list[Point]:
    turn = np.deg2rad(direction)
    along, across = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
    outline = ((0, 0), (0.3, 0.13), (0.65, 0.12), (1, 0), (0.65, -0.12), (0.3, -0.13))
    return [tuple(np.array(root) + length * (a * along + b * across)) for a, b in outline]

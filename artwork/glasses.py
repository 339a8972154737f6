"""Glasses, drawn over the lids."""

from dataclasses import dataclass

import skia

from artwork.brush import AXIS, Point, fill, flip, inside, line, outline, shaded, shape, shifted, stroke


@dataclass(frozen=True)
class Glasses:
    """A pair of glasses; `rim` gives the right glass as offsets from its middle."""

    frame: str
    light: str
    apart: float = 47.0
    height: float = 273.0
    wide: float = 38.0
    tall: float = 27.0
    thickness: float = 4.2
    roundness: float = 0.55
    hinge: float = 96.0
    """Where the temples vanish, from the axis."""

    def _rim(self, side: int) -> list[Point]:
        w, h, r = self.wide, self.tall, self.roundness
        corner = 0.94 - 0.24 * r
        ring = [
            (-1, 0.0), (-corner, -corner * 0.98), (0, -1), (corner, -corner), (1, -0.1),
            (corner, corner * 0.86), (0, 1),
            (-corner, corner * 0.86),
        ]  # fmt: skip
        return flip([(AXIS + self.apart + x * w, self.height + y * h) for x, y in ring], side)

    def __call__(self, canvas: skia.Canvas) -> None:
        """Glass, frame, bridge and temples."""
        for side in (-1, 1):
            rim = self._rim(side)
            path = outline(rim)
            canvas.drawPath(
                path,
                shaded(
                    (0, self.height - self.tall), (0, self.height + self.tall), ["#FFFFFF", "#BFD4E0"], 0.07
                ),
            )
            inside(canvas, path, lambda canvas, side=side: self._glint(canvas, side))  # type: ignore[misc]
            canvas.drawPath(outline(shifted(rim, 1.5, 4)), stroke("#3A1F18", self.thickness, 0.22, blur=2.5))
            temple = flip(
                [(AXIS + self.apart + self.wide - 1, self.height - 9), (AXIS + self.hinge, self.height - 7)],
                side,
            )
            line(canvas, temple, stroke(self.frame, self.thickness + 0.8))
            canvas.drawPath(path, stroke(self.frame, self.thickness))
            top = rim[1:4]
            line(canvas, shifted(top, -0.4, -0.8), stroke(self.light, 1.2, 0.8, blur=0.5))
        inner = self.apart - self.wide
        bridge = [(AXIS - inner, self.height - 7), (AXIS, self.height - 12), (AXIS + inner, self.height - 7)]
        line(canvas, shifted(bridge, 1, 4), stroke("#3A1F18", self.thickness, 0.22, blur=2.5))
        line(canvas, bridge, stroke(self.frame, self.thickness))
        line(canvas, shifted(bridge, 0, -0.9), stroke(self.light, 1.1, 0.8, blur=0.4))

    def _glint(self, canvas: skia.Canvas, side: int) -> None:
        x, y = AXIS + side * self.apart, self.height
        band = [(x - 34, y + 4), (x - 10, y - 30), (x + 4, y - 30), (x - 26, y + 14)]
        shape(canvas, band, fill("#FFFFFF", 0.13, blur=1.5), tension=0.1)
        line(canvas, [(x + 8, y - 30), (x - 18, y + 8)], stroke("#FFFFFF", 2.5, 0.10, blur=0.8))

"""Clothes for head-and-shoulders portraits."""

from dataclasses import dataclass

import numpy as np
import skia

from artwork.brush import AXIS, Point, fill, flip, inside, line, mix, outline, shaded, shape, shifted, stroke

SHOULDERS: list[Point] = [
    (200, 460), (150, 484), (94, 508), (56, 541), (38, 600), (26, 690),
    (486, 690), (474, 600), (456, 541), (418, 508), (362, 484), (312, 460),
]  # fmt: skip


def coat(width: float = 1.0, drop: float = 0.0) -> list[Point]:
    """The silhouette of the shoulders, wider or narrower about the axis."""
    return [(AXIS + (x - AXIS) * width, y + drop) for x, y in SHOULDERS]


def folds(canvas: skia.Canvas, dark: str, light: str) -> None:
    """Arms and the folds that they pull."""
    for side in (-1, 1):
        arm = flip([(414, 680), (404, 612), (412, 560), (424, 536)], side)
        line(canvas, arm, stroke(dark, 10, 0.50, blur=6))
        line(canvas, arm, stroke(dark, 2.0, 0.55, blur=0.8))
        pull = flip([(404, 568), (372, 590), (350, 630)], side)
        line(canvas, pull, stroke(dark, 6, 0.30, blur=5))
        top = flip([(446, 536), (420, 518), (376, 501)], side)
        line(canvas, top, stroke(light, 8, 0.34 if side > 0 else 0.55, blur=6))
    shape(canvas, [(380, 480), (512, 520), (512, 660), (420, 660), (424, 560)], fill(dark, 0.35, blur=18))


@dataclass(frozen=True)
class Blazer:
    """An open jacket over a round-necked top."""

    cloth: str
    top: str
    neckline: float = 536.0
    trim: str | None = None

    def draw(self, canvas: skia.Canvas) -> None:
        """Top, jacket, lapels."""
        dark, light = mix(self.cloth, "#0A0F16", 0.42), mix(self.cloth, "#FFFFFF", 0.16)
        self._top(canvas)
        opening = outline(
            [(178, 452), (196, 516), (232, 590), (256, 660), (280, 590), (316, 516), (334, 452)], tension=0.7
        )
        jacket = skia.Op(outline(coat(), tension=0.9), opening, skia.PathOp.kDifference_PathOp)
        canvas.drawPath(jacket, shaded((100, 480), (400, 660), [light, self.cloth, dark]))
        inside(canvas, jacket, lambda canvas: folds(canvas, dark, mix(self.cloth, "#FFFFFF", 0.4)))
        for side in (-1, 1):
            self._lapel(canvas, side, dark, light)

    def _top(self, canvas: skia.Canvas) -> None:
        low, shade = self.neckline, mix(self.top, "#3A2A22", 0.25)
        rim = [
            (192, 462),
            (200, low - 36),
            (226, low - 7),
            (256, low),
            (286, low - 7),
            (312, low - 36),
            (320, 462),
        ]
        blouse = [*rim, (350, 520), (360, 690), (152, 690), (162, 520)]
        path = outline(blouse, tension=0.7)
        canvas.drawPath(path, shaded((200, 500), (300, 660), [self.top, self.top, shade]))
        line(canvas, shifted(rim, 0, 5), stroke(shade, 3, 0.5, blur=2))
        line(canvas, shifted(rim, 0, -3), stroke("#2A1512", 4, 0.20, blur=2.4))
        line(canvas, rim, stroke(mix(self.top, "#FFFFFF", 0.5), 2.6, 0.9))

    def _lapel(self, canvas: skia.Canvas, side: int, dark: str, light: str) -> None:
        flap = flip(
            [(326, 462), (352, 476), (376, 512), (352, 526), (362, 543), (318, 620), (262, 680), (277, 604),
             (312, 524)],
            side,
        )  # fmt: skip
        shape(canvas, shifted(flap, side * 2, 4), fill("#05080C", 0.42, blur=7), tension=0.35)
        start, end = (AXIS + side * 20, 480), (AXIS + side * 110, 560)
        shape(canvas, flap, shaded(start, end, [self.cloth, light if side < 0 else self.cloth]), tension=0.35)
        shape(canvas, flap, stroke(dark, 1.5, 0.75), tension=0.35)
        edge = flip([(327, 467), (314, 526), (280, 604), (266, 660)], side)
        line(canvas, edge, stroke(mix(self.cloth, "#FFFFFF", 0.45), 1.5, 0.5))
        if self.trim:
            line(canvas, shifted(edge, side * 5, 0), stroke(self.trim, 2.0, 0.8))


@dataclass(frozen=True)
class Shirt:
    """A shirt with an open collar over a round-necked top."""

    cloth: str
    top: str
    neck: float = 46.0
    button: str = "#EFE9DF"

    def draw(self, canvas: skia.Canvas) -> None:
        """Top, body, placket, collar."""
        dark, light = mix(self.cloth, "#0A0F16", 0.42), mix(self.cloth, "#FFFFFF", 0.20)
        shade = mix(self.top, "#1A1210", 0.3)
        rim = [
            (AXIS + x, y)
            for x, y in ((-56, 470), (-40, 500), (-18, 515), (0, 519), (18, 515), (40, 500), (56, 470))
        ]
        path = outline([*rim, (AXIS + 84, 660), (AXIS - 84, 660)], tension=0.8)
        canvas.drawPath(path, shaded((200, 500), (300, 640), [self.top, self.top, shade]))
        line(canvas, shifted(rim, 0, -3), stroke("#2A1512", 4, 0.25, blur=2.4))
        line(canvas, shifted(rim, 0, 4), stroke(shade, 2.2, 0.7, blur=0.8))
        opening = outline(
            [(188, 440), (206, 508), (238, 580), (256, 618), (274, 580), (306, 508), (324, 440)], tension=0.5
        )
        body = skia.Op(outline(coat(1.02), tension=0.9), opening, skia.PathOp.kDifference_PathOp)
        canvas.drawPath(body, fill("#05080C", 0.35, blur=5))
        canvas.drawPath(body, shaded((100, 480), (400, 660), [light, self.cloth, dark]))
        inside(canvas, body, lambda canvas: folds(canvas, dark, mix(self.cloth, "#FFFFFF", 0.45)))
        for side in (-1, 1):
            edge = flip([(306, 508), (274, 580), (257, 618)], side)
            line(canvas, shifted(edge, side * 8, 3), stroke(dark, 1.3, 0.55, blur=0.5))
            line(canvas, edge, stroke(light, 2.0, 0.7, blur=0.5))
            self._wing(canvas, side, dark, light)
        line(canvas, [(256, 616), (257, 660)], stroke(dark, 2, 0.7))
        canvas.drawCircle(263, 632, 4.2, fill(self.button))

    def _wing(self, canvas: skia.Canvas, side: int, dark: str, light: str) -> None:
        """One half of the collar."""
        n = self.neck
        wing = [
            (n - 2, 440),
            (n + 12, 448),
            (n + 26, 470),
            (n + 34, 520),
            (n + 4, 538),
            (n - 8, 506),
            (n - 4, 470),
        ]
        place = flip([(AXIS + x, y) for x, y in wing], side)
        shape(canvas, shifted(place, side, 5), fill("#05080C", 0.42, blur=5), tension=0.45)
        tones = [light, self.cloth] if side < 0 else [self.cloth, mix(self.cloth, dark, 0.5)]
        shape(
            canvas, place, shaded((AXIS + side * n, 440), (AXIS + side * (n + 20), 530), tones), tension=0.45
        )
        shape(canvas, place, stroke(dark, 1.2, 0.6), tension=0.45)
        seam = flip([(AXIS + n + 29, 516), (AXIS + n + 5, 531), (AXIS + n - 3, 506)], side)
        line(canvas, seam, stroke(light, 1.1, 0.6), tension=0.4)


@dataclass(frozen=True)
class Sweater:
    """A knitted sweater with a round collar, or a high one."""

    wool: str
    collar: float = 0.0
    """How high the collar stands: 0 round, 1 a roll neck."""
    width: float = 1.0
    neck: float = 46.0
    """Half the width of the collar at the neck."""

    def draw(self, canvas: skia.Canvas) -> None:
        """Body, then the ribbed collar."""
        dark, light = mix(self.wool, "#120A10", 0.40), mix(self.wool, "#FFFFFF", 0.18)
        path = outline(self._body(), tension=0.85)
        canvas.drawPath(path, shaded((100, 470), (420, 660), [light, self.wool, dark]))

        def knit(canvas: skia.Canvas) -> None:
            for k in range(-26, 27):
                rib = [(AXIS + 9.4 * k, 466), (AXIS + 9.8 * k, 560), (AXIS + 10.2 * k, 660)]
                line(canvas, rib, stroke(dark, 2.6, 0.13, blur=1.2))
                line(canvas, shifted(rib, 3, 0), stroke(light, 2.0, 0.12, blur=1.0))
            folds(canvas, dark, mix(self.wool, "#FFFFFF", 0.42))

        inside(canvas, path, knit)
        self._ribs(canvas, dark, light)

    def _body(self) -> list[Point]:
        reach = self.neck + 12
        hole = [(reach, 470), (reach - 14, 504), (0, 516), (14 - reach, 504), (-reach, 470)]
        return [*coat(self.width)[1:-1], *[(AXIS + x, y) for x, y in hole]]

    def _ribs(self, canvas: skia.Canvas, dark: str, light: str) -> None:
        """The collar: a band around the neck."""
        middle, tall = 474 - 30 * self.collar, 20 + 36 * self.collar
        wide, deep = self.neck + 2 - 2 * self.collar, 30 - 8 * self.collar
        top = _arc(wide, middle, deep)
        low = _arc(wide + 15 - 5 * self.collar, middle + 2 + 0.72 * tall, deep + 0.28 * tall)
        path = _band(top, low)
        canvas.drawPath(path, fill("#0A0608", 0.42, blur=5))
        canvas.drawPath(path, shaded((180, 460), (330, 530), [light, self.wool, mix(self.wool, dark, 0.75)]))

        def ribs(canvas: skia.Canvas) -> None:
            for k in range(1, 36):
                ends = [_arc(wide, middle, deep, 37)[k], _arc(wide + 12, middle + tall, deep + 4, 37)[k]]
                line(canvas, ends, stroke(dark, 1.9, 0.30, blur=0.8))
            line(canvas, shifted(top, 0, 2.5), stroke(light, 3, 0.55, blur=1.5))
            line(canvas, shifted(low, 0, -2), stroke(dark, 4, 0.30, blur=2.5))

        inside(canvas, path, ribs)
        line(canvas, shifted(top, 0, -3.5), stroke("#1A0C0A", 5, 0.30, blur=2.6))
        line(canvas, shifted(low, 0, 3), stroke(dark, 4, 0.45, blur=3))


def _band(top: list[Point], low: list[Point]) -> skia.Path:
    """What lies between two arcs, its ends rounded."""
    (ax, ay), (bx, by) = top[-1], low[-1]
    end = ((ax + bx) / 2 + 2.0, (ay + by) / 2 - 1.0)
    return outline([*top[1:-1], end, *reversed(low[1:-1]), (2 * AXIS - end[0], end[1])], tension=0.9)


def _arc(wide: float, middle: float, deep: float, count: int = 13) -> list[Point]:
    """The lower half of an ellipse about the axis, from left to right."""
    turns = np.linspace(np.pi, 0, count)
    return [(float(AXIS + wide * np.cos(t)), float(middle + deep * np.sin(t))) for t in turns]

"""A headscarf, wrapped around the face and laid over the chest."""

from dataclasses import dataclass

import skia

from artwork.brush import (
    AXIS,
    Point,
    fill,
    inside,
    line,
    mirrored,
    mix,
    outline,
    shaded,
    shape,
    shifted,
    stroke,
    taper,
)

OPENING: list[Point] = mirrored(
    [
        (256, 148), (292, 152), (322, 174), (339, 214), (345, 262), (341, 308), (329, 352), (308, 388),
        (284, 409), (256, 416),
    ]
)  # fmt: skip
OUTER: list[Point] = mirrored(
    [
        (256, 76), (306, 84), (344, 114), (364, 166), (370, 226), (370, 290), (366, 350), (372, 408),
        (396, 462), (424, 520),
        (420, 590), (372, 640), (310, 668), (256, 676),
    ]
)  # fmt: skip


@dataclass(frozen=True)
class Headscarf:
    """A scarf of one colour over a cap that shows at the forehead."""

    cloth: str
    cap: str

    def back(self, canvas: skia.Canvas) -> None:
        """Nothing is seen behind it."""

    def front(self, canvas: skia.Canvas) -> None:
        """Cap, then the scarf with its folds."""
        dark, light = mix(self.cloth, "#160A12", 0.45), mix(self.cloth, "#FFFFFF", 0.28)
        ring = skia.Op(outline(OUTER), outline(OPENING), skia.PathOp.kDifference_PathOp)
        band = skia.Op(
            outline(shifted(OPENING, 0, 0)), outline(shifted(OPENING, 0, 13)), skia.PathOp.kDifference_PathOp
        )
        canvas.save()
        canvas.clipRect(skia.Rect(150, 130, 362, 240))
        canvas.drawPath(band, shaded((180, 150), (330, 200), [self.cap, mix(self.cap, "#000000", 0.3)]))
        canvas.restore()
        canvas.drawPath(ring, fill(dark, 0.5, blur=1.4))
        canvas.drawPath(ring, shaded((130, 100), (400, 560), [light, self.cloth, self.cloth, dark]))
        inside(canvas, ring, lambda canvas: self._folds(canvas, dark, light))
        line(canvas, [*OPENING[1:10]], stroke(dark, 2.5, 0.25, blur=1))
        line(canvas, OPENING[10:], stroke(light, 2.0, 0.5, blur=0.8))

    def _folds(self, canvas: skia.Canvas, dark: str, light: str) -> None:
        soft = [
            (360, 150, 20, 0.30), (354, 330, 16, 0.45), (330, 430, 18, 0.5), (176, 430, 16, 0.35),
            (256, 452, 26, 0.45),
        ]  # fmt: skip
        for x, y, radius, alpha in soft:
            canvas.drawCircle(x, y, radius, fill(dark, alpha, blur=14))
        wraps: list[list[Point]] = [
            [(300, 92), (346, 130), (358, 200), (357, 280), (349, 346), (318, 402), (262, 436)],
            [(322, 104), (358, 160), (364, 240), (362, 320), (346, 384), (304, 428), (236, 452)],
            [(212, 92), (168, 128), (154, 200), (154, 280), (164, 350), (196, 404), (250, 434), (330, 462)],
            [(190, 104), (154, 160), (148, 240), (150, 320), (164, 388), (208, 440), (280, 470), (372, 492)],
            [(152, 350), (160, 410), (200, 462), (272, 500), (372, 528)],
            [(144, 400), (164, 460), (226, 512), (300, 545), (384, 570)],
            [(120, 470), (180, 545), (270, 590), (390, 612)],
            [(116, 540), (190, 610), (290, 645), (400, 660)],
        ]
        for k, way in enumerate(wraps):
            line(canvas, shifted(way, 3, 6), stroke(dark, 9, 0.34, blur=4.5))
            taper(canvas, shifted(way, 1, 2), 4, dark, 0.38)
            line(canvas, shifted(way, -3, -5), stroke(light, 6, 0.30 if k % 2 else 0.40, blur=3.5))
        shape(
            canvas, [(190, 100), (230, 84), (262, 84), (214, 112), (176, 160)], fill("#FFFFFF", 0.20, blur=9)
        )
        shape(canvas, [(AXIS + 90, 470), (440, 500), (440, 660), (330, 660)], fill(dark, 0.40, blur=18))

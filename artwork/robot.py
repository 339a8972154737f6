"""What makes a robot of a face: shell, seams, lights, and a body of its own."""

from dataclasses import dataclass

import skia

from artwork.brush import (
    AXIS,
    Point,
    fill,
    flip,
    glow,
    inside,
    line,
    mirrored,
    mix,
    outline,
    oval,
    shaded,
    shape,
    shifted,
    stroke,
)

SHELL: list[Point] = mirrored(
    [
        (256, 70), (306, 76), (350, 108), (368, 162), (370, 220), (364, 262), (352, 262), (347, 224),
        (338, 190), (318, 168),
        (290, 160), (268, 172), (256, 184),
    ]
)  # fmt: skip


@dataclass(frozen=True)
class Shell:
    """A smooth shell instead of hair, with ear discs that glow."""

    code: str
    light: str
    metal: str = "#A9B8C6"

    def back(self, canvas: skia.Canvas) -> None:
        """The two aerials."""
        for side in (-1, 1):
            rod = flip([(AXIS + 104, 270), (AXIS + 122, 196), (AXIS + 126, 150)], side)
            line(canvas, rod, stroke(mix(self.metal, "#1A2430", 0.4), 4.2))
            line(canvas, shifted(rod, -1, 0), stroke("#FFFFFF", 1.2, 0.6))
            tip = rod[-1]
            canvas.drawCircle(*tip, 18, glow(tip, 18, [(self.light, 0.8), (self.light, 0.0)]))
            canvas.drawCircle(*tip, 6, fill(self.light))
            canvas.drawCircle(tip[0] - 1.6, tip[1] - 1.8, 2, fill("#FFFFFF", 0.95))

    def front(self, canvas: skia.Canvas) -> None:
        """Shell and ears."""
        dark, lit = mix(self.code, "#02060C", 0.55), mix(self.code, "#FFFFFF", 0.35)
        path = outline(SHELL, tension=0.92)
        canvas.drawPath(path, fill(dark, 0.7, blur=1.0))
        canvas.drawPath(path, shaded((160, 80), (370, 260), [lit, self.code, dark]))

        def polish(canvas: skia.Canvas) -> None:
            shape(
                canvas,
                [(176, 176), (186, 124), (226, 90), (256, 84), (222, 108), (198, 150)],
                fill("#FFFFFF", 0.55, blur=6),
            )
            for side in (-1, 1):
                seam = flip([(AXIS + 30, 70), (AXIS + 44, 110), (AXIS + 50, 162)], side)
                line(canvas, seam, stroke(dark, 1.8, 0.8))
                line(canvas, shifted(seam, 1.6, 0), stroke(lit, 1.0, 0.6))
            line(canvas, [(256, 96), (256, 158)], stroke(self.light, 10, 0.45, blur=6))
            line(canvas, [(256, 100), (256, 154)], stroke(self.light, 4.4))
            line(canvas, [(256, 104), (256, 150)], stroke("#FFFFFF", 1.6, 0.9))
            line(canvas, [*SHELL[6:13]], stroke("#FFFFFF", 2.0, 0.35, blur=0.8))

        inside(canvas, path, polish)
        for side in (-1, 1):
            self._ear(canvas, side, dark)

    def _ear(self, canvas: skia.Canvas, side: int, dark: str) -> None:
        x, y = AXIS + side * 101, 286.0
        oval(canvas, (x + 2, y + 4), (20, 31), fill("#05101A", 0.45, blur=5))
        oval(
            canvas,
            (x, y),
            (19, 30),
            shaded((x - 20, y - 30), (x + 20, y + 30), ["#FFFFFF", self.metal, mix(self.metal, dark, 0.6)]),
        )
        oval(canvas, (x, y), (13.5, 23), fill(dark))
        oval(canvas, (x, y), (11, 20), stroke(self.light, 6, 0.5, blur=3))
        oval(canvas, (x, y), (11, 20), stroke(self.light, 2.6))
        oval(canvas, (x, y), (5.5, 11.5), fill(self.metal))
        oval(canvas, (x - 1.4, y - 4), (2, 4), fill("#FFFFFF", 0.9, blur=0.6))


@dataclass(frozen=True)
class Seams:
    """Lines where the plates of the face meet, and small lights."""

    dark: str
    light: str

    def __call__(self, canvas: skia.Canvas) -> None:
        """Draw them on the skin."""
        for side in (-1, 1):
            for way in (
                [
                    (AXIS + 97, 246),
                    (AXIS + 80, 262),
                    (AXIS + 76, 300),
                    (AXIS + 64, 340),
                    (AXIS + 47, 372),
                    (AXIS + 37, 412),
                ],
                [(AXIS + 76, 300), (AXIS + 88, 308), (AXIS + 98, 308)],
                [(AXIS + 22, 172), (AXIS + 30, 204), (AXIS + 62, 214), (AXIS + 94, 206)],
            ):
                place = flip(way, side)
                line(canvas, place, stroke(self.dark, 1.5, 0.50, blur=0.3))
                line(canvas, shifted(place, 1.4, 1.2), stroke("#FFFFFF", 1.2, 0.75, blur=0.3))
            lamp = (AXIS + side * 70, 326.0)
            for k in range(3):
                canvas.drawCircle(
                    lamp[0] + side * (4 - 4.4 * k), lamp[1] - 9 + 8 * k, 4.5, fill(self.light, 0.40, blur=2.2)
                )
                canvas.drawCircle(lamp[0] + side * (4 - 4.4 * k), lamp[1] - 9 + 8 * k, 1.9, fill(self.light))


@dataclass(frozen=True)
class Torso:
    """Neck joints, a collar ring and a polished breast plate with a light."""

    plate: str
    accent: str
    light: str
    joint: str = "#27323E"

    def draw(self, canvas: skia.Canvas) -> None:
        """Neck first."""
        self._neck(canvas)
        dark, lit = mix(self.plate, "#1A2A3C", 0.5), "#FFFFFF"
        body = [(190, 484), (130, 494), (78, 516), (48, 552), (34, 610), (26, 690), (486, 690), (478, 610),
        (464, 552), (434, 516),
                (382, 494), (322, 484)]  # fmt: skip
        path = outline(body, tension=0.9)
        canvas.drawPath(path, shaded((90, 480), (430, 680), [lit, self.plate, dark]))

        def details(canvas: skia.Canvas) -> None:
            for side in (-1, 1):
                cap = flip([(400, 690), (392, 610), (404, 552), (440, 512)], side)
                line(canvas, cap, stroke(dark, 9, 0.45, blur=6))
                line(canvas, cap, stroke(self.joint, 2.4, 0.75))
                line(canvas, shifted(cap, 2, 1), stroke(lit, 1.6, 0.8))
                seam = flip([(AXIS + 62, 492), (AXIS + 74, 560), (AXIS + 60, 680)], side)
                line(canvas, seam, stroke(self.joint, 1.8, 0.5))
                line(canvas, shifted(seam, 1.8, 0), stroke(lit, 1.4, 0.8))
            shape(
                canvas, [(110, 520), (160, 506), (190, 510), (150, 540), (104, 580)], fill(lit, 0.8, blur=9)
            )
            shape(canvas, [(400, 520), (512, 540), (512, 680), (420, 680)], fill(dark, 0.5, blur=20))

        inside(canvas, path, details)
        core = (AXIS, 566.0)
        canvas.drawCircle(*core, 60, glow(core, 60, [(self.light, 0.6), (self.light, 0.0)]))
        canvas.drawCircle(*core, 22, fill(self.joint))
        canvas.drawCircle(
            *core, 17, glow((core[0], core[1] - 3), 18, [("#FFFFFF", 1), (self.light, 1), (self.accent, 1)])
        )
        self._collar(canvas, dark)

    def _neck(self, canvas: skia.Canvas) -> None:
        path = outline([(214, 350), (212, 440), (200, 500), (312, 500), (300, 440), (298, 350)], tension=0.7)
        canvas.drawPath(
            path, shaded((206, 0), (306, 0), [mix(self.joint, "#FFFFFF", 0.25), self.joint, "#0C131B"])
        )

        def rings(canvas: skia.Canvas) -> None:
            for y in range(410, 500, 13):
                bow = [(196, y - 6), (226, y + 5), (256, y + 8), (286, y + 5), (316, y - 6)]
                line(canvas, bow, stroke("#05080C", 4, 0.6, blur=1.2))
                line(canvas, shifted(bow, 0, -4), stroke("#8CA3B8", 2.2, 0.55, blur=0.9))
            shape(
                canvas,
                [(190, 380), (322, 380), (310, 436), (256, 448), (202, 436)],
                fill("#03060A", 0.6, blur=9),
            )

        inside(canvas, path, rings)

    def _collar(self, canvas: skia.Canvas, dark: str) -> None:
        top = [(196, 470), (224, 488), (256, 493), (288, 488), (316, 470)]
        low = [(330, 484), (296, 512), (256, 519), (216, 512), (182, 484)]
        path = outline([*top, *low], tension=0.85)
        canvas.drawPath(path, fill("#05101A", 0.4, blur=5))
        canvas.drawPath(
            path,
            shaded(
                (180, 470),
                (330, 520),
                [mix(self.accent, "#FFFFFF", 0.35), self.accent, mix(self.accent, dark, 0.6)],
            ),
        )
        line(canvas, shifted(top, 0, 3), stroke("#FFFFFF", 1.8, 0.6, blur=0.6))

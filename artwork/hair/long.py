"""Long hair, parted, falling over the shoulders."""

from dataclasses import dataclass

import skia

from artwork.brush import AXIS, Point, fill, flip, inside, outline, shaded, shape
from artwork.hair.strands import Comb, Tones, comb, mass

BACK: list[Point] = [
    (256, 64), (322, 73), (377, 121), (399, 210), (395, 300), (406, 384), (409, 456), (378, 506), (330, 508),
    (290, 470), (256, 460), (222, 470), (182, 508), (134, 506), (103, 456), (106, 384), (117, 300),
    (113, 210),
    (135, 121), (190, 73),
]  # fmt: skip
LEFT: list[Point] = [
    (290, 92), (262, 68), (222, 70), (170, 94), (134, 144), (116, 210), (118, 280), (108, 344), (98, 404),
    (104, 462), (136, 510), (180, 514), (198, 492), (172, 470), (160, 430), (163, 372), (160, 318),
    (163, 264),
    (180, 222), (218, 186), (256, 152), (282, 118),
]  # fmt: skip
RIGHT: list[Point] = [
    (270, 94), (308, 70), (356, 98), (386, 150), (399, 212), (395, 280), (404, 344), (414, 404), (406, 462),
    (374, 510), (334, 512), (316, 490), (342, 468), (353, 428), (349, 372), (352, 318), (350, 262),
    (342, 222),
    (322, 186), (298, 150), (280, 118),
]  # fmt: skip
LEFT_GUIDES = [
    [(284, 84), (236, 64), (172, 90), (134, 152), (122, 230), (122, 320), (106, 410), (112, 470), (148, 514)],
    [(283, 106), (236, 92), (186, 120), (152, 176), (136, 244), (136, 330), (126, 410), (130, 462),
     (164, 510)],
    [(283, 110), (244, 110), (200, 142), (166, 192), (150, 250), (150, 330), (142, 410), (148, 460),
     (178, 502)],
    [(283, 116), (256, 140), (218, 176), (182, 214), (163, 260), (160, 330), (158, 404), (164, 452),
     (190, 492)],
]  # fmt: skip
RIGHT_GUIDES = [
    [(278, 84), (322, 66), (364, 98), (390, 158), (394, 232), (392, 320), (406, 410), (398, 470), (364, 514)],
    [(277, 108), (314, 94), (346, 128), (370, 180), (382, 244), (380, 330), (388, 410), (382, 462),
     (348, 508)],
    [(277, 112), (306, 112), (334, 146), (356, 196), (368, 250), (364, 330), (370, 410), (366, 460),
     (336, 502)],
    [(278, 118), (298, 140), (322, 178), (342, 216), (351, 262), (352, 330), (354, 404), (350, 452),
     (322, 490)],
]  # fmt: skip


@dataclass(frozen=True)
class LongHair:
    """Smooth hair to the shoulders with a parting left of the middle."""

    tones: Tones

    def back(self, canvas: skia.Canvas) -> None:
        """What hangs behind the neck."""
        path = outline(BACK)
        canvas.drawPath(path, shaded((0, 90), (0, 500), [self.tones.base, self.tones.dark]))

        def deep(canvas: skia.Canvas) -> None:
            behind = [flip([(AXIS + x, 300), (AXIS + x - 6, 380), (AXIS + x + 4, 440),
            (AXIS + x - 14, 500)], side)
                      for side, x in ((-1, 140), (-1, 60), (1, 60), (1, 140))]  # fmt: skip
            comb(canvas, behind, self.tones, Comb(60, alpha=0.4, seed=4))
            shape(
                canvas, [(180, 350), (332, 350), (350, 520), (162, 520)], fill(self.tones.dark, 0.75, blur=16)
            )

        inside(canvas, path, deep)

    def front(self, canvas: skia.Canvas) -> None:
        """What frames the face."""
        mass(canvas, RIGHT, self.tones, RIGHT_GUIDES, Comb(170, seed=2, shine_at=(0.14, 0.34)))
        mass(canvas, LEFT, self.tones, LEFT_GUIDES, Comb(190, seed=3, shine_at=(0.14, 0.34)))

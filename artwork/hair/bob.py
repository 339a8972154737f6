"""A chin-long bob with a side-swept fringe."""

from dataclasses import dataclass

import skia

from artwork.brush import Point, fill, inside, outline, shaded, shape
from artwork.hair.strands import Comb, Guides, Tones, comb, mass

BACK: list[Point] = [
    (256, 68), (318, 76), (368, 116), (392, 190), (398, 270), (400, 340), (388, 398), (350, 420), (300, 400),
    (256, 392), (212, 400), (162, 420), (124, 398), (112, 340), (114, 270), (120, 190), (144, 116), (194, 76),
]  # fmt: skip
LEFT: list[Point] = [
    (310, 84), (262, 64), (206, 74), (156, 106), (126, 160), (114, 226), (112, 300), (116, 360), (134, 404),
    (164, 416), (176, 400), (164, 366), (160, 320), (162, 270), (172, 232), (206, 206), (252, 184),
    (292, 150), (314, 112),
]  # fmt: skip
RIGHT: list[Point] = [
    (300, 84), (340, 84), (376, 122), (394, 180), (400, 250), (402, 320), (396, 376), (376, 412), (348, 418),
    (336, 402), (348, 366), (352, 320), (351, 270), (344, 222), (330, 176), (312, 132),
]  # fmt: skip
LEFT_GUIDES: Guides = [
    [(308, 88), (256, 66), (196, 82), (148, 126), (124, 196), (116, 270), (116, 340), (130, 396), (160, 414)],
    [
        (308, 92),
        (256, 80),
        (204, 100),
        (164, 146),
        (140, 210),
        (132, 280),
        (132, 344),
        (144, 392),
        (168, 408),
    ],
    [
        (309, 98),
        (264, 100),
        (220, 126),
        (184, 166),
        (158, 216),
        (148, 284),
        (146, 344),
        (154, 386),
        (172, 402),
    ],
    [
        (311, 106),
        (282, 126),
        (246, 156),
        (208, 186),
        (176, 222),
        (163, 284),
        (160, 340),
        (164, 376),
        (176, 398),
    ],
    [
        (313, 112),
        (296, 140),
        (266, 168),
        (230, 190),
        (194, 214),
        (174, 244),
        (165, 300),
        (164, 350),
        (174, 396),
    ],
]
RIGHT_GUIDES: Guides = [
    [
        (304, 88),
        (344, 86),
        (376, 130),
        (394, 196),
        (400, 270),
        (401, 330),
        (394, 380),
        (376, 408),
        (350, 417),
    ],
    [
        (305, 92),
        (338, 100),
        (364, 144),
        (380, 206),
        (384, 276),
        (384, 334),
        (378, 376),
        (366, 400),
        (344, 412),
    ],
    [
        (307, 100),
        (330, 118),
        (350, 166),
        (364, 220),
        (368, 284),
        (367, 336),
        (362, 372),
        (352, 394),
        (340, 408),
    ],
    [
        (310, 112),
        (322, 140),
        (338, 186),
        (350, 232),
        (354, 288),
        (354, 336),
        (350, 368),
        (344, 388),
        (338, 404),
    ],
]


@dataclass(frozen=True)
class Bob:
    """Full hair to the chin, turned in at its ends; the parting is on the right."""

    tones: Tones

    def back(self, canvas: skia.Canvas) -> None:
        """What is seen beside the neck."""
        path = outline(BACK)
        canvas.drawPath(path, shaded((0, 90), (0, 420), [self.tones.base, self.tones.dark]))

        def deep(canvas: skia.Canvas) -> None:
            comb(
                canvas,
                [[(x, 280), (x - 2, 340), (x, 410)] for x in (120, 180, 330, 392)],
                self.tones,
                Comb(60, seed=4),
            )
            shape(
                canvas, [(184, 330), (330, 330), (346, 430), (166, 430)], fill(self.tones.dark, 0.8, blur=14)
            )

        inside(canvas, path, deep)

    def front(self, canvas: skia.Canvas) -> None:
        """Sides and fringe."""
        mass(canvas, RIGHT, self.tones, RIGHT_GUIDES, Comb(150, seed=2, shine_at=(0.15, 0.35)))
        mass(canvas, LEFT, self.tones, LEFT_GUIDES, Comb(230, seed=3, shine_at=(0.18, 0.40)))

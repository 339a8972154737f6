"""Short hair: cropped curls, and hair combed up and back from the forehead."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import skia

from artwork.brush import Point, fill, flip, inside, mirrored, outline, oval, shaded, taper
from artwork.hair.strands import Comb, Guides, Tones, comb, lane_at, lock, mass, roots

QUIET = Comb(220, unruly=2.5, shine_at=(0.30, 0.60))


@dataclass(frozen=True)
class Cropped:
    """Tight curls with a clean hairline and faded sides."""

    tones: Tones
    crown: float = 84.0
    """Row of the highest point."""

    @property
    def _cap(self) -> list[Point]:
        top = self.crown
        return mirrored(
            [
                (256, top), (296, top + 5), (330, top + 26), (351, top + 64), (358, top + 110), (355, 226),
                (349, 256),
                (341, 256), (340, 222), (334, 196), (326, 176), (304, 166), (278, 161), (256, 160),
            ]
        )  # fmt: skip

    def back(self, canvas: skia.Canvas) -> None:
        """Nothing is seen behind the neck."""

    def front(self, canvas: skia.Canvas) -> None:
        """The cap of curls."""
        path = outline(self._cap, tension=0.9)
        canvas.drawPath(path, fill(self.tones.dark, 0.75, blur=2.2))
        canvas.drawPath(
            path, shaded((180, self.crown), (350, 250), [self.tones.light, self.tones.base, self.tones.dark])
        )
        inside(canvas, path, self._curls)

    def _curls(self, canvas: skia.Canvas) -> None:
        rng = np.random.default_rng(11)
        for k in range(1500):
            x, y = rng.uniform(146, 366), rng.uniform(self.crown - 4, 262)
            radius, turn = rng.uniform(2.0, 4.2), rng.uniform(0, 2 * np.pi)
            bow = [
                (x + radius * np.cos(turn + a), y + radius * np.sin(turn + a)) for a in (0.0, 0.9, 1.8, 2.7)
            ]
            lit = (x - 256) * 0.5 + (y - 150) < rng.normal(-30, 45)
            code = self.tones.dark if k % 2 or not lit else self.tones.light
            taper(canvas, bow, rng.uniform(1.2, 2.4), code, rng.uniform(0.2, 0.5))
        oval(
            canvas, (216, self.crown + 34), (58, 24), fill(self.tones.gloss, 0.22 * self.tones.shine, blur=14)
        )


@dataclass(frozen=True)
class Swept:
    """Hair combed up from the forehead, with shorter sides."""

    tones: Tones
    top: Sequence[Point]
    """Outline of the combed hair."""
    guides: Guides
    """From the hairline to the tips."""
    side: Sequence[Point]
    """Outline of the short hair beside the right temple; mirrored for the left one."""
    side_guides: Guides
    comb: Comb = QUIET
    locks: tuple[float, float] = (20.0, 32.0)
    """Widths of the locks."""

    def back(self, canvas: skia.Canvas) -> None:
        """Nothing is seen behind the neck."""

    def front(self, canvas: skia.Canvas) -> None:
        """Sides, then the top."""
        for side in (-1, 1):
            path = outline(flip(self.side, side))
            canvas.drawPath(path, fill(self.tones.dark, 0.55, blur=2.5))
            rows = [y for _, y in self.side]
            canvas.drawPath(path, shaded((0, min(rows)), (0, max(rows)), [self.tones.dark, self.tones.base]))
            lanes = [flip(lane, side) for lane in self.side_guides]

            def strands(canvas: skia.Canvas, lanes: Guides = lanes) -> None:
                comb(canvas, lanes, self.tones, Comb(110, width=(1.0, 2.2), unruly=1.6, alpha=0.5, seed=6))

            inside(canvas, path, strands)
        mass(canvas, self.top, self.tones, self.guides, self.comb, soft=1.0)
        rng = np.random.default_rng(9)
        for where in (0.03, 0.97, 0.14, 0.86, 0.25, 0.75, 0.36, 0.64, 0.46, 0.56):
            lock(canvas, lane_at(self.guides, where, 0.0, 1.0), rng.uniform(*self.locks), self.tones, rng)
        comb(
            canvas,
            self.guides,
            self.tones,
            Comb(90, width=(1.0, 2.6), unruly=2.5, alpha=0.45, shine_at=(0.3, 0.6), seed=12),
        )
        roots(canvas, self.guides, self.tones, Comb(150, width=(1.0, 2.0), unruly=1.0, alpha=0.6, seed=8))


QUIFF: list[Point] = [
    (172, 214), (163, 184), (157, 152), (162, 116), (180, 86), (214, 60), (262, 48), (312, 54), (348, 78),
    (364, 116),
    (362, 160), (350, 200), (342, 210), (334, 182), (318, 164), (294, 158), (266, 164), (236, 160),
    (208, 168), (188, 188),
]  # fmt: skip
QUIFF_GUIDES: Guides = [
    [(176, 206), (164, 178), (160, 146), (168, 112), (188, 88)],
    [(190, 186), (178, 148), (180, 110), (204, 78), (246, 58)],
    [(214, 168), (202, 128), (212, 92), (246, 66), (300, 56)],
    [(244, 162), (234, 126), (248, 94), (286, 74), (338, 80)],
    [(274, 163), (270, 130), (286, 104), (318, 92), (354, 112)],
    [(302, 160), (306, 138), (322, 120), (344, 120), (362, 142)],
    [(336, 192), (338, 172), (344, 156), (352, 150), (361, 160)],
]
QUIFF_SIDE: list[Point] = [
    (326, 150), (350, 140), (358, 180), (356, 226), (350, 268), (343, 270), (342, 232), (337, 204),
    (330, 182),
]  # fmt: skip
QUIFF_SIDE_GUIDES: Guides = [
    [(332, 156), (338, 196), (344, 232), (345, 270)],
    [(346, 146), (354, 186), (354, 228), (348, 268)],
]

COMBED: list[Point] = [
    (172, 208), (161, 180), (160, 146), (176, 110), (212, 82), (256, 73), (302, 81), (338, 108), (354, 144),
    (352, 182),
    (342, 208), (338, 178), (328, 146), (304, 132), (280, 140), (256, 142), (230, 139), (206, 132),
    (184, 150), (175, 180),
]  # fmt: skip
COMBED_GUIDES: Guides = [
    [(174, 204), (164, 180), (162, 156), (166, 132), (180, 110)],
    [(186, 154), (178, 132), (184, 110), (202, 94), (226, 82)],
    [(210, 136), (210, 114), (222, 96), (242, 86), (268, 78)],
    [(248, 144), (248, 118), (258, 98), (278, 88), (306, 86)],
    [(286, 140), (290, 118), (302, 104), (320, 100), (338, 110)],
    [(312, 138), (324, 124), (338, 120), (346, 130), (354, 150)],
    [(340, 200), (347, 188), (351, 176), (353, 168), (354, 160)],
]
COMBED_SIDE: list[Point] = [
    (338, 150), (356, 150), (368, 186), (370, 226), (364, 262), (352, 284), (345, 276), (345, 246),
    (341, 212),
]  # fmt: skip
COMBED_SIDE_GUIDES: Guides = [
    [(340, 164), (344, 204), (346, 240), (348, 276)],
    [(350, 158), (360, 196), (362, 236), (354, 276)],
    [(356, 158), (368, 196), (368, 236), (358, 272)],
]

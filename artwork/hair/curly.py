"""Voluminous curls around the face, down to the shoulders."""

from dataclasses import dataclass

import numpy as np
import skia
from numpy.typing import NDArray

from artwork.brush import Point, fill, inside, outline, shaded, shape
from artwork.hair.strands import Comb, Guides, Tones, lane_at, lock, mass

BACK: list[Point] = [
    (262, 62), (330, 68), (386, 106), (416, 176), (424, 262), (434, 346), (428, 424), (398, 478),
    (344, 492), (300, 470),
    (256, 460), (212, 470), (166, 494), (112, 480), (84, 424), (78, 346), (88, 262), (98, 176), (130, 104),
    (190, 68),
]  # fmt: skip
LEFT: list[Point] = [
    (272, 74), (228, 60), (180, 74), (140, 108), (114, 158), (102, 226), (94, 300), (88, 370), (100, 436),
    (138, 476),
    (176, 470), (182, 436), (160, 400), (154, 356), (156, 310), (158, 262), (170, 224), (196, 190),
    (232, 162), (266, 124),
]  # fmt: skip
RIGHT: list[Point] = [
    (258, 74), (306, 58), (352, 76), (388, 112), (410, 164), (416, 232), (422, 304), (426, 372), (412, 438),
    (374, 476),
    (336, 470), (330, 436), (350, 400), (358, 356), (356, 310), (353, 262), (344, 224), (324, 186),
    (296, 152), (274, 116),
]  # fmt: skip
LEFT_GUIDES: Guides = [
    [(268, 80), (216, 64), (160, 92), (122, 150), (104, 230), (94, 310), (92, 380), (106, 440), (142, 474)],
    [
        (268, 84),
        (224, 82),
        (176, 114),
        (142, 170),
        (122, 244),
        (112, 318),
        (112, 384),
        (124, 434),
        (156, 468),
    ],
    [
        (268, 92),
        (234, 104),
        (196, 140),
        (162, 190),
        (140, 254),
        (132, 322),
        (132, 386),
        (142, 428),
        (168, 458),
    ],
    [
        (268, 104),
        (248, 130),
        (216, 164),
        (182, 204),
        (160, 258),
        (154, 320),
        (152, 376),
        (158, 414),
        (178, 446),
    ],
]
RIGHT_GUIDES: Guides = [
    [(264, 80), (314, 62), (364, 92), (400, 150), (414, 230), (420, 310), (422, 380), (408, 440), (370, 474)],
    [
        (264, 84),
        (308, 80),
        (350, 112),
        (382, 170),
        (396, 244),
        (402, 318),
        (402, 384),
        (390, 434),
        (356, 468),
    ],
    [
        (266, 92),
        (300, 102),
        (332, 138),
        (362, 188),
        (376, 254),
        (382, 322),
        (382, 386),
        (372, 428),
        (346, 458),
    ],
    [
        (270, 104),
        (288, 130),
        (312, 164),
        (338, 204),
        (352, 258),
        (357, 320),
        (360, 376),
        (354, 414),
        (336, 446),
    ],
]
LOW_GUIDES: Guides = [
    [(x, 340), (x + lean, 400), (x + 1.4 * lean, 450), (x + 1.2 * lean, 492)]
    for x, lean in ((86, 8), (116, 10), (150, 8), (176, 6), (336, -6), (362, -8), (396, -10), (428, -8))
]


@dataclass(frozen=True)
class Curly:
    """Loose ringlets."""

    tones: Tones

    def back(self, canvas: skia.Canvas) -> None:
        """The cloud of hair behind the head."""
        path = outline(BACK)
        canvas.drawPath(path, shaded((0, 60), (0, 490), [self.tones.base, self.tones.dark]))

        def deep(canvas: skia.Canvas) -> None:
            shape(
                canvas, [(176, 330), (336, 330), (356, 500), (156, 500)], fill(self.tones.dark, 0.75, blur=18)
            )

        inside(canvas, path, deep)
        _ringlets(canvas, LOW_GUIDES, self.tones, 26, 23)
        for lanes, seed in ((LEFT_GUIDES, 21), (RIGHT_GUIDES, 22)):
            _ringlets(
                canvas,
                [[(x + (-8 if seed == 21 else 8), y + 6) for x, y in lane] for lane in lanes],
                self.tones,
                30,
                seed,
            )

    def front(self, canvas: skia.Canvas) -> None:
        """Both sides, then ringlets over them."""
        for points, lanes, seed in ((RIGHT, RIGHT_GUIDES, 31), (LEFT, LEFT_GUIDES, 32)):
            mass(
                canvas,
                points,
                self.tones,
                lanes,
                Comb(90, width=(2, 6), unruly=3, shine_at=(0.1, 0.3), seed=seed),
            )
            _ringlets(canvas, lanes, self.tones, 42, seed)


def _ringlets(canvas: skia.Canvas, lanes: Guides, tones: Tones, count: int, seed: int) -> None:
    """Waving locks between the guides, the outer ones first."""
    rng = np.random.default_rng(seed)
    for k in range(count):
        start = rng.uniform(0.0, 0.5) if k % 3 else 0.0
        where = (k + rng.random()) / count
        lane = lane_at(lanes, min(1.0, where), start, min(1.0, start + rng.uniform(0.44, 0.62)))
        lane = _waved(lane, rng.uniform(5, 9), rng.uniform(58, 84), rng.uniform(0, 6.28))
        lock(canvas, lane, rng.uniform(11, 18), tones, rng)


def _waved(lane: NDArray[np.float64], swing: float, length: float, phase: float) -> NDArray[np.float64]:
    along = np.gradient(lane, axis=0)
    reach = np.cumsum(np.linalg.norm(along, axis=1))
    along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-9
    across = np.stack([-along[:, 1], along[:, 0]], -1)
    wave = swing * np.sin(2 * np.pi * reach / length + phase) * np.clip(reach / 60, 0.1, 1)
    return np.asarray(lane + across * wave[:, None])

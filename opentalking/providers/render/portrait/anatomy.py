"""Which mesh points are lips, lids and skin, and the face's own measure and axes.

Point numbers are those of MediaPipe's canonical face mesh.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from opentalking.providers.render.portrait.landmarks import Points

UPPER_OUTER = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291)
LOWER_OUTER = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291)
UPPER_INNER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
LOWER_INNER = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
CORNERS = (61, 291)
EYES = (
    ((33, 246, 161, 160, 159, 158, 157, 173, 133), (33, 7, 163, 144, 145, 153, 154, 155, 133)),
    ((263, 466, 388, 387, 386, 385, 384, 398, 362), (263, 249, 390, 373, 374, 380, 381, 382, 362)),
)
BROWS = ((46, 53, 52, 65, 55, 70, 63, 105, 66, 107), (276, 283, 282, 295, 285, 300, 293, 334, 296, 336))
OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
CHIN, FOREHEAD, NOSE_TIP, NOSE_BASE, NOSE_FRONT = 152, 10, 4, 2, 1
JAW_ANGLES, TEMPLES, CHEEKS = (172, 397), (234, 454), (205, 425)
SKIN = (
    *(NOSE_TIP, NOSE_BASE, CHIN, *CHEEKS, *JAW_ANGLES, *TEMPLES),
    *(18, 83, 313, 200, 199, 175, 148, 377, 176, 400, 149, 378, 150, 379, 136, 365, 58, 288),
    *(132, 361, 93, 323, 43, 273, 204, 424, 32, 262, 194, 418, 202, 422, 210, 430, 214, 434, 212, 432),
    *(186, 410, 92, 322, 165, 391, 167, 393, 164, 206, 426, 187, 411, 207, 427, 216, 436),
    *(98, 327, 97, 326, 64, 294, 1, 50, 280, 117, 346, 123, 352, 147, 376, 182, 406, 201, 421, 208, 428),
)  # fmt: skip

_CANTHI_MILLIMETRES = 90.0
_MOUTH_MILLIMETRES = 52.0
_ABOVE_CORNER_MILLIMETRES = 12.5


@dataclass(frozen=True, slots=True)
class FaceFrame:
    """Axes and scale of a face: shapes given in its millimetres fit every picture.

    `millimetre` is pixels per millimetre (outer corners of the eyes are 90 mm apart); `lip_unit`
    is the same for the mouth, so that a small drawn mouth does not open too far. `across`
    points along the eyes to the right of the picture, `down` to the chin; `origin` lies between
    the corners of the mouth.
    """

    millimetre: float
    lip_unit: float
    origin: NDArray[np.float64]
    across: NDArray[np.float64]
    down: NDArray[np.float64]
    mouth_half_width: float
    height: float

    def local(self, points: NDArray[np.generic]) -> NDArray[np.float64]:
        """`points` (n, 2) in pixels -> (n, 2) along `across` and `down` from `origin`, pixels."""
        relative = np.asarray(points, np.float64) - self.origin
        return np.stack([relative @ self.across, relative @ self.down], -1)

    def directions(self, local: NDArray[np.float64]) -> NDArray[np.float64]:
        """Displacements along the face's axes -> displacements in the picture."""
        return np.asarray(local[:, :1] * self.across + local[:, 1:] * self.down)


def measure(points: Points) -> FaceFrame:
    """The frame of the face with these 468 mesh points."""
    mesh = points.astype(np.float64)
    eyes = mesh[263] - mesh[33]
    millimetre = float(np.linalg.norm(eyes)) / _CANTHI_MILLIMETRES
    across = eyes / np.linalg.norm(eyes)
    mouth = float(np.linalg.norm(mesh[CORNERS[1]] - mesh[CORNERS[0]]))
    share = np.clip(mouth / (_MOUTH_MILLIMETRES * millimetre), 0.5, 1.3)
    return FaceFrame(
        millimetre=millimetre,
        lip_unit=millimetre * float(share) ** 0.5,
        origin=mesh[list(CORNERS)].mean(0),
        across=across,
        down=np.array([-across[1], across[0]]),
        mouth_half_width=mouth / 2,
        height=float(np.linalg.norm(mesh[CHIN] - mesh[FOREHEAD])),
    )


def mouth_top(points: Points) -> float:
    """The row (pixels) above which nothing moves with the mouth: the nose's tip, or above a tilted mouth."""
    corners = float(points[list(CORNERS), 1].min())
    return min(float(points[NOSE_TIP, 1]), corners - _ABOVE_CORNER_MILLIMETRES * measure(points).millimetre)

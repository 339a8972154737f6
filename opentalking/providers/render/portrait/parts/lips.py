"""How lips and skin move for each face parameter, as displacements of mesh points.

Upper lip and lower lip are two sheets that share the corners. Every movement is a small table row
in millimetres; a thin-plate spline spreads it over the picture.
"""

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from opentalking.providers.render.portrait import anatomy
from opentalking.providers.render.portrait.anatomy import FaceFrame
from opentalking.providers.render.portrait.landmarks import Points
from opentalking.providers.render.portrait.picture import Picture
from opentalking.providers.render.portrait.warp import bend, thin_plate
from opentalking.providers.render.visemes import PARAMETERS

OPEN_GAP_MILLIMETRES = 2.2
"""A wider gap between the lips means that the picture shows an open mouth."""
_TONGUE = PARAMETERS.index("tongue")


@dataclass(frozen=True, slots=True)
class LipMovement:
    """One parameter at full strength, millimetres.

    `spread` moves the corners outwards and all points in proportion to their place, `corner` moves
    the corners down; the other four move the middle of the upper lip's and lower lip's outer and
    inner edge down, fading to the corners like `(1 - t*t) ** roundness`. `pull` is how far the
    skin around follows.
    """

    spread: float = 0.0
    corner: float = 0.0
    upper_outer: float = 0.0
    upper_inner: float = 0.0
    lower_inner: float = 0.0
    lower_outer: float = 0.0
    roundness: float = 0.8
    pull: float = 15.0


MOVEMENTS: dict[str, LipMovement] = {
    "jaw": LipMovement(-3.2, 3.2, -0.3, -0.3, 13.2, 12.6, 0.66),
    "wide": LipMovement(3.6, -0.7, 0.5, 0.0, 0.0, -0.6),
    "pucker": LipMovement(-9.0, 1.6, -1.0, 0.6, -0.2, 1.7, 0.9, 12.0),
    "raise": LipMovement(0.0, 0.0, -2.3, -3.0, 0.0, 0.0, 0.9),
    "drop": LipMovement(0.0, 0.0, 0.0, 0.0, 3.3, 2.5, 0.8),
    "press": LipMovement(0.8, 0.0, 1.5, 0.5, -0.5, -1.9, 0.6, 8.0),
    "tuck": LipMovement(0.0, 0.0, 0.0, 0.0, -0.9, -2.7, 0.7, 9.0),
    "smile": LipMovement(2.6, -2.4),
    "tongue": LipMovement(),
}

_JAW_CHIN_MILLIMETRES = 8.4
_LOCAL_MILLIMETRES = 5.0
_NEUTRAL_HALF_WIDTH = 26.5
_RELAXED_SHARE = 0.75
"""How much of a smile's width goes when the mouth is shut."""
_PLEASANT_MILLIMETRES = 1.0
"""How far the corners of a relaxed mouth may be above its middle."""
_UPPER_SHARE = 0.34
"""Share of an open mouth's gap that the upper lip comes down."""
_CLOSING_PULLS = (9.0, 17.0)
"""How far (mm) the skin follows lips that are shut, above and below them."""


@dataclass(frozen=True, slots=True)
class Mouth:
    """Lip contours in pixels, each (11, 2) from the picture's left corner to the right one."""

    upper_outer: NDArray[np.float64]
    lower_outer: NDArray[np.float64]
    upper_inner: NDArray[np.float64]
    lower_inner: NDArray[np.float64]
    gap: float
    """Widest distance between the inner edges, pixels."""

    @property
    def seam(self) -> NDArray[np.float64]:
        """The line between the lips, (11, 2)."""
        return (self.upper_inner + self.lower_inner) / 2

    def cut(self, *, upper: bool) -> NDArray[np.float64]:
        """Where a lip's sheet ends: its inner edge, drawn out to the corners of the mouth, (13, 2)."""
        inner = self.upper_inner if upper else self.lower_inner
        return np.concatenate([self.upper_outer[:1], inner, self.upper_outer[-1:]])


def find_mouth(picture: Picture, points: Points, frame: FaceFrame) -> Mouth:
    """Lip contours; the seam of a closed mouth is snapped to the dark line between the lips."""
    mesh = points.astype(np.float64)
    contours = [
        mesh[list(ids)]
        for ids in (anatomy.UPPER_OUTER, anatomy.LOWER_OUTER, anatomy.UPPER_INNER, anatomy.LOWER_INNER)
    ]
    heights = frame.local(contours[3])[:, 1] - frame.local(contours[2])[:, 1]
    gap = float(heights.max())
    if gap <= OPEN_GAP_MILLIMETRES * frame.millimetre:
        middle = (contours[2] + contours[3]) / 2
        shift = _dark_line(picture, middle, frame)
        contours[2] = contours[3] = middle + shift[:, None] * frame.down
    return Mouth(contours[0], contours[1], contours[2], contours[3], gap)


def _dark_line(picture: Picture, seam: NDArray[np.float64], frame: FaceFrame) -> NDArray[np.float64]:
    """How far down the darkest line lies from each seam point, pixels; smooth along the mouth."""
    reach = 2.5 * frame.millimetre
    offsets = np.linspace(-reach, reach, 31)
    where = seam[:, None, :] + offsets[None, :, None] * frame.down
    luma = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), (0, 0), 0.5 * frame.millimetre)
    tones = bend(np.asarray(luma), where.astype(np.float32)).astype(np.float64)
    cost = tones - tones.mean(1, keepdims=True) + 18 * (offsets / reach) ** 2
    best = offsets[cost.argmin(1)]
    t = np.linspace(-1, 1, len(seam))
    inner = slice(1, -1)  # the corners have no line of their own
    fit = np.polynomial.Polynomial.fit(t[inner], best[inner], 4)
    return np.asarray(np.clip(fit(t), -reach, reach))


def control_displacements(
    frame: FaceFrame, mouth: Mouth, skin: NDArray[np.float64], chin: float, jaw_half_width: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Displacements of upper-lip, lower-lip and skin points along the face's axes, pixels.

    Shapes (22, p, 2), (22, p, 2), (n, p, 2) with p parameters; lip rows are the outer edge, then
    the inner one. `chin` and `jaw_half_width` are local coordinates.
    """
    relaxed = _relaxing(frame, mouth)
    upper, lower = (
        np.stack([_lip(frame, mouth, name, upper=is_upper, relaxed=relaxed) for name in PARAMETERS], 1)
        for is_upper in (True, False)
    )
    pull = np.array([MOVEMENTS[name].pull for name in PARAMETERS])
    place = frame.local(skin)
    around = _followed(frame, mouth, place, np.r_[upper[:11], lower[:11]], pull)
    _add_jaw(around, place, chin, jaw_half_width, frame)
    return upper, lower, around


def _followed(
    frame: FaceFrame,
    mouth: Mouth,
    place: NDArray[np.float64],
    moves: NDArray[np.float64],
    pull: NDArray[np.float64],
) -> NDArray[np.float64]:
    """How skin at `place` (n, 2) follows the outer lip edges' `moves` (22, p, 2), which reach `pull` mm."""
    edge = frame.local(np.r_[mouth.upper_outer, mouth.lower_outer])
    distance = np.linalg.norm(place[:, None] - edge[None], axis=2)
    near = np.exp(-((distance / (_LOCAL_MILLIMETRES * frame.millimetre)) ** 2)) + 1e-9
    near /= near.sum(1, keepdims=True)
    follow = np.exp(-((distance.min(1)[:, None] / (pull * frame.millimetre)) ** 2))
    return np.asarray(np.einsum("ne,epk->npk", near, moves) * follow[..., None])


def _relaxing(frame: FaceFrame, mouth: Mouth) -> float:
    """How far (mm) the corners of a shut, smiling mouth are above where rounded lips have them."""
    seam = frame.local(mouth.seam)[:, 1] / frame.lip_unit
    if mouth.gap > OPEN_GAP_MILLIMETRES * frame.millimetre:
        return 0.0  # the field that shuts the mouth has done it
    lifted = float(seam[len(seam) // 2] - (seam[0] + seam[-1]) / 2)
    return float(np.clip(lifted - _PLEASANT_MILLIMETRES, 0, 4))


def _add_jaw(
    around: NDArray[np.float64], place: NDArray[np.float64], chin: float, half_width: float, frame: FaceFrame
) -> None:
    """The chin and the cheeks below the mouth go down with the jaw."""
    depth = np.clip(place[:, 1] / chin, 0, 1.2)
    side = place[:, 0] / half_width
    weight = np.clip((depth - 0.02) / 0.45, 0, 1)
    weight = weight * weight * (3 - 2 * weight) * np.exp(-1.1 * side**2)
    jaw = PARAMETERS.index("jaw")
    around[:, jaw, 1] = np.maximum(around[:, jaw, 1], _JAW_CHIN_MILLIMETRES * frame.lip_unit * weight)
    around[:, jaw, 0] = around[:, jaw, 0] * 0.7 - 0.7 * frame.lip_unit * weight * np.clip(side, -1, 1)


def _lip(frame: FaceFrame, mouth: Mouth, name: str, *, upper: bool, relaxed: float) -> NDArray[np.float64]:
    move = MOVEMENTS[name]
    corner = move.corner + (relaxed if name == "pucker" else 0.0)
    outer, inner = (mouth.upper_outer, mouth.upper_inner) if upper else (mouth.lower_outer, mouth.lower_inner)
    middles = (move.upper_outer, move.upper_inner) if upper else (move.lower_outer, move.lower_inner)
    rows = []
    for contour, middle in ((outer, middles[0]), (inner, middles[1])):
        t = np.clip(frame.local(contour)[:, 0] / frame.mouth_half_width, -1, 1)
        bow = np.clip(1 - t * t, 0, 1) ** move.roundness
        down = corner * (1 - bow) + middle * bow
        rows.append(np.stack([move.spread * t, down], -1) * frame.lip_unit)
    return np.concatenate(rows)


def closing_displacements(
    frame: FaceFrame, mouth: Mouth, skin: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """What shuts a mouth that is open in the picture and takes most of its smile away, pixels.

    Upper and lower lip rows, each (22, 2), and how `skin` (n, 2) follows, (n, 2).
    """
    unit = frame.millimetre
    upper, lower = frame.local(mouth.upper_inner), frame.local(mouth.lower_inner)
    meet = closed_line(frame, mouth)
    excess = max(0.0, frame.mouth_half_width / unit - _NEUTRAL_HALF_WIDTH) * _RELAXED_SHARE * unit
    rows = []
    for inner, outer, thick in (
        (upper, frame.local(mouth.upper_outer), 0.92),
        (lower, frame.local(mouth.lower_outer), 0.88),
    ):
        t = np.clip(inner[:, 0] / frame.mouth_half_width, -1, 1)
        down = meet - _PLEASANT_MILLIMETRES * unit * t * t - inner[:, 1]
        for edge, share in ((outer, thick), (inner, 1.0)):
            aside = -excess * np.clip(edge[:, 0] / frame.mouth_half_width, -1, 1)
            # corners belong to both lips: they go all the way, or the mouth would gape there
            ends = np.abs(t) ** 3
            rows.append(np.stack([aside, down * (share + (1 - share) * ends)], -1))
    moves = np.r_[rows[0], rows[2]][:, None]
    place = frame.local(skin)
    is_above = place[:, 1] < np.interp(place[:, 0], *frame.local(mouth.seam).T)
    # the jaw comes along from far below, the nose stays
    around = _followed(frame, mouth, place, moves.repeat(2, 1), np.array(_CLOSING_PULLS))
    return (
        np.concatenate(rows[:2]),
        np.concatenate(rows[2:]),
        np.where(is_above[:, None], around[:, 0], around[:, 1]),
    )


def closed_line(frame: FaceFrame, mouth: Mouth) -> float:
    """Where the lips of an open mouth meet once it is shut: along `down` from `frame.origin`, pixels."""
    middle = len(mouth.upper_inner) // 2
    upper, lower = (frame.local(edge)[middle, 1] for edge in (mouth.upper_inner, mouth.lower_inner))
    return float(upper + _UPPER_SHARE * (lower - upper))


def spread_over(
    frame: FaceFrame,
    controls: NDArray[np.float64],
    displacements: NDArray[np.float64],
    nodes: NDArray[np.float64],
) -> NDArray[np.float32]:
    """Displacements at `nodes` (m, 2), given those at `controls`: (n, p, 2) -> (p, m, 2) in the picture."""
    count = displacements.shape[1]
    unit = frame.millimetre
    values = displacements.reshape(len(controls), -1)
    spread = thin_plate(controls / unit, values, nodes / unit, smoothing=2.0)
    fields = spread.reshape(len(nodes), count, 2)
    return np.stack([frame.directions(fields[:, k]) for k in range(count)]).astype(np.float32)


def without_doubles(
    controls: NDArray[np.float64], displacements: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Drop points that lie on others (within half a pixel): a spline cannot have them."""
    order = np.lexsort(np.round(controls * 2).T)
    cells = np.round(controls * 2)[order]
    fresh = [True, *(bool((a != b).any()) for a, b in pairwise(cells))]
    keep = np.sort(order[np.array(fresh)])
    return controls[keep], displacements[keep]

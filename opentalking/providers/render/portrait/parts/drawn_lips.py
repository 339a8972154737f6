"""Lips whose outline is known because they were drawn: more exact than what a network sees in a drawing."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from opentalking.providers.render.portrait import anatomy
from opentalking.providers.render.portrait.landmarks import Points

_FARTHEST_SHARE = 0.2
"""Of the mouth's width: a drawn corner that lies farther from the mesh's own is not believed."""
_LEAST_POINTS = 5

Curve = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class DrawnLips:
    """Shut lips from their left corner to their right one, as shares of the picture's width and height.

    `upper` and `lower` are the outer edges, `seam` is the line between the lips; each (n, 2).
    """

    upper: Curve
    lower: Curve
    seam: Curve


def read_lips(animation: dict[str, Any]) -> DrawnLips | None:
    """The outlines of a manifest's `metadata.animation` whose `lips` are `exact`; None if there are none.

    `outer_lip` begins at the left corner and goes over the upper lip to the right one and back below.
    """
    if animation.get("lips") != "exact":
        return None
    outer, seam = (_curve(animation.get(name)) for name in ("outer_lip", "inner_mouth"))
    if outer is None or seam is None:
        return None
    turn = int(outer[:, 0].argmax())
    if not 2 <= turn <= len(outer) - 2:
        return None
    return DrawnLips(
        outer[: turn + 1], np.concatenate([outer[:1], outer[:turn:-1], outer[turn : turn + 1]]), seam
    )


def _curve(points: Any) -> Curve | None:
    try:
        curve = np.asarray(points, np.float64)
    except (TypeError, ValueError, OverflowError):
        return None
    usable = curve.ndim == 2 and len(curve) >= _LEAST_POINTS and curve.shape[1] == 2
    return curve if usable and np.isfinite(curve).all() else None


def with_drawn_lips(points: Points, lips: DrawnLips, width: int, height: int) -> Points:
    """Mesh `points` with those of the lips moved onto the drawn outline of a `width` x `height` picture.

    A mesh whose mouth is somewhere else stays as it is.
    """
    size = np.array((width, height))
    corners = np.stack([lips.upper[0], lips.upper[-1]]) * size
    found = points[list(anatomy.CORNERS)]
    reach = _FARTHEST_SHARE * np.linalg.norm(found[1] - found[0])
    if np.linalg.norm(corners - found, axis=1).max() > reach:
        return points
    moved = points.copy()
    for ids, curve in ((anatomy.UPPER_OUTER, lips.upper), (anatomy.LOWER_OUTER, lips.lower)):
        moved[list(ids)] = _along(points[list(ids)], found, curve * size)
    between = (points[list(anatomy.UPPER_INNER)] + points[list(anatomy.LOWER_INNER)]) / 2
    for ids in (anatomy.UPPER_INNER, anatomy.LOWER_INNER):
        moved[list(ids)] = _along(between, found, lips.seam * size)
    moved[list(anatomy.CORNERS)] = corners
    return moved


def _along(mesh: NDArray[Any], corners: Points, curve: Curve) -> NDArray[np.float32]:
    """Points on `curve`, as far on the way from corner to corner as those of the mesh."""
    way = corners[1] - corners[0]
    share = np.clip((mesh - corners[0]) @ way / (way @ way), 0, 1)
    across = curve[-1] - curve[0]
    progress = (curve - curve[0]) @ across / (across @ across)
    return np.stack([np.interp(share, progress, curve[:, k]) for k in (0, 1)], -1).astype(np.float32)

"""Person and backdrop as two layers, so that what is behind a moving head stands still."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from opentalking.providers.render.portrait import anatomy
from opentalking.providers.render.portrait.landmarks import Points
from opentalking.providers.render.portrait.picture import Picture
from opentalking.providers.render.portrait.planes import Planes, split
from opentalking.providers.render.portrait.warp import smoothstep

Floats = NDArray[np.float32]

_LEAST_FACE_SHARE = 0.85
"""A mask that leaves out more of the face is no mask of this person."""
_MOST_PICTURE_SHARE = 0.97
"""A mask that leaves no backdrop is of no use."""
_SURE = 0.96
_GUIDE_SOFTNESS = 8e-4
_MOST_DEVIATION = 40.0
_FILL_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Backdrop:
    """What is behind the person, filled in under its edge, and how much the person covers.

    `cover` (height, width) and `half_cover` (height / 2, width / 2): 255 is all person. Outside
    `left`, `top`, `right`, `bottom` (even) there is nothing of the person.
    """

    planes: Planes
    cover: NDArray[np.uint8]
    half_cover: NDArray[np.uint8]
    left: int
    top: int
    right: int
    bottom: int


def separate(picture: Picture, person: Floats, points: Points) -> tuple[Picture, Backdrop] | None:
    """The person's layer (its colours drawn out beyond its edge) and the backdrop.

    `person` is any-sized probability of being a person, `points` the face's mesh. None if the mask
    does not fit the face or leaves no backdrop. Both layers laid over each other give the picture.
    """
    cover = _cover(picture, person, points)
    if cover is None:
        return None
    pixels = picture.astype(np.float32)
    front, back = _unmixed(pixels, cover)
    height, width = cover.shape
    whole = np.rint(cover * 255).astype(np.uint8)
    left, top, columns, rows = cv2.boundingRect(whole)
    backdrop = Backdrop(
        planes=split(_whole(back)),
        cover=whole,
        half_cover=np.asarray(
            cv2.resize(whole, (width // 2, height // 2), interpolation=cv2.INTER_AREA), np.uint8
        ),
        left=left // 2 * 2,
        top=top // 2 * 2,
        right=min(width, (left + columns + 1) // 2 * 2),
        bottom=min(height, (top + rows + 1) // 2 * 2),
    )
    return _whole(front), backdrop


def _unmixed(pixels: Floats, cover: Floats) -> tuple[Floats, Floats]:
    """Colours of person and backdrop, so that both laid over each other give `pixels`.

    Where one of them prevails it takes what the other, drawn out from its sure part, leaves; but
    not much, because a mask that is a pixel off must not become a bright fringe.
    """
    front = _filled(pixels, cover >= _SURE)
    back = _filled(pixels, cover <= 1 - _SURE)
    share = np.clip(cover[..., None], 1e-3, 1 - 1e-3)
    prevails = share > 0.5
    only_front = (pixels - back * (1 - share)) / share
    only_back = (pixels - front * share) / (1 - share)
    most = _MOST_DEVIATION
    return (
        np.where(prevails, np.clip(only_front, front - most, front + most), front),
        np.where(prevails, back, np.clip(only_back, back - most, back + most)),
    )


def _cover(picture: Picture, person: Floats, points: Points) -> Floats | None:
    height, width = picture.shape[:2]
    mask = np.asarray(cv2.resize(person, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    mask = _this_person(mask, points)
    face = np.zeros((height, width), np.uint8)
    cv2.fillPoly(face, [np.round(points[list(anatomy.OVAL)]).astype(np.int32)], 1)
    inside = mask[face > 0]
    if not inside.size or (inside > 0.5).mean() < _LEAST_FACE_SHARE:
        return None
    if (mask > 0.5).mean() > _MOST_PICTURE_SHARE:
        return None
    guide = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.float32) / np.float32(255)
    reach = max(2, round(max(width, height) / 160))
    snapped = _guided(guide, mask, reach)
    # the mesh's outline may lie on the backdrop by a pixel or two
    face = np.asarray(cv2.erode(face, np.ones((7, 7), np.uint8)), np.uint8)
    return np.maximum(smoothstep((snapped - np.float32(0.12)) / np.float32(0.76)), face.astype(np.float32))


def _this_person(mask: Floats, points: Points) -> Floats:
    """Only what is joined to the face, without holes: others in the picture stand still."""
    _, labels = cv2.connectedComponents((mask > 0.4).astype(np.uint8))
    height, width = mask.shape
    x, y = np.clip(points.mean(0), 0, [width - 1, height - 1]).astype(int)
    if not labels[y, x]:
        return np.zeros_like(mask)
    own = (labels == labels[y, x]).astype(np.uint8)
    outlines, _ = cv2.findContours(own, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = cv2.drawContours(np.zeros_like(own), outlines, -1, 1, cv2.FILLED)
    around = cv2.dilate(own, np.ones((5, 5), np.uint8))
    holes = cv2.erode(filled, np.ones((7, 7), np.uint8)) > 0
    return np.asarray(np.where(holes, np.maximum(mask, holes), mask * around), np.float32)


def _guided(guide: Floats, mask: Floats, reach: int) -> Floats:
    """`mask` with its edge moved to that of `guide`: the guided filter of He, Sun and Tang (2010)."""
    size = (2 * reach + 1, 2 * reach + 1)

    def mean(values: Floats) -> Floats:
        return np.asarray(cv2.blur(values, size), np.float32)

    def product(a: Floats, b: Floats) -> Floats:
        return mean(np.asarray(a * b, np.float32))

    middle, level = mean(guide), mean(mask)
    slope = (product(guide, mask) - middle * level) / (
        product(guide, guide) - middle * middle + _GUIDE_SOFTNESS
    )
    offset = level - slope * middle
    return np.asarray(
        np.clip(mean(np.asarray(slope, np.float32)) * guide + mean(np.asarray(offset, np.float32)), 0, 1),
        np.float32,
    )


def _filled(pixels: Floats, known: NDArray[np.bool_]) -> Floats:
    """`pixels` where they are known, elsewhere the nearest known ones blurred: enough for a narrow edge."""
    weight = known.astype(np.float32)
    result = pixels * weight[..., None]
    have = weight.copy()
    for k in range(_FILL_ROUNDS):
        sigma = 1.5 * 2**k
        spread = cv2.GaussianBlur(result, (0, 0), sigma)
        share = cv2.GaussianBlur(have, (0, 0), sigma)
        new = (have == 0) & (share > 0.02)
        result[new] = spread[new] / share[new][:, None]
        have[new] = 1
    unknown = have == 0
    result[unknown] = pixels[unknown]
    return result


def _whole(values: Floats) -> Picture:
    return np.ascontiguousarray(np.clip(np.rint(values), 0, 255).astype(np.uint8))

"""Photos of people (public domain, see tests/data/photos/NOTICE) and what may befall them."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from opentalking.providers.render.portrait import anatomy
from opentalking.providers.render.portrait.landmarks import FaceFinder
from opentalking.providers.render.portrait.picture import Picture
from opentalking.providers.render.portrait.warp import Grid, thin_plate

PHOTOS = Path(__file__).resolve().parents[1] / "data" / "photos"
FINDER = FaceFinder()
_TRUE_DEPTH = 1.25
"""The mesh is flatter than a face by about this factor."""


@lru_cache(maxsize=4)
def _read(name: str) -> Picture:
    picture = cv2.imread(str(PHOTOS / name))
    assert picture is not None
    return np.asarray(picture, np.uint8)


def smiling() -> Picture:
    """A toothy open smile, (600, 480)."""
    return np.asarray(cv2.resize(_read("astronaut.jpg"), (480, 600), interpolation=cv2.INTER_CUBIC), np.uint8)


def spectacled() -> Picture:
    """A shut mouth, spectacles, wrinkles, (600, 512)."""
    return _read("grace_hopper.jpg").copy()


def darkened(picture: Picture, share: float = 0.28) -> Picture:
    """The same at night, with the noise of a small camera."""
    noise = np.random.default_rng(1).normal(0, 3, picture.shape)
    return np.clip((picture / 255.0) ** 1.3 * 255 * share + noise, 0, 255).astype(np.uint8)


def bearded(picture: Picture) -> Picture:
    """A dark beard with hairs of its own around the mouth."""
    points = FINDER.find(picture)
    assert points is not None
    frame = anatomy.measure(points)
    height, width = picture.shape[:2]
    nodes = Grid(width, height, 1).positions()
    place = frame.local(nodes.reshape(-1, 2)).reshape(height, width, 2) / frame.millimetre
    face, lips = np.zeros((2, height, width), np.uint8)
    cv2.fillPoly(face, [points[list(anatomy.OVAL)].astype(np.int32)], 1)
    ring = [*anatomy.UPPER_OUTER, *anatomy.LOWER_OUTER[::-1]]
    cv2.fillPoly(lips, [points[ring].astype(np.int32)], 1)
    chin = (place[..., 1] > -13 - 0.5 * np.clip(np.abs(place[..., 0]) - 30, 0, 99)) & (face > 0)
    where = cv2.GaussianBlur((chin & (cv2.dilate(lips, np.ones((5, 5))) == 0)).astype(np.float32), (0, 0), 2)
    rng = np.random.default_rng(2)
    hairs = cv2.GaussianBlur(rng.normal(0, 1, (height, width)).astype(np.float32), (0, 0), 0.8)
    cover = np.clip(where * (0.75 + 0.6 * hairs), 0, 0.95)[..., None]
    return np.asarray(picture * (1 - cover) + np.array([28, 38, 55]) * cover, np.uint8)


def with_frames(picture: Picture, size: float = 1.0) -> tuple[Picture, NDArray[np.bool_]]:
    """Thick black spectacles, and where their frames are; a small `size` is close to the lids."""
    points = FINDER.find(picture)
    assert points is not None
    frame = anatomy.measure(points)
    unit, angle = frame.millimetre, float(np.degrees(np.arctan2(frame.across[1], frame.across[0])))
    mask = np.zeros(picture.shape[:2], np.uint8)
    for corners in ((33, 133), (362, 263)):
        centre = points[list(corners)].mean(0) + frame.down * 2 * unit
        axes = (int(24 * unit), int(17 * unit * size))
        at = (int(centre[0]), int(centre[1]))
        cv2.ellipse(mask, at, axes, angle, 0, 360, 255, max(2, int(3 * unit)), cv2.LINE_AA)
    cover = mask[..., None] / 255.0
    drawn = np.asarray(picture * (1 - cover) + np.array([25, 25, 30]) * cover, np.uint8)
    return drawn, mask > 200


def turned(picture: Picture, yaw: float) -> Picture:
    """The face turned to the side by `yaw` degrees, as far as bending the picture can show it."""
    mesh = FINDER.find_mesh(picture)
    assert mesh is not None
    points = np.c_[mesh.points, mesh.depth * _TRUE_DEPTH].astype(np.float64)
    middle = points[[*anatomy.TEMPLES, anatomy.CHIN, anatomy.FOREHEAD]].mean(0)
    middle[2] = points[list(anatomy.TEMPLES), 2].mean()
    angle = np.radians(yaw)
    rotation = np.array([[np.cos(angle), 0, -np.sin(angle)], [0, 1, 0], [np.sin(angle), 0, np.cos(angle)]])
    moved = (points - middle) @ rotation.T + middle
    keep = np.arange(0, 468, 3)
    height, width = picture.shape[:2]
    across, along = np.linspace(0, width, 7), np.linspace(0, height, 7)
    border = np.array(
        [(x, y) for y in (0, height) for x in across] + [(x, y) for x in (0, width) for y in along]
    )
    at = np.r_[moved[keep, :2], border]
    back = np.r_[points[keep, :2] - moved[keep, :2], np.zeros_like(border)]
    grid = Grid(width, height, 8)
    nodes = grid.positions()
    field = thin_plate(at / width, back, nodes.reshape(-1, 2).astype(np.float64) / width, 3e-3)
    where = grid.enlarge((nodes + field.reshape(nodes.shape)).astype(np.float32))
    bent = cv2.remap(picture, where[..., 0], where[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(bent, np.uint8)


def tilted(picture: Picture, degrees: float) -> Picture:
    """All of the picture rotated clockwise about its middle."""
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1)
    rotated = cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)
    return np.asarray(rotated, np.uint8)


def before_lines(picture: Picture, spacing: int = 16) -> Picture:
    """The person cut out and put before a grid of thin dark lines."""
    height, width = picture.shape[:2]
    person = cv2.resize(FINDER.person(picture), (width, height))
    cover = np.clip((person - 0.3) / 0.4, 0, 1)[..., None]
    wall = np.full_like(picture, 190)
    for offset in (0, 1):
        wall[offset::spacing] = 60
        wall[:, offset::spacing] = 60
    return np.asarray(picture * cover + wall * (1 - cover), np.uint8)


def beside(left: Picture, right: Picture) -> Picture:
    """Two pictures side by side, top aligned, on grey."""
    height = max(left.shape[0], right.shape[0])
    wide = np.full((height, left.shape[1] + right.shape[1], 3), 150, np.uint8)
    wide[: left.shape[0], : left.shape[1]] = left
    wide[: right.shape[0], left.shape[1] :] = right
    return wide


def encoded(picture: NDArray[np.integer[Any] | np.floating[Any]], kind: str = ".png") -> bytes:
    """The picture as a file."""
    return bytes(cv2.imencode(kind, picture)[1])

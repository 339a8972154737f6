"""Finding the face and the person: three small networks, run by OpenCV's own network module.

The weight files are MediaPipe's (Apache-2.0, see `opentalking/assets/models/NOTICE`); the
anchor layout and the crop are those of its published short-range graph.
"""

import threading
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from opentalking.providers.render.portrait.picture import Picture

Points = NDArray[np.float32]
"""Shape (n, 2), float32: x, y in pixels."""

MODELS = Path(__file__).resolve().parents[3] / "assets" / "models"
_DETECTOR_SIDE, _MESH_SIDE, _MESH_POINTS = 128, 192, 468
_DETECTOR_SCORE, _MESH_SCORE = 0.5, 0.5
_EYE_LEFT, _EYE_RIGHT = (33, 133), (362, 263)
_TILE_SHARES = (0.66, 0.5, 0.33)
_SMALLEST_TILE, _MOST_TILES = 48, 100
_MARGIN = 1.5
_MOST_CANDIDATES = 3
_DARK_LUMA, _LIGHT_LUMA = 70.0, 115.0
"""Pictures whose middle tones are darker than the first are looked at with tones like the second."""
_PERSON_SIDE = 256


@dataclass(frozen=True, slots=True)
class Mesh:
    """A face: `points` (468, 2) in pixels, and `depth` (468,) away from the viewer in pixels."""

    points: Points
    depth: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Found:
    centre: NDArray[np.float32]
    side: float
    angle: float
    score: float


def _anchors() -> NDArray[np.float32]:
    centres: list[tuple[float, float]] = []
    for stride, repeats in ((8, 2), (16, 6)):
        cells = _DETECTOR_SIDE // stride
        for row in range(cells):
            for column in range(cells):
                centres.extend([((column + 0.5) / cells, (row + 0.5) / cells)] * repeats)
    return np.array(centres, np.float32)


class FaceFinder:
    """Finds the largest face of a picture and its person; loads its weights on first use; thread-safe."""

    def __init__(self, models: Path = MODELS) -> None:
        self._models = models
        self._lock = threading.Lock()
        self._nets: dict[str, cv2.dnn.Net] = {}
        self._anchors = _anchors()

    def find(self, picture: Picture) -> Points | None:
        """The 468 mesh points in pixels, or None without a face.

        Raises `OSError` if the weight files are missing.
        """
        mesh = self.find_mesh(picture)
        return None if mesh is None else mesh.points

    def find_mesh(self, picture: Picture, near: Mesh | None = None) -> Mesh | None:
        """The mesh with its depth, or None without a face; raises `OSError` without weight files.

        `near` is the face in the picture before, of a video: it is looked for there first.
        """
        with self._lock:
            seen = _brightened(picture)
            if near is not None:
                mesh, score = self._refined(seen, _reframe(near.points, 1.0))
                if score >= _MESH_SCORE:
                    return mesh
            for found in self._search(self._net("face_detection_short_range.tflite"), seen):
                mesh, score = self._refined(seen, found)
                if score >= _MESH_SCORE:
                    return mesh
            return None

    def person(self, picture: Picture) -> NDArray[np.float32]:
        """How much each pixel is a person, 0..1, (256, 256) float32 whatever the picture's size.

        Raises `OSError` if the weight files are missing.
        """
        with self._lock:
            net = self._net("selfie_segmentation.tflite")
            small = cv2.resize(
                _brightened(picture), (_PERSON_SIDE, _PERSON_SIDE), interpolation=cv2.INTER_AREA
            )
            net.setInput(cv2.dnn.blobFromImage(small, 1 / 255, swapRB=True))
            return np.array(net.forward(), np.float32).reshape(_PERSON_SIDE, _PERSON_SIDE)

    def _net(self, name: str) -> cv2.dnn.Net:
        if name not in self._nets:
            path = self._models / name
            if not path.is_file():
                raise FileNotFoundError(f"missing face model {path}")
            self._nets[name] = cv2.dnn.readNetFromTFLite(str(path))
        return self._nets[name]

    def _refined(self, picture: Picture, found: _Found) -> tuple[Mesh, float]:
        for _ in range(3):  # each pass frames the face better for the next
            mesh, score = self._mesh(self._net("face_landmark.tflite"), picture, found)
            found = _reframe(mesh.points, score)
        return mesh, score

    def _search(self, net: cv2.dnn.Net, picture: Picture) -> list[_Found]:
        """What may be faces, the largest first, each once."""
        found = self._detect(net, picture)
        for share in _TILE_SHARES:  # the detector sees faces of a fifth of its view and more
            if found:
                break
            for left, top, side in _tiles(picture.shape[1], picture.shape[0], share):
                tile = np.ascontiguousarray(picture[top : top + side, left : left + side])
                offset = np.array([left, top], np.float32)
                found += [
                    _Found(one.centre + offset, one.side, one.angle, one.score)
                    for one in self._detect(net, tile)
                ]
        ranked = sorted(found, key=lambda one: one.score * one.side, reverse=True)
        kept: list[_Found] = []
        for one in ranked:
            if all(np.linalg.norm(one.centre - other.centre) > 0.4 * other.side for other in kept):
                kept.append(one)
        return kept[:_MOST_CANDIDATES]

    def _detect(self, net: cv2.dnn.Net, picture: Picture) -> list[_Found]:
        height, width = picture.shape[:2]
        side = max(height, width)
        offset = np.array([(side - width) // 2, (side - height) // 2], np.float32)
        square = np.zeros((side, side, 3), np.uint8)
        square[int(offset[1]) :, int(offset[0]) :][:height, :width] = picture
        small = cv2.resize(square, (_DETECTOR_SIDE, _DETECTOR_SIDE), interpolation=cv2.INTER_AREA)
        net.setInput(cv2.dnn.blobFromImage(small, 1 / 127.5, mean=(127.5,) * 3, swapRB=True))
        logits, boxes = net.forward(["classificators", "regressors"])
        scores = 1 / (1 + np.exp(-np.clip(logits.reshape(-1), -80, 80)))
        places = boxes.reshape(len(scores), 8, 2) / _DETECTOR_SIDE
        found = []
        for k in np.flatnonzero(scores > _DETECTOR_SCORE):
            centre = (places[k, 0] + self._anchors[k]) * side - offset
            eyes = places[k, 3] - places[k, 2]
            found.append(
                _Found(
                    centre.astype(np.float32),
                    float(places[k, 1].max() * side * _MARGIN),
                    float(np.arctan2(eyes[1], eyes[0])),
                    float(scores[k]),
                )
            )
        return found

    def _mesh(self, net: cv2.dnn.Net, picture: Picture, found: _Found) -> tuple[Mesh, float]:
        cosine, sine = np.cos(found.angle), np.sin(found.angle)
        half = found.side / 2
        axes = np.array([[cosine, sine], [-sine, cosine]])
        corners = found.centre + np.array([[-half, -half], [half, -half], [-half, half]]) @ axes
        target = np.array([[0, 0], [_MESH_SIDE, 0], [0, _MESH_SIDE]], np.float32)
        matrix = cv2.getAffineTransform(corners.astype(np.float32), target)
        crop = cv2.warpAffine(picture, matrix, (_MESH_SIDE, _MESH_SIDE), flags=cv2.INTER_LINEAR)
        net.setInput(cv2.dnn.blobFromImage(crop, 1 / 255, swapRB=True))
        outputs = [np.asarray(out).reshape(-1) for out in net.forward(net.getUnconnectedOutLayersNames())]
        points = next(out for out in outputs if out.size == _MESH_POINTS * 3).reshape(-1, 3)
        logit = next((float(out[0]) for out in outputs if out.size == 1), 80.0)
        back = cv2.invertAffineTransform(matrix)
        placed = points[:, :2] @ back[:, :2].T + back[:, 2]
        depth = points[:, 2] * found.side / _MESH_SIDE
        mesh = Mesh(placed.astype(np.float32), depth.astype(np.float32))
        return mesh, float(1 / (1 + np.exp(-np.clip(logit, -80, 80))))


def _brightened(picture: Picture) -> Picture:
    """A dark picture with lighter tones, for the networks only; others as they are."""
    middle = float(np.percentile(picture[::8, ::8], 60))
    if not 1 < middle < _DARK_LUMA:
        return picture
    gamma = np.log(_LIGHT_LUMA / 255) / np.log(middle / 255)
    tones = np.rint(255 * (np.arange(256) / 255) ** gamma).astype(np.uint8)
    return np.asarray(cv2.LUT(picture, tones), np.uint8)


def _tiles(width: int, height: int, share: float) -> list[tuple[int, int, int]]:
    """Overlapping squares (left, top, side); none if they would be tiny or too many to look at."""
    side = int(min(height, width) * share)
    if side < _SMALLEST_TILE:
        return []
    step = side // 3
    tiles = [
        (left, top, side)
        for top in range(0, max(1, height - side + 1), step)
        for left in range(0, max(1, width - side + 1), step)
    ]
    return tiles if len(tiles) <= _MOST_TILES else []


def _reframe(points: Points, score: float) -> _Found:
    left, right = points[list(_EYE_LEFT)].mean(0), points[list(_EYE_RIGHT)].mean(0)
    angle = float(np.arctan2(right[1] - left[1], right[0] - left[0]))
    axes = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    upright = points @ axes
    low, high = upright.min(0), upright.max(0)
    centre = axes @ ((low + high) / 2)
    return _Found(centre.astype(np.float32), float((high - low).max() * _MARGIN), angle, score)

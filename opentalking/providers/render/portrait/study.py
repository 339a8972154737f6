"""What a bundle's manifest tells of a face: where the mouth is, and whether it will move."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from opentalking.providers.render.portrait import anatomy
from opentalking.providers.render.portrait.attitude import Attitude, Verdict, attitude_of, judge
from opentalking.providers.render.portrait.landmarks import FaceFinder, Mesh, Points
from opentalking.providers.render.portrait.picture import Picture

_DIGITS = 4
_ABOVE, _BELOW, _BESIDE = 0.75, 0.95, 1.05
"""Head and shoulders around a face, in face heights from its middle."""


@dataclass(frozen=True, slots=True)
class Study:
    """One picture's face: `mesh` is None without one; `attitude` is in degrees."""

    width: int
    height: int
    mesh: Mesh | None
    attitude: Attitude | None
    verdict: Verdict

    def animation(self) -> dict[str, Any]:
        """`metadata.animation`: mode, reason and outlines as shares (0..1) of width and height."""
        told: dict[str, Any] = {"mode": self.verdict.mode}
        if self.verdict.reason:
            told["reason"] = self.verdict.reason
        if self.mesh is None or self.attitude is None:
            return told
        told["attitude"] = {
            "yaw": round(self.attitude.yaw, 1),
            "pitch": round(self.attitude.pitch, 1),
            "roll": round(self.attitude.roll, 1),
        }
        outer = self._shares(anatomy.UPPER_OUTER + anatomy.LOWER_OUTER[-2:0:-1])
        inner = self._shares(anatomy.UPPER_INNER + anatomy.LOWER_INNER[-2:0:-1])
        low, high = outer.min(0), outer.max(0)
        centre, radii = (low + high) / 2, (high - low) / 2
        return {
            **told,
            "mouth_center": _rounded(centre),
            "mouth_rx": round(float(radii[0]), _DIGITS),
            "mouth_ry": round(float(radii[1]), _DIGITS),
            "outer_lip": [_rounded(point) for point in outer],
            "inner_mouth": [_rounded(point) for point in inner],
        }

    @property
    def face_height_share(self) -> float:
        """The face's height from forehead to chin as a share of the picture's; 0 without a face."""
        return 0.0 if self.mesh is None else anatomy.measure(self.mesh.points).height / self.height

    def head_and_shoulders(self) -> tuple[int, int, int, int] | None:
        """Left, top, right, bottom of the part around the face, inside the picture; None without one."""
        if self.mesh is None:
            return None
        tall = anatomy.measure(self.mesh.points).height
        x, y = self.mesh.points[list(anatomy.OVAL)].mean(0)
        left, right = max(0, int(x - _BESIDE * tall)), min(self.width, int(x + _BESIDE * tall))
        top, bottom = max(0, int(y - _ABOVE * 1.5 * tall)), min(self.height, int(y + _BELOW * 1.5 * tall))
        return left, top, right, bottom

    def _shares(self, ids: tuple[int, ...]) -> Points:
        assert self.mesh is not None  # noqa: S101 - asked only where there is one
        size = np.array([self.width, self.height], np.float32)
        return np.asarray(np.clip(self.mesh.points[list(ids)] / size, 0, 1), np.float32)


def study(picture: Picture, finder: FaceFinder) -> Study:
    """Look for a face in `picture`; raises `OSError` if the weight files are missing."""
    mesh = finder.find_mesh(picture)
    height, width = picture.shape[:2]
    return Study(width, height, mesh, attitude_of(mesh) if mesh else None, judge(mesh))


def _rounded(point: Points) -> list[float]:
    return [round(float(value), _DIGITS) for value in point]

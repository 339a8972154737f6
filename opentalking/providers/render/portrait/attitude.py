"""How a head is turned, and whether a picture of it can speak."""

from dataclasses import dataclass

import numpy as np

from opentalking.providers.render.portrait import anatomy
from opentalking.providers.render.portrait.landmarks import Mesh
from opentalking.providers.render.portrait.picture import Mode

MOST_YAW, MOST_PITCH, MOST_ROLL = 22.0, 28.0, 35.0
"""Degrees of turn up to which a mouth drawn for a frontal face still fits."""
SMALLEST_FACE = 20.0
"""Pixels between the outer corners of the eyes, below which a mouth is too coarse to move."""
_NOSE_DEPTH = 0.97
"""How far the tip of the nose stands before the outer corners of the eyes, in half their distance."""
_UPRIGHT_PITCH = 10.0
"""By this many degrees the chin of an upright head is behind its forehead."""


@dataclass(frozen=True, slots=True)
class Attitude:
    """Degrees: `yaw` to the picture's right, `pitch` down, `roll` clockwise."""

    yaw: float
    pitch: float
    roll: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is animated and, unless it is the face, why not."""

    mode: Mode
    reason: str = ""


def attitude_of(mesh: Mesh) -> Attitude:
    """How the head with this mesh is turned.

    Yaw follows from how far the nose has left the middle line between eyes and mouth, because the
    mesh's own depth is too flat in turned faces.
    """
    points = mesh.points.astype(np.float64)
    frame = anatomy.measure(mesh.points)
    eyes = (points[33] + points[263]) / 2
    mouth = points[list(anatomy.CORNERS)].mean(0)
    nose = points[anatomy.NOSE_FRONT]
    share = float((nose - eyes) @ frame.down / max(1e-6, (mouth - eyes) @ frame.down))
    aside = float((nose - eyes - (mouth - eyes) * share) @ frame.across)
    half_width = float(np.linalg.norm(points[263] - points[33])) / 2
    down = points[anatomy.CHIN] - points[anatomy.FOREHEAD]
    away = float(mesh.depth[anatomy.CHIN] - mesh.depth[anatomy.FOREHEAD])
    return Attitude(
        yaw=float(np.degrees(np.arctan(aside / (half_width * _NOSE_DEPTH)))),
        pitch=float(np.degrees(np.arctan2(away, np.linalg.norm(down)))) - _UPRIGHT_PITCH,
        roll=float(np.degrees(np.arctan2(frame.across[1], frame.across[0]))),
    )


def judge(mesh: Mesh | None, wanted: Mode | None = None) -> Verdict:
    """Whether the face with this mesh can be animated; a bundle may say what is `wanted`."""
    if wanted == "still-motion":
        return Verdict("still-motion", "the manifest asks for it")
    if mesh is None:
        return Verdict("still-motion", "no face was found")
    if wanted == "face":
        return Verdict("face")
    if np.linalg.norm(mesh.points[263] - mesh.points[33]) < SMALLEST_FACE:
        return Verdict("still-motion", "the face is too small")
    attitude = attitude_of(mesh)
    for word, angle, most in (
        ("turned aside", attitude.yaw, MOST_YAW),
        ("turned up or down", attitude.pitch, MOST_PITCH),
        ("tilted", attitude.roll, MOST_ROLL),
    ):
        if abs(angle) > most:
            return Verdict(
                "still-motion", f"the head is {word} by about {abs(angle):.0f}°, at most {most:.0f}° work"
            )
    return Verdict("face")

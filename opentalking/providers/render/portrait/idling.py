"""An idle motion of a bundle's own: a small JSON file beside the picture.

`{"poses": [[shift_x, shift_y, roll, yaw, pitch], …], "blinks": [frame, …]}`: 100 poses (millimetres and
radians, as in `Pose`), one for every second frame of the loop, and the frames at which lids begin to shut.
"""

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from opentalking.core.media import FPS
from opentalking.providers.render.portrait.acting.motion import (
    IDLE_FRAMES,
    POSE_FRAMES,
    USUAL,
    USUAL_BLINK,
    Idling,
)  # fmt: skip
from opentalking.providers.render.portrait.expression import Pose

MOTION_FILE = "motion.json"
POSES = IDLE_FRAMES // POSE_FRAMES
CHANNELS = ("shift_x", "shift_y", "roll", "yaw", "pitch")
LIMITS = np.array([1.2, 0.8, 0.014, 2.2, 1.3])
"""The farthest from the picture's own place that still looks whole, by channel."""
FIRST_BLINK, LAST_BLINK = 5, 15
"""Frames of a second in which a blink may begin: at whole seconds, where playback may cut, eyes are open."""

Motion = NDArray[np.float64]
"""Shape (100, 5): `CHANNELS` at every second frame of the loop."""


def read_idling(data: bytes) -> Idling:
    """The idle motion in a bundle's file; the usual one for an empty or unusable file."""
    try:
        return parse_idling(data) if data else USUAL
    except ValueError:
        return USUAL


def parse_idling(data: bytes) -> Idling:
    """As `read_idling`; raises `ValueError` for an unusable file."""
    try:
        return _parse(json.loads(data))
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError) as error:
        raise ValueError("it is no idle motion") from error


def write_idling(motion: Motion, blinks: Sequence[int]) -> bytes:
    """The file that `read_idling` reads."""
    poses = [[round(float(value), 4) for value in row] for row in motion]
    return json.dumps({"poses": poses, "blinks": sorted(blinks)}).encode()


def _parse(told: Any) -> Idling:
    motion = np.array(told["poses"], np.float64)
    if motion.shape != (POSES, len(CHANNELS)) or not np.isfinite(motion).all():
        raise ValueError("not an idle motion")
    motion = np.clip(motion, -LIMITS, LIMITS)
    breaths = np.array([[pose.breath] for pose in USUAL.poses])
    poses = tuple(Pose(*row) for row in np.hstack([motion, breaths]).tolist())
    starts = [math.floor(start) for start in told.get("blinks", [])]
    if not starts:
        return Idling(poses)
    if any(not FIRST_BLINK <= start % FPS <= LAST_BLINK or not 0 <= start < IDLE_FRAMES for start in starts):
        raise ValueError("a blink where playback may cut")
    return Idling(poses, tuple((start, USUAL_BLINK) for start in sorted(set(starts))))

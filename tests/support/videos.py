"""Short videos of a face whose every movement is known: a photo, painted and moved."""

import math
from pathlib import Path

import av
import cv2
import numpy as np

from opentalking.core.media import FPS
from opentalking.providers.render.portrait.expression import Pose
from opentalking.providers.render.portrait.painter import NEUTRAL, FramePainter
from opentalking.providers.render.portrait.picture import Picture
from opentalking.providers.render.portrait.planes import to_bgr
from opentalking.providers.render.portrait.prepared import prepare
from opentalking.providers.render.visemes import viseme
from tests.support.photos import FINDER, spectacled

WIDTH, HEIGHT = 308, 360
BLINK, TALK, BLUR = range(20, 25), range(30, 40), range(44, 50)
"""Frames of each 60 in which the lids are shut, the mouth is open, the camera is out of focus."""
ROLL_SECONDS, ROLL_DEGREES = 4.0, 2.0


def roll_degrees(frame: int) -> float:
    """How far the head is tilted (clockwise) in a frame."""
    return ROLL_DEGREES * math.sin(2 * math.pi * frame / FPS / ROLL_SECONDS)


def faces(count: int) -> list[Picture]:
    """Frames of somebody who sways, blinks, says something and gets out of focus."""
    small = np.asarray(cv2.resize(spectacled(), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA), np.uint8)
    painter = FramePainter(prepare(small, (), FINDER))
    shown = []
    for k in range(count):
        at = k % 60
        mouth = viseme("open").target if at in TALK else NEUTRAL
        yaw = 1.2 * math.sin(2 * math.pi * k / FPS / 5)
        frame = to_bgr(painter.frame(mouth, 1.0 if at in BLINK else 0.0, Pose(yaw=yaw)))
        matrix = cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT), -roll_degrees(k), 1)
        frame = np.asarray(cv2.warpAffine(frame, matrix, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE))
        shown.append(np.asarray(cv2.GaussianBlur(frame, (0, 0), 3) if at in BLUR else frame, np.uint8))
    return shown


def write_video(path: Path, pictures: list[Picture], rate: int = FPS, turned_degrees: int = 0) -> Path:
    """Write an MP4 or WebM; `turned_degrees` is what a camera notes of how it was held."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libvpx" if path.suffix == ".webm" else "libx264", rate=rate)
        height, width = pictures[0].shape[:2]
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = width, height, "yuv420p", 2_000_000
        if turned_degrees:
            stream.set_display_rotation(turned_degrees)
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="bgr24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path

"""Pictures as the renderer works on them: luma at full size, both chroma channels side by side at half."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from opentalking.core.media import I420


@dataclass(frozen=True, slots=True)
class Planes:
    """`luma` (height, width) and `chroma` (height / 2, width / 2, 2), uint8, BT.601 limited range."""

    luma: NDArray[np.uint8]
    chroma: NDArray[np.uint8]

    def part(self, left: int, top: int, right: int, bottom: int) -> "Planes":
        """A view of the box with these sides, all even."""
        return Planes(
            self.luma[top:bottom, left:right],
            self.chroma[top // 2 : bottom // 2, left // 2 : right // 2],
        )


def split(picture: NDArray[np.uint8]) -> Planes:
    """BGR (height, width, 3), even sides -> planes."""
    height, width = picture.shape[:2]
    return from_i420(np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420), np.uint8), width, height)


def from_i420(frame: I420, width: int, height: int) -> Planes:
    """A packed frame as planes (chroma is copied)."""
    half = (height // 2, width // 2)
    flat = frame.reshape(-1)
    u, v = flat[width * height :].reshape(2, *half)
    return Planes(frame[:height], np.dstack([u, v]))


def to_i420(planes: Planes) -> I420:
    """Planes as a packed frame of shape (height * 3 // 2, width)."""
    height, width = planes.luma.shape
    frame = np.empty((height * 3 // 2, width), np.uint8)
    frame[:height] = planes.luma
    u, v = chroma_views(frame, width, height)
    u[:], v[:] = planes.chroma[..., 0], planes.chroma[..., 1]
    return frame


def chroma_views(frame: I420, width: int, height: int) -> NDArray[np.uint8]:
    """Writable views of U and V inside a packed frame, shape (2, height / 2, width / 2)."""
    return frame.reshape(-1)[width * height :].reshape(2, height // 2, width // 2)


def to_bgr(frame: I420) -> NDArray[np.uint8]:
    """A packed frame as BGR, for people and files."""
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_YUV2BGR_I420), np.uint8)

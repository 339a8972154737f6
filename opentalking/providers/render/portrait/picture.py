"""Reading an avatar's picture: any file that OpenCV knows becomes BGR of a streamable size."""

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
"""Shape (height, width, 3), uint8, BGR."""

PICTURE_NAMES = ("reference.png", "reference.jpg", "reference.jpeg", "preview.png")
CLOSED_EYES_NAME = "eyes_closed.png"
"""Optional second picture of a drawn character with its eyes shut; same size as the first."""
_BACKDROP = 232.0
_SMALLEST_SIDE = 16


@dataclass(frozen=True, slots=True)
class PictureFiles:
    """The bytes of a bundle's pictures and the fingerprint of their content."""

    picture: bytes
    closed_eyes: bytes | None
    fingerprint: str


def read_files(directory: Path) -> PictureFiles:
    """Read the pictures of a bundle; raises `FileNotFoundError` if there is none."""
    for name in PICTURE_NAMES:
        if (directory / name).is_file():
            picture = (directory / name).read_bytes()
            break
    else:
        raise FileNotFoundError(f"no {PICTURE_NAMES[0]} in {directory}")
    closed = directory / CLOSED_EYES_NAME
    closed_eyes = closed.read_bytes() if closed.is_file() else None
    digest = hashlib.sha256(picture + b"|" + (closed_eyes or b"")).hexdigest()[:20]
    return PictureFiles(picture, closed_eyes, digest)


def decode(data: bytes) -> Picture:
    """Decode a picture: upright, three channels, transparency laid on light grey; raises `ValueError`."""
    raw = np.frombuffer(data, np.uint8)
    try:
        image = cv2.imdecode(raw, cv2.IMREAD_UNCHANGED)
        if image is not None and (image.ndim != 3 or image.shape[2] != 4):
            # this way turns greyscale, 16 bits and the camera's orientation into plain BGR
            image = cv2.imdecode(raw, cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise ValueError(f"the picture cannot be decoded: {error.err}") from error
    if image is None:
        raise ValueError("the picture cannot be decoded")
    if image.shape[2] == 4:
        image = _flatten(image)
    return np.ascontiguousarray(image, np.uint8)


def _flatten(image: NDArray[np.generic]) -> Picture:
    scale = 255.0 / np.iinfo(image.dtype).max
    pixels = image.astype(np.float32) * scale
    alpha = pixels[..., 3:] / 255.0
    return np.rint(pixels[..., :3] * alpha + _BACKDROP * (1 - alpha)).astype(np.uint8)


def streamed_size(width: int, height: int, max_pixels: int) -> tuple[int, int]:
    """The even (width, height) with the same aspect and at most `max_pixels`; never larger than given."""
    shrink = min(1.0, math.sqrt(max_pixels / (width * height)))
    sides = [max(_SMALLEST_SIDE, int(side * shrink) // 2 * 2) for side in (width, height)]
    for i, other in ((0, 1), (1, 0)):
        # a very long picture hits the smallest side: give way on the other one
        sides[i] = min(sides[i], max(_SMALLEST_SIDE, max_pixels // sides[other] // 2 * 2))
    return sides[0], sides[1]


def resize(picture: Picture, size: tuple[int, int]) -> Picture:
    """Scale to `size` = (width, height)."""
    height, width = picture.shape[:2]
    if (width, height) == size:
        return picture
    shrinks = size[0] < width or size[1] < height
    scaled = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    return np.asarray(scaled, np.uint8)

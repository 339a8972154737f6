"""Reading an avatar's picture: any file that OpenCV knows becomes BGR of a streamable size."""

import hashlib
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from opentalking.core.avatars import AvatarBundle
from opentalking.providers.render.portrait.orientation import orientation_of, upright

Picture = NDArray[np.uint8]
"""Shape (height, width, 3), uint8, BGR."""

Mode = Literal["face", "still-motion"]
"""The face speaks and blinks, or the picture moves gently as a whole with its mouth shut."""

PICTURE_NAMES = ("reference.png", "reference.jpg", "reference.jpeg", "preview.png")
_BACKDROP = 232.0
_ASPECT_TOLERANCE = 0.02
_SMALLEST_SIDE = 16
_FLATTENED_ROWS = 128
_MOST_LID_STEPS = 12
_RESAMPLING_BLUR = 0.8
_MOTION_MAX_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class LidStrip:
    """Lids of a drawn character: `steps` copies of one band of the picture, stacked, from open to shut.

    `top` and `bottom` place the band, as shares of the picture's height.
    """

    data: bytes
    steps: int
    top: float
    bottom: float


@dataclass(frozen=True, slots=True)
class PictureFiles:
    """The bytes of a bundle's pictures and the fingerprint of their content.

    `animation` is the manifest's `metadata.animation`, and `mode` what it says there, None if it leaves
    the choice to the renderer. `motion` is the file of an idle motion of its own, empty without one.
    """

    picture: bytes
    lids: LidStrip | None
    fingerprint: str
    mode: Mode | None = None
    animation: dict[str, Any] = field(default_factory=dict)
    motion: bytes = b""


def read_files(directory: Path, manifest: dict[str, Any], reference: bytes | None = None) -> PictureFiles:
    """Read the pictures of a bundle with this manifest; raises `FileNotFoundError` if there is none.

    `reference` is a picture file that takes the place of the bundle's own.
    """
    for name in PICTURE_NAMES if reference is None else ():
        if (directory / name).is_file():
            picture = (directory / name).read_bytes()
            break
    else:
        if reference is None:
            raise FileNotFoundError(f"the bundle has no {PICTURE_NAMES[0]}")
        picture = reference
    lids = _read_lids(directory, manifest)
    digest = hashlib.sha256(picture)
    if lids:
        digest.update(f"|{lids.steps}|{lids.top}|{lids.bottom}|".encode() + lids.data)
    mode = _mode(manifest)
    if mode:
        digest.update(f"|{mode}".encode())
    animation = _animation(manifest)
    if "lips" in animation:
        told = [animation.get(name) for name in ("lips", "outer_lip", "inner_mouth")]
        digest.update(f"|{json.dumps(told)}".encode())
    motion = _read_motion(directory, animation)
    return PictureFiles(picture, lids, digest.hexdigest()[:20], mode, animation, motion)


def _animation(manifest: dict[str, Any]) -> dict[str, Any]:
    """`metadata.animation`, empty if it is missing or no object."""
    metadata = manifest.get("metadata")
    animation = metadata.get("animation") if isinstance(metadata, dict) else None
    return animation if isinstance(animation, dict) else {}


def _mode(manifest: dict[str, Any]) -> Mode | None:
    mode = _animation(manifest).get("mode")
    return mode if mode in get_args(Mode) else None


def _read_lids(directory: Path, manifest: dict[str, Any]) -> LidStrip | None:
    """The strip that `metadata.animation.lids` describes; None if it is not there or not usable."""
    described = _animation(manifest).get("lids")
    if not isinstance(described, dict):
        return None
    name = Path(str(described.get("file", ""))).name  # a bundle reads nothing outside itself
    try:
        steps, top, bottom = int(described["steps"]), float(described["top"]), float(described["bottom"])
        data = (directory / name).read_bytes()
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return None
    if not (0 <= top < bottom <= 1 and 1 <= steps <= _MOST_LID_STEPS):
        return None
    return LidStrip(data, steps, top, bottom)


def _read_motion(directory: Path, animation: dict[str, Any]) -> bytes:
    """The file that `metadata.animation.motion` names; empty if it is not there or too large."""
    name = animation.get("motion")
    if not isinstance(name, str):
        return b""
    try:
        with (directory / Path(name).name).open("rb") as file:
            data = file.read(_MOTION_MAX_BYTES + 1)
    except (OSError, ValueError):
        return b""
    return data if len(data) <= _MOTION_MAX_BYTES else b""


def lid_pictures(picture: Picture, strip: LidStrip) -> tuple[Picture, ...]:
    """`picture` (already scaled) with the lids of every step of `strip`; raises `ValueError`."""
    height, width = picture.shape[:2]
    top, bottom = round(strip.top * height), round(strip.bottom * height)
    bands = decode(strip.data)
    rows = bands.shape[0] // strip.steps
    if rows < 1 or bottom <= top:
        raise ValueError("the lid strip is too small")
    steps = []
    for k in range(strip.steps):
        step = picture.copy()
        band = np.ascontiguousarray(bands[k * rows : (k + 1) * rows])
        step[top:bottom] = resize(band, (width, bottom - top))
        steps.append(step)
    return tuple(steps)


def decode(data: bytes) -> Picture:
    """Decode a picture: upright, three channels, transparency laid on light grey; raises `ValueError`."""
    raw = np.frombuffer(data, np.uint8)
    try:
        image = cv2.imdecode(raw, cv2.IMREAD_UNCHANGED)
        if image is not None and (image.ndim != 3 or image.shape[2] != 4):
            # this way turns greyscale and 16 bits into plain BGR
            image = cv2.imdecode(raw, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise ValueError(f"the picture cannot be decoded: {error.err}") from error
    if image is None:
        raise ValueError("the picture cannot be decoded")
    if image.shape[2] == 4:
        image = _flatten(image)
    return np.ascontiguousarray(upright(image, orientation_of(data)), np.uint8)


def _flatten(image: NDArray[Any]) -> Picture:
    scale = np.float32(255 / np.iinfo(image.dtype).max)
    flat = np.empty((*image.shape[:2], 3), np.uint8)
    for top in range(0, len(image), _FLATTENED_ROWS):  # all at once would take twenty times the picture
        pixels = image[top : top + _FLATTENED_ROWS].astype(np.float32) * scale
        alpha = pixels[..., 3:] / np.float32(255)
        shown = pixels[..., :3] * alpha + np.float32(_BACKDROP) * (1 - alpha)
        flat[top : top + _FLATTENED_ROWS] = np.rint(shown)
    return flat


def streamed_size(width: int, height: int, max_pixels: int) -> tuple[int, int]:
    """The even (width, height) with the same aspect and at most `max_pixels`; never larger than given."""
    shrink = min(1.0, math.sqrt(max_pixels / (width * height)))
    sides = [max(_SMALLEST_SIDE, int(side * shrink) // 2 * 2) for side in (width, height)]
    for i, other in ((0, 1), (1, 0)):
        # a very long picture hits the smallest side: give way on the other one
        sides[i] = min(sides[i], max(_SMALLEST_SIDE, max_pixels // sides[other] // 2 * 2))
    return sides[0], sides[1]


def size_of(avatar: AvatarBundle, picture: Picture, max_pixels: int) -> tuple[int, int]:
    """The (width, height) to stream: what the bundle announces, or else the picture's, within the limit."""
    announced = avatar.width > 0 and avatar.height > 0
    width, height = (avatar.width, avatar.height) if announced else (picture.shape[1], picture.shape[0])
    return streamed_size(width, height, max_pixels)


def fit(picture: Picture, size: tuple[int, int]) -> Picture:
    """Scale to `size` = (width, height); where the aspects differ, the picture's edges fill the rest."""
    height, width = picture.shape[:2]
    if abs(size[0] * height / (size[1] * width) - 1) <= _ASPECT_TOLERANCE:
        return resize(picture, size)
    scale = min(size[0] / width, size[1] / height)
    inside = (min(size[0], max(1, round(width * scale))), min(size[1], max(1, round(height * scale))))
    left, top = (size[0] - inside[0]) // 2, (size[1] - inside[1]) // 2
    right, bottom = size[0] - inside[0] - left, size[1] - inside[1] - top
    scaled = resize(picture, inside)
    filled = cv2.copyMakeBorder(scaled, top, bottom, left, right, cv2.BORDER_REPLICATE)
    return np.asarray(filled, np.uint8)


def resize(picture: Picture, size: tuple[int, int]) -> Picture:
    """Scale to `size` = (width, height)."""
    height, width = picture.shape[:2]
    if (width, height) == size:
        return picture
    shrinks = size[0] < width or size[1] < height
    scaled = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    return np.asarray(scaled, np.uint8)


def crisper(pixels: NDArray[np.uint8], amount: NDArray[np.float32] | float) -> NDArray[np.uint8]:
    """`pixels` sharpened by what bilinear resampling between pixels takes away on average.

    `amount` 0 leaves them; an array of its shape sharpens here more than there.
    """
    soft = cv2.GaussianBlur(pixels, (0, 0), _RESAMPLING_BLUR).astype(np.float32)
    soft = soft.reshape(pixels.shape)
    return np.asarray(np.clip(np.rint(pixels + amount * (pixels - soft)), 0, 255), np.uint8)

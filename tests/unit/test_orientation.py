"""Pictures stand upright whatever file they come in, transparent ones, too."""

import struct
import zlib
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from opentalking.providers.render.portrait.orientation import orientation_of
from opentalking.providers.render.portrait.picture import decode
from tests.support.photos import encoded

Picture = NDArray[Any]
STORED: dict[int, Callable[[Picture], Picture]] = {
    1: lambda seen: seen,
    2: lambda seen: seen[:, ::-1],
    3: lambda seen: seen[::-1, ::-1],
    4: lambda seen: seen[::-1],
    5: lambda seen: seen.transpose(1, 0, 2),
    6: np.rot90,
    7: lambda seen: np.rot90(seen.transpose(1, 0, 2), 2),
    8: lambda seen: np.rot90(seen, -1),
}
"""How a camera stores what is to be seen, by the EXIF orientation that it writes (EXIF 2.3, 4.6.4)."""


def tiff(orientation: int, order: str = ">") -> bytes:
    mark = b"MM\0*" if order == ">" else b"II*\0"
    entry = struct.pack(f"{order}HHIHH", 0x0112, 3, 1, orientation, 0)
    return bytes(mark + struct.pack(f"{order}IH", 8, 1) + entry + bytes(4))


def png(picture: Picture, exif: bytes) -> bytes:
    data, chunk = encoded(picture), b"eXIf" + exif
    return data[:33] + struct.pack(">I", len(exif)) + chunk + struct.pack(">I", zlib.crc32(chunk)) + data[33:]


def jpeg(picture: Picture, exif: bytes) -> bytes:
    data, body = encoded(picture, ".jpg"), b"Exif\0\0" + exif
    return bytes(data[:2]) + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:]


def webp(picture: Picture, exif: bytes) -> bytes:
    data, (height, width) = encoded(picture, ".webp"), picture.shape[:2]
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    head = b"VP8X" + struct.pack("<I", 10) + bytes([0x08 if picture.shape[2] == 3 else 0x18, 0, 0, 0]) + size
    body = b"Exif\0\0" + exif
    inside = b"WEBP" + head + data[12:] + b"EXIF" + struct.pack("<I", len(body)) + body
    return bytes(b"RIFF" + struct.pack("<I", len(inside)) + inside)


@pytest.mark.parametrize("orientation", STORED)
def test_every_orientation_in_every_format(orientation: int) -> None:
    seen = np.full((64, 48, 3), 90, np.uint8)
    seen[:16, :16], seen[:16, 32:] = (255, 255, 255), (0, 0, 255)
    stored = np.ascontiguousarray(STORED[orientation](seen))
    for write in (png, jpeg, webp):
        for order in "<>":
            shown = decode(write(stored, tiff(orientation, order)))
            assert shown.shape == seen.shape, write
            assert np.abs(shown.astype(int) - seen).mean() < 8, write


@pytest.mark.parametrize("orientation", STORED)
def test_transparent_pictures_are_turned_too(orientation: int) -> None:
    seen = np.full((64, 48, 4), 255, np.uint8)
    seen[:16, :16] = 0
    stored = np.ascontiguousarray(STORED[orientation](seen))
    shown = decode(png(stored, tiff(orientation)))
    assert shown.shape == (64, 48, 3)
    assert (shown[:16, :16] == 232).all()
    assert (shown[16:] == 255).all()


@pytest.mark.parametrize(
    "exif",
    [
        b"",
        b"MM",
        tiff(0),
        tiff(9),
        tiff(6)[:12],
        b"XX" + tiff(6)[2:],
        b"MM\0*" + b"\xff" * 40,
        b"II*\0" + bytes(8),
    ],
)
def test_nonsense_says_nothing(exif: bytes) -> None:
    picture = np.zeros((32, 16, 3), np.uint8)
    for write in (png, jpeg, webp):
        assert orientation_of(write(picture, exif)) == 1
        assert decode(write(picture, exif)).shape == picture.shape
    assert orientation_of(b"") == orientation_of(b"\xff\xd8\xff") == orientation_of(b"RIFF....WEBPEXIF") == 1
    assert orientation_of(cv2.imencode(".png", picture)[1].tobytes()[:30]) == 1

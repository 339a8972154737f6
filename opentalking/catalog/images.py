"""Looking at an uploaded picture's first bytes: its format and size, before anything decodes it."""

from dataclasses import dataclass
from typing import Literal

from opentalking.core.errors import InvalidInput, TooLarge

MAX_BYTES = 10 * 2**20
MAX_PIXELS = 40_000_000
MIN_SIDE_PIXELS = 16

_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
_PNG_END = b"\0\0\0\0IEND"
_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis")
_FRAME_HEADERS = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_SCAN, _END = 0xDA, b"\xff\xd9"
_BARE_MARKERS = frozenset({0x01, *range(0xD0, 0xD9)})


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """What a picture says of itself; the sides are those of the stored pixels, before any rotation."""

    format: Literal["png", "jpeg", "webp"]
    width: int
    height: int


def check_image(data: bytes) -> ImageHeader:
    """The header of a PNG, JPEG or WebP picture that may be decoded.

    Raises `TooLarge` above `MAX_BYTES`, `InvalidInput` for other formats (HEIC is named), for
    what is cut off, for more than `MAX_PIXELS` and for sides below `MIN_SIDE_PIXELS`.
    """
    if len(data) > MAX_BYTES:
        raise TooLarge(f"the picture is larger than {MAX_BYTES // 2**20} MiB")
    return check_pixels(data)


def check_pixels(data: bytes) -> ImageHeader:
    """`check_image` for a picture of any number of bytes."""
    if not data:
        raise InvalidInput("the picture is empty")
    header = _header(data)
    if header.width * header.height > MAX_PIXELS:
        raise InvalidInput(
            f"the picture has {header.width}x{header.height} pixels, more than {MAX_PIXELS // 10**6} million"
        )
    if min(header.width, header.height) < MIN_SIDE_PIXELS:
        raise InvalidInput(f"the picture must have at least {MIN_SIDE_PIXELS} pixels a side")
    if header.format == "png" and data.find(_PNG_END) < 0:  # OpenCV would leave the rest black
        raise InvalidInput("the picture is cut off or damaged")
    return header


def _header(data: bytes) -> ImageHeader:
    try:
        if data.startswith(_PNG):
            return _png(data)
        if data.startswith(_JPEG):
            return _jpeg(data)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _webp(data)
    except IndexError:
        raise InvalidInput("the picture is cut off or damaged") from None
    if data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS:
        raise InvalidInput("HEIC and AVIF pictures cannot be read: save the picture as JPEG or PNG")
    raise InvalidInput("the file is no PNG, JPEG or WebP picture")


def _number(data: bytes, at: int, size: int, order: Literal["big", "little"]) -> int:
    if at + size > len(data):
        raise IndexError(at)
    return int.from_bytes(data[at : at + size], order)


def _png(data: bytes) -> ImageHeader:
    if data[12:16] != b"IHDR":
        raise IndexError(12)
    return ImageHeader("png", _number(data, 16, 4, "big"), _number(data, 20, 4, "big"))


def _jpeg(data: bytes) -> ImageHeader:
    at, size = 2, (0, 0)
    while True:
        while data[at] != 0xFF:
            at += 1
        while data[at] == 0xFF:
            at += 1
        marker, at = data[at], at + 1
        if marker in _BARE_MARKERS:
            continue
        if marker in _FRAME_HEADERS:
            size = (_number(data, at + 5, 2, "big"), _number(data, at + 3, 2, "big"))
        if marker == _SCAN:
            break
        at += max(2, _number(data, at, 2, "big"))
    if not all(size) or data.find(_END, at) < 0:
        raise IndexError(at)
    return ImageHeader("jpeg", *size)


def _webp(data: bytes) -> ImageHeader:
    if len(data) < _number(data, 4, 4, "little") + 8:
        raise IndexError(len(data))
    kind = data[12:16]
    if kind == b"VP8X":
        return ImageHeader("webp", _number(data, 24, 3, "little") + 1, _number(data, 27, 3, "little") + 1)
    if kind == b"VP8L":
        bits = _number(data, 21, 4, "little")
        return ImageHeader("webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if kind == b"VP8 ":
        return ImageHeader(
            "webp", _number(data, 26, 2, "little") & 0x3FFF, _number(data, 28, 2, "little") & 0x3FFF
        )
    raise IndexError(12)

"""How a camera says that its picture must be turned, and turning it.

The orientation is tag 0x0112 of the EXIF block (TIFF 6.0 structure) that JPEG keeps in APP1, PNG in `eXIf`
and WebP in `EXIF`.
"""

from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

_UPRIGHT = 1
_ORIENTATION_TAG, _SHORT = 0x0112, 3
_ENTRY_BYTES, _MOST_ENTRIES = 12, 512
_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"
_EXIF = b"Exif\0\0"


def orientation_of(data: bytes) -> int:
    """1 (upright) to 8, as the EXIF standard counts them; 1 for what says nothing or nonsense."""
    found = _tiff(data)
    return _read_tiff(found) if found else _UPRIGHT


def upright(picture: NDArray[Any], orientation: int) -> NDArray[Any]:
    """`picture` (rows, columns, any channels) as it is to be seen."""
    if orientation in (5, 6, 7, 8):
        picture = np.asarray(cv2.transpose(picture))
    flip = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}.get(orientation)
    return picture if flip is None else np.asarray(cv2.flip(picture, flip))


def _tiff(data: bytes) -> bytes:
    """The EXIF block of a picture, empty if there is none."""
    if data.startswith(_PNG):
        return _chunk(data, len(_PNG), b"eXIf", "big")
    if data.startswith(_JPEG):
        return _segment(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        block = _chunk(data, 12, b"EXIF", "little")
        return block.removeprefix(_EXIF)  # some writers keep JPEG's header
    return b""


def _chunk(data: bytes, at: int, wanted: bytes, order: Literal["big", "little"]) -> bytes:
    """The content of a PNG (`big`: size, name, content, checksum) or RIFF chunk (name, size, content)."""
    png = order == "big"
    while at + 8 <= len(data):
        first, second = data[at : at + 4], data[at + 4 : at + 8]
        size = int.from_bytes(first if png else second, order)
        if (second if png else first) == wanted:
            return data[at + 8 : at + 8 + size]
        at += 8 + size + (4 if png else size % 2)
    return b""


def _segment(data: bytes) -> bytes:
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker, size = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xFF:  # padding
            at += 1
            continue
        if marker == 0xDA:  # the scan: no header comes after it
            break
        content = data[at + 4 : at + 2 + size]
        if marker == 0xE1 and content.startswith(_EXIF):
            return content[len(_EXIF) :]
        at += 2 + max(2, size)
    return b""


def _read_tiff(tiff: bytes) -> int:
    order: Literal["big", "little"] = "big" if tiff[:2] == b"MM" else "little"
    if tiff[:2] not in (b"MM", b"II"):
        return _UPRIGHT

    def number(at: int, size: int) -> int:
        return int.from_bytes(tiff[at : at + size], order)

    start = number(4, 4)
    for k in range(min(number(start, 2), _MOST_ENTRIES)):
        at = start + 2 + k * _ENTRY_BYTES
        if number(at, 2) == _ORIENTATION_TAG and number(at + 2, 2) == _SHORT:
            told = number(at + 8, 2)
            return told if 1 <= told <= 8 else _UPRIGHT
    return _UPRIGHT

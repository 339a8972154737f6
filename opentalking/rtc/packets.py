"""RTP payloads of encoded pictures: H.264 by RFC 6184 (mode 1), VP8 by RFC 7741."""

from collections.abc import Iterator
from weakref import WeakKeyDictionary

from opentalking.media.encoder import EncodedFrame, VideoCodec

MAX_PAYLOAD_BYTES = 1200
_START_CODE = b"\x00\x00\x01"
_STAP_A, _FU_A = 24, 28
_FU_START, _FU_END = 0x80, 0x40
_NRI_MASK, _TYPE_MASK = 0xE0, 0x1F

# Idle frames are shared by all sessions and sent for hours: packetise each of them once.
_payloads_of: WeakKeyDictionary[EncodedFrame, list[bytes]] = WeakKeyDictionary()


def payloads(frame: EncodedFrame, codec: VideoCodec) -> list[bytes]:
    """The RTP payloads of a frame, at most 1200 bytes each, in order; do not change the list."""
    known = _payloads_of.get(frame)
    if known is None:
        known = split_h264(frame.payload) if codec == "h264" else split_vp8(frame.payload)
        _payloads_of[frame] = known
    return known


def split_vp8(data: bytes) -> list[bytes]:
    """One-byte descriptors without picture id, so that payloads can be shared between sessions."""
    parts = _equal_parts(data, MAX_PAYLOAD_BYTES - 1)
    return [(b"\x10" if index == 0 else b"\x00") + part for index, part in enumerate(parts)]


def split_h264(annex_b: bytes) -> list[bytes]:
    """Small NAL units aggregated (STAP-A), large ones fragmented (FU-A)."""
    result: list[bytes] = []
    small: list[bytes] = []
    for unit in nal_units(annex_b):
        if 1 + sum(2 + len(other) for other in [*small, unit]) > MAX_PAYLOAD_BYTES:
            result += _aggregated(small)
            small = []
        if len(unit) > MAX_PAYLOAD_BYTES:
            result += _fragmented(unit)
        elif 3 + len(unit) > MAX_PAYLOAD_BYTES:
            result.append(unit)
        else:
            small.append(unit)
    return result + _aggregated(small)


def nal_units(annex_b: bytes) -> Iterator[bytes]:
    """The NAL units between the start codes of an Annex B byte stream."""
    start = annex_b.find(_START_CODE)
    while start >= 0:
        following = annex_b.find(_START_CODE, start + 3)
        unit = annex_b[start + 3 : following if following >= 0 else len(annex_b)].rstrip(b"\x00")
        if unit:
            yield unit
        start = following


def _aggregated(units: list[bytes]) -> list[bytes]:
    if len(units) < 2:
        return units
    header = _STAP_A | max(unit[0] & _NRI_MASK for unit in units)
    return [bytes([header]) + b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)]


def _fragmented(unit: bytes) -> list[bytes]:
    indicator = _FU_A | (unit[0] & _NRI_MASK)
    parts = _equal_parts(unit[1:], MAX_PAYLOAD_BYTES - 2)
    last = len(parts) - 1
    fragments = []
    for index, part in enumerate(parts):
        flags = (_FU_START if index == 0 else 0) | (_FU_END if index == last else 0)
        fragments.append(bytes([indicator, flags | (unit[0] & _TYPE_MASK)]) + part)
    return fragments


def _equal_parts(data: bytes, limit: int) -> list[bytes]:
    count = -(-len(data) // limit)
    size = -(-len(data) // max(count, 1))
    return [data[at : at + size] for at in range(0, len(data), size)] if count else []

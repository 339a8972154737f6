"""What kind of audio file some bytes are, by their signatures alone."""

from collections.abc import Callable

HEAD_BYTES = 64 * 1024
"""How much of a file's beginning `demuxer_of` wants to see."""
_ID3_HEADER_BYTES = 10
_ADTS_HEADER_BYTES = 7
_MPEG_RATES_HZ = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
"""By the header's version bits: MPEG-1, MPEG-2, MPEG-2.5."""
_MPEG_1_KBITS = {
    3: (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    2: (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    1: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
}
"""By the header's layer bits: layers I, II, III."""
_MPEG_2_KBITS = {
    3: (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    2: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    1: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}


def demuxer_of(head: bytes) -> str | None:
    """FFmpeg's name of the demuxer for a file that begins with `head`; None for anything else.

    Known are WAV, MP3, OGG, WebM, MP4/M4A, AAC (ADTS) and FLAC. Streams of frames without a
    header of their own count only when a second frame follows where the first one ends.
    """
    for demuxer, matches in _SIGNATURES:
        if matches(head):
            return demuxer
    body = _after_id3(head)
    if body is None:
        return "mp3"  # a tag longer than `head`: MP3 is what such tags are for
    if len(body) < len(head) and body[:4] == b"fLaC":
        return "flac"
    if _has_two_frames(body, _adts_frame_bytes):
        return "aac"
    return "mp3" if _has_two_frames(body, _mpeg_frame_bytes) else None


_SIGNATURES: tuple[tuple[str, Callable[[bytes], bool]], ...] = (
    ("wav", lambda head: head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE"),
    ("ogg", lambda head: head[:4] == b"OggS"),
    ("matroska", lambda head: head[:4] == b"\x1a\x45\xdf\xa3"),
    ("mov", lambda head: head[4:8] == b"ftyp"),
    ("flac", lambda head: head[:4] == b"fLaC"),
)


def _after_id3(head: bytes) -> bytes | None:
    """What follows an ID3v2 tag (id3.org, "ID3 tag version 2.4.0", §3.1); None if it ends beyond `head`."""
    if head[:3] != b"ID3" or len(head) < _ID3_HEADER_BYTES:
        return head
    size = 0
    for byte in head[6:10]:
        size = size << 7 | byte & 0x7F
    return head[_ID3_HEADER_BYTES + size :] or None


def _has_two_frames(data: bytes, frame_bytes: Callable[[bytes], int]) -> bool:
    """Whether `data` is one whole frame, or a frame and the header of another."""
    size = frame_bytes(data)
    return size > 0 and (len(data) == size or frame_bytes(data[size:]) > 0)


def _adts_frame_bytes(data: bytes) -> int:
    """Length of the ADTS frame (ISO/IEC 13818-7, 6.2) that `data` begins with; 0 if there is none."""
    if len(data) < _ADTS_HEADER_BYTES or data[0] != 0xFF or data[1] & 0xF6 != 0xF0:
        return 0
    if data[2] >> 2 & 0xF > 12:
        return 0
    size = (data[3] & 0x03) << 11 | data[4] << 3 | data[5] >> 5
    return size if size > _ADTS_HEADER_BYTES else 0


def _mpeg_frame_bytes(data: bytes) -> int:
    """Length of the MPEG audio frame (ISO/IEC 11172-3, 2.4.1.3) that `data` begins with; 0 for none."""
    if len(data) < 4 or data[0] != 0xFF or data[1] & 0xE0 != 0xE0:
        return 0
    version, layer = data[1] >> 3 & 3, data[1] >> 1 & 3
    bitrate, rate = data[2] >> 4, data[2] >> 2 & 3
    if version == 1 or layer == 0 or bitrate in (0, 15) or rate == 3:
        return 0
    kbits = (_MPEG_1_KBITS if version == 3 else _MPEG_2_KBITS)[layer][bitrate - 1]
    padding, hertz = data[2] >> 1 & 1, _MPEG_RATES_HZ[version][rate]
    if layer == 3:
        return (12_000 * kbits // hertz + padding) * 4
    samples_per_byte = 72_000 if layer == 1 and version != 3 else 144_000
    return samples_per_byte * kbits // hertz + padding

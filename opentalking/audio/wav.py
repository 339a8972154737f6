"""WAV files of 16-bit mono sound (RIFF; Microsoft "Multimedia Programming Interface", 1991)."""

import struct

from opentalking.core.media import Samples

_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
_PCM = 1
_BYTES_PER_SAMPLE = 2


def wav_header(sample_count: int, sample_rate: int) -> bytes:
    """The 44 bytes before `sample_count` mono int16 samples, little-endian."""
    data_bytes = sample_count * _BYTES_PER_SAMPLE
    return _HEADER.pack(
        b"RIFF",
        _HEADER.size - 8 + data_bytes,
        b"WAVE",
        b"fmt ",
        16,
        _PCM,
        1,
        sample_rate,
        sample_rate * _BYTES_PER_SAMPLE,
        _BYTES_PER_SAMPLE,
        8 * _BYTES_PER_SAMPLE,
        b"data",
        data_bytes,
    )


def wav_bytes(pcm: Samples, sample_rate: int) -> bytes:
    """A whole WAV file of mono int16 `pcm`, shape (n,)."""
    return wav_header(len(pcm), sample_rate) + pcm.astype("<i2", copy=False).tobytes()

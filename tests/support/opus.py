"""Opus packets as a browser sends them, in RTP, for tests of what hears them."""

from collections.abc import Iterator

import av
import numpy as np
from aiortc.rtp import RtpPacket

from opentalking.core.media import MEDIA_RATE, Samples


def sine(seconds: float, hertz: float = 440.0, rate: int = MEDIA_RATE, peak: float = 9000) -> Samples:
    """A tone, mono int16."""
    n = np.arange(round(seconds * rate))
    return (peak * np.sin(2 * np.pi * hertz * n / rate)).astype(np.int16)


def encode_opus(pcm: Samples, *, milliseconds: int = 20, layout: str = "mono") -> list[bytes]:
    """Packets of mono 48 kHz sound; in stereo, both channels are the same."""
    context = av.CodecContext.create("libopus", "w")
    context.bit_rate = 40_000
    context.format, context.layout, context.sample_rate = "s16", layout, MEDIA_RATE
    context.options = {"application": "voip", "frame_duration": str(milliseconds)}
    size = MEDIA_RATE * milliseconds // 1000
    packets: list[bytes] = []
    for start in range(0, len(pcm) - size + 1, size):
        piece = np.repeat(pcm[start : start + size], 1 if layout == "mono" else 2)
        frame = av.AudioFrame.from_ndarray(piece[np.newaxis, :], format="s16", layout=layout)
        frame.sample_rate, frame.pts = MEDIA_RATE, start
        packets += [bytes(packet) for packet in context.encode(frame)]
    return packets


def in_rtp(
    payloads: list[bytes],
    *,
    number: int = 1000,
    timestamp: int = 5000,
    ssrc: int = 7,
    samples: int = 960,
) -> Iterator[RtpPacket]:
    """The payloads in RTP packets one after another; `number` and `timestamp` wrap around."""
    for index, payload in enumerate(payloads):
        yield RtpPacket(
            payload_type=111,
            sequence_number=(number + index) % (1 << 16),
            timestamp=(timestamp + index * samples) % (1 << 32),
            ssrc=ssrc,
            payload=payload,
        )


def pitch(sound: Samples, rate: int = 16_000) -> float:
    """The loudest frequency, Hz."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    return float(np.argmax(spectrum)) * rate / len(sound)

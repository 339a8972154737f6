"""Opus packets of a voice: how long they last, and their sound at 16 kHz."""

from collections.abc import Iterator

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.error import FFmpegError

from opentalking.audio.resample import LiveResampler
from opentalking.core.media import MEDIA_RATE, Samples

OPUS_RATE = MEDIA_RATE
"""RTP time stamps of Opus, Hz, whatever is inside (RFC 7587, 4.1)."""
HEARD_RATE = 16_000
OPUS_PER_HEARD = OPUS_RATE // HEARD_RATE
_MOST_SAMPLES = OPUS_RATE * 120 // 1000
_SILK = (480, 960, 1920, 2880)
_HYBRID = (480, 960)
_CELT = (120, 240, 480, 960)
_FIRST_HYBRID, _FIRST_CELT = 12, 16
_ANY_COUNT = 3


def opus_samples(payload: bytes) -> int:
    """How long a packet lasts in samples at 48 kHz (RFC 6716, 3.1); 0 for what is no Opus packet."""
    if not payload:
        return 0
    config, code = payload[0] >> 3, payload[0] & 3
    if config >= _FIRST_CELT:
        frame = _CELT[config % 4]
    else:
        frame = _HYBRID[config % 2] if config >= _FIRST_HYBRID else _SILK[config % 4]
    count = (1, 2, 2)[code] if code < _ANY_COUNT else (payload + b"\0")[1] & 0x3F
    samples = frame * count
    return samples if samples <= _MOST_SAMPLES else 0


class OpusHearing:
    """Decodes consecutive packets of one source, mono or stereo, to mono sound at 16 kHz, about 1 ms late.

    Costs about 70 µs a packet, so it may run on the media loop.
    """

    def __init__(self) -> None:
        self._context: AudioCodecContext = av.CodecContext.create("libopus", "r")
        self._context.sample_rate = OPUS_RATE
        self._context.layout = "mono"
        self._resampler = LiveResampler(OPUS_RATE, HEARD_RATE)

    def decode(self, payload: bytes) -> Samples | None:
        """The sound of one packet, shape (n,), int16; None for one that cannot be decoded."""
        try:
            frames = self._context.decode(av.Packet(payload))
            parts = [self._resampler.feed_frame(frame) for frame in frames]
        except (FFmpegError, ValueError):
            return None
        return np.concatenate([np.zeros(0, np.int16), *parts])


class OpusDecoder:
    """Decodes consecutive packets as a client plays them; raises `FFmpegError` for what is no packet."""

    def __init__(self) -> None:
        self._context: AudioCodecContext = av.CodecContext.create("libopus", "r")

    def decode(self, payload: bytes) -> Iterator[Samples]:
        """The sound of one packet, mono int16 at 48 kHz, shape (960,) for one of 20 ms."""
        for frame in self._context.decode(av.Packet(payload)):
            sound = frame.to_ndarray()
            mono = sound.reshape(-1, len(frame.layout.channels))[:, 0] if frame.format.is_packed else sound[0]
            scale = 32767 if mono.dtype.kind == "f" else 1
            yield np.clip(mono * scale, -32768, 32767).astype(np.int16)

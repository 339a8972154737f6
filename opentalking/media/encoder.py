"""Encoders for what leaves a session: H.264 or VP8 pictures, Opus sound.

All of them block and use one thread; video belongs in a thread pool (libav releases the GIL),
Opus is cheap enough (about 70 µs a packet) for the media loop itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Literal

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from opentalking.core.media import FPS, I420, MEDIA_RATE, SAMPLES_PER_PACKET, Samples

VideoCodec = Literal["h264", "vp8"]

LIVE_BITRATE = 500_000
"""Bits per second of live video; the VBV buffer holds one second of it."""
OPUS_BITRATE = 40_000
# CELT-only ("lowdelay") costs 66 µs a packet against 161 µs for "voip" and delays the sound by
# 2.5 ms instead of 6.5 ms; at 40 kbit/s mono the voice is transparent enough for a talking face.
_OPUS_OPTIONS = {"application": "lowdelay", "frame_duration": "20", "compression_level": "5"}
_NO_PERIODIC_KEYS = 1_000_000
_SILENCE = np.zeros(SAMPLES_PER_PACKET, np.int16)


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class EncodedFrame:
    """One encoded picture: H.264 in Annex B form, or one VP8 frame.

    Compared and hashed by identity, so that a sender can keep what it derived from a frame that
    many sessions share.
    """

    payload: bytes
    key: bool


@dataclass(frozen=True, slots=True)
class VideoTuning:
    """How to encode: bits per second, VBV size in bits, and the encoders' own speed options."""

    bitrate: int
    buffer_bits: int
    h264_options: dict[str, str]
    vp8_options: dict[str, str]


def live_tuning(bitrate: int) -> VideoTuning:
    """Cheapest settings that still hold 39 dB on a talking head at 500 kbit/s."""
    return VideoTuning(
        bitrate,
        buffer_bits=bitrate,
        h264_options={"preset": "superfast"},
        vp8_options={"cpu-used": "-12", "max-intra-rate": "600"},
    )


def _open_h264(width: int, height: int, tuning: VideoTuning) -> VideoCodecContext:
    context = av.CodecContext.create("libx264", "w")
    context.profile = "Baseline"
    context.options = {
        "tune": "zerolatency",
        "level": "31",
        "forced-idr": "1",
        "sc_threshold": "0",
        "maxrate": str(tuning.bitrate),
        "bufsize": str(tuning.buffer_bits),
        **tuning.h264_options,
    }
    return _configured(context, width, height, tuning.bitrate)


def _open_vp8(width: int, height: int, tuning: VideoTuning) -> VideoCodecContext:
    context = av.CodecContext.create("libvpx", "w")
    context.qmin, context.qmax = 2, 56
    context.options = {
        "deadline": "realtime",
        "noise-sensitivity": "0",
        "static-thresh": "1",
        "lag-in-frames": "0",
        "undershoot-pct": "100",
        "overshoot-pct": "15",
        "partitions": "0",
        "minrate": str(tuning.bitrate),
        "maxrate": str(tuning.bitrate),
        "bufsize": str(tuning.buffer_bits),
        **tuning.vp8_options,
    }
    return _configured(context, width, height, tuning.bitrate)


def _configured(context: VideoCodecContext, width: int, height: int, bitrate: int) -> VideoCodecContext:
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.bit_rate = bitrate
    context.framerate = Fraction(FPS)
    context.time_base = Fraction(1, FPS)
    context.gop_size = _NO_PERIODIC_KEYS
    # More than one thread costs up to 100 ms of CPU a frame on a busy machine (libvpx spins).
    context.thread_count = 1
    return context


_OPEN = {"h264": _open_h264, "vp8": _open_vp8}


class VideoEncoder:
    """Turns I420 pictures of one size into frames that a decoder can follow in order.

    `encode` blocks (1-2 ms for 512x512) and must not run twice at once. Raises
    `av.error.FFmpegError` when the codec fails, `ValueError` for a picture of another size.
    """

    def __init__(
        self,
        codec: VideoCodec,
        width: int,
        height: int,
        bitrate: int = LIVE_BITRATE,
        *,
        tuning: VideoTuning | None = None,
    ) -> None:
        self.codec: VideoCodec = codec
        self.width, self.height = width, height
        self._shape = (height * 3 // 2, width)
        self._context = _OPEN[codec](width, height, tuning or live_tuning(bitrate))
        self._index = 0

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of the I420 arrays that this encoder takes."""
        return self._shape

    def encode(self, i420: I420, *, force_key: bool = False) -> EncodedFrame:
        """Encode the next picture; a forced key frame is an IDR that nothing before it touches."""
        if i420.shape != self._shape:
            raise ValueError(f"a picture of {i420.shape} for an encoder of {self._shape}")
        frame = av.VideoFrame.from_numpy_buffer(np.ascontiguousarray(i420), format="yuv420p")
        frame.pts = self._index
        frame.time_base = Fraction(1, FPS)
        frame.pict_type = PictureType.I if force_key else PictureType.NONE
        self._index += 1
        packets = self._context.encode(frame)
        return EncodedFrame(
            b"".join(bytes(packet) for packet in packets), any(packet.is_keyframe for packet in packets)
        )


def encode_live(
    encoder: VideoEncoder | None, codec: VideoCodec, bitrate: int, picture: I420, *, force_key: bool
) -> tuple[VideoEncoder, EncodedFrame]:
    """Encode `picture` (blocking); one of another size or codec gets an encoder of its own."""
    if encoder is None or encoder.codec != codec or encoder.shape != picture.shape:
        encoder = VideoEncoder(codec, picture.shape[1], picture.shape[0] * 2 // 3, bitrate=bitrate)
        force_key = True
    return encoder, encoder.encode(picture, force_key=force_key)


class OpusEncoder:
    """Encodes mono 48 kHz sound in 20 ms packets; keeps state from packet to packet.

    The codec delays the sound by 2.5 ms, so one packet of zeros after the last sound flushes it.
    """

    def __init__(self, bitrate: int = OPUS_BITRATE) -> None:
        self._context: AudioCodecContext = av.CodecContext.create("libopus", "w")
        self._context.bit_rate = bitrate
        self._context.format = "s16"
        self._context.layout = "mono"
        self._context.sample_rate = MEDIA_RATE
        self._context.time_base = Fraction(1, MEDIA_RATE)
        self._context.options = _OPUS_OPTIONS
        self._pts = 0

    def encode(self, samples: Samples) -> bytes:
        """Encode exactly 960 samples, int16, into one Opus packet."""
        if len(samples) != SAMPLES_PER_PACKET:
            raise ValueError(f"{len(samples)} samples are not one packet of {SAMPLES_PER_PACKET}")
        frame = av.AudioFrame(format="s16", layout="mono", samples=SAMPLES_PER_PACKET)
        frame.sample_rate = MEDIA_RATE
        frame.pts = self._pts
        self._pts += SAMPLES_PER_PACKET
        frame.planes[0].update(samples.astype(np.int16, copy=False).tobytes())
        return b"".join(bytes(packet) for packet in self._context.encode(frame))


@cache
def silence_packet() -> bytes:
    """One Opus packet of digital silence, the same for every session."""
    encoder = OpusEncoder()
    packets = [encoder.encode(_SILENCE) for _ in range(10)]
    return packets[-1]


class SoundEncoder:
    """A session's Opus packets: its sound, then one packet that flushes the codec, then silence."""

    def __init__(self) -> None:
        self._opus: OpusEncoder | None = None
        self._needs_flush = False

    def encode(self, samples: Samples | None) -> bytes:
        """The next packet; None is silence."""
        if samples is None and not self._needs_flush:
            return silence_packet()
        if self._opus is None:
            self._opus = OpusEncoder()
        self._needs_flush = samples is not None
        return self._opus.encode(_SILENCE if samples is None else samples)

    def reset(self) -> None:
        """Forget the 2.5 ms that the codec still holds: they must not be heard any more."""
        self._opus = None
        self._needs_flush = False


def encode_all(
    frames: Iterator[I420], codec: VideoCodec, tuning: VideoTuning, key_interval: int
) -> Iterator[EncodedFrame]:
    """Encode a finite run of pictures with a key frame every `key_interval` frames."""
    encoder: VideoEncoder | None = None
    for index, i420 in enumerate(frames):
        if encoder is None:
            encoder = VideoEncoder(codec, i420.shape[1], i420.shape[0] * 2 // 3, tuning=tuning)
        yield encoder.encode(i420, force_key=index % key_interval == 0)

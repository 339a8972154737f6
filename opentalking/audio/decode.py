"""Audio files of any common kind, and raw PCM, as mono sound, a piece at a time."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from os import SEEK_END
from typing import BinaryIO

import av
import av.error
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.codec.context import CodecContext
from av.container import InputContainer

from opentalking.audio.containers import HEAD_BYTES, demuxer_of
from opentalking.audio.resample import Resampler
from opentalking.core.errors import InvalidInput, TooLarge
from opentalking.core.media import Samples

MAX_SECONDS = 600.0
KINDS = "WAV, MP3, OGG/Opus, WebM, MP4/M4A, AAC or FLAC"
_PIECE_SECONDS = 0.25
_MAX_CHANNELS = 8
_RATES = range(4_000, 384_001)
_MAX_BROKEN_IN_A_ROW = 20
_CODECS = frozenset(
    {"aac", "alac", "flac", "mp3", "mp3float", "opus", "vorbis"}
    | {"adpcm_ima_wav", "adpcm_ms", "pcm_alaw", "pcm_mulaw", "pcm_f32le", "pcm_f64le", "pcm_u8"}
    | {f"pcm_s{bits}{order}" for bits in (16, 24, 32) for order in ("le", "be")}
)
"""Decoders that a file may ask for; all others, those of pictures included, never run."""
_NOTHING = "none"
_UNKNOWN = f"the audio cannot be decoded; send {KINDS}"
_FAILURES = (av.error.FFmpegError, ValueError, EOFError, MemoryError)


def decode_audio(
    file: BinaryIO, rate: int, *, raw_rate: int | None = None, max_seconds: float = MAX_SECONDS
) -> Generator[Samples, None, None]:
    """The sound of an audio file as pieces of at most 1 s: mono int16 of shape (n,) at `rate`; blocking.

    The kind is told by signature (see `KINDS`), never by name or type; FFmpeg gets `file`
    (readable, seekable) and nothing else: no URL, no playlist, no other file. With `raw_rate`
    (Hz), bytes without a known signature are s16le mono PCM. Reads as it is consumed. Raises
    `InvalidInput` for what cannot be decoded, has no sound or is empty, and `TooLarge` as
    soon as more than `max_seconds` came out.
    """
    demuxer = _kind_of(file, raw_rate)
    pieces = _decoded(file, demuxer, rate) if demuxer else _raw(file, raw_rate or rate, rate)
    yield from _bounded(pieces, rate, max_seconds)


def audio_seconds(file: BinaryIO, *, raw_rate: int | None = None, max_seconds: float = MAX_SECONDS) -> float:
    """How long an audio file is, by its packets, without decoding any; blocking, `file` is rewound.

    Raises as `decode_audio` does, as far as can be told so; damage ends the count.
    """
    demuxer = _kind_of(file, raw_rate)
    if demuxer is None:
        seconds = file.seek(0, SEEK_END) / (2 * (raw_rate or 1))
        _require_short(seconds, max_seconds)
    else:
        seconds = 0.0
        with _opened(file, demuxer) as container:
            stream = _sound_of(container)
            with suppress(*_FAILURES):
                for packet in container.demux(stream):
                    seconds += float((packet.duration or 0) * (packet.time_base or 0))
                    _require_short(seconds, max_seconds)
    file.seek(0)
    return seconds


def _kind_of(file: BinaryIO, raw_rate: int | None) -> str | None:
    """The demuxer; None for raw samples."""
    head = file.read(HEAD_BYTES)
    file.seek(0)
    if not head:
        raise InvalidInput("the audio is empty; send a file with sound")
    demuxer = demuxer_of(head)
    if demuxer is None and raw_rate is None:
        raise InvalidInput(_UNKNOWN)
    return demuxer


def _require_short(seconds: float, max_seconds: float) -> None:
    if seconds > max_seconds:
        raise TooLarge(f"the audio is longer than {max_seconds:g} s; send a shorter one")


def _bounded(pieces: Iterator[Samples], rate: int, max_seconds: float) -> Iterator[Samples]:
    """The same sound in pieces of one length, the last one excepted."""
    step = round(_PIECE_SECONDS * rate)
    samples, held = 0, np.zeros(0, np.int16)
    for pcm in pieces:
        samples += len(pcm)
        _require_short(samples / rate, max_seconds)
        held = np.concatenate([held, pcm])
        while len(held) >= step:
            yield held[:step]
            held = held[step:]
    if not samples:
        raise InvalidInput("the audio holds no sound; send a file with sound")
    if len(held):
        yield held


def _raw(file: BinaryIO, raw_rate: int, rate: int) -> Iterator[Samples]:
    """s16le mono; an odd last byte is no sample."""
    resampler = Resampler(raw_rate, rate)
    size = 2 * round(_PIECE_SECONDS * raw_rate)
    while data := file.read(size):
        yield resampler.feed(np.frombuffer(data, "<i2", len(data) // 2).astype(np.int16))
    yield resampler.feed(np.zeros(0, np.int16), last=True)


@contextmanager
def _decoding_errors() -> Iterator[None]:
    try:
        yield
    except _FAILURES as error:
        raise InvalidInput(_UNKNOWN) from error


def _opened(file: BinaryIO, demuxer: str) -> InputContainer:
    with _decoding_errors():
        return av.open(
            file,
            "r",
            format=demuxer,
            options={
                "codec_whitelist": ",".join(sorted(_CODECS)),
                "format_whitelist": demuxer,
                "protocol_whitelist": _NOTHING,
            },
        )


def _decoded(file: BinaryIO, demuxer: str, rate: int) -> Iterator[Samples]:
    with _opened(file, demuxer) as container:
        mixer = _Mixer(rate)
        for frame in _frames(container, _sound_of(container)):
            yield mixer.feed(frame)
        yield mixer.feed(None)


def _sound_of(container: InputContainer) -> AudioStream:
    if not container.streams.audio:
        raise InvalidInput("the file has no sound; send one with an audio track")
    stream = container.streams.audio[0]
    context: CodecContext | None = stream.codec_context
    if context is None or context.codec.name not in _CODECS:
        coded = context.codec.name if context is not None else "something unknown"
        raise InvalidInput(f"sound coded as {coded} is not taken; send {KINDS}")
    return stream


def _frames(container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    """Decoded frames; a few broken packets are left out, as every player does."""
    broken = 0
    packets = container.demux(stream)
    while True:
        with _decoding_errors():
            try:
                packet = next(packets, None)
                frames = packet.decode() if packet is not None else []
            except av.error.InvalidDataError:
                broken += 1
                if broken > _MAX_BROKEN_IN_A_ROW:
                    raise
                continue
        if packet is None:
            return
        if frames:
            broken = 0
        for frame in frames:
            if isinstance(frame, AudioFrame):
                yield frame


class _Mixer:
    """Brings frames to mono at one rate; a file may change its own on the way."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._kind: tuple[str, str, int] | None = None
        self._resampler: AudioResampler | None = None

    def feed(self, frame: AudioFrame | None) -> Samples:
        """What is ready with `frame`; None ends."""
        parts: list[AudioFrame] = []
        kind = None if frame is None else (frame.format.name, frame.layout.name, frame.sample_rate)
        with _decoding_errors():
            if self._resampler is not None and kind != self._kind:
                parts += self._resampler.resample(None)
                self._resampler = None
            if frame is not None:
                if self._resampler is None:
                    self._resampler = self._make(frame)
                parts += self._resampler.resample(frame)
        self._kind = kind
        return np.concatenate(
            [np.zeros(0, np.int16), *(part.to_ndarray().reshape(-1) for part in parts)]
        ).astype(np.int16, copy=False)

    def _make(self, frame: AudioFrame) -> AudioResampler:
        if frame.sample_rate not in _RATES:
            raise InvalidInput(f"a sample rate of {frame.sample_rate} Hz is not taken; resample the audio")
        if len(frame.layout.channels) > _MAX_CHANNELS:
            raise InvalidInput(f"the audio has more than {_MAX_CHANNELS} channels; mix it down")
        return AudioResampler("s16", "mono", self._rate)

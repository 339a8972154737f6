"""Sound as services stream it (MP3, WAV or raw PCM), decoded as it arrives."""

from typing import Literal, Protocol

import av
import numpy as np
from av.error import FFmpegError

from opentalking.core.media import Samples

SoundFormat = Literal["pcm", "wav", "mp3"]
FORMATS: tuple[SoundFormat, ...] = ("pcm", "wav", "mp3")
_MAX_HEADER_BYTES = 64 * 1024
_RIFF_HEADER_BYTES = 12
_CHUNK_HEADER_BYTES = 8
_NOTHING: Samples = np.zeros(0, np.int16)


class UnreadableSound(Exception):
    """The bytes are not the sound that was asked for."""


class SoundDecoder(Protocol):
    """Turns bytes into mono int16; `rate` is right once samples have come."""

    @property
    def rate(self) -> int:
        """Sample rate, Hz."""
        ...

    def feed(self, data: bytes) -> Samples:
        """The samples that `data` completes; raises `UnreadableSound`."""
        ...

    def flush(self) -> Samples:
        """What is left at the end; raises `UnreadableSound`."""
        ...


class PcmDecoder:
    """Signed 16-bit little-endian PCM; several channels are mixed to one."""

    def __init__(self, rate: int, channels: int = 1) -> None:
        self.rate = rate
        self._channels = channels
        self._rest = b""

    def feed(self, data: bytes) -> Samples:
        """Whole frames of samples; a part of one waits for the next bytes."""
        data = self._rest + data
        whole = len(data) - len(data) % (2 * self._channels)
        self._rest = data[whole:]
        samples = np.frombuffer(data[:whole], "<i2")
        if self._channels > 1:
            samples = samples.reshape(-1, self._channels).mean(axis=1).astype(np.int16)
        return samples.astype(np.int16, copy=False)

    def flush(self) -> Samples:
        """Nothing: half a sample is no sound."""
        return _NOTHING


class WavDecoder:
    """A RIFF WAVE file of 16-bit PCM whose header may lie about its length, as streamed ones do."""

    def __init__(self) -> None:
        self.rate = 0
        self._header = b""
        self._channels = 1
        self._pcm: PcmDecoder | None = None

    def feed(self, data: bytes) -> Samples:
        """Samples, once the header is over."""
        if self._pcm is not None:
            return self._pcm.feed(data)
        self._header += data
        start = self._data_start()
        if start is None:
            if len(self._header) > _MAX_HEADER_BYTES:
                raise UnreadableSound("a WAV header without an end")
            return _NOTHING
        self._pcm = PcmDecoder(self.rate, self._channels)
        return self._pcm.feed(self._header[start:])

    def flush(self) -> Samples:
        """Nothing; raises `UnreadableSound` when no samples came at all."""
        if self._pcm is None:
            raise UnreadableSound("a WAV file without samples")
        return _NOTHING

    def _data_start(self) -> int | None:
        position = _RIFF_HEADER_BYTES
        while len(self._header) >= position + _CHUNK_HEADER_BYTES:
            name = self._header[position : position + 4]
            size = int.from_bytes(self._header[position + 4 : position + 8], "little")
            content = position + _CHUNK_HEADER_BYTES
            if name == b"data":
                if not self.rate:
                    raise UnreadableSound("a WAV file without a format")
                return content
            if name == b"fmt " and len(self._header) >= content + 16:
                self._take_format(self._header[content : content + 16])
            position = content + size + size % 2
        return None

    def _take_format(self, fields: bytes) -> None:
        coding, channels = (int.from_bytes(fields[i : i + 2], "little") for i in (0, 2))
        bits = int.from_bytes(fields[14:16], "little")
        self.rate, self._channels = int.from_bytes(fields[4:8], "little"), channels
        # 0xFFFE is "extensible": PCM too, as long as its samples have 16 bits.
        if (
            coding not in (1, 0xFFFE)
            or bits != 16
            or not 1 <= channels <= 8
            or not 8000 <= self.rate <= 96_000
        ):
            raise UnreadableSound("a WAV file that is not 16-bit PCM")


class Mp3Decoder:
    """An MPEG audio stream, frame by frame; what is no frame (tags, damage) is left out."""

    def __init__(self) -> None:
        self.rate = 0
        self._codec = av.CodecContext.create("mp3", "r")
        self._mono: av.AudioResampler | None = None

    def feed(self, data: bytes) -> Samples:
        """Samples of the frames that `data` completes."""
        return self._decoded(data)

    def flush(self) -> Samples:
        """The last frame."""
        return self._decoded(b"")

    def _decoded(self, data: bytes) -> Samples:
        pieces: list[Samples] = []
        for packet in self._codec.parse(data or None):
            try:
                frames = self._codec.decode(packet)
            except FFmpegError:
                continue
            for frame in frames:
                pieces.extend(self._mixed(frame))
        return np.concatenate(pieces) if pieces else _NOTHING

    def _mixed(self, frame: "av.AudioFrame") -> list[Samples]:
        if self._mono is None:
            self.rate = frame.sample_rate
            self._mono = av.AudioResampler("s16", "mono", self.rate)
        return [mono.to_ndarray()[0].astype(np.int16) for mono in self._mono.resample(frame)]


class AnySound:
    """A decoder chosen by the first bytes: WAV, MP3, else PCM of `pcm_rate` (0: refused)."""

    def __init__(self, pcm_rate: int = 0) -> None:
        self._pcm_rate = pcm_rate
        self._start = b""
        self._chosen: SoundDecoder | None = None

    @property
    def rate(self) -> int:
        """Sample rate, Hz; 0 until known."""
        return self._chosen.rate if self._chosen is not None else 0

    def feed(self, data: bytes) -> Samples:
        """The samples that `data` completes; raises `UnreadableSound`."""
        if self._chosen is not None:
            return self._chosen.feed(data)
        self._start += data
        return _NOTHING if len(self._start) < _RIFF_HEADER_BYTES else self._choose()

    def flush(self) -> Samples:
        """What is left at the end; raises `UnreadableSound`."""
        if self._chosen is not None:
            return self._chosen.flush()
        return self._choose() if self._start else _NOTHING

    def _choose(self) -> Samples:
        start, self._start = self._start, b""
        is_mp3 = start.startswith(b"ID3") or (start[0] == 0xFF and start[1:2] >= b"\xe0")
        if start.startswith(b"RIFF"):
            self._chosen = WavDecoder()
        elif is_mp3 and not (self._pcm_rate and not start.startswith(b"ID3")):
            self._chosen = Mp3Decoder()
        elif self._pcm_rate:
            self._chosen = PcmDecoder(self._pcm_rate)
        else:
            raise UnreadableSound("neither WAV nor MP3")
        return self._chosen.feed(start)

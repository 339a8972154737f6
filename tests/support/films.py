"""Reads films as a stranger would: by PyAV, and box by box."""

import resource
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import av
import numpy as np
from numpy.typing import NDArray

XMP = UUID("be7acfcb-97a9-42e8-9c71-999491e3afac")


@dataclass(frozen=True)
class Film:
    """Times in seconds; `pictures` are the luma planes' means, `sound` is mono -1..1 from second 0 on."""

    duration: float
    times: NDArray[np.float64]
    brightness: NDArray[np.float64]
    key_times: list[float]
    sound: NDArray[np.float32]
    rate: int
    tags: dict[str, str]
    codecs: list[str]

    def flashes(self, above: float = 128) -> list[float]:
        """When the picture turns bright."""
        bright = self.brightness > above
        return [float(t) for t in self.times[1:][bright[1:] & ~bright[:-1]]]

    def clicks(self, above: float = 0.1, apart: float = 0.2) -> list[float]:
        """When the sound becomes loud after at least `apart` seconds of quiet."""
        loud = np.flatnonzero(np.abs(self.sound) > above) / self.rate
        return [float(t) for n, t in enumerate(loud) if n == 0 or t - loud[n - 1] > apart]


def read_film(path: Path) -> Film:
    """Decode everything; what cannot be decoded raises."""
    with av.open(str(path)) as container:
        duration = (container.duration or 0) / av.time_base
        tags, codecs = dict(container.metadata), [stream.codec_context.name for stream in container.streams]
        times, brightness, keys = [], [], []
        if container.streams.video:
            for frame in container.decode(video=0):
                assert frame.time is not None
                times.append(frame.time)
                height = frame.height
                brightness.append(float(frame.to_ndarray(format="yuv420p")[:height].mean()))
                if frame.key_frame:
                    keys.append(frame.time)
    sound, rate = _sound(path)
    return Film(duration, np.array(times), np.array(brightness), keys, sound, rate, tags, codecs)


def _sound(path: Path) -> tuple[NDArray[np.float32], int]:
    """All samples, each where its time stamp puts it."""
    with av.open(str(path)) as container:
        if not container.streams.audio:
            return np.zeros(0, np.float32), 0
        rate = container.streams.audio[0].rate
        pieces = []
        for frame in container.decode(audio=0):
            assert frame.time is not None
            samples = frame.to_ndarray().astype(np.float32).mean(axis=0)
            pieces.append((round(frame.time * rate), samples))
    line = np.zeros(max(start + len(samples) for start, samples in pieces), np.float32)
    for start, samples in pieces:
        line[start : start + len(samples)] = samples
    return line, rate


def pictures_of(path: Path) -> list[NDArray[np.uint8]]:
    """Every picture, as planar I420."""
    with av.open(str(path)) as container:
        return [
            np.asarray(frame.to_ndarray(format="yuv420p"), np.uint8) for frame in container.decode(video=0)
        ]


def loud_spans(film: Film, above: float = 0.02, apart: float = 0.4) -> list[tuple[float, float]]:
    """When there is sound, in seconds; spans are `apart` at least."""
    step = film.rate // 100
    levels = [np.abs(film.sound[at : at + step]).max() for at in range(0, len(film.sound), step)]
    loud = np.flatnonzero(np.array(levels) > above) / 100
    if not len(loud):
        return []
    gaps = np.flatnonzero(np.diff(loud) > apart)
    return list(zip(loud[[0, *(gaps + 1)]].tolist(), loud[[*gaps, -1]].tolist(), strict=True))


def boxes(data: bytes) -> list[tuple[str, bytes]]:
    """Kinds and contents of the boxes that `data` consists of; one that is cut ends the list."""
    found, at = [], 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if size < 8 or at + size > len(data):
            break
        found.append((kind.decode("latin-1"), data[at + 8 : at + size]))
        at += size
    return found


def xmp_of(path: Path) -> str:
    """The XMP packet in a film's top-level `uuid` box; there must be one."""
    packets = [
        body[16:] for kind, body in boxes(path.read_bytes()) if kind == "uuid" and body[:16] == XMP.bytes
    ]
    assert len(packets) == 1, f"{len(packets)} XMP packets"
    return packets[0].decode()


@contextmanager
def full_disk(at_bytes: int) -> Iterator[None]:
    """No file of this process may grow beyond `at_bytes`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (at_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

"""Reading a short video file's pictures: bounded in bytes, length, pixels and time."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import av
import cv2
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from opentalking.core.errors import InvalidInput, TooLarge
from opentalking.core.media import FPS

Picture = NDArray[np.uint8]
"""Shape (height, width, 3), uint8, BGR, upright."""

_EBML = b"\x1a\x45\xdf\xa3"
_MPEG4_BRANDS = frozenset(b"isom iso2 iso4 iso5 iso6 mp41 mp42 avc1 qt M4V MSNV 3gp4 3gp5 dash hvc1".split())
_CODECS = frozenset({"h264", "hevc", "vp8", "vp9", "av1", "mpeg4", "mjpeg"})
_PROBED_BYTES = "5000000"


@dataclass(frozen=True, slots=True)
class FootageLimits:
    """What a video may be; `used_seconds` is how much of it is read."""

    bytes: int = 200 * 2**20
    seconds: float = 60.0
    pixels: int = 3840 * 2160
    side_pixels: int = 4096
    used_seconds: float = 12.0
    decoding_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Footage:
    """One picture of a video at `FPS`: its number and how to get it upright."""

    number: int
    frame: VideoFrame

    def picture(self, longest_side: int | None = None) -> Picture:
        """The picture, upright; shrunk to `longest_side` pixels where it is larger."""
        width, height = self.frame.width, self.frame.height
        scale = min(1.0, longest_side / max(width, height)) if longest_side else 1.0
        size = (max(2, round(width * scale)), max(2, round(height * scale)))
        converted = self.frame.reformat(size[0], size[1], "bgr24", interpolation="AREA")
        turns = round(self.frame.rotation / 90) % 4
        return np.ascontiguousarray(np.rot90(converted.to_ndarray(), turns), np.uint8)


def is_video(head: bytes) -> bool:
    """Whether a file that begins with these (12 or more) bytes is MP4/MOV or WebM/Matroska."""
    return _format(head) is not None


def footage(path: Path, limits: FootageLimits | None = None) -> Iterator[Footage]:
    """The pictures of the first `used_seconds` at `FPS`; those between are left out or repeated.

    Raises `InvalidInput` for what is no video or too long, `TooLarge`, `OSError`. Blocking.
    """
    limits = limits or FootageLimits()
    if path.stat().st_size > limits.bytes:
        raise TooLarge(f"the video is larger than {limits.bytes // 2**20} MiB; cut or shrink it")
    with path.open("rb") as file:
        form = _format(file.read(16))
        if form is None:
            raise InvalidInput("the file is no MP4, MOV or WebM video")
        file.seek(0)
        try:
            with _opened(file, form) as container:
                stream = _checked_stream(container, limits)
                yield from _at_fps(container, stream, limits)
        except (FFmpegError, ValueError, cv2.error) as error:
            raise InvalidInput("the video is damaged or of a kind that cannot be read") from error


def _format(head: bytes) -> str | None:
    if head[4:8] == b"ftyp" and head[8:12].rstrip() in _MPEG4_BRANDS:
        return "mov"
    return "matroska" if head.startswith(_EBML) else None


def _opened(file: IO[bytes], form: str) -> InputContainer:
    # The demuxer gets bytes and a format, never a name: a playlist could make it fetch things.
    options = {"probesize": _PROBED_BYTES}
    if form == "mov":
        options |= {"enable_drefs": "0", "use_absolute_path": "0"}
    opened: Any = av.open(file, "r", format=form, options=options)
    return opened  # type: ignore[no-any-return]


def _checked_stream(container: InputContainer, limits: FootageLimits) -> VideoStream:
    streams = container.streams.video
    if not streams:
        raise InvalidInput("the file has no pictures; send a video")
    stream = streams[0]
    codec = stream.codec_context
    if codec.name not in _CODECS and codec.codec.canonical_name not in _CODECS:
        raise InvalidInput(f"videos in {codec.name} cannot be read; save the video as MP4 (H.264)")
    _check_size(codec.width, codec.height, limits)
    seconds = container.duration / av.time_base if container.duration else 0.0
    if seconds > limits.seconds:
        raise InvalidInput(f"the video lasts {seconds:.0f} s, at most {limits.seconds:.0f} s; cut it")
    codec.thread_count = 1
    return stream


def _check_size(width: int, height: int, limits: FootageLimits) -> None:
    if width * height > limits.pixels or max(width, height) > limits.side_pixels:
        raise InvalidInput(f"the video has {width}x{height} pixels; shrink it to 1920x1080")


def _at_fps(container: InputContainer, stream: VideoStream, limits: FootageLimits) -> Iterator[Footage]:
    deadline = time.monotonic() + limits.decoding_seconds
    wanted = round(limits.used_seconds * FPS)
    number, first = 0, None
    for frame in container.decode(stream):
        if time.monotonic() > deadline:
            raise InvalidInput("the video takes too long to decode; shrink it to 1280x720")
        if frame.time is None:
            continue
        _check_size(frame.width, frame.height, limits)
        first = frame.time if first is None else first
        while number < wanted and number / FPS <= frame.time - first + 1e-3:
            yield Footage(number, frame)
            number += 1
        if number >= wanted:
            return

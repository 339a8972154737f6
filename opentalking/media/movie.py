"""Films: H.264 pictures and AAC sound in an MP4 file that can be played however its writing ended."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.stream import AudioStream
from av.error import FFmpegError
from av.packet import Packet
from av.video.stream import VideoStream

from opentalking.core.media import FPS, I420, MEDIA_RATE, SAMPLES_PER_FRAME, Samples
from opentalking.media.mp4 import MarkedFile
from opentalking.media.provenance import Provenance

_KEY_INTERVAL_FRAMES = 2 * FPS
_AAC_BITRATE = 96_000
_VIDEO_OPTIONS = {
    "preset": "superfast",
    # No picture waits in the encoder: a killed process loses none of them.
    "tune": "zerolatency",
    "sc_threshold": "0",
    "crf": "22",
    "maxrate": "2500k",
    "bufsize": "5000k",
}
_MUXER_OPTIONS = {
    # Fragments while it is written, one ordinary index once it is closed. The first `moov` waits for the
    # first fragment, so that its edit list knows by how much AAC delays the sound.
    "movflags": "frag_keyframe+delay_moov+default_base_moof+hybrid_fragmented",
    "frag_duration": "500000",
    "flush_packets": "1",
}
_BT601 = 6
_BUFFER_BYTES = 1 << 20
"""More than a fragment, so that each reaches the file in one piece."""


class MovieWriter:
    """Writes pictures at `FPS` and mono sound at `MEDIA_RATE` into a new MP4 file.

    Picture i is shown at i / 25 s, and sample j sounds at j / 48000 s, exactly. Each half second what was
    written so far reaches the disk as a fragment, so the file of a killed process plays up to there; after
    `close` it has one index and its true duration. From its first bytes on it says that it is AI-generated.

    `size` is width and height (even), None for sound alone; `sound=False` makes a silent film. Every
    method blocks (about 2 ms a picture of 512x512). Raises `OSError` (disk full, no such directory, …) and
    `ValueError` for pictures or sound of another size; after an `OSError` only `close` may be called.
    """

    def __init__(
        self,
        path: Path,
        size: tuple[int, int] | None,
        *,
        sound: bool = True,
        provenance: Provenance,
    ) -> None:
        if size is None and not sound:
            raise ValueError("a film needs pictures or sound")
        self._file = MarkedFile(path.open("w+b", buffering=0), provenance.box())
        self._container = av.open(
            self._file, "w", format="mp4", options=_MUXER_OPTIONS, buffer_size=_BUFFER_BYTES
        )
        self._container.metadata.update(provenance.tags)
        self._video = self._add_video(size) if size is not None else None
        self._audio = self._add_audio() if sound else None
        self._shape = (size[1] * 3 // 2, size[0]) if size is not None else None
        self._frames = self._samples = 0

    @property
    def seconds(self) -> float:
        """How long the film is so far."""
        return self._frames / FPS if self._video is not None else self._samples / MEDIA_RATE

    @property
    def bytes_written(self) -> int:
        """How large the file is so far."""
        return self._file.bytes_written

    def write(self, frames: Sequence[I420], pcm: Samples) -> None:
        """Append pictures and the sound that belongs to them: `SAMPLES_PER_FRAME` samples each.

        Without pictures in the film `frames` is empty, without sound `pcm` is.
        """
        self._check(frames, pcm)
        if self._video is None:
            self._write_sound(pcm)
        for index, picture in enumerate(frames):
            self._write_picture(picture)
            if self._audio is not None:
                self._write_sound(pcm[index * SAMPLES_PER_FRAME : (index + 1) * SAMPLES_PER_FRAME])

    def close(self) -> None:
        """Finish the file; after an `OSError`, leave the film as it is. Raises `OSError`."""
        try:
            if self._file.is_sound and (self._frames or self._samples):
                for stream in (self._video, self._audio):
                    if stream is not None:
                        self._mux(stream.encode(None))
            self._container.close()
        except (OSError, FFmpegError):
            if self._file.is_sound:
                raise
        finally:
            with suppress(OSError):
                self._file.close()

    def _add_video(self, size: tuple[int, int]) -> VideoStream:
        stream = self._container.add_stream("libx264", rate=FPS)
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = *size, "yuv420p"
        context.options = dict(_VIDEO_OPTIONS)
        context.time_base = Fraction(1, FPS)
        context.gop_size = _KEY_INTERVAL_FRAMES
        context.thread_count = 1
        context.color_range, context.colorspace = 1, _BT601
        context.color_primaries, context.color_trc = _BT601, _BT601
        return stream

    def _add_audio(self) -> AudioStream:
        stream = self._container.add_stream("aac", rate=MEDIA_RATE, layout="mono")
        stream.bit_rate = _AAC_BITRATE
        return stream

    def _check(self, frames: Sequence[I420], pcm: Samples) -> None:
        if self._shape is None and frames:
            raise ValueError("pictures for a film of sound alone")
        for picture in frames:
            if picture.shape != self._shape:
                raise ValueError(f"a picture of {picture.shape} in a film of {self._shape}")
        wanted = len(pcm) if self._shape is None else len(frames) * SAMPLES_PER_FRAME
        if len(pcm) != (wanted if self._audio is not None else 0):
            raise ValueError(f"{len(pcm)} samples do not last {len(frames)} frames")

    def _write_picture(self, picture: I420) -> None:
        assert self._video is not None  # noqa: S101  (_check refuses pictures without it)
        frame = av.VideoFrame.from_numpy_buffer(np.ascontiguousarray(picture), format="yuv420p")
        frame.pts, frame.time_base = self._frames, Fraction(1, FPS)
        self._frames += 1
        self._mux(self._video.encode(frame))

    def _write_sound(self, pcm: Samples) -> None:
        assert self._audio is not None  # noqa: S101  (callers check)
        if not len(pcm):
            return
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(pcm)[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = MEDIA_RATE, self._samples, Fraction(1, MEDIA_RATE)
        self._samples += len(pcm)
        self._mux(self._audio.encode(frame))

    def _mux(self, packets: Iterable["Packet[Any]"]) -> None:
        try:
            for packet in packets:
                self._container.mux(packet)
        except FFmpegError as error:
            raise OSError(error.errno, error.strerror) from error

"""Audio files of every container, made on the spot."""

import io
from dataclasses import dataclass

import av
import numpy as np
from av.audio.stream import AudioStream
from av.video.stream import VideoStream

from opentalking.core.media import Samples


@dataclass(frozen=True)
class Kind:
    """How FFmpeg names a container and what is coded in it."""

    container: str
    codec: str
    rate: int
    suffix: str
    media_type: str


KINDS = {
    "wav": Kind("wav", "pcm_s16le", 22_050, "wav", "audio/wav"),
    "wav-24": Kind("wav", "pcm_s24le", 44_100, "wav", "audio/wav"),
    "wav-float": Kind("wav", "pcm_f32le", 48_000, "wav", "audio/wav"),
    "wav-alaw": Kind("wav", "pcm_alaw", 8_000, "wav", "audio/wav"),
    "mp3": Kind("mp3", "libmp3lame", 44_100, "mp3", "audio/mpeg"),
    "mp3-low": Kind("mp3", "libmp3lame", 16_000, "mp3", "audio/mpeg"),
    "ogg": Kind("ogg", "libopus", 48_000, "ogg", "audio/ogg"),
    "webm": Kind("webm", "libopus", 48_000, "webm", "audio/webm"),
    "m4a": Kind("ipod", "aac", 44_100, "m4a", "audio/mp4"),
    "aac": Kind("adts", "aac", 44_100, "aac", "audio/aac"),
    "flac": Kind("flac", "flac", 44_100, "flac", "audio/flac"),
}


def sine(hertz: float, seconds: float, rate: int, level: int = 8000) -> Samples:
    """A tone, mono int16."""
    times = np.arange(round(seconds * rate)) / rate
    return (level * np.sin(2 * np.pi * hertz * times)).astype(np.int16)


def encode(pcm: Samples, rate: int, kind: Kind, channels: int = 1) -> bytes:
    """Mono `pcm` at `rate` as a file of this kind, the same sound on every channel (1 or 2)."""
    layout = {1: "mono", 2: "stereo"}[channels]
    out = io.BytesIO()
    with av.open(out, "w", format=kind.container) as file:
        stream = file.add_stream(kind.codec, rate=kind.rate)
        assert isinstance(stream, AudioStream)
        stream.layout = layout
        packed = np.repeat(pcm, channels)[None, :]
        frame = av.AudioFrame.from_ndarray(packed, format="s16", layout=layout)
        frame.sample_rate = rate
        context = stream.codec_context
        fit = av.AudioResampler(
            context.format.name, layout, kind.rate, frame_size=context.frame_size or kind.rate // 20
        )
        for part in [*fit.resample(frame), *fit.resample(None)]:
            file.mux(stream.encode(part))
        file.mux(stream.encode(None))
    return out.getvalue()


def film(pcm: Samples | None, rate: int) -> bytes:
    """An MP4 film of grey pictures, with or without sound."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as file:
        video = file.add_stream("libx264", rate=25)
        assert isinstance(video, VideoStream)
        video.width, video.height, video.pix_fmt = 64, 64, "yuv420p"
        audio = file.add_stream("aac", rate=rate, layout="mono") if pcm is not None else None
        picture = av.VideoFrame.from_ndarray(np.full((96, 64), 128, np.uint8), format="yuv420p")
        for number in range(10):
            picture.pts = number
            file.mux(video.encode(picture))
        file.mux(video.encode(None))
        if pcm is not None and isinstance(audio, AudioStream):
            frame = av.AudioFrame.from_ndarray(pcm[None, :], format="s16", layout="mono")
            frame.sample_rate = rate
            fit = av.AudioResampler("fltp", "mono", rate, frame_size=1024)
            for part in [*fit.resample(frame), *fit.resample(None)]:
                file.mux(audio.encode(part))
            file.mux(audio.encode(None))
    return out.getvalue()

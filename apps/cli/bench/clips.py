"""What is said into a microphone by tests and measurements: clips whose begin and end of speech are known."""

import json
import wave
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO

import numpy as np

from opentalking.core.media import Samples

RATE = 16_000
LIBRIVOX = Path(__file__).parents[3] / "tests" / "data" / "librivox"
"""A reader of LibriVox, five sentences; part of a checkout, not of the installed package."""
_HOP = RATE // 100
_QUIETER = 10 ** (-30 / 20)


@dataclass(frozen=True, slots=True)
class Clip:
    """Mono int16 at 16 kHz, what is said in it ("": nothing), and when speech begins and ends, in seconds."""

    pcm: Samples
    text: str
    begin: float
    end: float

    @property
    def seconds(self) -> float:
        """How long the whole clip is."""
        return len(self.pcm) / RATE


def clip(pcm: Samples, text: str) -> Clip:
    """A clip whose speech lies where it is louder than 30 dB below its loud parts; raises `ValueError`.

    For synthetic voices, which have no room around them. The resolution is 10 ms.
    """
    whole = pcm[: len(pcm) // _HOP * _HOP].astype(np.float64).reshape(-1, _HOP)
    levels = np.sqrt(np.mean(np.square(whole), axis=1))
    if not levels.any():
        raise ValueError("a clip without a sound")
    loud = np.flatnonzero(levels > np.percentile(levels, 95) * _QUIETER)
    return Clip(pcm, text, loud[0] * _HOP / RATE, (loud[-1] + 1) * _HOP / RATE)


def read_wav(source: str | IO[bytes]) -> Samples:
    """The samples of a mono 16-bit WAV at 16 kHz; raises `ValueError` for any other."""
    with wave.open(source) as file:
        if (file.getnchannels(), file.getsampwidth(), file.getframerate()) != (1, 2, RATE):
            raise ValueError(f"not mono 16-bit sound at {RATE} Hz")
        return np.frombuffer(file.readframes(file.getnframes()), np.int16)


def wav_clip(data: bytes, text: str) -> Clip:
    """A synthetic voice as `POST /tts/preview` sends it; raises `ValueError`."""
    return clip(read_wav(BytesIO(data)), text)


def read_librivox(folder: Path = LIBRIVOX) -> list[Clip]:
    """Sentences of a human reader; their speech begins and ends with the first and last word.

    The words' times are those of pocketsphinx's alignment beside each file. Empty where there is no folder.
    """
    clips = []
    for path in sorted(folder.glob("*.phone.json")):
        aligned = json.loads(path.read_text(encoding="utf-8"))
        words = [word for word in aligned["w"] if word["t"][0] not in "<[+"]
        pcm = read_wav(str(path.with_name(path.name.replace(".phone.json", ".wav"))))
        clips.append(Clip(pcm, aligned["t"], words[0]["b"], words[-1]["b"] + words[-1]["d"]))
    return clips


def mm_hm(pitch_hz: float = 115.0) -> Clip:
    """A listener's "mm-hm": two hums through the nose with a breath between, the second one higher; 0.47 s.

    Made here (pulses through the resonances of a nasal murmur), because no voice engine hums.
    """
    times = np.arange(round(0.47 * RATE)) / RATE
    pitch = pitch_hz * np.interp(times, (0.0, 0.17, 0.24, 0.36, 0.47), (1.0, 0.9, 1.15, 1.35, 1.25))
    phase = np.cumsum(pitch) / RATE % 1
    pulses = np.where(phase < 0.6, np.square(phase) * (0.6 - phase), 0.0)
    loud = np.interp(
        times, (0.0, 0.03, 0.14, 0.17, 0.23, 0.27, 0.40, 0.47), (0.0, 1.0, 0.9, 0.05, 0.05, 1.0, 0.8, 0.0)
    )
    breath = np.interp(times, (0.14, 0.18, 0.22, 0.26), (0.0, 1.0, 1.0, 0.0))
    bins = np.fft.rfftfreq(len(times), 1 / RATE)
    murmur = sum(
        share / np.hypot(1, (bins - hertz) / (width / 2))
        for hertz, width, share in ((270, 80, 1.0), (1050, 200, 0.12), (2250, 250, 0.06), (3000, 400, 0.03))
    )
    air = np.random.default_rng(1).standard_normal(len(times)) * breath * 2e-3
    source = np.diff(pulses * loud, prepend=0.0) + 0.02 * air
    hum = np.fft.irfft(np.fft.rfft(source) * murmur, len(times))
    return clip((0.3 * 32767 * hum / np.abs(hum).max()).astype(np.int16), "")

"""A loudspeaker, a room and a microphone: what a session hears of its own voice."""

from dataclasses import dataclass
from itertools import pairwise

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from numpy.typing import NDArray

from opentalking.audio.resample import resample
from opentalking.core.media import MEDIA_RATE, SAMPLES_PER_PACKET, Samples
from opentalking.core.providers import RECOGNITION_RATE
from opentalking.media.encoder import OpusEncoder

Wave = NDArray[np.float64]
_BAND_HERTZ = 200.0, 6500.0
_FULL_SCALE = 32768


@dataclass(frozen=True)
class EchoPath:
    """The way from the server's output to its microphone input.

    `level_db` is the echo's level relative to what the server sends. `rt60` of 0 is an anechoic
    room. `drift_ppm` is how much faster the far clock runs. `jumps` are (second, new delay) pairs.
    `leftover` is a browser's canceller that leaves a changing share of the echo in each band.
    """

    delay_ms: float
    level_db: float
    rt60: float = 0.0
    drift_ppm: float = 0.0
    clipped: bool = False
    leftover: bool = False
    jumps: tuple[tuple[float, float], ...] = ()
    seed: int = 1


def level(wave: NDArray[np.float64] | Samples) -> float:
    """Root mean square of the 20 ms blocks that are not silent."""
    blocks = np.asarray(wave, np.float64)[: len(wave) // 320 * 320].reshape(-1, 320)
    powers = np.mean(blocks**2, axis=1)
    loud = powers[powers > powers.max() * 1e-4]
    return float(np.sqrt(loud.mean())) if len(loud) else 0.0


def through_opus(pcm: Samples) -> Samples:
    """48 kHz sound as a browser decodes it from the server's packets."""
    encoder = OpusEncoder()
    decoder = AudioCodecContext.create("opus", "r")
    heard: list[Samples] = []
    to_samples = av.AudioResampler("s16", "mono", MEDIA_RATE)
    for start in range(0, len(pcm) - SAMPLES_PER_PACKET + 1, SAMPLES_PER_PACKET):
        packet = encoder.encode(pcm[start : start + SAMPLES_PER_PACKET])
        for frame in decoder.decode(av.Packet(packet)):
            heard += [part.to_ndarray().reshape(-1).astype(np.int16) for part in to_samples.resample(frame)]
    joined = np.concatenate(heard)
    return np.pad(joined, (0, max(0, len(pcm) - len(joined))))[: len(pcm)].astype(np.int16)


def microphone(far: Samples, path: EchoPath) -> Wave:
    """What comes in of the 48 kHz sound `far` (already decoded): 16 kHz, full scale is 1."""
    random = np.random.default_rng(path.seed)
    delayed = _delayed(far.astype(np.float64), path)
    wave = resample(delayed.astype(np.int16), MEDIA_RATE, RECOGNITION_RATE).astype(np.float64) / _FULL_SCALE
    sent = level(resample(far, MEDIA_RATE, RECOGNITION_RATE)) / _FULL_SCALE
    if path.clipped:
        wave = np.tanh(wave * 1.5 / max(1e-9, np.abs(wave).max())) + 0.02 * wave**2
    if path.rt60:
        wave = _band(_reverberant(wave, impulse(path.rt60, random)))
    if path.leftover:
        wave = _uncancelled(wave, random)
    return np.asarray(wave * (sent * 10 ** (path.level_db / 20) / max(1e-9, level(wave))), np.float64)


def impulse(rt60: float, random: np.random.Generator) -> Wave:
    """A room: the direct sound, then noise that decays by 60 dB in `rt60` seconds; equally strong."""
    length = round(rt60 * RECOGNITION_RATE)
    tail = random.standard_normal(length) * 10 ** (-3 * np.arange(length) / length)
    tail[: RECOGNITION_RATE // 500] = 0
    tail /= np.sqrt(np.sum(tail**2))
    tail[0] = 1.0
    return np.asarray(tail, np.float64)


def _reverberant(wave: Wave, response: Wave) -> Wave:
    length = len(wave) + len(response)
    spectrum = np.fft.rfft(wave, length) * np.fft.rfft(response, length)
    return np.asarray(np.fft.irfft(spectrum, length)[: len(wave)], np.float64)


def _delayed(far: Wave, path: EchoPath) -> Wave:
    times = np.arange(len(far), dtype=np.float64)
    at = times * (1 + path.drift_ppm * 1e-6) - path.delay_ms * MEDIA_RATE / 1000
    for second, delay_ms in path.jumps:
        later = times >= second * MEDIA_RATE
        at[later] = times[later] * (1 + path.drift_ppm * 1e-6) - delay_ms * MEDIA_RATE / 1000
    return np.interp(at, times, far, left=0.0, right=0.0)


def _band(wave: Wave) -> Wave:
    """A small loudspeaker: nothing below 200 Hz and above 6.5 kHz."""
    spectrum = np.fft.rfft(wave)
    hertz = np.fft.rfftfreq(len(wave), 1 / RECOGNITION_RATE)
    low, high = _BAND_HERTZ
    gain = 1 / np.sqrt(1 + (low / np.maximum(hertz, 1)) ** 4) / np.sqrt(1 + (hertz / high) ** 8)
    return np.asarray(np.fft.irfft(spectrum * gain, len(wave)), np.float64)


def _uncancelled(wave: Wave, random: np.random.Generator) -> Wave:
    """Eight bands, each with a gain that wanders between −25 and 0 dB, a few times a second."""
    spectrum = np.fft.rfft(wave)
    edges = np.geomspace(100, RECOGNITION_RATE / 2, 9)
    edges[0] = 0
    hertz = np.fft.rfftfreq(len(wave), 1 / RECOGNITION_RATE)
    out = np.zeros_like(wave)
    for low, high in pairwise(edges):
        band = np.fft.irfft(np.where((hertz >= low) & (hertz < high), spectrum, 0), len(wave))
        knots = random.uniform(-25, 0, len(wave) // 4000 + 2)
        gain = 10 ** (np.interp(np.arange(len(wave)) / 4000, np.arange(len(knots)), knots) / 20)
        out += band * gain
    return out

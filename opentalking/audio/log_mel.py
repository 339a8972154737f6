"""Log-mel spectrograms as Whisper was trained on them (Radford et al., 2022, section 2.2)."""

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from opentalking.core.media import Samples

RATE = 16_000
HOP_SAMPLES = 160
FRAMES_PER_SECOND = RATE // HOP_SAMPLES
BANDS = 80
_WINDOW_SAMPLES = 400
_DEPTH_DECADES = 8.0
_LEAST_POWER = 1e-10

# Slaney's mel scale ("Auditory Toolbox", 1998): linear up to 1 kHz, then logarithmic.
_LINEAR_TOP_HZ = 1000.0
_HZ_PER_MEL = 200.0 / 3
_MELS_PER_OCTAVE = 27.0 / math.log2(6.4)


@lru_cache(maxsize=1)
def _filters() -> NDArray[np.float32]:
    """Triangles of equal area, shape (bins, BANDS), float32."""
    bins = np.fft.rfftfreq(_WINDOW_SAMPLES, 1 / RATE)
    corner = _LINEAR_TOP_HZ / _HZ_PER_MEL
    top = corner + math.log2(RATE / 2 / _LINEAR_TOP_HZ) * _MELS_PER_OCTAVE
    mels = np.linspace(0.0, top, BANDS + 2)
    bent = _LINEAR_TOP_HZ * 2.0 ** ((mels - corner) / _MELS_PER_OCTAVE)
    edges = np.where(mels < corner, mels * _HZ_PER_MEL, bent)
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    rise = (bins[:, None] - low) / (middle - low)
    fall = (high - bins[:, None]) / (high - middle)
    triangles = np.maximum(0.0, np.minimum(rise, fall)) * (2.0 / (high - low))
    return np.asarray(triangles, np.float32)


def log_mel(pcm: Samples, frames: int) -> NDArray[np.float32]:
    """The first `frames` frames (10 ms each) of `pcm`, shape (BANDS, frames), float32, about -1..1.5.

    `pcm` is mono int16 at `RATE`, shape (n,), n ≥ 1; behind its end lies silence.
    """
    half = _WINDOW_SAMPLES // 2
    sound = pcm[: frames * HOP_SAMPLES + half].astype(np.float32) / 32768
    needed = (frames - 1) * HOP_SAMPLES + _WINDOW_SAMPLES
    padded = np.zeros(max(needed, half + len(sound)), np.float32)
    padded[half : half + len(sound)] = sound
    return mel_levels(padded, frames)


def mel_levels(padded: NDArray[np.floating[Any]], frames: int) -> NDArray[np.float32]:
    """`frames` frames, as from `log_mel`, of sound that already has what goes before the first one's middle.

    `padded` has shape (n,), n ≥ (frames − 1) * `HOP_SAMPLES` + 400; its precision is the spectrum's.
    """
    views = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW_SAMPLES)[::HOP_SAMPLES][:frames]
    window = np.hanning(_WINDOW_SAMPLES + 1)[:-1].astype(padded.dtype)
    spectrum = np.fft.rfft(views * window)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    levels = np.log10(np.maximum(power.astype(np.float32) @ _filters(), _LEAST_POWER))
    levels = np.maximum(levels, levels.max() - _DEPTH_DECADES)
    return np.ascontiguousarray((levels.T + 4.0) / 4.0, np.float32)

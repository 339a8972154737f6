"""Sound as the lip network sees it: 40 mel band levels every 10 ms, relative to the recent peak; causal."""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from opentalking.core.media import Samples

HOP_SECONDS = 0.01
BANDS = 40
WINDOW_SECONDS = 0.025
LATE_SECONDS = HOP_SECONDS / 2 + WINDOW_SECONDS / 2
"""Sound that a hop needs, from its own start on, seconds: the window is centred on the hop."""

_LOWEST_HZ, _HIGHEST_HZ = 80.0, 7600.0
_FLOOR = 1e-10
"""Mean square of a full-scale sine is 0.5; below this a band is silent."""

START_PEAK_DECIBELS = -30.0
"""What a voice is expected to reach before it was heard."""
LEAST_PEAK_DECIBELS = -52.0
PEAK_DECAY_DECIBELS = 6.0
"""Fall of the remembered peak per second: about a phrase long."""
DEPTH_DECIBELS = 50.0
"""Levels this far below the peak count as silence."""
SILENCE = -DEPTH_DECIBELS / 20
"""The feature value of a silent band."""
_SILENT_DECIBELS, _LOUDNESS_DECIBELS = -34.0, 26.0
"""Loudness is 0 that far below the peak, and 1 so much above that."""

Energies = NDArray[np.float32]
"""Shape (hops, BANDS), float32: power per mel band."""


def _mel(hertz: float) -> float:
    return 2595 * math.log10(1 + hertz / 700)


@lru_cache(maxsize=4)
def mel_filters(rate: int) -> NDArray[np.float32]:
    """Triangular filters on the mel scale of HTK (2595 log10(1 + f / 700)), shape (bins, BANDS), float32."""
    frequencies = np.fft.rfftfreq(round(rate * WINDOW_SECONDS), 1 / rate)
    mels = np.linspace(_mel(_LOWEST_HZ), _mel(_HIGHEST_HZ), BANDS + 2)
    edges = 700 * (10 ** (mels / 2595) - 1)
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    rise = (frequencies[:, None] - low) / (middle - low)
    fall = (high - frequencies[:, None]) / (high - middle)
    used = frequencies <= _HIGHEST_HZ  # the same bins at every rate
    return np.asarray(np.maximum(0, np.minimum(rise, fall))[used], np.float32)


class MelEnergies:
    """Power per mel band and hop of a sound that arrives in pieces of any size.

    `rate` must be a multiple of 400 Hz and at least 16 kHz; what lies above 7.6 kHz is not looked at, so
    that the same sound gives the same values at every rate.
    """

    def __init__(self, rate: int) -> None:
        self._hop = round(rate * HOP_SECONDS)
        self._size = round(rate * WINDOW_SECONDS)
        window = np.hanning(self._size + 1)[:-1].astype(np.float32)
        self._window = window / window.sum() / 32768
        self._filters = mel_filters(rate)
        self._waiting = np.zeros((self._size - self._hop) // 2, np.int16)

    def feed(self, pcm: Samples) -> Energies:
        """The hops that `pcm` completes, in order; hop k is complete `LATE_SECONDS` after its start."""
        self._waiting = np.concatenate([self._waiting, pcm])
        hops = max(0, (len(self._waiting) - self._size) // self._hop + 1)
        if not hops:
            return np.zeros((0, BANDS), np.float32)
        views = np.lib.stride_tricks.sliding_window_view(self._waiting, self._size)[:: self._hop][:hops]
        spectrum = np.fft.rfft(views * self._window)[:, : len(self._filters)]
        power = np.square(spectrum.real) + np.square(spectrum.imag)
        self._waiting = self._waiting[hops * self._hop :].copy()
        return np.asarray(power.astype(np.float32) @ self._filters, np.float32)


class LevelNormaliser:
    """Turns energies into levels relative to the loudest moment of the last seconds; causal."""

    def __init__(self) -> None:
        self._peak = START_PEAK_DECIBELS

    def normalise(self, energies: Energies) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Levels, shape (hops, BANDS), 0 (peak) to `SILENCE`, and loudness (hops,), 0..1; float32."""
        hops = len(energies)
        if not hops:
            return energies, np.zeros(0, np.float32)
        total = 10 * np.log10(energies.sum(1) + _FLOOR)
        faded = PEAK_DECAY_DECIBELS * HOP_SECONDS * np.arange(1, hops + 1)
        peaks = np.maximum.accumulate(np.append(self._peak, total + faded))[1:] - faded
        peaks = np.maximum(peaks, LEAST_PEAK_DECIBELS)
        self._peak = float(peaks[-1])
        levels = 10 * np.log10(energies + _FLOOR) - peaks[:, None]
        loudness = np.clip((total - peaks - _SILENT_DECIBELS) / _LOUDNESS_DECIBELS, 0, 1)
        return np.asarray(np.maximum(levels, -DEPTH_DECIBELS) / 20, np.float32), loudness.astype(np.float32)

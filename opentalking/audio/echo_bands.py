"""Spectra in bands of hearing, and whether two of them rise and fall together."""

import numpy as np
from numpy.typing import NDArray

Wave = NDArray[np.float32]
Spectrum = NDArray[np.complex64]
Power = NDArray[np.float32]

BLOCK = 320
"""Samples of one block: 20 ms at 16 kHz."""
FRAME = 2 * BLOCK
BINS = BLOCK + 1
VOICE_BINS = slice(6, 140)
"""150 to 3500 Hz, where every loudspeaker and microphone works."""
FULL_SCALE = np.float32(1 / 32768)
BANDS = 24
_LOW_HERTZ, _HIGH_HERTZ = 120.0, 7200.0
_FLOOR = np.float32(1e-3)
"""Power that counts as silence, of a band's sum over the bins of a 640-point spectrum."""
_KEEP = np.float32(0.9)
_MEAN_KEEP = np.float32(0.99)


def _triangles(points: int) -> Power:
    """Weights of the bands in a spectrum of `points` bins up to 8 kHz, evenly spaced on the mel scale."""

    def mel(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.log1p(hertz / 700)

    lowest, highest = mel(np.array([_LOW_HERTZ, _HIGH_HERTZ]))
    edges = np.linspace(lowest, highest, BANDS + 2)
    at = mel(np.linspace(0, 8000, points))
    rising = (at[:, None] - edges[None, :-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[None, 2:] - at[:, None]) / (edges[2:] - edges[1:-1])
    return np.asarray(np.clip(np.minimum(rising, falling), 0, None), np.float32)


TO_BANDS = np.ascontiguousarray(_triangles(BINS))


def spectrum_of(frame: Wave) -> Spectrum:
    """The real Fourier transform, in single precision."""
    return np.asarray(np.fft.rfft(frame), np.complex64)


def power_of(spectrum: Spectrum) -> Power:
    """Squared magnitudes."""
    return np.asarray(spectrum.real**2 + spectrum.imag**2, np.float32)


def spread(points: int) -> Power:
    """How values of bands become values of `points` bins up to 8 kHz: (points, BANDS), rows sum to 1."""
    weights = _triangles(points)
    weights[: weights.sum(1).argmax(), 0] += 1e-6
    empty = weights.sum(1) == 0
    middle = points // 2
    weights[:middle][empty[:middle], 0] = 1
    weights[middle:][empty[middle:], -1] = 1
    return np.asarray(weights / weights.sum(1, keepdims=True), np.float32)


class Levels:
    """Logarithmic band powers around their own slow mean, so that neither gain nor timbre matters."""

    def __init__(self) -> None:
        self._mean = np.zeros(BANDS, np.float32)

    def feed(self, power: Power) -> Power:
        """Take one block's band powers; its levels."""
        level = np.log(power + _FLOOR)
        self._mean += (1 - _MEAN_KEEP) * (level - self._mean)
        return np.asarray(level - self._mean, np.float32)


class Resemblance:
    """How alike a sound and the far end have been of late: the highest correlation of all delays, −1..1."""

    def __init__(self, lags: int) -> None:
        self._level = Levels()
        self._products = np.zeros(lags, np.float32)
        self._far_squares = np.zeros(lags, np.float32)
        self._square = 0.0

    def feed(self, power: Power, far: Power, far_squares: Power) -> float:
        """Take one block's band powers, and the far end's levels and their squares at each lag."""
        level = self._level.feed(power)
        self._products *= _KEEP
        self._products += far @ level
        self._far_squares *= _KEEP
        self._far_squares += far_squares
        self._square = float(_KEEP) * self._square + float(level @ level)
        size = np.sqrt(self._far_squares * np.float32(self._square)) + np.float32(1e-3)
        return float((self._products / size).max())

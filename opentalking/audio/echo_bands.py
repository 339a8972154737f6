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


class Resemblance:
    """How alike a sound and the far end have been of late, at each of `lags` delays: −1..1.

    A correlation of logarithmic band levels, so that neither gain nor timbre matters.
    """

    def __init__(self, lags: int) -> None:
        self._far = np.zeros((lags, BANDS), np.float32)
        self._far_mean = np.zeros(BANDS, np.float32)
        self._near_mean = np.zeros(BANDS, np.float32)
        self._products = np.zeros(lags, np.float32)
        self._far_squares = np.zeros(lags, np.float32)
        self._near_square = np.float32(0)

    def feed(self, near: Power, far: Power) -> float:
        """Take one block's band powers of either end (`far` as of now); the highest of all lags."""
        self._far[1:] = self._far[:-1]
        far_level = np.log(far + _FLOOR)
        self._far_mean += (1 - _MEAN_KEEP) * (far_level - self._far_mean)
        self._far[0] = far_level - self._far_mean
        near_level = np.log(near + _FLOOR)
        self._near_mean += (1 - _MEAN_KEEP) * (near_level - self._near_mean)
        deviation = near_level - self._near_mean
        self._products *= _KEEP
        self._products += self._far @ deviation
        self._far_squares *= _KEEP
        self._far_squares += np.einsum("lb,lb->l", self._far, self._far)
        self._near_square = _KEEP * self._near_square + deviation @ deviation
        size = np.sqrt(self._far_squares * self._near_square) + np.float32(1e-3)
        return float((self._products / size).max())

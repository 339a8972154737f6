"""Spectra in bands of hearing, and whether two of them rise and fall together."""

import math

import numpy as np
from numpy.typing import NDArray

Wave = NDArray[np.float32]
Spectrum = NDArray[np.complex64]
Power = NDArray[np.float32]

BLOCK = 320
"""Samples of one block: 20 ms at 16 kHz."""
FRAME = 2 * BLOCK
BINS = BLOCK - 1
"""Bins of a spectrum, 25 Hz apart: those between 0 Hz and 8 kHz, without these two."""
VOICE_BINS = slice(5, 139)
"""150 to 3500 Hz, where every loudspeaker and microphone works."""
FULL_SCALE = np.float32(1 / 32768)
BANDS = 24
_LOW_HERTZ, _HIGH_HERTZ = 120.0, 7200.0
_FLOOR = np.float32(1e-3)
"""Power that counts as silence, of a band's sum over the bins of a spectrum."""
_KEEP = np.float32(0.9)
_MEAN_SHARE, _MEAN_KEEP = np.float32(0.01), np.float32(0.99)
_SOME = np.float32(1e-2)


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


TO_BANDS = np.ascontiguousarray(_triangles(BLOCK + 1)[1:-1])
"""What each of the `BINS` bins gives to each of the bands."""


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
        level: Power = np.log(power + _FLOOR)
        level -= self._mean
        self._mean += _MEAN_SHARE * level
        level *= _MEAN_KEEP
        return level


class Resemblance:
    """How alike a sound and the far end have been of late: the highest correlation of all delays, −1..1."""

    def __init__(self, lags: int) -> None:
        self._level = Levels()
        self._products = np.zeros(lags, np.float32)
        self._far_squares = np.zeros(lags, np.float32)
        self._square = 0.0

    def feed(self, power: Power, far: Power, far_squares: Power, blocks: int = 1) -> float:
        """Take one block's band powers, and the far end's levels and their squares at each lag.

        `blocks` have gone by since the last call.
        """
        level = self._level.feed(power)
        keep = _KEEP**blocks
        self._products *= keep
        self._products += np.dot(far, level)
        self._far_squares *= keep
        self._far_squares += far_squares
        self._square = float(keep) * self._square + float(np.dot(level, level))
        size = np.sqrt(self._far_squares)
        size += _SOME
        np.divide(self._products, size, out=size)
        return float(np.maximum.reduce(size)) / (math.sqrt(self._square) + 1e-3)

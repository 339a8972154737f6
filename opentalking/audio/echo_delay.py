"""Where in the past the echo in a microphone's sound comes from.

Generalised cross-correlation with phase transform (Knapp and Carter, 1976), summed block by block.
"""

import numpy as np

from opentalking.audio.echo_bands import BLOCK, FRAME, Power, Spectrum

_LOW, _HIGH = 6, 140
"""Bins of 25 Hz: 150 to 3500 Hz, where every loudspeaker and microphone works."""
_FORGET = np.float32(0.98)
_SIGNIFICANT = 8.0
"""A peak this many standard deviations high is an echo: the highest of 12 000 random values is 4 or 5."""


class DelayFinder:
    """Sums how near and far end agree in phase at each delay of `lags` blocks."""

    def __init__(self, lags: int) -> None:
        self._lags = lags
        self._sums = np.zeros((lags, _HIGH - _LOW), np.complex64)
        self._padded = np.zeros((lags, FRAME // 4 + 1), np.complex64)

    def feed(self, near: Spectrum, far: Spectrum, far_powers: Power) -> None:
        """Take one block: the near end's spectrum, and the far end's of `lags` blocks, newest first."""
        whitened = near[_LOW:_HIGH]
        whitened = whitened / (np.abs(whitened) + np.float32(1e-6))
        far_size = np.sqrt(far_powers[:, _LOW:_HIGH]) + np.float32(0.01)
        self._sums *= _FORGET
        self._sums += np.conj(far[:, _LOW:_HIGH]) * whitened / far_size

    def find(self) -> tuple[int, float]:
        """The delay in samples (even) and how significant it is: 1 and more is an echo for sure."""
        self._padded[:, _LOW:_HIGH] = self._sums
        agreement = np.abs(np.fft.irfft(self._padded, FRAME // 2)[:, : BLOCK // 2])
        peak = int(agreement.argmax())
        deviation = float(np.sqrt(np.mean(np.square(agreement)))) + 1e-9
        significance = float(agreement.flat[peak]) / deviation / _SIGNIFICANT
        return 2 * peak, significance

    def forget(self) -> None:
        """Begin anew."""
        self._sums[:] = 0

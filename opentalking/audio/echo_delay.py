"""Where in the past the echo in a microphone's sound comes from.

Generalised cross-correlation with phase transform (Knapp and Carter, 1976), summed block by block.
"""

import math

import numpy as np

from opentalking.audio.echo_bands import BLOCK, FRAME, VOICE_BINS, Spectrum

_FORGET = np.float32(0.95)
_SIGNIFICANT = 10.0
"""A peak this many standard deviations high is an echo: the highest of 12 000 random values is 4 or 5."""
_FEWEST = 8
"""Blocks of sound before anything can be said."""


class DelayFinder:
    """Sums how near and far end agree in phase at each delay of `lags` blocks."""

    def __init__(self, lags: int) -> None:
        self.fed = 0
        self.certainty = 0.0
        self._sums = np.zeros((lags, VOICE_BINS.stop - VOICE_BINS.start), np.complex64)
        # Half the bins of a frame: correlation at 8 kHz.
        self._padded = np.zeros((lags, FRAME // 4 + 1), np.complex64)

    def feed(self, near: Spectrum, far: Spectrum) -> None:
        """Take one block: the near end's spectrum, the far end's phases of `lags` blocks, newest first."""
        self.fed += 1
        voice = near[VOICE_BINS]
        self._sums *= _FORGET
        self._sums += far * (voice / (np.abs(voice) + np.float32(1e-6)))

    def find(self) -> int | None:
        """The delay in samples (even), if there is an echo for sure."""
        if self.fed < _FEWEST:
            return None
        self._padded[:, VOICE_BINS] = self._sums
        agreement = np.fft.irfft(self._padded, FRAME // 2)[:, : BLOCK // 2].reshape(-1)
        np.abs(agreement, out=agreement)
        peak = int(agreement.argmax())
        deviation = math.sqrt(float(np.dot(agreement, agreement)) / len(agreement)) + 1e-9
        self.certainty = float(agreement[peak]) / deviation / _SIGNIFICANT
        return 2 * peak if self.certainty > 1 else None

    def move(self, blocks: int) -> None:
        """All delays have become longer by so many blocks (shorter if negative)."""
        self._sums = np.roll(self._sums, blocks, axis=0)
        if blocks > 0:
            self._sums[:blocks] = 0
        elif blocks < 0:
            self._sums[blocks:] = 0

"""The echo path as a filter that learns, and the echo that it predicts.

Partitioned-block frequency-domain adaptive Kalman filter (F. Kuech, E. Mabande, G. Enzner, "State-space
architecture of the partitioned-block-based acoustic echo controller", ICASSP 2014).
"""

import numpy as np

from opentalking.audio.echo_bands import BINS, BLOCK, TO_BANDS, Power, Spectrum, Wave
from opentalking.audio.echo_spectrum import Batch

PARTITIONS = 10
"""Blocks of 20 ms that the filter is long."""
_KEEP = np.float32(0.9985**2)
_NOISE_SHARE = np.float32(0.3)
_EXPECTED = np.float32(0.1)
"""Variance of an unknown filter's first partition; it falls by 3 dB a partition."""
_FIT_SHARE = 0.2
_FAINT = 0.08
"""A predicted echo of less than this share of the sound says nothing of the fit."""
_HALF = np.float32(0.5)
_TINY = np.float32(1e-7)


class EchoFilter:
    """Predicts the echo in each near-end block from the far end's spectra, and learns from the error."""

    def __init__(self) -> None:
        self._weights = np.zeros((PARTITIONS, BINS), np.complex64)
        self._gains = np.zeros((PARTITIONS, BINS), np.float32)
        self._uncertainty = np.zeros((PARTITIONS, BINS), np.float32)
        self._noise = np.zeros(BINS, np.float32)
        self._turn = 0
        # Back in time go the predicted echo, and a partition that is to be kept short.
        self._back = Batch(2)
        self._products = np.zeros((PARTITIONS, BINS), np.complex64)
        self._shares = np.zeros((PARTITIONS, BINS), np.float32)
        self._bins = np.zeros((3, BINS), np.float32)
        self.fit = 1.0
        self.is_faint = True
        self._agreed = self._near = 0.0
        self.foretold = 0.0
        self.doubt(1.0)

    def predict(self, far: Spectrum) -> Wave:
        """The echo in the newest block of `far`, (`PARTITIONS`, `BINS`), newest first."""
        self._turn = (self._turn + 1) % PARTITIONS
        np.multiply(self._weights, far, out=self._products)
        np.add.reduce(self._products, 0, out=self._back.spectra[0])
        self._back.spectra[1] = self._weights[self._turn]
        self._back.invert(2)
        return self._back.frames[0, BLOCK:]

    @property
    def short(self) -> Wave:
        """One partition's impulse response without the part that would be circular, `BLOCK` samples."""
        return self._back.frames[1, :BLOCK]

    def weigh(self, power: float, block: Wave, echo: Wave) -> None:
        """See how much of the prediction is in a block of that energy: `fit` is 1 if the path is right."""
        self._agreed += _FIT_SHARE * (float(np.dot(block, echo)) - self._agreed)
        self.foretold += _FIT_SHARE * (float(np.dot(echo, echo)) - self.foretold)
        self._near += _FIT_SHARE * (power - self._near)
        self.is_faint = self.foretold < _FAINT * self._near + 1e-6
        self.fit = 1.0 if self.is_faint else self._agreed / self.foretold

    def judge(self, error: Spectrum, far_powers: Power) -> Power:
        """Band powers (3, `BANDS`): the error, what the filter may be wrong by, the predicted echo."""
        np.square(np.abs(error), out=self._bins[0])
        self._noise += _NOISE_SHARE * (self._bins[0] - self._noise)
        np.multiply(self._uncertainty, far_powers, out=self._shares)
        np.add.reduce(self._shares, 0, out=self._bins[1])
        self._bins[1] *= _HALF
        np.add.reduce(self._gains * far_powers, 0, out=self._bins[2])
        bands: Power = np.dot(self._bins, TO_BANDS)
        return bands

    def learn(self, error: Spectrum, short: Spectrum, far: Spectrum) -> None:
        """Learn from the error that was judged last, and keep one partition `short`."""
        self._weights[self._turn] = short
        total = self._bins[1] + self._noise
        total += _TINY
        np.conjugate(far, out=self._products)
        self._products *= error / total
        self._products *= self._uncertainty
        self._weights += self._products
        total *= 2
        self._shares /= total
        np.subtract(_KEEP, self._shares, out=self._shares)
        self._uncertainty *= self._shares
        np.square(np.abs(self._weights), out=self._gains)
        self._uncertainty += (1 - _KEEP) * self._gains

    def doubt(self, share: float) -> None:
        """Take the filter for wrong by `share` of what an unknown one may be."""
        falls = _EXPECTED * np.float32(share) * _HALF ** np.arange(PARTITIONS, dtype=np.float32)
        np.maximum(self._uncertainty, falls[:, None], out=self._uncertainty)

    def shift(self, samples: int) -> None:
        """Move the impulse response later by `samples` (earlier if negative); what leaves is lost."""
        batch = Batch(PARTITIONS)
        batch.spectra[:] = self._weights
        batch.invert(PARTITIONS)
        taps = batch.frames[:, :BLOCK].reshape(-1)
        moved = np.zeros_like(taps)
        if samples >= 0:
            moved[samples:] = taps[: max(0, len(taps) - samples)]
        else:
            moved[:samples] = taps[-samples:]
        batch.frames[:] = 0
        batch.frames[:, :BLOCK] = moved.reshape(PARTITIONS, BLOCK)
        batch.transform(PARTITIONS)
        self._weights[:] = batch.spectra

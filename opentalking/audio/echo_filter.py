"""The echo path as a filter that learns, and the echo that it predicts.

Partitioned-block frequency-domain adaptive Kalman filter (F. Kuech, E. Mabande, G. Enzner, "State-space
architecture of the partitioned-block-based acoustic echo controller", ICASSP 2014).
"""

import numpy as np

from opentalking.audio.echo_bands import BINS, BLOCK, FRAME, TO_BANDS, Power, Spectrum, Wave, power_of

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


class EchoFilter:
    """Predicts the echo in each near-end block from the far end's spectra, and learns from the error."""

    def __init__(self) -> None:
        self._weights = np.zeros((PARTITIONS, BINS), np.complex64)
        self._gains = np.zeros((PARTITIONS, BINS), np.float32)
        self._uncertainty = np.zeros((PARTITIONS, BINS), np.float32)
        self._noise = np.zeros(BINS, np.float32)
        self._turn = 0
        # Two at a time through the Fourier transform: the signal, and a partition to be kept short.
        self._spectra = np.zeros((2, BINS), np.complex64)
        self._frames = np.zeros((2, FRAME), np.float32)
        self._bins = np.zeros((3, BINS), np.float32)
        self.fit = 1.0
        self.is_faint = True
        self._agreed = self._near = 0.0
        self.foretold = 0.0
        self.doubt(1.0)

    def cancel(self, block: Wave, far: Spectrum, far_powers: Power) -> tuple[Wave, Power]:
        """Take the predicted echo out of a block, and learn from what is left of it.

        `far` and `far_powers` are what was played, (`PARTITIONS`, `BINS`), newest first. Gives the rest,
        and band powers (3, `BANDS`): of the rest, of what the filter may be wrong by, of the echo.
        """
        self._turn = (self._turn + 1) % PARTITIONS
        np.einsum("pf,pf->f", self._weights, far, out=self._spectra[0])
        self._spectra[1] = self._weights[self._turn]
        waves = np.fft.irfft(self._spectra, FRAME)
        echo = np.asarray(waves[0, BLOCK:], np.float32)
        left = block - echo
        self._weigh(block, echo)
        self._frames[0, BLOCK:] = left
        self._frames[1, :BLOCK] = waves[1, :BLOCK]  # taps that wrapped around would be circular
        error, self._weights[self._turn] = np.asarray(np.fft.rfft(self._frames), np.complex64)
        self._bins[0] = power_of(error)
        self._learn(error, far, far_powers)
        return left, np.asarray(self._bins @ TO_BANDS, np.float32)

    def _weigh(self, block: Wave, echo: Wave) -> None:
        """How much of the prediction is in the block: 1 if the path is right, 0 if it has moved."""
        self._agreed += _FIT_SHARE * (float(block @ echo) - self._agreed)
        self.foretold += _FIT_SHARE * (float(echo @ echo) - self.foretold)
        self._near += _FIT_SHARE * (float(block @ block) - self._near)
        self.is_faint = self.foretold < _FAINT * self._near + 1e-6
        self.fit = 1.0 if self.is_faint else self._agreed / self.foretold

    def _learn(self, error: Spectrum, far: Spectrum, far_powers: Power) -> None:
        self._noise += _NOISE_SHARE * (self._bins[0] - self._noise)
        weighted = self._uncertainty * far_powers
        weighted *= _HALF
        expected = np.add.reduce(weighted, 0)
        total = expected + self._noise
        total += np.float32(1e-7)
        self._weights += np.conj(far) * (self._uncertainty * (error / total))
        weighted /= total
        np.subtract(np.float32(1), weighted, out=weighted)
        weighted *= _KEEP
        self._uncertainty *= weighted
        self._gains[:] = power_of(self._weights)
        self._uncertainty += (1 - _KEEP) * self._gains
        self._bins[1] = expected
        np.einsum("pf,pf->f", self._gains, far_powers, out=self._bins[2])

    def doubt(self, share: float) -> None:
        """Take the filter for wrong by `share` of what an unknown one may be."""
        falls = _EXPECTED * np.float32(share) * _HALF ** np.arange(PARTITIONS, dtype=np.float32)
        np.maximum(self._uncertainty, falls[:, None], out=self._uncertainty)

    def shift(self, samples: int) -> None:
        """Move the impulse response later by `samples` (earlier if negative); what leaves is lost."""
        taps = np.fft.irfft(self._weights, FRAME)[:, :BLOCK].reshape(-1)
        moved = np.zeros_like(taps)
        if samples >= 0:
            moved[samples:] = taps[: max(0, len(taps) - samples)]
        else:
            moved[:samples] = taps[-samples:]
        padded = np.zeros((PARTITIONS, FRAME), np.float32)
        padded[:, :BLOCK] = moved.reshape(PARTITIONS, BLOCK)
        self._weights[:] = np.fft.rfft(padded)

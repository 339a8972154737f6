"""The echo path as a filter that learns, and the echo that it predicts.

Partitioned-block frequency-domain adaptive Kalman filter (F. Kuech, E. Mabande, G. Enzner, "State-space
architecture of the partitioned-block-based acoustic echo controller", ICASSP 2014).
"""

import numpy as np

from opentalking.audio.echo_bands import BINS, BLOCK, FRAME, Power, Spectrum, Wave, power_of, spectrum_of

PARTITIONS = 10
"""Blocks of 20 ms that the filter is long."""
_FORGET = np.float32(0.9985**2)
_NOISE_KEEP = np.float32(0.7)
_EXPECTED = np.float32(0.1)
"""Variance of an unknown filter's first partition; it falls by 3 dB a partition."""


class EchoFilter:
    """Predicts the echo in each near-end block from the far end's spectra, and learns from the error."""

    def __init__(self) -> None:
        self.weights = np.zeros((PARTITIONS, BINS), np.complex64)
        self.uncertainty = np.zeros((PARTITIONS, BINS), np.float32)
        self._noise = np.zeros(BINS, np.float32)
        self._frame = np.zeros(FRAME, np.float32)
        self._turn = 0
        self.doubt(1.0)

    def predict(self, far: Spectrum) -> Wave:
        """The echo in the block whose far end is `far`, (PARTITIONS, BINS), newest first."""
        spectrum = np.einsum("pf,pf->f", self.weights, far)
        return np.asarray(np.fft.irfft(spectrum, FRAME)[BLOCK:], np.float32)

    def learn(self, far: Spectrum, far_powers: Power, error: Wave) -> Spectrum:
        """Correct the filter by what it left of the block; the spectrum of that."""
        self._frame[BLOCK:] = error
        spectrum = spectrum_of(self._frame)
        power = power_of(spectrum)
        self._noise += (1 - _NOISE_KEEP) * (power - self._noise)
        weighted = self.uncertainty * far_powers
        expected = np.float32(0.5) * weighted.sum(0)
        total = expected + self._noise + np.float32(1e-7)
        gain = self.uncertainty / total
        self.weights += np.conj(far) * (gain * spectrum)
        self.uncertainty *= np.float32(1) - np.float32(0.5) * weighted / total
        self.uncertainty *= _FORGET
        self.uncertainty += (1 - _FORGET) * power_of(self.weights)
        self._constrain()
        return spectrum

    def doubt(self, share: float) -> None:
        """Take the filter for wrong by `share` of what an unknown one may be."""
        falls = _EXPECTED * np.float32(share) * np.float32(0.5) ** np.arange(PARTITIONS, dtype=np.float32)
        np.maximum(self.uncertainty, falls[:, None], out=self.uncertainty)

    def shift(self, samples: int) -> None:
        """Move the impulse response later by `samples` (earlier if negative); what leaves is lost."""
        taps = np.fft.irfft(self.weights, FRAME)[:, :BLOCK].astype(np.float32).reshape(-1)
        moved = np.zeros_like(taps)
        if samples >= 0:
            moved[samples:] = taps[: len(taps) - samples]
        else:
            moved[:samples] = taps[-samples:]
        self._set(moved.reshape(PARTITIONS, BLOCK))

    def _set(self, taps: Wave) -> None:
        padded = np.zeros((PARTITIONS, FRAME), np.float32)
        padded[:, :BLOCK] = taps
        self.weights[:] = np.fft.rfft(padded)

    def _constrain(self) -> None:
        """Keep one partition a block's length in time, in turn: wrapped taps would be circular."""
        self._turn = (self._turn + 1) % PARTITIONS
        taps = np.fft.irfft(self.weights[self._turn], FRAME)
        taps[BLOCK:] = 0
        self.weights[self._turn] = np.fft.rfft(taps)

"""What the server has played lately, as spectra: the far end of the echo path."""

import numpy as np

from opentalking.audio.echo_bands import (
    BANDS,
    BINS,
    BLOCK,
    FRAME,
    FULL_SCALE,
    TO_BANDS,
    Power,
    Spectrum,
    Wave,
    power_of,
    spectrum_of,
)
from opentalking.core.media import SAMPLES_PER_PACKET, Samples

HISTORY = 64
"""Blocks that are remembered: 1.28 s."""
_TAPS = 24


def _low_pass() -> Wave:
    """Windowed sinc at 6.8 kHz for 48 kHz, unity gain."""
    at = np.arange(_TAPS) - (_TAPS - 1) / 2
    taps = np.sinc(2 * 6800 / 48_000 * at) * np.hamming(_TAPS)
    return np.asarray(taps / taps.sum(), np.float32)


class FarEnd:
    """Spectra of the last `HISTORY` blocks sent, newest first; each of a block and the one before it."""

    def __init__(self) -> None:
        self.ticks = 0
        self.silent_ticks = HISTORY + 2
        self._taps = _low_pass()
        self._sound = np.zeros(_TAPS - 3 + SAMPLES_PER_PACKET, np.float32)
        self._windows = np.lib.stride_tricks.sliding_window_view(self._sound, _TAPS)[::3][:BLOCK]
        self._frame = np.zeros(FRAME, np.float32)
        # Every block is written twice, so that any stretch of the ring lies in one piece.
        self._spectra = np.zeros((2 * HISTORY, BINS), np.complex64)
        self._powers = np.zeros((2 * HISTORY, BINS), np.float32)
        self._bands = np.zeros((2 * HISTORY, BANDS), np.float32)

    def feed(self, sound: Samples | None) -> None:
        """Take 20 ms at 48 kHz, None for silence."""
        self.ticks += 1
        if sound is None and self.silent_ticks > HISTORY + 1:
            return
        head = _TAPS - 3
        self._sound[:head] = self._sound[-head:]
        loud = sound is not None and bool(sound.any())
        if loud and sound is not None:
            np.multiply(sound, FULL_SCALE, out=self._sound[head:])
        else:
            self._sound[head:] = 0
        self.silent_ticks = 0 if loud else self.silent_ticks + 1
        self._frame[:BLOCK] = self._frame[BLOCK:]
        np.dot(self._windows, self._taps, out=self._frame[BLOCK:])
        at = -self.ticks % HISTORY
        spectrum = spectrum_of(self._frame)
        self._spectra[at] = self._spectra[at + HISTORY] = spectrum
        self._powers[at] = self._powers[at + HISTORY] = power_of(spectrum)
        self._bands[at] = self._bands[at + HISTORY] = self._powers[at] @ TO_BANDS

    def blocks(self, newest: int, count: int) -> tuple[Spectrum, Power]:
        """Spectra and powers of `count` blocks back from tick `newest`, newest first: (count, `BINS`).

        `newest` is at most `ticks`, and `newest - count` at least `ticks - HISTORY`.
        """
        at = -newest % HISTORY
        return self._spectra[at : at + count], self._powers[at : at + count]

    def bands(self, newest: int, count: int) -> Power:
        """Band powers of the same blocks: (count, `BANDS`)."""
        at = -newest % HISTORY
        return self._bands[at : at + count]

"""What the server has played lately, as spectra: the far end of the echo path."""

import numpy as np

from opentalking.audio.echo_bands import (
    BANDS,
    BINS,
    BLOCK,
    FRAME,
    FULL_SCALE,
    TO_BANDS,
    VOICE_BINS,
    Levels,
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
_HEAD = _TAPS - 3
_TINY = np.float32(1e-4)


def _low_pass() -> Wave:
    """Windowed sinc at 6.8 kHz for 48 kHz, unity gain."""
    at = np.arange(_TAPS) - (_TAPS - 1) / 2
    taps = np.sinc(2 * 6800 / 48_000 * at) * np.hamming(_TAPS)
    return np.asarray(taps / taps.sum(), np.float32)


class FarEnd:
    """The last `HISTORY` blocks sent, newest first, in what forms the parts of an echo guard need them.

    A block's spectrum is that of the block and the one before it.
    """

    def __init__(self) -> None:
        self.ticks = 0
        self.silent_ticks = HISTORY + 2
        self._taps = _low_pass()
        self._sound = np.zeros(_HEAD + SAMPLES_PER_PACKET, np.float32)
        self._windows = np.lib.stride_tricks.sliding_window_view(self._sound, _TAPS)[::3][:BLOCK]
        self._frame = np.zeros(FRAME, np.float32)
        self._level = Levels()
        # Every block is written twice, so that any stretch of the ring lies in one piece.
        self._spectra = np.zeros((2 * HISTORY, BINS), np.complex64)
        self._powers = np.zeros((2 * HISTORY, BINS), np.float32)
        self._phases = np.zeros((2 * HISTORY, VOICE_BINS.stop - VOICE_BINS.start), np.complex64)
        self._bands = np.zeros((2 * HISTORY, BANDS), np.float32)
        self._levels = np.zeros((2 * HISTORY, BANDS), np.float32)
        self._squares = np.zeros(2 * HISTORY, np.float32)

    def feed(self, sound: Samples | None) -> None:
        """Take 20 ms at 48 kHz, None for silence."""
        self.ticks += 1
        if sound is None and self.silent_ticks > HISTORY + 1:
            return
        self._sound[:_HEAD] = self._sound[-_HEAD:]
        if sound is not None and sound.any():
            np.multiply(sound, FULL_SCALE, out=self._sound[_HEAD:])
            self.silent_ticks = 0
        else:
            self._sound[_HEAD:] = 0
            self.silent_ticks += 1
        self._frame[:BLOCK] = self._frame[BLOCK:]
        np.dot(self._windows, self._taps, out=self._frame[BLOCK:])
        self._write()

    def _write(self) -> None:
        spectrum = spectrum_of(self._frame)
        power = power_of(spectrum)
        bands = power @ TO_BANDS
        level = self._level.feed(bands)
        both = slice(-self.ticks % HISTORY, None, HISTORY)
        self._spectra[both] = spectrum
        self._powers[both] = power
        self._phases[both] = spectrum[VOICE_BINS].conj() / (np.sqrt(power[VOICE_BINS]) + _TINY)
        self._bands[both] = bands
        self._levels[both] = level
        self._squares[both] = level @ level

    def blocks(self, newest: int, count: int) -> tuple[Spectrum, Power]:
        """Spectra and powers of `count` blocks back from tick `newest`: (count, `BINS`).

        `newest` is at most `ticks`, and `newest - count` at least `ticks - HISTORY`.
        """
        at = -newest % HISTORY
        return self._spectra[at : at + count], self._powers[at : at + count]

    def phases(self, newest: int, count: int) -> Spectrum:
        """Conjugate spectra of magnitude one in `VOICE_BINS` (less where there was silence)."""
        at = -newest % HISTORY
        return self._phases[at : at + count]

    def bands(self, newest: int, count: int) -> Power:
        """Band powers: (count, `BANDS`)."""
        at = -newest % HISTORY
        return self._bands[at : at + count]

    def levels(self, newest: int, count: int) -> tuple[Power, Power]:
        """Band levels around their mean, (count, `BANDS`), and the sums of their squares, (count,)."""
        at = -newest % HISTORY
        return self._levels[at : at + count], self._squares[at : at + count]

"""What the server has played lately, as spectra: the far end of the echo path."""

import numpy as np

from opentalking.audio.echo_bands import (
    BANDS,
    BINS,
    BLOCK,
    FULL_SCALE,
    TO_BANDS,
    VOICE_BINS,
    Levels,
    Power,
    Spectrum,
    Wave,
)
from opentalking.audio.echo_spectrum import Batch
from opentalking.core.media import SAMPLES_PER_PACKET, Samples

HISTORY = 64
"""Blocks that are remembered: 1.28 s."""
_PLACES = 4 * HISTORY
MOST_WAITING = 4
"""Blocks that may wait for their spectra."""
_ALL_SILENT = HISTORY + MOST_WAITING + 1
"""Ticks of silence after which nothing else is remembered."""
_STEP = 3
"""48 kHz to 16 kHz."""
_TAPS = 24
_HEAD = _TAPS - _STEP
_PHASES = _TAPS // _STEP
_TINY = np.float32(1e-4)


def _low_pass() -> Wave:
    """Windowed sinc at 6.8 kHz for 48 kHz, unity gain, as (3, 8); takes int16 to ±1."""
    at = np.arange(_TAPS) - (_TAPS - 1) / 2
    taps = np.sinc(2 * 6800 / 48_000 * at) * np.hamming(_TAPS)
    scaled = np.asarray(taps / taps.sum() * FULL_SCALE, np.float32)
    return np.ascontiguousarray(scaled.reshape(_PHASES, _STEP).T)


class FarEnd:
    """The last `HISTORY` blocks sent, newest first, in what forms the parts of an echo guard need them.

    A block's spectrum is that of the block and the one before it. Up to `MOST_WAITING` blocks wait in
    `frames` until whoever transforms something anyway gives their spectra to `write`, or for `catch_up`.
    """

    def __init__(self) -> None:
        self.ticks = 0
        self.silent_ticks = _ALL_SILENT + 1
        self.waiting = 0
        self._batch = Batch(MOST_WAITING)
        self._taps = _low_pass()
        self._sound = np.zeros(_HEAD + SAMPLES_PER_PACKET, np.float32)
        # Three samples a row, each multiplied with the taps of its phase; their sums lie on diagonals.
        self._rows = self._sound.reshape(-1, _STEP)
        self._products = np.zeros((len(self._rows), _PHASES), np.float32)
        _, across = self._products.strides
        self._diagonals = np.lib.stride_tricks.as_strided(
            self._products, (_PHASES, BLOCK), ((_PHASES + 1) * across, _PHASES * across)
        )
        self._last = np.zeros(BLOCK, np.float32)
        self._level = Levels()
        # What is newest stands first; where there is no place before it, all moves to the end.
        self._first = _PLACES - HISTORY
        self._spectra = np.zeros((_PLACES, BINS), np.complex64)
        self._powers = np.zeros((_PLACES, BINS), np.float32)
        self._phases = np.zeros((_PLACES, VOICE_BINS.stop - VOICE_BINS.start), np.complex64)
        self._bands = np.zeros((_PLACES, BANDS), np.float32)
        self._levels = np.zeros((_PLACES, BANDS), np.float32)
        self._squares = np.zeros(_PLACES, np.float32)

    @property
    def frames(self) -> Wave:
        """The blocks that wait for their spectra, each after the one before it: (`waiting`, `FRAME`)."""
        return self._batch.frames[: self.waiting]

    def feed(self, sound: Samples | None) -> None:
        """Take 20 ms at 48 kHz, None for silence."""
        if sound is None and self.silent_ticks > _ALL_SILENT:
            self.waiting = 0
            self.ticks += 1
            return
        if self.waiting == MOST_WAITING:
            self.catch_up()
        self.ticks += 1
        self._sound[:_HEAD] = self._sound[-_HEAD:]
        if sound is not None and sound.any():
            self._sound[_HEAD:] = sound
            self.silent_ticks = 0
        else:
            self._sound[_HEAD:] = 0
            self.silent_ticks += 1
        frame = self._batch.frames[self.waiting]
        frame[:BLOCK] = self._last
        np.matmul(self._rows, self._taps, out=self._products)
        np.add.reduce(self._diagonals, 0, out=self._last)
        frame[BLOCK:] = self._last
        self.waiting += 1

    def catch_up(self) -> None:
        """Let no block wait."""
        if self.waiting:
            self._batch.transform(self.waiting)
            self.write(self._batch.spectra[: self.waiting])

    def write(self, spectra: Spectrum) -> None:
        """Take the spectra of all `frames`: (`waiting`, `BINS`)."""
        count, self.waiting = self.waiting, 0
        if self._first < count:
            self._make_room()
        self._first -= count
        new = slice(self._first, self._first + count)
        self._spectra[new] = spectra[::-1]
        sizes = np.abs(self._spectra[new])
        powers = np.square(sizes, out=self._powers[new])
        voices = sizes[:, VOICE_BINS]
        voices += _TINY
        np.divide(np.conjugate(self._spectra[new, VOICE_BINS]), voices, out=self._phases[new])
        np.dot(powers, TO_BANDS, out=self._bands[new])
        for at in range(new.stop - 1, new.start - 1, -1):
            level = self._level.feed(self._bands[at])
            self._levels[at] = level
            self._squares[at] = np.dot(level, level)

    def _make_room(self) -> None:
        old = slice(self._first, self._first + HISTORY)
        self._first = _PLACES - HISTORY
        for past in (self._spectra, self._powers, self._phases, self._bands, self._levels, self._squares):
            past[self._first :] = past[old]

    def _at(self, tick: int) -> int:
        return self._first + self.ticks - self.waiting - tick

    def blocks(self, newest: int, count: int) -> tuple[Spectrum, Power]:
        """Spectra and powers of `count` blocks back from tick `newest`: (count, `BINS`).

        `newest` is at most `ticks`, and `newest - count` at least `ticks - HISTORY`; none of them waits.
        """
        at = self._at(newest)
        return self._spectra[at : at + count], self._powers[at : at + count]

    def phases(self, newest: int, count: int) -> Spectrum:
        """Conjugate spectra of magnitude one in `VOICE_BINS` (less where there was silence)."""
        at = self._at(newest)
        return self._phases[at : at + count]

    def bands(self, newest: int, count: int) -> Power:
        """Band powers: (count, `BANDS`)."""
        at = self._at(newest)
        return self._bands[at : at + count]

    def levels(self, newest: int, count: int) -> tuple[Power, Power]:
        """Band levels around their mean, (count, `BANDS`), and the sums of their squares, (count,)."""
        at = self._at(newest)
        return self._levels[at : at + count], self._squares[at : at + count]

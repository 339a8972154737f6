"""Takes the avatar's own voice out of the microphone's sound, so that it never interrupts itself."""

from dataclasses import dataclass

import numpy as np

from opentalking.audio.echo_bands import (
    BANDS,
    BLOCK,
    FULL_SCALE,
    TO_BANDS,
    Resemblance,
    Spectrum,
    Wave,
)
from opentalking.audio.echo_clock import Alignment
from opentalking.audio.echo_delay import DelayFinder
from opentalking.audio.echo_far import MOST_WAITING, FarEnd
from opentalking.audio.echo_filter import PARTITIONS, EchoFilter
from opentalking.audio.echo_gate import Gate
from opentalking.audio.echo_level import KnownEcho, UnknownEcho
from opentalking.audio.echo_spectrum import Batch
from opentalking.core.media import Samples

_LAGS = 40
"""Blocks of delay that are searched: 800 ms."""
_TAIL = 20
"""Blocks for which a room may go on sounding behind the filter's end."""
_HEARD = BLOCK * 1e-7
"""Energy of a block that is not silence: −70 dB of full scale."""
_BEFORE_PEAK = 64
"""Samples of the filter before the strongest sound: the direct one may be weaker than a reflection."""
_LOOK_EVERY = 4
_PROBE_EVERY = 6
"""While both ends are silent, the filter is asked in every sixth block only."""
_NOTHING = np.zeros(BANDS, np.float32)
_REST = 3
"""While the filter fits, the delay is looked for in every third block only."""
_FITS = 0.6
_LOUDER = 1.1
"""A block with so much more energy than the one before it is always looked at."""
_CLEAR = 1.6
"""A certainty with which an echo is found while the filter foretells none: the filter is wrong."""
_SEARCHED = 60
"""Blocks of sound after which what nobody has found to be an echo is none."""
_FAR_FROM_SURE = 0.6
_MOVED_DOUBT = 0.3
_NEW = 50
"""Blocks for which a filter for a new delay is trusted less: 1 s."""
_NEW_MARGIN = 1.5
_LEARNS = 300
"""Blocks from which a new filter learns before any is passed over: 6 s."""
_NEAR_ROWS = 3
"""Frames of a block, before those of the far end: what is left, a piece of the filter, what was heard."""
_TO_PCM = np.float32(32768)


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Microphone sound without the echo, mono int16 at 16 kHz, and how much of it was echo, 0..1."""

    pcm: Samples
    echo: float


class EchoGuard:
    """The echo path of one session: told what was played, it cleans what is heard.

    Both ends count time by their calls, 20 ms each; a near end that comes late or in bursts is fine.
    """

    def __init__(self) -> None:
        self._far = FarEnd()
        self._clock = Alignment()
        self._finder = DelayFinder(_LAGS)
        self._filter = EchoFilter()
        self._known, self._unknown = KnownEcho(), UnknownEcho()
        self._resemblance = Resemblance(_LAGS)
        self._gate = Gate()
        self._batch = Batch(_NEAR_ROWS + MOST_WAITING)
        self._silent = self._rested = self._passed = 0
        self._power = 0.0
        self._delay: int | None = None
        self._skipped = 0
        self._new = self._learnt = 0
        self._contradictions = 0

    def played(self, sound: Samples | None) -> None:
        """Take 20 ms of what has left the server: 960 samples, mono int16 at 48 kHz; None for silence."""
        self._far.feed(sound)

    def clean(self, near: Samples) -> Cleaned:
        """Take the echo out of 20 ms of microphone sound: 320 samples, mono int16 at 16 kHz.

        Sound that nothing played can be in comes back as it is. Raises `ValueError` for another length.
        """
        if len(near) != BLOCK:
            raise ValueError(f"{len(near)} samples are not {BLOCK}")
        newest, moved = self._clock.tick(self._far.ticks)
        if moved:
            self._move(moved)
        if self._is_over(newest):
            self._gate.rest()
            return Cleaned(near, 0.0)
        block = near * FULL_SCALE
        power = float(np.dot(block, block))
        if power <= _HEARD and self._is_unheard(newest):
            return Cleaned(np.zeros_like(near), 0.0)
        passed = self._passed
        if self._is_expected(power):
            return Cleaned(np.zeros_like(near), 1.0)
        looks = power > _HEARD and self._is_time_to_look(passed)
        if self._delay is None:
            left = self._guess(block, newest, looks)
        else:
            left = self._cancel(block, power, newest, looks)
        if left is None:
            return Cleaned(np.zeros_like(near), 1.0)
        echo = 1 - float(np.dot(left, left)) / (power + 1e-9)
        return Cleaned(_to_pcm(left), min(1.0, max(0.0, echo)))

    def _is_over(self, newest: int) -> bool:
        """Whether nothing of what was played can be heard any more."""
        silent = self._far.silent_ticks - (self._far.ticks - newest)
        longest = _LAGS if self._delay is None else self._skipped + PARTITIONS
        return silent > longest + _TAIL

    def _is_unheard(self, newest: int) -> bool:
        """Whether a silent block needs no look: nothing of what was played is expected in it."""
        self._silent += 1
        if self._delay is None:
            known = min(newest, self._far.ticks - self._far.waiting)
            self._unknown.bound(_NOTHING, self._far.bands(known, _LAGS), 0.0, searched=False)
            return True
        return self._filter.foretold < _HEARD and self._silent % _PROBE_EVERY > 0

    def _move(self, blocks: int) -> None:
        """The near end's count has changed: all delays are longer by so many blocks."""
        self._finder.move(blocks)
        if self._delay is not None:
            self._delay += blocks * BLOCK
            self._skipped += blocks
            if not 0 <= self._skipped < _LAGS:
                self._delay = None

    def _is_expected(self, power: float) -> bool:
        """Whether a block need not be judged: the one before was, and was nothing but echo for sure."""
        before, self._power = self._power, power
        self._learnt += 1
        has_learnt = self._delay is not None and self._learnt > _LEARNS
        is_sure = has_learnt and self._gate.is_sure and self._filter.fit > _FITS
        self._passed = int(is_sure and not self._passed and power < _LOUDER * before)
        return self._passed > 0

    def _is_time_to_look(self, passed: int) -> bool:
        self._rested += 1 + passed
        settled = self._delay is not None and self._filter.fit > _FITS and not self._filter.is_faint
        if settled and self._rested < _REST:
            return False
        self._rested = 0
        return True

    def _look(self, near: Spectrum, newest: int) -> None:
        """Look for the delay."""
        self._finder.feed(near, self._far.phases(newest, _LAGS))
        if self._finder.fed % _LOOK_EVERY:
            return
        delay = self._finder.find()
        if delay is None:
            return
        if self._delay is None or abs(delay - self._delay) > _BEFORE_PEAK:
            self._follow(delay)
        elif self._filter.is_faint and self._finder.certainty > _CLEAR:
            self._contradictions += 1
            if self._contradictions > 1:  # a loudspeaker that was off is on again
                self._filter.doubt(1.0)
                self._new, self._learnt = _NEW, 0
        else:
            self._contradictions = 0

    def _follow(self, delay: int) -> None:
        skipped = max(0, (delay - _BEFORE_PEAK) // BLOCK)
        if self._delay is not None:
            self._filter.shift(delay - self._delay - (skipped - self._skipped) * BLOCK)
            self._filter.doubt(_MOVED_DOUBT)
        self._delay, self._skipped, self._new, self._learnt = delay, skipped, _NEW, 0

    def _guess(self, block: Wave, newest: int, looks: bool) -> Wave | None:
        """Judge a block while the delay is unknown: by how loud an echo can be that nobody has found."""
        spectrum = self._transform(block)
        heard = np.dot(np.square(np.abs(spectrum)), TO_BANDS)
        alike = self._resemblance.feed(heard, *self._far.levels(newest, _LAGS))
        searched = self._finder.fed > _SEARCHED and self._finder.certainty < _FAR_FROM_SURE
        echo = self._unknown.bound(heard, self._far.bands(newest, _LAGS), alike, searched=searched)
        self._gate.judge(heard, echo, alike, 1.0)
        if looks:
            self._look(spectrum, newest)
        return self._gate.shape(block, heard, echo)

    def _cancel(self, block: Wave, power: float, newest: int, looks: bool) -> Wave | None:
        """Take the predicted echo out, and what may be left of it."""
        if newest - self._skipped > self._far.ticks - self._far.waiting:
            self._far.catch_up()
        far, powers = self._far.blocks(newest - self._skipped, PARTITIONS)
        echo_wave = self._filter.predict(far)
        self._filter.weigh(power, block, echo_wave)
        left = block - echo_wave
        self._batch.frames[1, :BLOCK] = self._filter.short
        self._batch.frames[2, BLOCK:] = block
        error = self._transform(left)
        heard, unsure, predicted = self._filter.judge(error, powers)
        self._filter.learn(error, self._batch.spectra[1], far)
        alike = self._resemblance.feed(heard, *self._far.levels(newest, _LAGS))
        echo = self._known.bound(unsure, predicted)
        if self._new:
            echo *= np.float32(1 + _NEW_MARGIN * self._new / _NEW)
            self._new -= 1
        if not self._gate.open:
            self._known.learn(heard, alike)
        self._gate.judge(heard, echo, alike, self._filter.fit)
        if looks:
            self._look(self._batch.spectra[2], newest)
        return self._gate.shape(left, heard, echo)

    def _transform(self, block: Wave) -> Spectrum:
        """The spectrum of a block; those of the far end that wait are computed with it."""
        batch, waiting = self._batch, self._far.waiting
        batch.frames[0, BLOCK:] = block
        batch.frames[_NEAR_ROWS : _NEAR_ROWS + waiting] = self._far.frames
        batch.transform(_NEAR_ROWS + waiting)
        if waiting:
            self._far.write(batch.spectra[_NEAR_ROWS : _NEAR_ROWS + waiting])
        spectrum: Spectrum = batch.spectra[0]
        return spectrum


def _to_pcm(wave: Wave) -> Samples:
    scaled = wave * _TO_PCM
    np.minimum(scaled, np.float32(32767), out=scaled)
    np.maximum(scaled, np.float32(-32768), out=scaled)
    return scaled.astype(np.int16)

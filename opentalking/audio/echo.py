"""Takes the avatar's own voice out of the microphone's sound, so that it never interrupts itself."""

from dataclasses import dataclass

import numpy as np

from opentalking.audio.echo_bands import (
    BANDS,
    BLOCK,
    FRAME,
    FULL_SCALE,
    TO_BANDS,
    Power,
    Resemblance,
    Wave,
    power_of,
    spectrum_of,
)
from opentalking.audio.echo_clock import Alignment
from opentalking.audio.echo_delay import DelayFinder
from opentalking.audio.echo_far import FarEnd
from opentalking.audio.echo_filter import PARTITIONS, EchoFilter
from opentalking.audio.echo_gate import Gate
from opentalking.core.media import Samples

_LAGS = 40
"""Blocks of delay that are searched: 800 ms."""
_LONGEST_TAIL = 20
"""Blocks for which a room may go on sounding behind the filter's end."""
_HEARD = BLOCK * 1e-7
"""Energy of a block that is not silence: −70 dB of full scale."""
_BEFORE_PEAK = 64
_LOOK_EVERY = 4
_FITS = 0.6
_ENOUGH = 60
"""Blocks of sound after which what nobody has found to be an echo is none."""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Microphone sound without the echo, mono int16 at 16 kHz, and how much of it was echo, 0..1."""

    pcm: Samples
    echo: float


class EchoGuard:
    """The echo path of one session: told what was played, it cleans what is heard."""

    def __init__(self) -> None:
        self._far = FarEnd()
        self._clock = Alignment()
        self._finder = DelayFinder(_LAGS)
        self._filter = EchoFilter()
        self._resemblance = Resemblance(_LAGS)
        self._gate = Gate()
        self._frame = np.zeros(FRAME, np.float32)
        self._blocks_heard = 0
        self._delay: int | None = None
        self._skipped = 0
        self._leak = np.ones(BANDS, np.float32)
        self._coupling = 1.0
        self._last = np.zeros(BANDS, np.float32)

    def played(self, sound: Samples | None) -> None:
        """Take 20 ms of what has left the server: 960 samples, mono int16 at 48 kHz; None for silence."""
        self._far.feed(sound)

    def clean(self, near: Samples) -> Cleaned:
        """Take the echo out of 20 ms of microphone sound: 320 samples, mono int16 at 16 kHz."""
        newest, moved = self._clock.tick(self._far.ticks)
        if moved:
            self._move(moved)
        if len(near) != BLOCK or self._is_over(newest):
            self._gate.rest()
            return Cleaned(near, 0.0)
        block = near * FULL_SCALE
        power = float(block @ block)
        self._listen(block, power, newest)
        if self._delay is None:
            left = self._guess(block, newest)
        else:
            left = self._cancel(block, newest)
        rest = float(left @ left)
        echo = min(1.0, max(0.0, 1 - rest / (power + 1e-9)))
        return Cleaned(np.clip(left / FULL_SCALE, -32768, 32767).astype(np.int16), echo)

    def _is_over(self, newest: int) -> bool:
        """Whether nothing of what was played can be heard any more."""
        silent = self._far.silent_ticks - (self._far.ticks - newest)
        longest = _LAGS if self._delay is None else self._skipped + PARTITIONS
        return silent > longest + _LONGEST_TAIL

    def _move(self, blocks: int) -> None:
        self._finder.move(blocks)
        if self._delay is not None:
            self._delay += blocks * BLOCK
            self._skipped += blocks
            if not 0 <= self._skipped < _LAGS:
                self._delay = None

    def _listen(self, block: Wave, power: float, newest: int) -> None:
        """Look for the delay: at every block until it is known, then at every third."""
        if power < _HEARD:
            return
        self._blocks_heard += 1
        if self._delay is not None and self._filter.fit > _FITS and self._blocks_heard % 3:
            return
        self._frame[BLOCK:] = block
        self._finder.feed(spectrum_of(self._frame), self._far.phases(newest, _LAGS))
        if self._finder.fed % _LOOK_EVERY:
            return
        delay = self._finder.find()
        if delay is None or (self._delay is not None and abs(delay - self._delay) <= _BEFORE_PEAK):
            return
        skipped = max(0, (delay - _BEFORE_PEAK) // BLOCK)
        if self._delay is not None:
            self._filter.shift(delay - self._delay - (skipped - self._skipped) * BLOCK)
            self._filter.doubt(0.3)
        self._delay, self._skipped = delay, skipped

    def _guess(self, block: Wave, newest: int) -> Wave:
        """Judge a block while the delay is unknown: by how loud an echo can be that nobody has found."""
        self._frame[BLOCK:] = block
        heard = np.asarray(power_of(spectrum_of(self._frame)) @ TO_BANDS, np.float32)
        alike = self._resemblance.feed(heard, *self._far.levels(newest, _LAGS))
        loudest = self._far.bands(newest, _LAGS).max(0)
        if loudest.sum() > 1:
            ratio = 2 * float(heard.sum() / loudest.sum())
            unlike = self._finder.fed > _ENOUGH and self._finder.certainty < 0.6
            if alike > 0.6 or ratio < self._coupling or unlike:
                self._coupling = max(1e-5, self._coupling * 0.93, 0.0 if unlike else min(1.0, ratio))
        echo: Power = np.asarray(np.float32(self._coupling) * loudest, np.float32)
        self._gate.judge(heard, echo, alike, 1.0)
        return self._gate.shape(block, heard, echo)

    def _cancel(self, block: Wave, newest: int) -> Wave:
        far, powers = self._far.blocks(newest - self._skipped, PARTITIONS)
        left, (heard, unsure, predicted) = self._filter.cancel(block, far, powers)
        alike = self._resemblance.feed(heard, *self._far.levels(newest, _LAGS))
        echo = self._residual(heard, unsure, predicted, alike)
        self._gate.judge(heard, echo, alike, self._filter.fit)
        return self._gate.shape(left, heard, echo)

    def _attack(self, alike: float) -> np.float32:
        return np.float32(0.003 + 0.1 * max(0.0, min(1.0, (alike - 0.55) / 0.2)))

    def _residual(self, heard: Power, unsure: Power, predicted: Power, alike: float) -> Power:
        smeared = np.maximum(predicted, np.float32(0.6) * self._last)
        self._last = smeared
        if not self._gate.open:
            ratio = heard / (smeared + np.float32(1e-3))
            faster = np.where(ratio > self._leak, self._attack(alike), np.float32(0.01))
            self._leak += faster * (np.minimum(ratio, 4) - self._leak)
        return np.asarray(unsure + self._leak * smeared, np.float32)


__all__ = ["Cleaned", "EchoGuard"]

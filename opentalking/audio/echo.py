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
    Spectrum,
    Wave,
    power_of,
    spectrum_of,
)
from opentalking.audio.echo_delay import DelayFinder
from opentalking.audio.echo_far import FarEnd
from opentalking.audio.echo_filter import PARTITIONS, EchoFilter
from opentalking.audio.echo_gate import Gate
from opentalking.core.media import Samples

_LAGS = 40
_IDLE_TICKS = 64
_HEARD = np.float32(1e-7)
_BEFORE_PEAK = 64
_FEWEST = 8
_LOOK_EVERY = 4
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
        self._finder = DelayFinder(_LAGS)
        self._filter = EchoFilter()
        self._resemblance = Resemblance(_LAGS)
        self._gate = Gate()
        self._frame = np.zeros(FRAME, np.float32)
        self._fed = 0
        self._delay: int | None = None
        self._blocks = 0
        self._leak = np.ones(BANDS, np.float32)
        self._sure = 0.0
        self._coupling = 1.0
        self._bound: tuple[Power, Power] = np.zeros(BANDS, np.float32), np.zeros(BANDS, np.float32)
        self._last = np.zeros(BANDS, np.float32)

    def played(self, sound: Samples | None) -> None:
        """Take 20 ms of what has left the server: 960 samples, mono int16 at 48 kHz; None for silence."""
        self._far.feed(sound)

    def clean(self, near: Samples) -> Cleaned:
        """Take the echo out of 20 ms of microphone sound: 320 samples, mono int16 at 16 kHz."""
        if self._far.silent_ticks > _IDLE_TICKS or len(near) != BLOCK:
            return Cleaned(near, 0.0)
        block = near * FULL_SCALE
        power = float(block @ block)
        if power >= BLOCK * _HEARD or self._delay is None:
            self._frame[BLOCK:] = block
            spectrum = spectrum_of(self._frame)
            self._find(spectrum, power)
            if self._delay is None:
                self._wait(spectrum)
        left = self._gate.shape(block, *self._bound) if self._delay is None else self._cancel(block)
        rest = float(left @ left)
        echo = min(1.0, max(0.0, 1 - rest / (power + 1e-9)))
        return Cleaned(np.clip(left / FULL_SCALE, -32768, 32767).astype(np.int16), echo)

    def _wait(self, spectrum: Spectrum) -> None:
        """Judge a block while the delay is unknown: by how loud an echo can be that nobody has found."""
        heard = np.asarray(power_of(spectrum) @ TO_BANDS, np.float32)
        far = self._far.bands(self._far.ticks, _LAGS)
        alike = self._resemblance.feed(heard, far[0])
        loudest = far.max(0)
        if loudest.sum() > 1:
            ratio = 2 * float(heard.sum() / loudest.sum())
            unlike = self._fed > _ENOUGH and self._sure < 0.6
            if alike > 0.6 or (ratio < self._coupling) or unlike:
                self._coupling = max(1e-5, self._coupling * 0.93, 0.0 if unlike else min(1.0, ratio))
        bound: Power = np.asarray(np.float32(self._coupling) * loudest, np.float32)
        self._bound = heard, bound
        self._gate.judge(*self._bound, alike)

    def _find(self, spectrum: Spectrum, power: float) -> None:
        if power < BLOCK * _HEARD:
            return
        self._fed += 1
        far, powers = self._far.blocks(self._far.ticks, _LAGS)
        self._finder.feed(spectrum, far, powers)
        if self._fed < _FEWEST or self._fed % _LOOK_EVERY:
            return
        delay, self._sure = self._finder.find()
        if self._sure < 1.2:
            return
        if self._delay is None:
            self._delay = delay
            self._blocks = max(0, (delay - _BEFORE_PEAK) // BLOCK)
        elif abs(delay - self._delay) > 64:
            blocks = max(0, (delay - _BEFORE_PEAK) // BLOCK)
            self._filter.shift(delay - self._delay - (blocks - self._blocks) * BLOCK)
            self._filter.doubt(0.3)
            self._delay, self._blocks = delay, blocks

    def _cancel(self, block: Wave) -> Wave:
        far, powers = self._far.blocks(self._far.ticks - self._blocks, PARTITIONS)
        left = block - self._filter.predict(far)
        unsure = np.float32(0.5) * (self._filter.uncertainty * powers).sum(0)
        spectrum = self._filter.learn(far, powers, left)
        predicted = (power_of(self._filter.weights) * powers).sum(0)
        newest = self._far.bands(self._far.ticks, 1)[0]
        bands = np.stack([power_of(spectrum), unsure, predicted]) @ TO_BANDS
        alike = self._resemblance.feed(bands[0], newest)
        echo = self._residual(bands[0], bands[1], bands[2], alike)
        self._gate.judge(bands[0], echo, alike)
        return self._gate.shape(left, bands[0], echo)

    def _attack(self, alike: float) -> np.float32:
        return np.float32(0.01 + 0.2 * max(0.0, min(1.0, (alike - 0.55) / 0.2)))

    def _residual(self, heard: Power, unsure: Power, predicted: Power, alike: float) -> Power:
        smeared = np.maximum(predicted, np.float32(0.6) * self._last)
        self._last = smeared
        if not self._gate.open:
            ratio = heard / (smeared + np.float32(1e-3))
            faster = np.where(ratio > self._leak, self._attack(alike), np.float32(0.01))
            self._leak += faster * (np.minimum(ratio, 4) - self._leak)
        return np.asarray(np.float32(2.5) * unsure + np.float32(1.5) * self._leak * smeared, np.float32)

"""Sounds without a word in them: mono int16 at 16 kHz, four seconds each, the same every time.

All are made here; none is a recording. The "voiced cough" ends in a grunt of 160 ms, as many coughs do: a
network that hears voices takes that for one, and only the words (there are none) tell that it is not speech.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
LENGTH = 4 * RATE
VOICED = frozenset({"voiced cough"})
"""Noises made with a voice."""
Wave = NDArray[np.float64]

_THROAT = ((700, 200, 1.0), (1400, 300, 0.7), (2600, 500, 0.5), (3800, 900, 0.3))
_BREATH = ((900, 900, 1.0), (2200, 1200, 0.6))
"""Resonances: hertz, width in hertz, strength."""


def noises() -> dict[str, NDArray[np.int16]]:
    """By name."""
    return {name: noise(name) for name in _MADE}


def noise(name: str, gain: float = 1.0) -> NDArray[np.int16]:
    """One of them, `gain` times as loud."""
    wave = _MADE[name](np.random.default_rng(1))
    return (np.clip(gain * wave, -1, 1) * 32767).astype(np.int16)


def _pink(random: np.random.Generator, length: int) -> Wave:
    spectrum = np.fft.rfft(random.standard_normal(length))
    wave = np.fft.irfft(spectrum / np.sqrt(np.maximum(1, np.arange(len(spectrum)))), length)
    return np.asarray(wave / wave.std(), np.float64)


def _partials(pitch_hz: float, length: int) -> Wave:
    times = np.arange(length) / RATE
    return np.asarray(sum(np.sin(2 * np.pi * pitch_hz * n * times) / n for n in (1, 2, 3, 4)), np.float64)


def _resonant(wave: Wave, peaks: Sequence[tuple[int, int, float]]) -> Wave:
    """`wave` through resonances, its peak at 1."""
    bins = np.fft.rfftfreq(len(wave), 1 / RATE)
    gain = sum(share / np.hypot(1, (bins - hertz) / (width / 2)) for hertz, width, share in peaks)
    heard = np.fft.irfft(np.fft.rfft(wave) * gain, len(wave))
    return np.asarray(heard / np.abs(heard).max(), np.float64)


def _times(seconds: float) -> Wave:
    return np.arange(round(seconds * RATE)) / RATE


def _at(seconds: float, sound: Wave, wave: Wave) -> None:
    """Add `sound` to `wave`, as far as there is room."""
    start = round(seconds * RATE)
    room = wave[start : start + len(sound)]
    room += sound[: len(room)]


def _clicks(random: np.random.Generator) -> Wave:
    """A mouse."""
    wave = 0.002 * random.standard_normal(LENGTH)
    for start in random.integers(0, LENGTH - 300, 14):
        wave[start : start + 300] += 0.4 * random.standard_normal(300) * np.exp(-np.arange(300) / 50)
    return wave


def _typing(random: np.random.Generator) -> Wave:
    """Somebody types fast: each key goes down and up again."""
    wave = 0.001 * random.standard_normal(LENGTH)
    at = 0.2
    while at < 3.8:
        strength = 0.2 + 0.15 * random.random()
        _at(at, strength * _key(random), wave)
        _at(at + 0.075 + 0.03 * random.random(), 0.4 * strength * _key(random), wave)
        at += 0.09 + 0.16 * random.random()
    return wave


def _key(random: np.random.Generator) -> Wave:
    times = _times(0.08)
    sound = 0.8 * random.standard_normal(len(times)) * np.exp(-times / 0.003)
    for hertz, fades, share in ((1800, 0.004, 1.0), (3600, 0.003, 0.7), (420, 0.012, 0.5)):
        pitch = hertz * (1 + 0.2 * random.random())
        sound += share * np.sin(2 * np.pi * (pitch * times + random.random())) * np.exp(-times / fades)
    return np.asarray(sound / np.abs(sound).max(), np.float64)


def _knocks(random: np.random.Generator) -> Wave:
    """At a wooden door."""
    wave = 0.001 * random.standard_normal(LENGTH)
    times = _times(0.15)
    for at in (0.5, 0.7, 0.9, 2.5, 2.7):
        sound = np.sin(2 * np.pi * 180 * times) * np.exp(-times / 0.03)
        sound += 0.5 * np.sin(2 * np.pi * 410 * times) * np.exp(-times / 0.015)
        sound += 0.5 * random.standard_normal(len(times)) * np.exp(-times / 0.004)
        _at(at, 0.4 * sound, wave)
    return wave


def _cough(random: np.random.Generator) -> Wave:
    wave = 0.001 * random.standard_normal(LENGTH)
    for start in (12_000, 20_000):
        rise = np.minimum(1, np.arange(4800) / 200) * np.exp(-np.arange(4800) / 1200)
        wave[start : start + 4800] += 0.25 * _pink(random, 4800) * rise
    return wave


def _voiced_cough(random: np.random.Generator) -> Wave:
    """Twice and once: a burst, air, and the vocal cords as they close."""
    wave = 0.001 * random.standard_normal(LENGTH)
    times = _times(0.38)
    for at in (0.6, 1.1, 2.6):
        burst = random.standard_normal(len(times)) * np.exp(-times / 0.025)
        air = np.clip((times - 0.02) / 0.02, 0, 1) * np.exp(-np.maximum(0, times - 0.12) / 0.05)
        pulses = np.cumsum(np.interp(times, (0.2, 0.38), (280, 150))) / RATE % 1 < 0.15
        closes = np.clip((times - 0.2) / 0.02, 0, 1) * np.exp(-np.maximum(0, times - 0.24) / 0.05)
        throat = burst + 0.35 * random.standard_normal(len(times)) * air + 0.3 * (pulses - 0.15) * closes
        _at(at, 0.5 * _resonant(throat, _THROAT), wave)
    return wave


def _breathing(random: np.random.Generator) -> Wave:
    """Close to the microphone."""
    wave = 0.0005 * random.standard_normal(LENGTH)
    for at in (0.3, 1.8, 3.0):
        air = random.standard_normal(round(0.7 * RATE))
        _at(at, 0.05 * _resonant(air, _BREATH) * np.hanning(len(air)), wave)
    return wave


def _music(random: np.random.Generator) -> Wave:
    """Eight plucked notes."""
    notes = [220.0 * 2 ** (step / 12) for step in random.integers(0, 12, 8)]
    fade = np.exp(-np.arange(LENGTH // 8) / 4000)
    return np.concatenate([0.1 * _partials(pitch, LENGTH // 8) * fade for pitch in notes])


def _band(random: np.random.Generator) -> Wave:
    """Piano, bass and drums, 120 beats a minute."""
    wave = np.zeros(LENGTH)
    hat, drum = _times(0.04), _times(0.2)
    for beat, root in enumerate((0, 0, 5, 5, 7, 7, 0, 0)):
        at = beat / 2
        for step in (0, 4, 7):
            _at(at, 0.12 * _string(220 * 2 ** ((root + step) / 12), 0.5), wave)
        _at(at, 0.2 * _string(55 * 2 ** (root / 12), 0.5), wave)
        pitch = 50 * drum + 1.2 * (1 - np.exp(-drum / 0.03))
        _at(at, 0.5 * np.sin(2 * np.pi * pitch) * np.exp(-drum / 0.08), wave)
        for half in (0, 0.25):
            _at(at + half, 0.15 * random.standard_normal(len(hat)) * np.exp(-hat / 0.0075), wave)
            tune = 440 * 2 ** (random.choice([0, 2, 4, 7, 9]) / 12)
            _at(at + half, 0.15 * _string(tune, 0.25), wave)
    return np.asarray(0.5 * wave / np.abs(wave).max(), np.float64)


def _string(pitch_hz: float, seconds: float) -> Wave:
    times = _times(seconds)
    parts = (
        np.sin(2 * np.pi * pitch_hz * n * np.sqrt(1 + 0.0004 * n * n) * times) * np.exp(-times * n / 0.6) / n
        for n in range(1, 8)
    )
    return np.asarray(sum(parts) * np.minimum(1, times / 0.004), np.float64)


_MADE: dict[str, Callable[[np.random.Generator], Wave]] = {
    "silence": lambda _: np.zeros(LENGTH),
    "faint hiss": lambda random: 0.003 * random.standard_normal(LENGTH),
    "loud hiss": lambda random: 0.05 * random.standard_normal(LENGTH),
    "rumble": lambda random: 0.05 * _pink(random, LENGTH),
    "hum": lambda _: _partials(50.0, LENGTH) * 0.1,
    "clicks": _clicks,
    "typing": _typing,
    "knocks": _knocks,
    "cough": _cough,
    "voiced cough": _voiced_cough,
    "breathing": _breathing,
    "music": _music,
    "band": _band,
}

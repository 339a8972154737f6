"""Sounds without a word in them: mono int16 at 16 kHz, four seconds each, the same every time."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
LENGTH = 4 * RATE
Wave = NDArray[np.float64]


def noises() -> dict[str, NDArray[np.int16]]:
    """By name."""
    made: dict[str, Callable[[np.random.Generator], Wave]] = {
        "silence": lambda _: np.zeros(LENGTH),
        "faint hiss": lambda random: 0.003 * random.standard_normal(LENGTH),
        "loud hiss": lambda random: 0.05 * random.standard_normal(LENGTH),
        "rumble": lambda random: 0.05 * _pink(random, LENGTH),
        "hum": lambda _: _partials(50.0, LENGTH) * 0.1,
        "clicks": _clicks,
        "cough": _cough,
        "music": _music,
    }
    return {
        name: (np.clip(make(np.random.default_rng(1)), -1, 1) * 32767).astype(np.int16)
        for name, make in made.items()
    }


def _pink(random: np.random.Generator, length: int) -> Wave:
    spectrum = np.fft.rfft(random.standard_normal(length))
    wave = np.fft.irfft(spectrum / np.sqrt(np.maximum(1, np.arange(len(spectrum)))), length)
    return np.asarray(wave / wave.std(), np.float64)


def _partials(pitch_hz: float, length: int) -> Wave:
    times = np.arange(length) / RATE
    return np.asarray(sum(np.sin(2 * np.pi * pitch_hz * n * times) / n for n in (1, 2, 3, 4)), np.float64)


def _clicks(random: np.random.Generator) -> Wave:
    """Somebody types."""
    wave = 0.002 * random.standard_normal(LENGTH)
    for start in random.integers(0, LENGTH - 300, 14):
        wave[start : start + 300] += 0.4 * random.standard_normal(300) * np.exp(-np.arange(300) / 50)
    return wave


def _cough(random: np.random.Generator) -> Wave:
    wave = 0.001 * random.standard_normal(LENGTH)
    for start in (12_000, 20_000):
        rise = np.minimum(1, np.arange(4800) / 200) * np.exp(-np.arange(4800) / 1200)
        wave[start : start + 4800] += 0.25 * _pink(random, 4800) * rise
    return wave


def _music(random: np.random.Generator) -> Wave:
    """Eight plucked notes."""
    notes = [220.0 * 2 ** (step / 12) for step in random.integers(0, 12, 8)]
    fade = np.exp(-np.arange(LENGTH // 8) / 4000)
    return np.concatenate([0.1 * _partials(pitch, LENGTH // 8) * fade for pitch in notes])

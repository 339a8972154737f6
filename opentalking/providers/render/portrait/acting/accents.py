"""Which syllables are stressed: told from how loud and how long their vowels are."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from opentalking.core.media import PhonemeTiming
from opentalking.providers.render.visemes import visemes_of

_VOWELS = frozenset(
    {
        "open",
        "half_open",
        "front",
        "spread",
        "relaxed_spread",
        "neutral",
        "round_open",
        "round",
        "round_close",
    }
)
_LEAST, _APART_SECONDS = 0.58, 0.65
_REMEMBERED_VOWELS = 24
_USUAL_SECONDS = 0.08
"""A vowel of which nothing else is known lasts as long as this."""
_PAUSE_SECONDS = 0.12


@dataclass(frozen=True, slots=True)
class Accent:
    """A stressed syllable: its middle in seconds from the piece's start, and its weight, 0..1."""

    at: float
    weight: float


class StressFinder:
    """Finds the stressed syllables of a voice whose pieces come one after another."""

    def __init__(self) -> None:
        self._lengths: deque[float] = deque(maxlen=_REMEMBERED_VOWELS)
        self._last_at = -10.0
        """The last accent, seconds from the next piece's start."""

    def find(
        self, phonemes: Sequence[PhonemeTiming], loudness: NDArray[np.float32], hop_seconds: float
    ) -> list[Accent]:
        """The accents of the next piece, in order and never too close to another.

        `loudness` is 0..1 per hop. Without phonemes every swell of the voice counts as a vowel.
        """
        spans = _vowels(phonemes) if phonemes else _swells(loudness, hop_seconds)
        found: list[Accent] = []
        if spans and len(loudness):
            weights = self._weigh(spans, loudness, hop_seconds)
            for k in np.argsort(-weights, kind="stable"):
                at = sum(spans[k]) / 2
                if weights[k] < _LEAST:
                    break
                if all(
                    abs(at - other) >= _APART_SECONDS for other in (self._last_at, *(a.at for a in found))
                ):
                    found.append(Accent(at, float(min(1.0, (weights[k] - 0.4) / 0.6))))
        found.sort(key=lambda accent: accent.at)
        self._last_at = (found[-1].at if found else self._last_at) - len(loudness) * hop_seconds
        return found

    def _weigh(
        self, spans: list[tuple[float, float]], loudness: NDArray[np.float32], hop_seconds: float
    ) -> NDArray[np.float64]:
        """How prominent each vowel is, about 0..1; 0 for one that is hardly heard."""
        loud = np.array([_loudest(loudness, start, end, hop_seconds) for start, end in spans])
        long = np.array([end - start for start, end in spans])
        self._lengths.extend(long)
        usual = max(_USUAL_SECONDS, float(np.median(self._lengths)))
        weights = 0.55 * loud / max(0.5, float(loud.max())) + 0.45 * np.clip(long / usual / 1.7, 0, 1)
        return np.where(loud < 0.3, 0.0, weights)


def pauses_of(
    phonemes: Sequence[PhonemeTiming], loudness: NDArray[np.float32], hop_seconds: float
) -> list[float]:
    """Where phrases end inside a piece: seconds at which a pause begins that follows speech."""
    if phonemes:
        return [
            one.start_seconds
            for one in phonemes
            if not one.symbol
            and one.end_seconds - one.start_seconds >= _PAUSE_SECONDS
            and one.start_seconds > 0.2
        ]
    quiet = np.r_[loudness < 0.12, False]
    edges = np.flatnonzero(np.diff(np.r_[0, quiet.astype(np.int8), 0]))
    return [
        float(first * hop_seconds)
        for first, last in zip(edges[::2], edges[1::2], strict=True)
        if (last - first) * hop_seconds >= _PAUSE_SECONDS and first * hop_seconds > 0.2
    ]


def _vowels(phonemes: Sequence[PhonemeTiming]) -> list[tuple[float, float]]:
    return [
        (one.start_seconds, one.end_seconds)
        for one in phonemes
        if one.symbol and any(shape.name in _VOWELS for shape in visemes_of(one.symbol))
    ]


def _swells(loudness: NDArray[np.float32], hop_seconds: float) -> list[tuple[float, float]]:
    loud = np.r_[0, (np.convolve(loudness, np.ones(5) / 5, "same") > 0.55).astype(np.int8), 0]
    edges = np.flatnonzero(np.diff(loud))
    return [(a * hop_seconds, b * hop_seconds) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _loudest(loudness: NDArray[np.float32], start: float, end: float, hop_seconds: float) -> float:
    first = min(len(loudness) - 1, int(start / hop_seconds))
    last = max(first + 1, int(end / hop_seconds))
    return float(loudness[first:last].mean())

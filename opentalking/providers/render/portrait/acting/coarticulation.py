"""Mouth targets over time in which neighbouring sounds share the lips.

Every shape pulls each parameter towards its own value, with a strength that says how much the sound
cares, over its own time and, fading, beyond: rounding is prepared early, a t hardly touches the jaw.
The idea of dominance follows Cohen and Massaro, "Modeling coarticulation in synthetic visual speech"
(1993); shapes of the curves and numbers are our own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from opentalking.core.media import PhonemeTiming
from opentalking.providers.render.visemes import PARAMETERS, Viseme, visemes_of

_BLOCK = 100
"""Hops that are computed at once, with the sounds around them only."""
_WITHIN_SECONDS = 0.45


@dataclass(frozen=True, slots=True)
class _Group:
    """Parameters that share how early they begin (`before`) and how long they last (`after`), seconds."""

    names: tuple[str, ...]
    before: float
    after: float


_GROUPS = (
    _Group(("jaw", "raise", "drop"), 0.024, 0.030),
    _Group(("wide", "pucker", "smile"), 0.110, 0.065),
    _Group(("press", "tuck", "tongue"), 0.022, 0.022),
)
_VOWEL = (1.0, 1.0, 1.0)
_STRENGTHS: dict[str, tuple[float, float, float]] = {
    "rest": (0.8, 0.5, 1.0),
    "closed": (1.6, 0.20, 2.0),
    "teeth_on_lip": (1.6, 0.25, 2.0),
    "relaxed_spread": (1.0, 0.7, 1.0),
    "neutral": (0.8, 0.35, 1.0),
    "round_close": (1.0, 1.6, 1.0),
    "round": (1.0, 1.3, 1.0),
    "hiss": (1.8, 0.45, 1.0),
    "hush": (1.7, 0.9, 1.0),
    "tongue_between": (1.1, 0.25, 1.6),
    "tongue_up": (0.8, 0.15, 1.4),
    "tap": (0.7, 0.12, 1.2),
    "back": (0.6, 0.10, 1.0),
    "rhotic": (0.8, 0.6, 1.0),
}
"""How strongly a shape asks for its jaw, its lips' width, and its closure or tongue; vowels: 1."""
_SHORT_PAUSE_SECONDS = 0.15
"""A shorter pause closes the mouth only in part."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A mouth shape and when it is due, seconds from the piece's start."""

    viseme: Viseme
    start: float
    end: float


def shapes_of(phonemes: Sequence[PhonemeTiming]) -> list[Shape]:
    """The shapes of a piece in order; a phoneme with several shows one after another."""
    shapes: list[Shape] = []
    for phoneme in phonemes:
        visemes = visemes_of(phoneme.symbol)
        edges = np.linspace(phoneme.start_seconds, phoneme.end_seconds, len(visemes) + 1)
        shapes += [
            Shape(viseme, float(a), float(b))
            for viseme, a, b in zip(visemes, edges[:-1], edges[1:], strict=True)
        ]
    return shapes


def blend(shapes: Sequence[Shape], hops: int, hop_seconds: float) -> NDArray[np.float32]:
    """Targets (hops, p) of the mouth for a piece with these shapes (those before it have negative times)."""
    targets = np.zeros((hops, len(PARAMETERS)), np.float32)
    if not shapes:
        return targets
    starts = np.array([shape.start for shape in shapes])
    ends = np.array([shape.end for shape in shapes])
    values = np.stack([shape.viseme.target for shape in shapes])
    strengths = np.stack([_strength(shape) for shape in shapes])
    for first in range(0, hops, _BLOCK):
        times = (np.arange(first, min(hops, first + _BLOCK)) + 0.5) * hop_seconds
        near = (ends > times[0] - _WITHIN_SECONDS) & (starts < times[-1] + _WITHIN_SECONDS)
        early = np.maximum(starts[near] - times[:, None], 0)
        late = np.maximum(times[:, None] - ends[near], 0)
        for group, strength in zip(_GROUPS, strengths[near].T, strict=True):
            pull = np.exp(-early / group.before - late / group.after) * strength
            total = pull.sum(1, keepdims=True) + 0.02
            columns = [PARAMETERS.index(name) for name in group.names]
            targets[first : first + len(times), columns] = (pull @ values[near][:, columns]) / total
    return targets


def _strength(shape: Shape) -> NDArray[np.float64]:
    strength = np.array(_STRENGTHS.get(shape.viseme.name, _VOWEL))
    if shape.viseme.name == "rest":
        strength *= np.clip((shape.end - shape.start) / _SHORT_PAUSE_SECONDS, 0.2, 1)
    return strength

"""What the mouth does over time: viseme targets, loudness, smoothing and true closures."""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from opentalking.core.media import FPS, MEDIA_RATE, PhonemeTiming, Samples, Speech
from opentalking.providers.render.visemes import PARAMETERS, FaceParameters, visemes_of

HOP_SECONDS = 0.01
_HOP = int(MEDIA_RATE * HOP_SECONDS)
_HOPS_PER_FRAME = round(1 / FPS / HOP_SECONDS)
_LEAD_SECONDS = 0.05
"""Lips are ahead of the sound, as people's are; only inside the piece that is known."""
_ATTACK = np.array([0.038, 0.060, 0.055, 0.040, 0.040, 0.025, 0.030, 0.060, 0.040], np.float32)
_RELEASE = np.array([0.055, 0.080, 0.070, 0.050, 0.050, 0.035, 0.040, 0.080, 0.050], np.float32)
_RISE = 1 - np.exp(-HOP_SECONDS / _ATTACK)
_FALL = 1 - np.exp(-HOP_SECONDS / _RELEASE)
_BY_LOUDNESS = np.array([name in {"jaw", "raise", "drop"} for name in PARAMETERS])
_NEIGHBOUR_SHARE = 0.35

_FLOOR_DECIBELS, _RANGE_DECIBELS = -48.0, 26.0
_PEAK_DECAY = 16.0
"""Decibels per second by which the remembered loudest moment fades."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """One piece of speech: targets per hop (n, 9), loudness per hop, from `start` seconds on."""

    start: float
    targets: NDArray[np.float32]
    loudness: NDArray[np.float32]

    @property
    def end(self) -> float:
        return self.start + len(self.targets) * HOP_SECONDS


@dataclass(frozen=True, slots=True)
class _Closure:
    """A moment at which the lips must have reached `target`, seconds from the turn's start."""

    at: float
    target: FaceParameters


class LoudnessMeter:
    """Loudness 0..1 per hop, relative to the loudest moment of the last seconds; causal."""

    def __init__(self) -> None:
        self._peak = -20.0

    def measure(self, pcm: Samples) -> NDArray[np.float32]:
        """One value per hop of `pcm` (the last, partial hop counts)."""
        hops = -(-len(pcm) // _HOP)
        padded = np.zeros(hops * _HOP, np.float32)
        padded[: len(pcm)] = pcm
        power = np.square(padded.reshape(hops, _HOP) / 32768).mean(1)
        decibels = 10 * np.log10(power + 1e-10)
        faded = _PEAK_DECAY * HOP_SECONDS * np.arange(1, hops + 1)
        peaks = np.maximum.accumulate(np.append(self._peak, decibels + faded))[1:] - faded
        peaks = np.maximum(peaks, _FLOOR_DECIBELS)
        self._peak = float(peaks[-1]) if hops else self._peak
        values = (decibels - (peaks - _RANGE_DECIBELS - 8)) / _RANGE_DECIBELS
        return np.asarray(np.clip(values, 0, 1), np.float32)


class Articulation:
    """Face parameters frame by frame for pieces of speech that arrive one after another.

    Between pieces no time passes: the mouth goes on from where it is.
    """

    def __init__(self) -> None:
        self._meter = LoudnessMeter()
        self._pieces: deque[_Piece] = deque()
        self._closures: deque[_Closure] = deque()
        self._state = np.zeros(len(PARAMETERS), np.float32)

    def add(self, speech: Speech, start_seconds: float) -> None:
        """Plan the piece that begins at `start_seconds` of the turn."""
        if not len(speech.pcm):
            return
        loudness = self._meter.measure(speech.pcm)
        if speech.phonemes:
            targets = _targets(speech.phonemes, len(loudness))
            gain = 0.62 + 0.42 * loudness
            targets[:, _BY_LOUDNESS] *= gain[:, None]
            self._closures.extend(_closures(speech.phonemes, start_seconds))
        else:
            targets = targets_from_sound(speech.pcm, loudness)
        self._pieces.append(_Piece(start_seconds, targets, loudness))

    def next_frame(self, frame: int) -> tuple[FaceParameters, float]:
        """Face parameters and loudness of `frame` (counted from the turn's start; call in order)."""
        start = frame / FPS
        loudness = 0.0
        for hop in range(_HOPS_PER_FRAME):
            at = start + (hop + 0.5) * HOP_SECONDS
            piece = self._piece_at(at)
            if piece is None:
                target = np.zeros(len(PARAMETERS), np.float32)
            else:
                target = piece.targets[_index(piece, at + _LEAD_SECONDS)]
                loudness = max(loudness, float(piece.loudness[_index(piece, at)]))
            change = target - self._state
            self._state = self._state + change * np.where(change > 0, _RISE, _FALL)
        self._close(start + 0.5 / FPS)
        return self._state.copy(), loudness

    def _piece_at(self, at: float) -> _Piece | None:
        while self._pieces and self._pieces[0].end <= at:
            self._pieces.popleft()
        return self._pieces[0] if self._pieces and self._pieces[0].start <= at else None

    def _close(self, middle: float) -> None:
        """Make lips that must meet do so on the frame nearest to their moment."""
        half = 0.5 / FPS
        while self._closures and self._closures[0].at < middle - half:
            self._closures.popleft()
        for closure in self._closures:
            distance = closure.at - middle
            if distance > half + 1 / FPS:
                break
            share = 1.0 if distance < half else _NEIGHBOUR_SHARE
            self._state = self._state + (closure.target - self._state) * np.float32(share)


def _index(piece: _Piece, at: float) -> int:
    return min(len(piece.targets) - 1, max(0, int((at - piece.start) / HOP_SECONDS)))


def _targets(phonemes: tuple[PhonemeTiming, ...], hops: int) -> NDArray[np.float32]:
    """Viseme targets per hop; a phoneme with several shapes shows one after another."""
    targets = np.zeros((hops, len(PARAMETERS)), np.float32)
    for phoneme in phonemes:
        shapes = visemes_of(phoneme.symbol)
        edges = np.linspace(phoneme.start_seconds, phoneme.end_seconds, len(shapes) + 1)
        for shape, first, last in zip(shapes, edges[:-1], edges[1:], strict=True):
            targets[round(first / HOP_SECONDS) : max(0, round(last / HOP_SECONDS))] = shape.target
    return targets


def _closures(phonemes: tuple[PhonemeTiming, ...], start: float) -> list[_Closure]:
    found = []
    for phoneme in phonemes:
        shape = visemes_of(phoneme.symbol)[0]
        if shape.must_close:
            middle = (phoneme.start_seconds + phoneme.end_seconds) / 2
            found.append(_Closure(start + middle, shape.target))
    return found


def targets_from_sound(pcm: Samples, loudness: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mouth targets per hop from sound alone: loud opens the jaw, hissing shows the teeth.

    `loudness` is `LoudnessMeter.measure(pcm)`. Sound that crosses zero often is a hiss, whose energy
    does not come from an open mouth.
    """
    hops = len(loudness)
    padded = np.zeros(hops * _HOP, np.int16)
    padded[: len(pcm)] = pcm
    signs = np.signbit(padded.reshape(hops, _HOP))
    crossings = (signs[:, 1:] != signs[:, :-1]).mean(1)
    hiss = np.clip((crossings - 0.12) / 0.15, 0, 1)
    voice = np.clip((loudness - 0.25) / 0.75, 0, 1) ** 1.3
    amounts = {
        "jaw": 0.75 * voice * (1 - 0.85 * hiss),
        "drop": 0.30 * voice + 0.35 * hiss * loudness,
        "raise": 0.28 * voice + 0.25 * hiss * loudness,
        "wide": 0.12 * voice + 0.25 * hiss * loudness,
        "pucker": 0.18 * np.clip(voice - 0.2, 0, 1) * (1 - hiss) * (crossings < 0.03),
    }
    still = np.zeros(hops)
    return np.stack([amounts.get(name, still) for name in PARAMETERS], -1).astype(np.float32)

"""What the mouth does over time: viseme targets, loudness, smoothing and true closures."""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from opentalking.core.media import FPS, MEDIA_RATE, Samples, Speech
from opentalking.providers.render.portrait.coarticulation import Shape, blend, shapes_of
from opentalking.providers.render.visemes import PARAMETERS, FaceParameters

HOP_SECONDS = 0.01
_HOP = int(MEDIA_RATE * HOP_SECONDS)
_HOPS_PER_FRAME = round(1 / FPS / HOP_SECONDS)
_SMOOTHING_SECONDS = {"wide": 0.032, "pucker": 0.032, "press": 0.012, "tuck": 0.014, "smile": 0.040}
"""Time constant of each of the two stages that round off the movement; others: 0.021."""
_RATES = np.array([1 - np.exp(-HOP_SECONDS / _SMOOTHING_SECONDS.get(name, 0.021)) for name in PARAMETERS])
_LEADS = np.array([round(2 * _SMOOTHING_SECONDS.get(name, 0.021) / HOP_SECONDS) for name in PARAMETERS])
"""Hops by which targets are taken ahead, because smoothing costs time.

A frame is drawn as at its end, so that lips are half a frame ahead of the sound, as people's are.
"""
_LEAD_STEPS = tuple(np.unique(_LEADS).tolist())
_BY_LOUDNESS = np.array([name in {"jaw", "raise", "drop"} for name in PARAMETERS])
_CLOSING = np.array([name in {"jaw", "raise", "drop", "press", "tuck", "tongue"} for name in PARAMETERS])
"""What a closure decides; the lips' width belongs to the vowels around."""
_SHUT_SECONDS, _CLOSING_SECONDS = 0.5 / FPS, 0.045
"""Lips that must meet do so for one frame, and part or close within the second time."""
_REMEMBERED_SHAPES = 4

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
        self._before: list[Shape] = []
        """The last shapes of the piece before, whose end is time 0."""
        self._end = 0.0
        self._halfway = np.zeros(len(PARAMETERS))
        self._state = np.zeros(len(PARAMETERS))

    def add(self, speech: Speech, start_seconds: float) -> NDArray[np.float32]:
        """Plan the piece that begins at `start_seconds` of the turn; returns its loudness per hop."""
        loudness = self._meter.measure(speech.pcm)
        if not len(loudness):
            return loudness
        if speech.phonemes:
            targets = self._articulate(speech, start_seconds, loudness)
        else:
            targets = targets_from_sound(speech.pcm, loudness)
        self._pieces.append(_Piece(start_seconds, targets, loudness))
        self._end = start_seconds + speech.seconds
        return loudness

    def next_frame(self, frame: int) -> tuple[FaceParameters, float]:
        """Face parameters and loudness of `frame` (counted from the turn's start; call in order)."""
        start = frame / FPS
        loudness = 0.0
        while self._pieces and self._pieces[0].end <= start:
            self._pieces.popleft()
        for hop in range(_HOPS_PER_FRAME):
            at = start + (hop + 0.5) * HOP_SECONDS
            piece = self._piece_at(at)
            target = self._target(at)
            if piece is not None:
                loudness = max(loudness, float(piece.loudness[_index(piece, at)]))
            self._halfway += (target - self._halfway) * _RATES
            self._state += (self._halfway - self._state) * _RATES
        return self._closed(start + 0.5 / FPS), loudness

    def _articulate(
        self, speech: Speech, start_seconds: float, loudness: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        shapes = shapes_of(speech.phonemes)
        gap = start_seconds - self._end
        before = [Shape(one.viseme, one.start - gap, one.end - gap) for one in self._before]
        targets = blend([*before, *shapes], len(loudness), HOP_SECONDS)
        targets[:, _BY_LOUDNESS] *= (0.66 + 0.46 * loudness)[:, None]
        for shape in shapes:
            if shape.viseme.must_close:
                middle = start_seconds + (shape.start + shape.end) / 2
                self._closures.append(_Closure(middle, shape.viseme.target))
        last = speech.seconds
        self._before = [
            Shape(one.viseme, one.start - last, one.end - last) for one in shapes[-_REMEMBERED_SHAPES:]
        ]
        return targets

    def _piece_at(self, at: float) -> _Piece | None:
        return next((piece for piece in self._pieces if piece.start <= at < piece.end), None)

    def _target(self, at: float) -> NDArray[np.float32]:
        """Where the mouth is going: a little ahead, as far as the sound there is known."""
        target = np.zeros(len(PARAMETERS), np.float32)
        for lead in _LEAD_STEPS:
            piece = self._piece_at(at + lead * HOP_SECONDS) or self._piece_at(at)
            if piece is not None:
                columns = lead == _LEADS
                target[columns] = piece.targets[_index(piece, at + lead * HOP_SECONDS), columns]
        return target

    def _closed(self, middle: float) -> FaceParameters:
        """The mouth with lips that must meet meeting on the frame nearest to their moment."""
        reach = _SHUT_SECONDS + _CLOSING_SECONDS
        while self._closures and self._closures[0].at < middle - reach:
            self._closures.popleft()
        face = self._state.astype(np.float32)
        for closure in self._closures:
            if closure.at > middle + reach:
                break
            beyond = max(0.0, abs(closure.at - middle) - _SHUT_SECONDS) / _CLOSING_SECONDS
            share = np.float32(np.cos(np.pi / 2 * min(1.0, beyond)) ** 2)
            face[_CLOSING] += (closure.target[_CLOSING] - face[_CLOSING]) * share
        return face


def _index(piece: _Piece, at: float) -> int:
    return min(len(piece.targets) - 1, max(0, int((at - piece.start) / HOP_SECONDS)))


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

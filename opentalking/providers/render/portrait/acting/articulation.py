"""What the mouth does over time: viseme targets, loudness, smoothing and true closures."""

import math
import sys
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from opentalking.core.media import FPS, MEDIA_RATE, Samples, Speech
from opentalking.providers.render.portrait.acting.coarticulation import Shape, blend, shapes_of
from opentalking.providers.render.portrait.acting.heard import Closures, HeardSound
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
_HEARD_LEAD_SECONDS = 0.01
"""How far beyond a frame sound without phonemes is looked at, even if more of it is known.

So the mouth does not depend on the pieces in which sound comes, and no frame waits for longer than 80 ms.
"""

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

    def index(self, at: float) -> int:
        return min(len(self.targets) - 1, max(0, int((at - self.start) / HOP_SECONDS)))


@dataclass(frozen=True, slots=True)
class _Closure:
    """A moment at which the lips must have reached `target`, seconds from the turn's start.

    One that is not `foreseen` may become known late: frames that end well before do not heed it.
    """

    at: float
    target: FaceParameters
    foreseen: bool = True


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
        self._pieces: deque[_Piece | HeardSound] = deque()
        self._closures: deque[_Closure] = deque()
        self._heard: HeardSound | None = None
        self._before: list[Shape] = []
        """The last shapes of the piece before, whose end is time 0; none if only its sound is known."""
        self._end = 0.0
        self._halfway = np.zeros(len(PARAMETERS))
        self._state = np.zeros(len(PARAMETERS))

    def add(self, speech: Speech, start_seconds: float) -> NDArray[np.float32]:
        """Plan the piece that begins at `start_seconds` of the turn; returns its loudness per hop."""
        loudness = self._meter.measure(speech.pcm)
        if speech.phonemes and len(loudness):
            self.finish()
            targets = self._articulate(speech, start_seconds, loudness)
            self._pieces.append(_Piece(start_seconds, targets, loudness))
        elif len(loudness):
            self._listen(speech.pcm, start_seconds)
        if speech.ends_sentence:
            self.finish()
        self._end = start_seconds + speech.seconds
        return loudness

    @property
    def decided_frames(self) -> int:
        """Frames from the turn's start on that no later piece can change; `sys.maxsize` if all are."""
        if self._heard is None:
            return sys.maxsize
        return math.floor((self._heard.end - _HEARD_LEAD_SECONDS) * FPS + 1e-6)

    def finish(self) -> None:
        """Sound without phonemes ends here: decide its last frames."""
        if self._heard is not None:
            self._close_on(self._heard.finish())
            self._heard = None

    def _listen(self, pcm: Samples, start_seconds: float) -> None:
        if self._heard is None:
            self._heard = HeardSound(start_seconds)
            self._pieces.append(self._heard)
            self._before = []
        self._close_on(self._heard.feed(pcm))

    def _close_on(self, closures: Closures) -> None:
        self._closures.extend(_Closure(at, target, foreseen=False) for at, target in closures)

    def next_frame(self, frame: int) -> tuple[FaceParameters, float]:
        """Face parameters and loudness of `frame` (counted from the turn's start; call in order)."""
        start = frame / FPS
        loudness = 0.0
        while self._pieces and self._pieces[0].end <= start:
            self._pieces.popleft()
        if self._heard is not None:
            self._heard.forget(start)
        for hop in range(_HOPS_PER_FRAME):
            at = start + (hop + 0.5) * HOP_SECONDS
            piece = self._piece_at(at)
            target = self._target(at, start + 1 / FPS)
            if piece is not None:
                loudness = max(loudness, float(piece.loudness[piece.index(at)]))
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

    def _piece_at(self, at: float) -> _Piece | HeardSound | None:
        return next((piece for piece in self._pieces if piece.start <= at < piece.end), None)

    def _target(self, at: float, frame_end: float) -> NDArray[np.float32]:
        """Where the mouth is going: a little ahead, as far as the sound there is known."""
        target = np.zeros(len(PARAMETERS), np.float32)
        now = self._piece_at(at)
        for lead in _LEAD_STEPS:
            ahead = at + lead * HOP_SECONDS
            if isinstance(now, HeardSound):
                ahead = min(ahead, frame_end + _HEARD_LEAD_SECONDS / 2)
            piece = self._piece_at(ahead) or now
            if piece is not None:
                columns = lead == _LEADS
                target[columns] = piece.targets[piece.index(ahead), columns]
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
            if not closure.foreseen and closure.at > middle + (0.5 / FPS + _HEARD_LEAD_SECONDS / 2):
                continue
            beyond = max(0.0, abs(closure.at - middle) - _SHUT_SECONDS) / _CLOSING_SECONDS
            share = np.float32(np.cos(np.pi / 2 * min(1.0, beyond)) ** 2)
            face[_CLOSING] += (closure.target[_CLOSING] - face[_CLOSING]) * share
        return face

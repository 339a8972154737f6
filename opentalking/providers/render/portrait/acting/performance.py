"""Everything that a face does during one turn: mouth, lids, gaze, brows and head, frame by frame."""

import math
import random
from collections import deque
from dataclasses import dataclass

import numpy as np

from opentalking.core.conversation import Emotion
from opentalking.core.media import FPS, Speech
from opentalking.providers.render.portrait.acting.accents import Accent, StressFinder, pauses_of
from opentalking.providers.render.portrait.acting.articulation import HOP_SECONDS, Articulation
from opentalking.providers.render.portrait.acting.bearing import (
    EMOTIONS,
    Bearing,
    Ease,
    bearing,
    expression_of,
    idle_bearing,
    is_apart,
    lids_of,
    posed,
    smile_of,
)  # fmt: skip
from opentalking.providers.render.portrait.acting.eyes import Blinks, Glances
from opentalking.providers.render.portrait.acting.motion import (
    POSE_FRAMES,
    USUAL,
    Idling,
    idle_expression,
)  # fmt: skip
from opentalking.providers.render.portrait.expression import Expression, Pose
from opentalking.providers.render.visemes import PARAMETERS, FaceParameters

_SMILE = PARAMETERS.index("smile")
_BUMP_SECONDS = 0.40
"""Duration of a nod or a raise of the brows."""
_EARLY_SECONDS = 0.12
"""By which they are begun earlier, because easing in takes time."""
_NOD, _RAISE = 1.9, 0.42


@dataclass(frozen=True, slots=True)
class Shown:
    """One frame as the painter needs it."""

    mouth: FaceParameters
    shut: float
    pose: Pose
    expression: Expression


@dataclass(frozen=True, slots=True)
class _Gesture:
    """A short raise of brows and head, seconds from the turn's start."""

    at: float
    brows: float
    nod: float


class Performance:
    """One turn of a face that goes on from frame `idle_position` of its idle loop, and comes back to it.

    `seed` (the turn's id) makes every turn another one, and the same turn the same. `shown` is how
    the face looks when the turn begins, if that is not the idle loop's look.
    """

    def __init__(
        self, seed: str, idle_position: int, shown: Ease | None = None, idling: Idling = USUAL
    ) -> None:
        self._chance = random.Random(seed)
        self._idling = idling
        self._position = idle_position
        self._articulation = Articulation()
        self._ease = shown.copy() if shown else Ease(idle_bearing(idle_position))
        self._blinks = Blinks(self._chance, idle_position, idling)
        self._glances = Glances(self._chance)
        self._stresses = StressFinder()
        self._gestures: deque[_Gesture] = deque()
        self._emotions: deque[tuple[float, Emotion]] = deque()
        self._emotion: Emotion = "neutral"
        self._posture = bearing()
        self._posture_until = 0.0
        self._energy = 0.0
        self._in_sentence = False
        self._tail: tuple[int, int] | None = None
        self._pose = posed(idling.pose(idle_position), self._ease.value)

    @property
    def is_moved(self) -> bool:
        """Whether the face has an emotion to come back from."""
        return (self._emotions[-1][1] if self._emotions else self._emotion) != "neutral"

    @property
    def decided_frames(self) -> int:
        """Frames from the turn's start on that no later piece can change."""
        return self._articulation.decided_frames

    def add(self, speech: Speech, start_seconds: float) -> None:
        """Plan the piece that begins at `start_seconds` of the turn."""
        loudness = self._articulation.add(speech, start_seconds)
        if not len(loudness):
            self._in_sentence &= not speech.ends_sentence
            return
        self._emotions.append((start_seconds, speech.emotion))
        if not self._in_sentence:
            self._glances.sentence_starts(round(start_seconds * FPS))
        self._in_sentence = not speech.ends_sentence
        for accent in self._stresses.find(speech.phonemes, loudness, HOP_SECONDS):
            self._stress(accent, start_seconds)
        pauses = pauses_of(speech.phonemes, loudness, HOP_SECONDS)
        for pause in [*pauses, speech.seconds] if speech.ends_sentence else pauses:
            self._blinks.phrase_ends(math.floor((start_seconds + pause) * FPS))

    def end(self, first_frame: int, frames: int) -> None:
        """All is said: come back to the idle loop within `frames` frames from `first_frame` on."""
        self._articulation.finish()
        self._tail = (first_frame, frames)

    def next(self, frame: int) -> Shown:
        """The face at `frame`, counted from the turn's start; call in order."""
        mouth, loudness = self._articulation.next_frame(frame)
        position = self._position + frame
        value = self._ease.follow(self._target(frame, loudness, position))
        left = 1.0
        last = None
        if self._tail is not None and frame >= self._tail[0]:
            first, frames = self._tail
            last = first + frames - 1
            left = max(0.0, (last - frame) / frames)
            home = idle_bearing(position)
            value = home + (value - home) * (left * left * (3 - 2 * left))
        mouth = mouth.copy()
        mouth[_SMILE] += np.float32(smile_of(value))
        if left <= 0:  # the last frame is the loop's own mouth, whatever was said before
            mouth[:] = 0
        shut = max(self._blinks.at(frame, last), lids_of(value))
        pose = posed(self._idling.pose(position), value)
        if left <= 0 or position % POSE_FRAMES == 0 or is_apart(pose, self._pose):
            self._pose = pose
        return Shown(mouth, shut, self._pose, expression_of(value))

    def _stress(self, accent: Accent, start_seconds: float) -> None:
        chance = self._chance.random()
        brows = accent.weight * _RAISE * self._chance.uniform(0.7, 1.1) if chance < 0.65 else 0.0
        nod = accent.weight * _NOD * self._chance.uniform(0.6, 1.1) if chance > 0.25 else 0.0
        self._gestures.append(_Gesture(start_seconds + accent.at, brows, nod))

    def _target(self, frame: int, loudness: float, position: int) -> Bearing:
        now = (frame + 0.5) / FPS
        while self._emotions and self._emotions[0][0] <= now:
            self._emotion = self._emotions.popleft()[1]
            if now >= self._posture_until:
                self._take_posture(now)
        if self._tail is not None and frame >= self._tail[0]:
            return idle_bearing(position)
        target = EMOTIONS[self._emotion] + self._posture + self._sway(frame, loudness)
        idle = idle_expression(position)
        gaze_x, gaze_y = self._glances.at(frame)
        brows, nod = self._gesture(now + _EARLY_SECONDS)
        return target + bearing(
            gaze_x=gaze_x,
            gaze_y=gaze_y,
            brow_rise=idle.brow_rise + brows,
            brow_slant=idle.brow_slant,
            pitch=nod,
            shift_y=0.25 * nod,
        )

    def _take_posture(self, now: float) -> None:
        """Hold the head a little differently for the next while."""
        self._posture_until = now + self._chance.uniform(1.2, 3.0)
        self._posture = bearing(
            yaw=self._chance.uniform(-0.9, 0.9),
            roll=self._chance.uniform(-0.007, 0.007),
            pitch=self._chance.uniform(-0.35, 0.25),
        )

    def _sway(self, frame: int, loudness: float) -> Bearing:
        """Small turns that follow the voice."""
        self._energy += (0.10 if loudness > self._energy else 0.06) * (loudness - self._energy)
        turn = 2 * math.pi * frame / FPS
        return self._energy * bearing(
            shift_y=0.20 * math.sin(0.85 * turn + 0.5),
            roll=0.0035 * math.sin(0.31 * turn),
            yaw=0.60 * math.sin(0.43 * turn),
            pitch=0.50 * math.sin(0.62 * turn),
        )

    def _gesture(self, now: float) -> tuple[float, float]:
        """Raise of the brows and nod that are due."""
        while self._gestures and self._gestures[0].at < now - _BUMP_SECONDS:
            self._gestures.popleft()
        brows = nod = 0.0
        for gesture in self._gestures:
            share = 1 - abs(now - gesture.at) / (_BUMP_SECONDS / 2)
            if share > 0:
                weight = share * share * (3 - 2 * share)
                brows, nod = brows + gesture.brows * weight, nod + gesture.nod * weight
        return brows, nod

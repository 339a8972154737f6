"""What a face does while it neither speaks nor idles: it thinks, it listens, and it comes to rest again."""

import random
from dataclasses import dataclass
from typing import Protocol

from opentalking.core.media import FPS, I420
from opentalking.core.providers import Look
from opentalking.providers.render.portrait.acting.bearing import (
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
from opentalking.providers.render.portrait.acting.eyes import Glances
from opentalking.providers.render.portrait.acting.motion import POSE_FRAMES, USUAL, Idling
from opentalking.providers.render.portrait.painter import NEUTRAL, FramePainter
from opentalking.providers.render.portrait.prepared import PreparedPortrait
from opentalking.providers.render.visemes import PARAMETERS

REST_FRAMES = 14
"""Frames in which a look fades; then the idle loop goes on until a whole second, where playback may cut."""
_SMILE = PARAMETERS.index("smile")


@dataclass(slots=True)
class Carried:
    """How the face looks now, handed from a look to what follows it; None is the idle loop's look."""

    ease: Ease | None = None


class _Course(Protocol):
    """Where a look is going, frame by frame."""

    def at(self, frame: int) -> Bearing: ...


class LookStream:
    """Paints one look, from frame `idle_position` of the idle loop on; used by one thread at a time.

    It begins as `carried` says and notes there how the face looks after each frame.
    """

    def __init__(
        self,
        portrait: PreparedPortrait,
        kind: Look,
        idle_position: int,
        carried: Carried,
        idling: Idling = USUAL,
    ) -> None:
        self._idling = idling
        self.carried = carried
        self._position = idle_position
        self._frame = 0
        self._ease = carried.ease.copy() if carried.ease else Ease(idle_bearing(idle_position))
        self._course = _course(kind, random.Random(f"{kind} {idle_position}"))
        self._pose = posed(idling.pose(idle_position), self._ease.value)
        self._painter = FramePainter(portrait)

    def next(self) -> I420 | None:
        """The next frame; None when a face that came to rest is back in the idle loop."""
        position = self._position + self._frame
        if self._course is None and self._frame >= REST_FRAMES and position % FPS == 0:
            self.carried.ease = None
            return None
        value = self._bearing(position)
        pose = posed(self._idling.pose(position), value)
        if position % POSE_FRAMES == 0 or is_apart(pose, self._pose):
            self._pose = pose
        self._frame += 1
        mouth = NEUTRAL.copy()
        mouth[_SMILE] = smile_of(value)
        shut = max(self._idling.shut(position), lids_of(value))
        return self._painter.frame(mouth, shut, self._pose, expression_of(value))

    def _bearing(self, position: int) -> Bearing:
        home = idle_bearing(position)
        target = home.copy()
        if self._course is not None:
            home[:2] = 0  # the eyes have a place of their own
            target = home + self._course.at(self._frame)
        value = self._ease.follow(target)
        if self._course is None:
            left = max(0.0, 1 - (self._frame + 1) / REST_FRAMES)
            value = target + (value - target) * (left * left * (3 - 2 * left))
        self.carried.ease = self._ease.copy()
        return value


def _course(kind: Look, chance: random.Random) -> _Course | None:
    if kind == "thinking":
        return _Thinking(chance)
    return _Listening(chance) if kind == "listening" else None


class _Thinking:
    """Looks up and aside, head a little turned, and back at the visitor now and then."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._side = chance.choice((-1, 1))
        self._head = bearing(
            brow_rise=0.28, brow_slant=0.16, yaw=1.4 * self._side, roll=-0.010 * self._side, pitch=-0.7
        )
        self._gaze = bearing()
        self._until = 2
        self._back_at = round(chance.uniform(2.6, 4.0) * FPS)

    def at(self, frame: int) -> Bearing:
        if frame >= self._back_at:
            self._gaze = bearing()
            self._until = frame + round(self._chance.uniform(0.6, 1.1) * FPS)
            self._back_at = self._until + round(self._chance.uniform(2.0, 3.6) * FPS)
        elif frame >= self._until:
            self._gaze = bearing(
                gaze_x=self._side * self._chance.uniform(0.55, 0.90), gaze_y=-self._chance.uniform(0.45, 0.80)
            )
            self._until = frame + round(self._chance.uniform(0.7, 1.6) * FPS)
        return self._head + self._gaze


class _Listening:
    """Looks at the visitor, head a little inclined, and nods now and then."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._glances = Glances(chance)
        self._head = bearing(brow_rise=0.12, roll=0.013 * chance.choice((-1, 1)), pitch=0.35, smile=0.12)
        self._nod_at = round(chance.uniform(0.8, 1.6) * FPS)

    def at(self, frame: int) -> Bearing:
        gaze_x, gaze_y = self._glances.at(frame)
        after = (frame - self._nod_at) / FPS
        nod = 2.4 * _bump(after / 0.44) + 1.5 * _bump((after - 0.42) / 0.44)
        if after > 1.0:
            self._nod_at = frame + round(self._chance.uniform(1.6, 4.2) * FPS)
        return self._head + bearing(gaze_x=gaze_x, gaze_y=gaze_y, pitch=nod, shift_y=0.25 * nod)


def _bump(share: float) -> float:
    """Up and down again between 0 and 1."""
    height = max(0.0, 1 - abs(2 * share - 1))
    return height * height * (3 - 2 * height)

"""Life while nothing is said, and a little more of it while talking: poses, breath and blinks.

All of it is a function of the frame number modulo the loop, so that speech can start at any frame
of the idle loop and the loop can go on after it.
"""

import math

from opentalking.core.media import FPS
from opentalking.providers.render.portrait.head import Pose

IDLE_FRAMES = 8 * FPS
"""Frames of the idle loop."""
_BLINKS = (38, 107, 163)
"""First frames of the blinks; playback may jump at whole seconds, so lids are open there (±4 frames)."""
_LIDS = (0.55, 1.0, 1.0, 0.75, 0.40, 0.15)
"""How far the lids are shut on the frames of one blink: shut fast, open slower."""
_RENEWED_EVERY = 2
"""Frames per pose: the sway is slow, half the frame rate is plenty."""


def idle_pose(frame: int) -> Pose:
    """Where the head is at a frame of the idle loop (any integer; the loop repeats)."""
    turn = 2 * math.pi * (frame % IDLE_FRAMES // _RENEWED_EVERY * _RENEWED_EVERY) / IDLE_FRAMES
    return Pose(
        shift_x=0.40 * math.sin(turn + 0.4),
        shift_y=0.20 * math.sin(2 * turn + 2.1),
        roll=0.0048 * math.sin(turn + 1.9) + 0.0016 * math.sin(3 * turn + 0.3),
        yaw=0.95 * math.sin(turn + 1.2) + 0.35 * math.sin(3 * turn + 2.6),
        pitch=0.55 * math.sin(2 * turn + 0.7) + 0.20 * math.sin(3 * turn + 4.0),
        breath=0.45 * math.sin(2 * turn),
    )


def blink(frame: int) -> float:
    """How far the lids are shut at a frame of the idle loop, 0..1."""
    position = frame % IDLE_FRAMES
    for start in _BLINKS:
        if start <= position < start + len(_LIDS):
            return _LIDS[position - start]
    return 0.0


class SpeechAccents:
    """Small nods and turns that follow the voice and die away with it.

    The energy that scales them starts at 0 and is forced to 0 by `settle`, so the head leaves the
    idle loop and comes back to it without a jump.
    """

    def __init__(self) -> None:
        self._energy = 0.0
        self._frames = 0
        self._held = Pose()
        self._share = 1.0

    def settle(self, share: float) -> None:
        """Let what is left of the movement shrink to `share` (1 at the end of speech, 0 at last)."""
        self._share = share

    def add(self, pose: Pose, loudness: float, frame: int) -> Pose:
        """`pose` with the accent of the next frame, whose sound has this loudness (0..1)."""
        rate = 0.10 if loudness > self._energy else 0.06
        self._energy += rate * (loudness - self._energy)
        seconds = self._frames / FPS
        self._frames += 1
        if frame % _RENEWED_EVERY == 0 or self._frames == 1 or self._share <= 0:
            energy = self._energy * self._share
            self._held = Pose(
                shift_y=0.30 * energy * math.sin(2 * math.pi * 0.85 * seconds + 0.5),
                roll=0.0045 * energy * math.sin(2 * math.pi * 0.31 * seconds),
                yaw=0.80 * energy * math.sin(2 * math.pi * 0.43 * seconds),
                pitch=1.05 * energy * math.sin(2 * math.pi * 0.62 * seconds),
            )
        held = self._held
        return Pose(
            shift_x=pose.shift_x,
            shift_y=pose.shift_y + held.shift_y,
            roll=pose.roll + held.roll,
            yaw=pose.yaw + held.yaw,
            pitch=pose.pitch + held.pitch,
            breath=pose.breath,
        )

"""Life while nothing is said: sway, breath, blinks and glances of the idle loop.

All of it is a function of the frame number modulo the loop, so that speech can start at any frame
of the idle loop and the loop can go on after it.
"""

import math
from bisect import bisect_right
from dataclasses import dataclass

from opentalking.core.media import FPS
from opentalking.providers.render.portrait.expression import Expression, Pose

IDLE_FRAMES = 8 * FPS
"""Frames of the idle loop."""
QUICK_BLINK = (0.60, 1.0, 0.80, 0.40, 0.15)
USUAL_BLINK = (0.55, 1.0, 1.0, 0.75, 0.40, 0.15)
SLOW_BLINK = (0.35, 0.85, 1.0, 1.0, 0.85, 0.60, 0.35, 0.15)
"""How far the lids are shut on the frames of one blink: shut fast, open slower."""
_BLINKS = ((33, USUAL_BLINK), (107, QUICK_BLINK), (114, USUAL_BLINK), (182, SLOW_BLINK))
"""First frame of each; playback may jump at whole seconds, so lids are open there (±4 frames)."""
_FIXATIONS = (
    (0, 0.00, 0.00), (17, -0.07, 0.03), (46, 0.02, -0.02), (61, 0.05, 0.04), (84, 0.36, -0.08),
    (99, 0.28, 0.05), (110, 0.00, 0.00), (131, -0.05, -0.03), (141, 0.03, 0.02), (162, -0.30, 0.16),
    (174, -0.02, 0.02), (188, 0.00, 0.00),
)  # fmt: skip
"""First frame of each look somewhere, and where: mostly at the camera, never quite still."""
POSE_FRAMES = 2
"""Frames per pose: the sway is slow, half the frame rate is plenty."""


def idle_pose(frame: int) -> Pose:
    """Where the head is at a frame of the idle loop (any integer; the loop repeats)."""
    turn = 2 * math.pi * (frame % IDLE_FRAMES // POSE_FRAMES * POSE_FRAMES) / IDLE_FRAMES
    return Pose(
        shift_x=0.40 * math.sin(turn + 0.4),
        shift_y=0.20 * math.sin(2 * turn + 2.1),
        roll=0.0048 * math.sin(turn + 1.9) + 0.0016 * math.sin(3 * turn + 0.3),
        yaw=0.95 * math.sin(turn + 1.2) + 0.35 * math.sin(3 * turn + 2.6),
        pitch=0.55 * math.sin(2 * turn + 0.7) + 0.20 * math.sin(3 * turn + 4.0),
        breath=0.45 * math.sin(2 * turn),
    )


@dataclass(frozen=True, slots=True)
class Idling:
    """Where the head is and when the lids blink in an idle loop of `IDLE_FRAMES`.

    `poses` has one for every `POSE_FRAMES`; `blinks` is first frame and course (shares shut) of each,
    at least one, none across the loop's end. Playback may jump at whole seconds.
    """

    poses: tuple[Pose, ...]
    blinks: tuple[tuple[int, tuple[float, ...]], ...] = _BLINKS

    def pose(self, frame: int) -> Pose:
        """Where the head is at a frame of the loop (any integer; the loop repeats)."""
        return self.poses[frame % IDLE_FRAMES // POSE_FRAMES]

    def shut(self, frame: int) -> float:
        """How far the lids are shut at a frame of the loop, 0..1."""
        position = frame % IDLE_FRAMES
        for start, lids in self.blinks:
            if start <= position < start + len(lids):
                return lids[position - start]
        return 0.0

    def since_blink(self, frame: int) -> int:
        """How long ago the loop's last blink began, frames."""
        position = frame % IDLE_FRAMES
        return min((position - start) % IDLE_FRAMES for start, _ in self.blinks)


USUAL = Idling(tuple(idle_pose(frame) for frame in range(0, IDLE_FRAMES, POSE_FRAMES)))
"""How a face idles whose bundle brings nothing of its own."""


def idle_expression(frame: int) -> Expression:
    """Where the eyes look and how the brows are at a frame of the idle loop."""
    position = frame % IDLE_FRAMES
    at = bisect_right(_FIXATIONS, position, key=lambda fixation: fixation[0]) - 1
    start, x, y = _FIXATIONS[at]
    _, last_x, last_y = _FIXATIONS[at - 1]
    # an eye is there within two frames
    share = (0.45, 0.90)[position - start] if position - start < 2 else 1.0
    turn = 2 * math.pi * position / IDLE_FRAMES
    return Expression(
        gaze_x=last_x + (x - last_x) * share,
        gaze_y=last_y + (y - last_y) * share,
        brow_rise=0.05 * math.sin(turn + 0.8) + 0.035 * math.sin(3 * turn + 2.0),
        brow_slant=0.03 * math.sin(2 * turn + 1.0),
    )

"""What a short video shows of a face: its best picture, and how its head moves while it rests.

The motion is not the video's pixels but its pose, so that a face speaks on from any frame of it: followed
from frame to frame, calmed, kept within what the renderer can bend, and closed to a loop.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from opentalking.core.media import FPS
from opentalking.providers.render.portrait import anatomy
from opentalking.providers.render.portrait.acting.motion import IDLE_FRAMES, POSE_FRAMES, USUAL
from opentalking.providers.render.portrait.attitude import attitude_of
from opentalking.providers.render.portrait.expression import Pose
from opentalking.providers.render.portrait.idling import (
    CHANNELS,
    FIRST_BLINK,
    LAST_BLINK,
    LIMITS,
    Motion,
    write_idling,
)  # fmt: skip
from opentalking.providers.render.portrait.landmarks import FaceFinder, Mesh
from opentalking.providers.render.portrait.picture import Picture

LEAST_SECONDS = 2.0
_LEAST_SEEN_SHARE = 0.7
_FADE_FRAMES = FPS
_CALM_FRAMES = 8.0
"""Standard deviation of the smoothing: what moves faster than about once a second is shaking."""
_CUT_FRAMES = 12
"""Playback may skip this many frames of the loop when a turn ends."""
_CUT_SHARE = 1.5
"""How much farther than in the usual loop the head may be away then."""
_SHUT_SHARE = 0.86
"""Lids whose opening falls below this share of the usual one blink: the mesh never shuts them whole."""
_SHORTEST_BLINK_FRAMES, _LONGEST_BLINK_FRAMES = 2, 14
_SHARPNESS_SIDE = 96
_GOOD_YAW, _GOOD_PITCH, _GOOD_ROLL = 8.0, 8.0, 8.0

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Glimpse:
    """A face in one frame.

    `place` is the middle between the eyes (pixels), `unit` pixels per millimetre; `turn` is yaw, pitch,
    roll (degrees); `nose` where the nose stands from the eyes (millimetres across and down); `lids` and
    `mouth` how far they are open, as shares of their width; `sharpness` in grey values.
    """

    place: Floats
    unit: float
    neck: float
    turn: Floats
    nose: Floats
    lids: float
    mouth: float
    sharpness: float


class VideoStudy:
    """Collects the frames of a video, one after another, all of one size."""

    def __init__(self, finder: FaceFinder) -> None:
        self._finder = finder
        self._glimpses: list[Glimpse | None] = []
        self._last: Mesh | None = None

    def add(self, picture: Picture) -> None:
        """Look at the next frame."""
        mesh = self._last = self._finder.find_mesh(picture, self._last)
        self._glimpses.append(None if mesh is None else _glimpse(picture, mesh))

    @property
    def seconds(self) -> float:
        """How much was looked at."""
        return len(self._glimpses) / FPS

    @property
    def is_hopeless(self) -> bool:
        """Whether there was no face for so long that the rest need not be looked at."""
        return len(self._glimpses) >= FPS and not self._seen()

    def trouble(self) -> str:
        """Why nothing can be made of it, "" if something can."""
        if self.seconds < LEAST_SECONDS and not self.is_hopeless:
            return f"the video lasts {self.seconds:.1f} s, at least {LEAST_SECONDS:.0f} s are needed"
        if len(self._seen()) < _LEAST_SEEN_SHARE * len(self._glimpses):
            return "the face is not seen all the time; film one person who looks at the camera"
        return ""

    def best(self) -> int:
        """The frame with the best picture: to the front, eyes open, mouth shut, sharp, in the middle."""
        seen = self._seen()
        numbers = sorted(seen)
        faces = [seen[number] for number in numbers]
        turns = np.array([face.turn for face in faces]) / [_GOOD_YAW, _GOOD_PITCH, _GOOD_ROLL]
        lids = np.array([face.lids for face in faces])
        mouths = np.array([face.mouth for face in faces])
        sharpness = np.array([face.sharpness for face in faces])
        places = np.array([face.place / face.unit for face in faces])
        away = np.linalg.norm(places - np.median(places, 0), axis=1)
        open_lids = max(1e-6, float(np.percentile(lids, 80)))
        cost = (
            np.square(turns) @ [1.0, 0.5, 0.3]
            + 4.0 * np.square(np.clip(1 - lids / open_lids, 0, 1) / 0.3)
            + np.square(mouths / 0.08)
            + 2.0 * np.square(1 - sharpness / max(1e-6, float(np.percentile(sharpness, 90))))
            + np.square(away / 12.0)
        )
        return numbers[int(np.argmin(cost))]

    def motion(self) -> bytes:
        """The idle motion as a bundle's file, around the best frame's pose."""
        track = self._track()
        start, length = _calmest(track)
        loop = _looped(_smooth(track[start : start + length]))
        loop = _bounded(loop)
        return write_idling(loop[::POSE_FRAMES], self._blinks(start, length))

    def _seen(self) -> dict[int, Glimpse]:
        return {number: face for number, face in enumerate(self._glimpses) if face is not None}

    def _track(self) -> Floats:
        """(frames, 5): `CHANNELS` relative to the best frame; what was not seen lies between."""
        seen = self._seen()
        home = seen[self.best()]
        numbers = sorted(seen)
        rows = np.array([_pose(seen[number], home) for number in numbers])
        every = np.arange(len(self._glimpses))
        return np.stack([np.interp(every, numbers, rows[:, k]) for k in range(len(CHANNELS))], 1)

    def _blinks(self, start: int, length: int) -> list[int]:
        """Frames of the loop at which the lids begin to shut, moved to where playback never cuts."""
        seen = self._seen()
        numbers = sorted(seen)
        lids = np.interp(np.arange(len(self._glimpses)), numbers, [seen[n].lids for n in numbers])
        shut = lids < _SHUT_SHARE * _middle(lids)
        first = start + (_FADE_FRAMES if length > IDLE_FRAMES else 0)
        begins = np.flatnonzero(shut[1:] & ~shut[:-1]) + 1
        ends = np.array([np.flatnonzero(np.r_[~shut[k:], True])[0] for k in begins], int)
        real = begins[(ends >= _SHORTEST_BLINK_FRAMES) & (ends <= _LONGEST_BLINK_FRAMES)] - first
        places = {k // FPS: int(np.clip(k % FPS, FIRST_BLINK, LAST_BLINK)) for k in real.tolist()}
        seconds = IDLE_FRAMES // FPS
        if length < IDLE_FRAMES:  # there and back: the way back blinks once more
            places |= {seconds - 1 - second: FPS - 5 - at for second, at in places.items()}
        return sorted(k * FPS + at for k, at in places.items() if 0 <= k < seconds)


def _glimpse(picture: Picture, mesh: Mesh) -> Glimpse:
    points = mesh.points.astype(np.float64)
    frame = anatomy.measure(mesh.points)
    attitude = attitude_of(mesh)
    eyes = (points[33] + points[263]) / 2
    nose = points[anatomy.NOSE_FRONT] - eyes
    lids = [
        _away(points, upper[4], lower[4]) / _away(points, upper[0], upper[-1])
        for upper, lower in anatomy.EYES
    ]
    return Glimpse(
        place=eyes,
        unit=frame.millimetre,
        neck=float((points[anatomy.CHIN] - eyes) @ frame.down + 0.25 * frame.height) / frame.millimetre,
        turn=np.array([attitude.yaw, attitude.pitch, attitude.roll]),
        nose=np.array([nose @ frame.across, nose @ frame.down]) / frame.millimetre,
        lids=min(lids),
        mouth=_away(points, 13, 14) / (2 * frame.mouth_half_width),
        sharpness=_sharpness(picture, mesh),
    )


def _away(points: Floats, one: int, other: int) -> float:
    return float(np.linalg.norm(points[one] - points[other]))


def _sharpness(picture: Picture, mesh: Mesh) -> float:
    """How much fine detail the face has, at a size of its own."""
    height, width = picture.shape[:2]
    low = np.clip(mesh.points.min(0), 0, [width - 2, height - 2]).astype(int)
    high = np.clip(mesh.points.max(0), low + 2, [width, height]).astype(int)
    part = np.ascontiguousarray(picture[low[1] : high[1], low[0] : high[0]])
    grey = cv2.cvtColor(part, cv2.COLOR_BGR2GRAY)
    small = cv2.resize(grey, (_SHARPNESS_SIDE, _SHARPNESS_SIDE), interpolation=cv2.INTER_AREA)
    return float(np.abs(cv2.Laplacian(small, cv2.CV_32F)).mean())


def _pose(face: Glimpse, home: Glimpse) -> Floats:
    """`CHANNELS` of a face, as millimetres and radians away from `home`."""
    moved = (face.place - home.place) / home.unit
    roll = np.radians(face.turn[2] - home.turn[2])
    # rolling about the neck carries the eyes along: that is no shift of its own
    shift = moved - np.array([roll * home.neck, 0.0])
    turned = face.nose - home.nose
    return np.array([shift[0], shift[1], roll, turned[0], turned[1]])


def _middle(values: Floats) -> Floats:
    """The running median over two seconds."""
    padded = np.pad(values, FPS, mode="edge")
    return np.asarray(np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * FPS + 1), axis=1))


def _calmest(track: Floats) -> tuple[int, int]:
    """First frame and length of the part to make the loop of: the longest that fits, moving least."""
    fits = [n for n in (IDLE_FRAMES + _FADE_FRAMES, IDLE_FRAMES // 2, IDLE_FRAMES // 4) if n <= len(track)]
    length = fits[0]
    speed = np.r_[0, np.abs(np.diff(track / LIMITS, axis=0)).max(1)]
    sums = np.convolve(speed, np.ones(length), "valid")
    return int(np.argmin(sums)), length


def _smooth(track: Floats) -> Floats:
    reach = round(3 * _CALM_FRAMES)
    weights = np.exp(-0.5 * np.square(np.arange(-reach, reach + 1) / _CALM_FRAMES))
    padded = np.pad(track, ((reach, reach), (0, 0)), mode="reflect" if len(track) > reach else "edge")
    return np.stack([np.convolve(column, weights / weights.sum(), "valid") for column in padded.T], 1)


def _looped(track: Floats) -> Floats:
    """(200, 5): faded into its own beginning where it is long enough, else there and back."""
    if len(track) > IDLE_FRAMES:
        share = np.linspace(0, 1, _FADE_FRAMES, endpoint=False)[:, None]
        share = share * share * (3 - 2 * share)
        fade = track[IDLE_FRAMES:] * (1 - share) + track[:_FADE_FRAMES] * share
        return np.vstack([track[_FADE_FRAMES:IDLE_FRAMES], fade])
    there_and_back = np.vstack([track, track[::-1]])
    return np.vstack([there_and_back] * (IDLE_FRAMES // len(there_and_back)))


def _bounded(loop: Floats) -> Floats:
    """The loop within `LIMITS`, and nowhere faster than a cut may be."""
    bounded = LIMITS * np.tanh(loop / LIMITS)
    jumps = np.abs(np.roll(bounded, -_CUT_FRAMES, 0) - bounded).max(0)
    scale: Floats = np.minimum(1.0, _most_jumps() / np.maximum(jumps, 1e-9))
    return np.asarray(bounded * scale)


def _most_jumps() -> Floats:
    usual = _rows(USUAL.poses)
    away = np.abs(np.roll(usual, -_CUT_FRAMES // POSE_FRAMES, 0) - usual).max(0)
    return np.asarray(_CUT_SHARE * away)


def _rows(poses: Sequence[Pose]) -> Motion:
    return np.array([[getattr(pose, channel) for channel in CHANNELS] for pose in poses])

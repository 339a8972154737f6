"""Photos of people, and pictures that are none, as the renderer animates them: measured on frames."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from opentalking.core.media import I420
from opentalking.providers.render.portrait import anatomy
from opentalking.providers.render.portrait.acting.motion import IDLE_FRAMES, idle_pose
from opentalking.providers.render.portrait.attitude import attitude_of, judge
from opentalking.providers.render.portrait.expression import Pose
from opentalking.providers.render.portrait.painter import NEUTRAL, FramePainter
from opentalking.providers.render.portrait.parts.backdrop import separate
from opentalking.providers.render.portrait.parts.head import build_head
from opentalking.providers.render.portrait.picture import Picture
from opentalking.providers.render.portrait.planes import to_bgr
from opentalking.providers.render.portrait.prepared import PreparedPortrait, prepare
from opentalking.providers.render.visemes import PARAMETERS, viseme
from tests.support.photos import (
    FINDER,
    bearded,
    before_lines,
    darkened,
    smiling,
    spectacled,
    tilted,
    turned,
    with_frames,
)
from tests.support.portraits import DEMO

STILL = Pose()
FAR = (
    Pose(shift_x=0.8, roll=0.02, yaw=2, pitch=1, breath=0.5),
    Pose(shift_x=-0.8, roll=-0.02, yaw=-2, pitch=-1, breath=-0.5),
)
"""Farther than the idle loop ever goes."""


def drawn() -> Picture:
    picture = cv2.imread(str(DEMO / "reference.png"))
    assert picture is not None
    return np.asarray(picture, np.uint8)


PEOPLE: dict[str, Callable[[], Picture]] = {
    "smiling": smiling,
    "spectacled": spectacled,
    "drawn": drawn,
    "dark": lambda: darkened(smiling()),
    "bearded": lambda: bearded(spectacled()),
    "bearded smile": lambda: bearded(smiling()),
    "spectacled smile": lambda: with_frames(smiling())[0],
    "turned left": lambda: turned(smiling(), -18),
    "turned right": lambda: turned(spectacled(), 18),
    "tilted": lambda: tilted(smiling(), 25),
}


@cache
def person(name: str) -> tuple[Picture, PreparedPortrait]:
    picture = PEOPLE[name]()
    return picture, prepare(picture, (), FINDER)


def shown(name: str, shape: str = "rest", blink: float = 0.0, pose: Pose = STILL) -> I420:
    return FramePainter(person(name)[1]).frame(viseme(shape).target, blink, pose)


def lips(frame: I420) -> tuple[float, float]:
    """Gap between the lips and width of the mouth, in the face's own millimetres."""
    points = FINDER.find(to_bgr(frame))
    assert points is not None
    unit = anatomy.measure(points).millimetre
    gap = np.linalg.norm(points[14] - points[13]) / unit
    return float(gap), float(np.linalg.norm(points[291] - points[61]) / unit)


# ---- the mouth


def bared(name: str, image: Picture) -> int:
    """Pixels of the lips' area that are as white as teeth in this light."""
    picture, portrait = person(name)
    mouth = portrait.mouth
    assert mouth is not None
    points = FINDER.find(picture)
    assert points is not None
    ring = points[[*anatomy.UPPER_OUTER, *anatomy.LOWER_OUTER[::-1]]].astype(np.int32)
    area = np.zeros(picture.shape[:2], np.uint8)
    cv2.fillPoly(area, [ring], 1)
    blue, red = image[area > 0].astype(float).T[[0, 2]]
    return int(((blue > 0.86 * red) & (red > 0.6 * np.percentile(picture, 99))).sum())


@pytest.mark.parametrize("name", PEOPLE)
def test_the_mouth_shuts_and_opens(name: str) -> None:
    assert person(name)[1].reason == ""
    shut, wide = lips(shown(name, "closed"))[0], lips(shown(name, "open"))[0]
    # the network that measures tends to see the gap of the smile that was there
    assert shut < 5.5
    assert lips(shown(name))[0] < 5.5
    assert wide > shut + 8


@pytest.mark.parametrize("name", ["smiling", "bearded smile", "spectacled smile", "turned left", "tilted"])
def test_no_teeth_of_a_smile_show_in_a_shut_mouth(name: str) -> None:
    smile = bared(name, person(name)[0])
    assert smile > 120
    assert bared(name, to_bgr(shown(name))) < 0.03 * smile
    assert bared(name, to_bgr(shown(name, "closed"))) < 0.03 * smile
    assert bared(name, to_bgr(shown(name, "spread"))) > 0.2 * smile, "and come back"


@pytest.mark.parametrize("name", ["smiling", "spectacled", "drawn", "bearded smile"])
def test_rounded_lips_are_narrower_and_spread_ones_wider(name: str) -> None:
    rest = lips(shown(name))[1]
    assert lips(shown(name, "round_close"))[1] < 0.9 * rest
    assert lips(shown(name, "spread"))[1] > 1.02 * rest


def test_little_is_left_of_a_smile_once_the_mouth_is_shut() -> None:
    picture, _ = person("smiling")
    points = FINDER.find(to_bgr(shown("smiling")))
    before = FINDER.find(picture)
    assert points is not None
    assert before is not None

    def lift(mesh: np.ndarray) -> float:
        """How far (mm) the corners are above the middle of the mouth."""
        frame = anatomy.measure(mesh)
        return float(frame.local(mesh[[13, 14]])[:, 1].mean() / frame.millimetre)

    assert lift(before) > 7
    assert lift(points) < 5
    widths = [lips(shown("smiling", shape))[1] for shape in ("spread", "rest", "round_close")]
    frame = anatomy.measure(before)
    widths.insert(0, float(np.linalg.norm(before[291] - before[61]) / frame.millimetre))
    assert widths == sorted(widths, reverse=True)
    assert widths[2] < 0.88 * widths[0]


@pytest.mark.parametrize("name", ["smiling", "spectacled", "drawn"])
@pytest.mark.parametrize("shape", ["tongue_up", "tongue_between"])
def test_the_tongue_is_seen(name: str, shape: str) -> None:
    target = viseme(shape).target
    without = target.copy()
    without[PARAMETERS.index("tongue")] = 0
    painter = FramePainter(person(name)[1])
    tongue, teeth = (to_bgr(painter.frame(face, 0, STILL)).astype(int) for face in (target, without))
    redder = (tongue[..., 2] - tongue[..., 1]) - (teeth[..., 2] - teeth[..., 1])
    mouth = person(name)[1].mouth
    assert mouth is not None
    assert (redder > 15).sum() > 8 * mouth.interior.unit**2, "square millimetres of red where teeth were"


def test_teeth_are_as_dark_as_the_scene() -> None:
    picture, portrait = person("dark")
    mouth = portrait.mouth
    assert mouth is not None
    area = slice(mouth.top, mouth.top + mouth.height), slice(mouth.left, mouth.left + mouth.width)
    brightest = np.percentile(picture[area].mean(2), 99.5)
    for shape in ("open", "spread", "hiss"):
        assert to_bgr(shown("dark", shape))[area].mean(2).max() < 1.5 * brightest


# ---- the rest of the face


@pytest.mark.parametrize("name", ["smiling", "spectacled", "drawn", "bearded", "tilted"])
@pytest.mark.parametrize("shape", ["open", "round_close", "closed"])
def test_the_rest_of_the_face_keeps_its_place(name: str, shape: str) -> None:
    picture, portrait = person(name)
    points = FINDER.find(picture)
    assert points is not None
    eyes = [corner for upper, _ in anatomy.EYES for corner in (upper[0], upper[-1])]
    fixed = [
        *eyes,
        *anatomy.BROWS[0],
        *anatomy.BROWS[1],
        anatomy.FOREHEAD,
        168,
        6,
        197,
        195,
        5,
        *anatomy.TEMPLES,
    ]
    still, frame = (shown(name, each)[: portrait.height] for each in ("rest", shape))
    before = points[fixed][:, None]
    after, tracked, _ = cv2.calcOpticalFlowPyrLK(still, frame, before, before.copy(), winSize=(25, 25))
    drift = np.linalg.norm(np.asarray(after) - before, axis=2)[np.asarray(tracked) > 0]
    assert len(drift) > 20
    assert drift.max() < 1
    mouth = portrait.mouth
    assert mouth is not None
    outside = np.ones((portrait.height, portrait.width), bool)
    outside[mouth.top : mouth.top + mouth.height, mouth.left : mouth.left + mouth.width] = False
    assert np.array_equal(frame[outside], still[outside])


@pytest.mark.parametrize("name", ["smiling", "spectacled", "drawn", "dark", "bearded", "tilted"])
@pytest.mark.parametrize("shape", ["open", "round_close", "spread"])
def test_no_border_shows_around_the_mouth(name: str, shape: str) -> None:
    _, portrait = person(name)
    mouth = portrait.mouth
    assert mouth is not None
    untouched = FramePainter(replace(portrait, mouth=None)).frame(NEUTRAL, 0, STILL)
    left, right = mouth.left, mouth.left + mouth.width
    top, bottom = mouth.top, mouth.top + mouth.height
    edges = [
        (slice(top - 1, top + 1), slice(left, right), 0),
        (slice(top, bottom), slice(left - 1, left + 1), 1),
        (slice(top, bottom), slice(right - 1, right + 1), 1),
        (slice(bottom - 1, bottom + 1), slice(left, right), 0),
    ]
    for rows, columns, axis in edges:
        if rows.stop > portrait.height or columns.stop > portrait.width or columns.start < 0:
            continue
        steps, own = (
            np.abs(np.diff(image[: portrait.height][rows, columns].astype(int), axis=axis))
            for image in (shown(name, shape), untouched)
        )
        assert steps.mean() < own.mean() + 0.4
        assert np.abs(steps - own).max() < 12, "nor does a corner of it"


def test_the_mouth_is_as_sharp_as_the_rest_of_a_swaying_picture() -> None:
    """A patch that is resampled twice must not look blurred beside one that is resampled once."""
    picture, portrait = person("spectacled")
    points = FINDER.find(picture)
    assert points is not None
    frame = anatomy.measure(points)
    below = points[17] + frame.down * 4 * frame.millimetre
    reach = int(7 * frame.millimetre)
    chin = (
        slice(int(below[1]), int(below[1]) + reach),
        slice(int(below[0]) - 2 * reach, int(below[0]) + 2 * reach),
    )

    def fine(image: I420) -> float:
        part = image[: portrait.height].astype(np.float32)
        return float((part - cv2.GaussianBlur(part, (0, 0), 1.5))[chin].std())

    poses = [idle_pose(k) for k in range(0, IDLE_FRAMES, 25)]
    slight = [
        viseme(shape).target * np.float32(share)
        for shape in ("open", "spread", "hiss")
        for share in (0.1, 0.2)
    ]
    painter = FramePainter(portrait)
    once = np.mean([fine(painter.frame(NEUTRAL, 0, pose)) for pose in poses])
    twice = np.mean([fine(painter.frame(face, 0, pose)) for pose in poses for face in slight])
    assert twice > 0.95 * once


# ---- lids


@pytest.mark.parametrize("name", ["smiling", "tilted", "bearded smile"])
def test_shut_lids_hide_the_eyes_and_show_no_outline(name: str) -> None:
    picture, portrait = person(name)
    points = FINDER.find(picture)
    assert points is not None
    wide, shut = (shown(name, blink=lids)[: portrait.height].astype(int) for lids in (0.0, 1.0))
    for upper, lower in anatomy.EYES:
        opening, hem = np.zeros(wide.shape, np.uint8), points[list(upper), 1].mean()
        cv2.fillPoly(opening, [np.round(points[[*upper, *lower[::-1]]]).astype(np.int32)], 1)
        assert np.abs(wide - shut)[opening > 0].mean() > 25, "the eye is gone"
        inner, outer = (grown(opening, reach * anatomy.measure(points).millimetre) for reach in (4.5, 9))
        above = np.arange(portrait.height)[:, None] < hem
        rim = (outer > inner) & above
        assert np.abs(wide - shut)[rim].mean() < 2, "where the lid ends it is as the skin there was"


def grown(mask: NDArray[np.uint8], pixels: float) -> NDArray[np.uint8]:
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (int(2 * pixels) | 1, int(2 * pixels) | 1))
    return np.asarray(cv2.dilate(mask, disc), np.uint8)


def test_spectacle_frames_stay_when_the_eyes_shut() -> None:
    picture, rims = with_frames(smiling(), 0.75)
    painter = FramePainter(prepare(picture, (), FINDER))
    height = picture.shape[0]
    wide = painter.frame(NEUTRAL, 0, STILL)[:height].copy()
    shut = painter.frame(NEUTRAL, 1, STILL)[:height]
    assert (np.abs(shut.astype(int) - wide)[rims] < 40).mean() > 0.97
    assert (np.abs(shut.astype(int) - wide) > 40).any(), "or the eyes have not shut at all"


# ---- the backdrop


@pytest.mark.parametrize("name", ["smiling", "spectacled", "drawn"])
def test_the_backdrop_stands_still_behind_a_moving_head(name: str) -> None:
    picture = before_lines(person(name)[0])
    portrait = prepare(picture, (), FINDER)
    assert portrait.backdrop is not None
    painter = FramePainter(portrait)
    still = painter.frame(NEUTRAL, 0, STILL)[: portrait.height].astype(int)
    behind = cv2.dilate(portrait.backdrop.cover, np.ones((17, 17), np.uint8)) == 0
    assert behind.mean() > 0.1
    for pose in FAR:
        moved = painter.frame(NEUTRAL, 0, pose)[: portrait.height].astype(int)
        # half a pixel of a line that is 130 darker than its wall would change by 65
        assert np.abs(moved - still)[behind].max() < 12
        assert np.abs(moved - still)[~behind].mean() > 1, "the head moves"


@pytest.mark.parametrize("name", ["smiling", "spectacled", "drawn"])
def test_both_layers_give_the_picture_back(name: str) -> None:
    picture, portrait = person(name)
    frame = to_bgr(FramePainter(portrait).frame(NEUTRAL, 0, STILL)).astype(float)
    mouth, backdrop = portrait.mouth, portrait.backdrop
    assert mouth is not None
    assert backdrop is not None
    edge = (backdrop.cover > 2) & (backdrop.cover < 253)
    edge[mouth.top : mouth.top + mouth.height, mouth.left : mouth.left + mouth.width] = False
    assert np.abs(frame - picture).mean(2)[edge].mean() < 14, "not blurred, only a little smoother"


def test_where_no_mask_fits_the_sway_is_smaller() -> None:
    picture, portrait = person("smiling")
    height, width = picture.shape[:2]
    points = FINDER.find(picture)
    assert points is not None
    assert separate(picture, np.zeros((256, 256), np.float32), points) is None
    assert separate(picture, np.ones((256, 256), np.float32), points) is None
    bending = build_head(width, height, points, layered=False)
    reach = [float(np.abs(head.displacement(FAR[0])).max()) for head in (portrait.head, bending)]
    assert 0 < reach[1] < 0.7 * reach[0]


# ---- what cannot speak


@pytest.mark.parametrize("yaw", [-32, 32])
def test_a_face_that_is_turned_away_moves_as_a_picture(yaw: float) -> None:
    portrait = prepare(turned(smiling(), yaw), (), FINDER)
    assert portrait.mouth is None
    assert "turned aside" in portrait.reason
    painter = FramePainter(portrait)
    loop = [painter.frame(viseme("open").target, 0, idle_pose(k)) for k in range(0, IDLE_FRAMES, 10)]
    silent = FramePainter(portrait)
    quiet = [silent.frame(NEUTRAL, 0, idle_pose(k)) for k in range(0, IDLE_FRAMES, 10)]
    assert all(np.array_equal(a, b) for a, b in zip(loop, quiet, strict=True)), "no mouth opens"
    assert max(float(np.abs(frame.astype(int) - loop[0]).mean()) for frame in loop) > 0.3, "it moves"


def test_a_manifest_may_ask_for_either_mode() -> None:
    assert prepare(smiling(), (), FINDER, "still-motion").mouth is None
    assert prepare(turned(smiling(), 30), (), FINDER, "face").mouth is not None


@pytest.mark.parametrize("degrees", [-20, 0, 20])
def test_the_attitude_of_a_head_is_measured(degrees: float) -> None:
    for picture in (smiling(), spectacled()):
        mesh = FINDER.find_mesh(turned(picture, degrees))
        assert mesh is not None
        assert abs(attitude_of(mesh).yaw - degrees) < 7
        assert judge(mesh).mode == "face"
        rolled = FINDER.find_mesh(tilted(picture, degrees))
        assert rolled is not None
        straight = FINDER.find_mesh(picture)
        assert straight is not None
        assert abs(attitude_of(rolled).roll - attitude_of(straight).roll - degrees) < 3


def test_a_head_tilted_too_far_is_left_alone() -> None:
    mesh = FINDER.find_mesh(tilted(smiling(), 50))
    assert "tilted" in judge(mesh).reason

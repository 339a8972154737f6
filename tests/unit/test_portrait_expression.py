"""Gaze and brows on rendered frames of the demo avatar: what moves, what does not."""

import json
from collections.abc import Iterable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from opentalking.core.media import I420
from opentalking.providers.render.portrait import anatomy, prepared
from opentalking.providers.render.portrait.expression import STILL, Expression, Pose
from opentalking.providers.render.portrait.landmarks import FaceFinder, Points
from opentalking.providers.render.portrait.painter import NEUTRAL, FramePainter
from opentalking.providers.render.portrait.picture import decode, lid_pictures, read_files
from opentalking.providers.render.portrait.planes import to_bgr
from opentalking.providers.render.portrait.prepared import PreparedPortrait
from opentalking.providers.render.visemes import viseme
from tests.support.portraits import DEMO

Area = tuple[slice, slice]
IRISES = ((159, 158, 145, 153, 160, 144), (386, 385, 374, 380, 387, 373))
"""Points of the lids above and below each iris."""
IN_EYES = {k for upper, lower in anatomy.EYES for k in (*upper, *lower)}
IN_BROWS = {k for brow in anatomy.BROWS for k in brow}


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return FaceFinder()


@pytest.fixture(scope="module")
def portrait(finder: FaceFinder) -> PreparedPortrait:
    files = read_files(DEMO, json.loads((DEMO / "manifest.json").read_text()))
    picture = decode(files.picture)
    assert files.lids is not None
    return prepared.prepare(picture, lid_pictures(picture, files.lids), finder)


@pytest.fixture(scope="module")
def points(portrait: PreparedPortrait, finder: FaceFinder) -> Points:
    found = finder.find(np.ascontiguousarray(to_bgr(painted(portrait, STILL))))
    assert found is not None
    return found


def around(points: Points, ids: Iterable[int], margin: int = 0) -> Area:
    """Rows and columns of these mesh points."""
    low = np.floor(points[list(ids)].min(0)).astype(int) - margin
    high = np.ceil(points[list(ids)].max(0)).astype(int) + margin + 1
    return slice(low[1], high[1]), slice(low[0], high[0])


def painted(portrait: PreparedPortrait, expression: Expression, shut: float = 0.0) -> I420:
    return FramePainter(portrait).frame(NEUTRAL, shut, Pose(), expression)


def changed_outside(a: I420, b: I420, *areas: Area) -> int:
    """How many luma pixels differ beyond the `areas`."""
    rows = a.shape[0] * 2 // 3
    differs = a[:rows] != b[:rows]
    for area in areas:
        differs[area] = False
    return int(differs.sum())


def pupil(frame: I420, area: Area) -> NDArray[np.float64]:
    """Middle (x, y) of the darkest part of an eye's inside."""
    eye = frame[area].astype(float)
    dark = np.clip(np.percentile(eye, 30) - eye, 0, None)
    y, x = np.mgrid[: eye.shape[0], : eye.shape[1]]
    return np.asarray([(x * dark).sum(), (y * dark).sum()]) / float(dark.sum())


def brow_height(frame: I420, area: Area) -> float:
    """Mean row of the dark pixels of a brow, or of a part of one."""
    return float(np.nonzero(frame[area] < 105)[0].mean())


def test_at_rest_every_pixel_is_the_pictures_own(portrait: PreparedPortrait) -> None:
    painter = FramePainter(portrait)
    first = painter.frame(NEUTRAL, 0.0, Pose(), STILL).copy()
    for expression in (Expression(gaze_x=0.5, gaze_y=-0.3), Expression(brow_rise=0.7, brow_slant=-0.4)):
        assert not np.array_equal(painter.frame(NEUTRAL, 1.0, Pose(), expression), first)
        assert np.array_equal(painter.frame(NEUTRAL, 0.0, Pose(), STILL), first)
    inner = (slice(190, 400), slice(165, 347))
    assert np.array_equal(first[:640][inner], portrait.planes.luma[inner])


@pytest.mark.parametrize(("x", "y"), [(0.7, 0.0), (-0.7, 0.0), (0.0, -0.7), (0.0, 0.7), (0.5, -0.5)])
def test_a_glance_moves_both_irises_and_nothing_else(
    portrait: PreparedPortrait, points: Points, x: float, y: float
) -> None:
    still, moved = painted(portrait, STILL), painted(portrait, Expression(gaze_x=x, gaze_y=y))
    eyes = [{*upper, *lower} for upper, lower in anatomy.EYES]
    assert changed_outside(still, moved, *(around(points, eye, 14) for eye in eyes)) == 0
    for inside in (around(points, IRISES[k], 4) for k in (0, 1)):
        shift = pupil(moved, inside) - pupil(still, inside)
        for went, wanted in zip(shift, (x, y), strict=True):
            assert (went * np.sign(wanted) > 0.8) if wanted else abs(went) < 0.8


def test_shut_lids_hide_the_glance(portrait: PreparedPortrait) -> None:
    shut = painted(portrait, STILL, 1.0)
    assert np.array_equal(painted(portrait, Expression(gaze_x=1.0, gaze_y=1.0), 1.0), shut)


def test_brows_rise_sink_and_slant_within_their_band(portrait: PreparedPortrait, points: Points) -> None:
    still = painted(portrait, STILL)
    assert portrait.brows is not None
    band = portrait.brows
    box = slice(band.top, band.top + band.height), slice(band.left, band.left + band.width)
    brow, iris = around(points, anatomy.BROWS[0], 6), around(points, IRISES[0], -3)
    heights = {}
    for rise in (-0.7, 0.5, 1.0):
        moved = painted(portrait, Expression(brow_rise=rise))
        assert changed_outside(still, moved, box) == 0
        eyes = [frame[iris].astype(int) for frame in (still, moved)]
        assert np.abs(eyes[0] - eyes[1]).max() <= 4, "the eyes themselves stay"
        heights[rise] = brow_height(moved, brow) - brow_height(still, brow)
    assert heights[-0.7] > 1.5
    assert heights[1.0] < heights[0.5] - 1 < -1.5
    slant = painted(portrait, Expression(brow_slant=1.0))
    start, end = brow[1].start, brow[1].stop
    inner, outer = (brow[0], slice(end - 20, end - 6)), (brow[0], slice(start + 6, start + 20))
    assert brow_height(slant, inner) - brow_height(still, inner) < -2.5
    assert abs(brow_height(slant, outer) - brow_height(still, outer)) < 1


def test_the_identity_is_kept(portrait: PreparedPortrait, finder: FaceFinder) -> None:
    """What lies under the landmarks outside eyes and brows stays within a pixel, followed by optical flow."""
    still = painted(portrait, STILL)
    points = finder.find(np.ascontiguousarray(to_bgr(still)))
    assert points is not None
    others = [k for k in anatomy.SKIN if k not in IN_EYES | IN_BROWS]
    for expression in (Expression(gaze_x=0.7, gaze_y=-0.7), Expression(brow_rise=1.0, brow_slant=0.5)):
        after, found, _ = cv2.calcOpticalFlowPyrLK(  # type: ignore[call-overload]
            still[:640], painted(portrait, expression)[:640], points[others], None
        )
        followed = found.ravel() == 1  # smooth skin gives nothing to follow
        assert followed.sum() > 40
        assert np.linalg.norm(after - points[others], axis=1)[followed].max() < 1.0


def test_there_is_no_seam_at_the_borders(portrait: PreparedPortrait) -> None:
    """Along the border of the moved band, brightness changes as little as in the picture itself."""
    assert portrait.brows is not None
    brows = portrait.brows
    still = painted(portrait, STILL)
    moved = painted(portrait, Expression(brow_rise=1.0, brow_slant=0.5))
    left, right, top, bottom = brows.left, brows.left + brows.width, brows.top, brows.top + brows.height
    for frame in (moved,):
        for border in (top, bottom):
            steps = [
                np.abs(np.diff(f[border - 2 : border + 3, left:right].astype(int), axis=0))
                for f in (still, frame)
            ]
            assert (steps[1] - steps[0]).max() <= 6
        for border in (left, right):
            steps = [
                np.abs(np.diff(f[top:bottom, border - 2 : border + 3].astype(int), axis=1))
                for f in (still, frame)
            ]
            assert (steps[1] - steps[0]).max() <= 6


def test_a_talking_mouth_and_brows_do_not_disturb_each_other(portrait: PreparedPortrait) -> None:
    open_mouth = viseme("open").target
    both = FramePainter(portrait).frame(open_mouth, 0.0, Pose(), Expression(brow_rise=0.6))
    mouth = FramePainter(portrait).frame(open_mouth, 0.0, Pose())
    brow = painted(portrait, Expression(brow_rise=0.6))
    assert np.array_equal(both[300:640], mouth[300:640])
    assert np.array_equal(both[:300], brow[:300])


def test_a_picture_without_a_face_has_no_brows(finder: FaceFinder) -> None:
    noise = np.random.default_rng(5).integers(0, 255, (12, 10, 3), np.uint8)
    picture = np.asarray(cv2.resize(noise, (200, 240), interpolation=cv2.INTER_CUBIC), np.uint8)
    plain = prepared.prepare(picture, (), finder)
    assert plain.brows is None
    assert plain.gaze == ()
    still = painted(plain, STILL)
    assert np.array_equal(painted(plain, Expression(1.0, 1.0, 1.0, 1.0), 1.0), still)

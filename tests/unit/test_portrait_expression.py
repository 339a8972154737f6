"""Gaze and brows on rendered frames of the demo avatar: what moves, what does not."""

import json

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from opentalking.core.media import I420
from opentalking.providers.render.portrait import anatomy, prepared
from opentalking.providers.render.portrait.expression import STILL, Expression
from opentalking.providers.render.portrait.head import Pose
from opentalking.providers.render.portrait.landmarks import FaceFinder
from opentalking.providers.render.portrait.painter import NEUTRAL, FramePainter
from opentalking.providers.render.portrait.picture import decode, lid_pictures, read_files
from opentalking.providers.render.portrait.planes import to_bgr
from opentalking.providers.render.portrait.prepared import PreparedPortrait
from opentalking.providers.render.visemes import viseme
from tests.support.portraits import DEMO

EYES = (slice(246, 296), slice(170, 345))
"""Rows and columns of both eyes with their lids."""
BROWS = (slice(195, 282), slice(150, 362))
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


def painted(portrait: PreparedPortrait, expression: Expression, shut: float = 0.0) -> I420:
    return FramePainter(portrait).frame(NEUTRAL, shut, Pose(), expression)


def changed_outside(a: I420, b: I420, area: tuple[slice, slice]) -> int:
    """How many luma pixels differ beyond `area`."""
    rows = a.shape[0] * 2 // 3
    differs = a[:rows] != b[:rows]
    differs[area] = False
    return int(differs.sum())


def pupil(frame: I420, columns: slice) -> NDArray[np.float64]:
    """Middle (x, y) of the darkest part of an eye."""
    eye = frame[255:290, columns].astype(float)
    dark = np.clip(60 - eye, 0, None)
    y, x = np.mgrid[: eye.shape[0], : eye.shape[1]]
    return np.asarray([(x * dark).sum(), (y * dark).sum()]) / float(dark.sum())


def brow_height(frame: I420) -> float:
    """Mean row of the dark pixels of the left brow."""
    brow = frame[222:254, 185:230]
    return float(np.nonzero(brow < 105)[0].mean())


def test_at_rest_every_pixel_is_the_pictures_own(portrait: PreparedPortrait) -> None:
    painter = FramePainter(portrait)
    first = painter.frame(NEUTRAL, 0.0, Pose(), STILL).copy()
    for expression in (Expression(gaze_x=0.5, gaze_y=-0.3), Expression(brow_rise=0.7, brow_slant=-0.4)):
        assert not np.array_equal(painter.frame(NEUTRAL, 1.0, Pose(), expression), first)
        assert np.array_equal(painter.frame(NEUTRAL, 0.0, Pose(), STILL), first)
    inner = (slice(190, 400), slice(150, 362))
    assert np.array_equal(first[:640][inner], portrait.planes.luma[inner])


@pytest.mark.parametrize(("x", "y"), [(0.7, 0.0), (-0.7, 0.0), (0.0, -0.7), (0.0, 0.7), (0.5, -0.5)])
def test_a_glance_moves_both_irises_and_nothing_else(portrait: PreparedPortrait, x: float, y: float) -> None:
    still, moved = painted(portrait, STILL), painted(portrait, Expression(gaze_x=x, gaze_y=y))
    assert changed_outside(still, moved, EYES) == 0
    for columns in (slice(196, 226), slice(288, 318)):
        shift = pupil(moved, columns) - pupil(still, columns)
        for went, wanted in zip(shift, (x, y), strict=True):
            assert (went * np.sign(wanted) > 0.8) if wanted else abs(went) < 0.8


def test_shut_lids_hide_the_glance(portrait: PreparedPortrait) -> None:
    shut = painted(portrait, STILL, 1.0)
    assert np.array_equal(painted(portrait, Expression(gaze_x=1.0, gaze_y=1.0), 1.0), shut)


def test_brows_rise_sink_and_slant_within_their_band(portrait: PreparedPortrait) -> None:
    still = painted(portrait, STILL)
    heights = {}
    for rise in (-0.7, 0.5, 1.0):
        moved = painted(portrait, Expression(brow_rise=rise))
        assert changed_outside(still, moved, BROWS) == 0
        eyes = [frame[268:282, 196:226].astype(int) for frame in (still, moved)]
        assert np.abs(eyes[0] - eyes[1]).max() <= 4, "the eyes themselves stay"
        heights[rise] = brow_height(moved) - brow_height(still)
    assert heights[-0.7] > 1.5
    assert heights[1.0] < heights[0.5] - 1 < -1.5
    slant = painted(portrait, Expression(brow_slant=1.0))
    inner, outer = (slice(218, 258), slice(216, 230)), (slice(218, 258), slice(184, 196))
    rows = [[np.nonzero(frame[part] < 105)[0].mean() for part in (inner, outer)] for frame in (still, slant)]
    assert rows[1][0] - rows[0][0] < -2.5
    assert abs(rows[1][1] - rows[0][1]) < 1


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

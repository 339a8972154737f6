"""The shipped characters: complete bundles, faces that the renderer reads right, lids that shut."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from opentalking.catalog.avatars import AvatarCatalog
from opentalking.providers.render.portrait import anatomy
from opentalking.providers.render.portrait.expression import Pose
from opentalking.providers.render.portrait.landmarks import FaceFinder
from opentalking.providers.render.portrait.painter import NEUTRAL, FramePainter
from opentalking.providers.render.portrait.parts.drawn_lips import read_lips, with_drawn_lips
from opentalking.providers.render.portrait.picture import Picture, decode, lid_pictures, read_files
from opentalking.providers.render.portrait.planes import to_bgr
from opentalking.providers.render.portrait.prepared import PreparedPortrait, prepare
from opentalking.providers.render.visemes import viseme
from tests.support.portraits import DEMO

AVATARS = DEMO.parent
IDS = sorted(path.parent.name for path in AVATARS.glob("*/manifest.json"))
VOICES = {"af_heart", "am_michael", "zf_xiaoxiao", "zm_yunxi", "en_US-joe-medium"}
LARGEST_BYTES = 400_000
WIDTH, HEIGHT = 512, 640


@dataclass(frozen=True)
class Member:
    """A character as the renderer sees it."""

    manifest: dict[str, Any]
    picture: Picture
    lids: tuple[Picture, ...]
    points: NDArray[np.float32]
    portrait: PreparedPortrait

    def outline(self, name: str) -> NDArray[np.float64]:
        shares: list[list[float]] = self.manifest["metadata"]["animation"][name]
        return np.array([(x * WIDTH, y * HEIGHT) for x, y in shares])

    def eyes(self) -> Iterator[NDArray[np.bool_]]:
        """Masks of what lies between the lids, without their edges."""
        for upper, lower in anatomy.EYES:
            ring = self.points[[*upper, *reversed(lower)]]
            mask = np.zeros(self.picture.shape[:2], np.uint8)
            cv2.fillPoly(mask, [np.rint(ring).astype(np.int32)], 1)
            yield cv2.erode(mask, np.ones((7, 3), np.uint8)).astype(bool)


@cache
def member(avatar_id: str) -> Member:
    directory = AVATARS / avatar_id
    manifest = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))
    files = read_files(directory, manifest)
    assert files.lids is not None
    picture = decode(files.picture)
    lids = lid_pictures(picture, files.lids)
    finder = FaceFinder()
    points = finder.find(picture)
    assert points is not None, "there is a face in the picture"
    return Member(
        manifest, picture, lids, points, prepare(picture, lids, finder, lips=read_lips(files.animation))
    )


def apart(first: Picture, second: Picture) -> NDArray[np.int_]:
    """The largest difference of a colour, per pixel."""
    return np.asarray(np.abs(first.astype(int) - second.astype(int)).max(-1))


def ring_around(eye: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where the iris shows between pupil and rim: a ring about the middle of an eye."""
    rows, columns = np.nonzero(eye)
    y, x = np.ogrid[: eye.shape[0], : eye.shape[1]]
    distance = np.hypot(x - columns.mean(), y - rows.mean())
    return np.asarray((distance > 7.5) & (distance < 12))


def test_the_cast_is_there() -> None:
    shown = AvatarCatalog([AVATARS], 409_600).all()
    assert [bundle.id for bundle in shown] == IDS
    assert "demo-avatar" in IDS
    assert len(IDS) >= 6
    assert len({bundle.name for bundle in shown}) == len(shown)
    assert all((bundle.width, bundle.height) == (512, 640) for bundle in shown)
    english = {bundle.manifest["metadata"]["voices"]["en"] for bundle in shown}
    assert len(english) == 3, "the cast speaks with every English voice"


@pytest.mark.parametrize("avatar_id", IDS)
def test_a_bundle_says_who_it_is(avatar_id: str) -> None:
    manifest = member(avatar_id).manifest
    metadata = manifest["metadata"]
    assert manifest["id"] == avatar_id
    assert set(metadata["voices"]) == set(metadata["languages"]) == {"en", "zh"}
    assert set(metadata["voices"].values()) <= VOICES
    assert metadata["voices"]["zh"][0] == "z"
    assert manifest["name"] in metadata["persona_prompt"]
    assert "\n" not in metadata["persona_prompt"]
    assert metadata["licence"] == "Apache-2.0"
    assert metadata["source"]


@pytest.mark.parametrize("avatar_id", IDS)
def test_its_pictures_have_the_right_size(avatar_id: str) -> None:
    directory, lids = AVATARS / avatar_id, member(avatar_id).manifest["metadata"]["animation"]["lids"]
    rows = round((lids["bottom"] - lids["top"]) * 640) * lids["steps"]
    for name, height in (("reference.png", 640), ("preview.png", 640), (lids["file"], rows)):
        picture = cv2.imread(str(directory / name))
        assert picture is not None
        assert picture.shape == (height, 512, 3), name
        assert (directory / name).stat().st_size <= LARGEST_BYTES, name


@pytest.mark.parametrize("avatar_id", IDS)
def test_the_mesh_lies_on_the_drawn_lips(avatar_id: str) -> None:
    one = member(avatar_id)
    outline = one.outline("outer_lip").astype(np.float32).reshape(-1, 1, 2)
    lips = one.points[[*anatomy.UPPER_OUTER, *anatomy.LOWER_OUTER[1:-1]]]
    off = [abs(cv2.pointPolygonTest(outline, (float(x), float(y)), True)) for x, y in lips]
    assert np.mean(off) < 2.5
    assert max(off) < 5.5
    seam = one.outline("inner_mouth")
    middle = (one.points[list(anatomy.UPPER_INNER)] + one.points[list(anatomy.LOWER_INNER)])[1:-1] / 2
    below = middle[:, 1] - np.interp(middle[:, 0], seam[:, 0], seam[:, 1])
    assert np.abs(below).max() < 3.5


@pytest.mark.parametrize("avatar_id", IDS)
def test_the_lids_come_down_step_by_step_until_nothing_is_seen_of_the_eye(avatar_id: str) -> None:
    one = member(avatar_id)
    for eye in one.eyes():
        still = [float((apart(lids, one.picture)[eye] < 8).mean()) for lids in one.lids]
        assert all(later <= earlier + 0.03 for earlier, later in pairwise([1.0, *still])), still
        assert still[0] > 0.3, "the first step leaves most of the eye open"
        assert still[-1] < 0.05, "the last one leaves nothing"
        iris = np.median(one.picture[eye & ring_around(eye)], axis=0)
        seen = [(np.abs(step[eye] - iris).max(-1) < 20).mean() for step in (one.picture, one.lids[-1])]
        assert seen[0] > 0.05
        assert seen[1] < 0.2 * seen[0], "the iris' colours are gone"


@pytest.mark.parametrize("avatar_id", IDS)
def test_the_band_of_the_lids_has_no_edge(avatar_id: str) -> None:
    one = member(avatar_id)
    lids = one.manifest["metadata"]["animation"]["lids"]
    first, last = round(lids["top"] * 640), round(lids["bottom"] * 640) - 1
    for step in one.lids:
        changed = apart(step, one.picture)
        assert changed[[first, last]].max() <= 1
        assert changed[first + 10 : last - 10].max() > 40


@pytest.mark.parametrize("avatar_id", IDS)
def test_what_moves_meets_the_still_picture_without_a_seam(avatar_id: str) -> None:
    one = member(avatar_id)
    mouth = one.portrait.mouth
    assert mouth is not None
    assert len(one.portrait.eyes) == 2
    painter = FramePainter(one.portrait)
    still = to_bgr(painter.frame(NEUTRAL, 0, Pose()))
    spoken = to_bgr(painter.frame(viseme("open").target, 1, Pose()))
    changed = apart(np.asarray(spoken, np.uint8), np.asarray(still, np.uint8))
    boxes = [(mouth.left, mouth.top, mouth.left + mouth.width, mouth.top + mouth.height)]
    boxes += [(e.left, e.top, e.left + e.luma.shape[2], e.top + e.luma.shape[1]) for e in one.portrait.eyes]
    outside = np.ones(changed.shape, bool)
    for left, top, right, bottom in boxes:
        area = changed[top:bottom, left:right]
        assert area.max() > 40, "something moves in there"
        border = np.concatenate([area[0], area[-1], area[:, 0], area[:, -1]])
        assert border.max() <= 6
        outside[top:bottom, left:right] = False
    assert changed[outside].max() <= 6


def test_every_bundle_of_the_repository_is_a_directory_of_its_own() -> None:
    assert {path.name for path in Path(AVATARS).iterdir()} == set(IDS)


@pytest.mark.parametrize("avatar_id", IDS)
def test_a_mouth_at_rest_is_the_drawn_one_and_shut(avatar_id: str) -> None:
    one = member(avatar_id)
    mouth = one.portrait.mouth
    assert mouth is not None
    assert not mouth.bias.any(), "a smile with shut lips is no open mouth"
    rest = to_bgr(FramePainter(one.portrait).frame(NEUTRAL, 0, Pose()))
    lips = one.outline("outer_lip")
    (left, top), (right, bottom) = np.rint(lips.min(0)).astype(int), np.rint(lips.max(0)).astype(int)
    area = slice(top, bottom), slice(left, right)
    assert apart(np.asarray(rest[area], np.uint8), one.picture[area]).mean() < 6


@pytest.mark.parametrize(
    "told",
    [
        {"lips": "rough"},
        {"lips": "exact", "outer_lip": "none"},
        {"lips": "exact", "inner_mouth": [[0, 0]]},
        {"lips": "exact", "outer_lip": [[0.4, 0.5, 1]] * 8},
    ],
)
def test_outlines_that_are_none_are_left_alone(told: dict[str, Any]) -> None:
    animation = member("demo-avatar").manifest["metadata"]["animation"]
    assert read_lips(animation) is not None
    assert read_lips(animation | told) is None


def test_drawn_lips_take_the_place_of_the_mesh_unless_it_is_elsewhere() -> None:
    one = member("kofi")
    lips = read_lips(one.manifest["metadata"]["animation"])
    assert lips is not None
    fitted = with_drawn_lips(one.points, lips, 512, 640)
    outer = one.outline("outer_lip").astype(np.float32).reshape(-1, 1, 2)
    edge = fitted[[*anatomy.UPPER_OUTER, *anatomy.LOWER_OUTER]]
    assert max(abs(cv2.pointPolygonTest(outer, (float(x), float(y)), True)) for x, y in edge) < 0.5
    assert np.array_equal(fitted[list(anatomy.UPPER_INNER)], fitted[list(anatomy.LOWER_INNER)])
    assert np.array_equal(fitted[list(anatomy.OVAL)], one.points[list(anatomy.OVAL)])
    elsewhere = with_drawn_lips(one.points, lips, 512, 900)
    assert np.array_equal(elsewhere, one.points)


@pytest.mark.parametrize("avatar_id", IDS)
def test_the_page_about_the_cast_shows_everybody_with_their_voices(avatar_id: str) -> None:
    page = Path(__file__).parents[2] / "docs" / "cast.md"
    manifest = member(avatar_id).manifest
    (row,) = (line for line in page.read_text(encoding="utf-8").splitlines() if f"| `{avatar_id}` |" in line)
    voices = manifest["metadata"]["voices"]
    assert f"| {manifest['name']} |" in row
    assert f"`{voices['en']}`, `{voices['zh']}`" in row
    assert (page.parent / "media" / f"{avatar_id}.mp4").stat().st_size < 1_000_000

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opentalking.core.avatars import AvatarBundle
from opentalking.providers.render.mock import MockRenderer
from opentalking.providers.render.portrait import PortraitConfig, PortraitRenderer
from opentalking.providers.render.portrait.picture import decode, read_files, streamed_size
from opentalking.providers.render.portrait.planes import split, to_bgr, to_i420
from tests.support.portraits import bundle, write_picture


def encoded(picture: np.ndarray, kind: str = ".png") -> bytes:
    return bytes(cv2.imencode(kind, picture)[1])


def test_greyscale_becomes_three_equal_channels() -> None:
    picture = decode(encoded(np.full((8, 6), 90, np.uint8)))
    assert picture.shape == (8, 6, 3)
    assert (picture == 90).all()


def test_transparency_is_laid_on_light_grey() -> None:
    source = np.zeros((4, 4, 4), np.uint8)
    source[:, :2] = (10, 20, 30, 255)
    picture = decode(encoded(source))
    assert picture[0, 0].tolist() == [10, 20, 30]
    assert picture[0, 3].min() > 200


def test_sixteen_bits_are_scaled_down() -> None:
    deep = np.full((4, 4, 3), 40_000, np.uint16)
    assert abs(int(decode(encoded(deep))[0, 0, 0]) - 40_000 // 257) <= 1
    with_alpha = np.dstack([deep, np.full((4, 4), 65_535, np.uint16)])
    assert abs(int(decode(encoded(with_alpha))[0, 0, 0]) - 40_000 // 257) <= 1


@pytest.mark.parametrize("data", [b"", b"no picture at all", encoded(np.zeros((9, 9, 3), np.uint8))[:40]])
def test_a_broken_picture_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match="decoded"):
        decode(data)


def test_a_bundle_without_pictures_is_named_without_its_path(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no reference\.png") as failed:
        read_files(tmp_path, {})
    assert str(tmp_path) not in str(failed.value)


def test_the_fingerprint_follows_the_content(tmp_path: Path) -> None:
    (tmp_path / "preview.png").write_bytes(b"one")
    first = read_files(tmp_path, {}).fingerprint
    (tmp_path / "reference.png").write_bytes(b"two")
    assert read_files(tmp_path, {}).fingerprint != first


def test_lids_are_read_only_from_inside_the_bundle(tmp_path: Path) -> None:
    inside = tmp_path / "bundle"
    inside.mkdir()
    (inside / "reference.png").write_bytes(b"picture")
    (tmp_path / "secret.png").write_bytes(b"secret")
    lids = {"file": "../secret.png", "steps": 6, "top": 0.3, "bottom": 0.5}
    assert read_files(inside, {"metadata": {"animation": {"lids": lids}}}).lids is None
    (inside / "secret.png").write_bytes(b"own")
    strip = read_files(inside, {"metadata": {"animation": {"lids": lids}}}).lids
    assert strip is not None
    assert strip.data == b"own"


@given(st.integers(1, 9000), st.integers(1, 9000))
def test_streamed_size_is_even_bounded_and_never_cropped(width: int, height: int) -> None:
    limit = 409_600
    wide, tall = streamed_size(width, height, limit)
    assert wide % 2 == tall % 2 == 0
    assert wide >= 16
    assert tall >= 16
    assert wide * tall <= limit
    if min(width, height) > 200 and max(width, height) / min(width, height) < 3:
        assert abs((wide / tall) / (width / height) - 1) < 0.02


def test_pictures_within_the_limit_keep_their_size() -> None:
    assert streamed_size(512, 640, 409_600) == (512, 640)
    assert streamed_size(513, 641, 409_600) == (512, 640)


@pytest.mark.parametrize("size", [(64, 48), (62, 50), (34, 66)])
def test_planes_pack_like_opencv_for_every_even_size(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(3)
    picture = cv2.resize(rng.integers(80, 170, (4, 4, 3), np.uint8), size, interpolation=cv2.INTER_CUBIC)
    frame = to_i420(split(np.asarray(picture)))
    assert frame.shape == (size[1] * 3 // 2, size[0])
    assert np.array_equal(frame, cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420))
    assert np.abs(to_bgr(frame).astype(int) - picture).mean() < 6


@pytest.mark.parametrize("renderer", ["portrait", "mock"])
async def test_the_announced_size_is_streamed_and_a_strange_picture_is_neither_bent_nor_cut(
    renderer: str, tmp_path: Path
) -> None:
    picture = np.full((300, 300, 3), (40, 90, 200), np.uint8)
    picture[:40], picture[-40:], picture[:, :40], picture[:, -40:] = 255, 255, 255, 255
    cv2.imwrite(str(tmp_path / "reference.png"), picture)
    avatar = AvatarBundle("square", "Square", "portrait", 100, 150, True, tmp_path, {})
    made: PortraitRenderer | MockRenderer = PortraitRenderer() if renderer == "portrait" else MockRenderer()
    try:
        face = await made.open(avatar)
        assert (face.width, face.height) == (100, 150)
        frame = next(iter(face.idle_frames()))
        assert frame.shape == (225, 100)
        luma = frame[:150]
        # the white rim is there on every side of the square in the middle
        assert luma[31, 50] > 180
        assert luma[118, 50] > 180
        assert luma[75, 6] > 180
        assert luma[75, 93] > 180
        assert luma[75, 50] < 150
    finally:
        await made.aclose()


async def test_a_cache_that_cannot_be_written_does_not_keep_a_face_from_opening(tmp_path: Path) -> None:
    write_picture(tmp_path / "anna", np.full((64, 48, 3), 90, np.uint8))
    (tmp_path / "no-folder").touch()
    config = PortraitConfig(render_threads=1, cache_directory=tmp_path / "no-folder" / "cache")
    renderer = PortraitRenderer(config)
    try:
        face = await renderer.open(bundle(tmp_path / "anna"))
        assert (face.width, face.height) == (48, 64)
    finally:
        await renderer.aclose()

"""Avatars from photos: the command as people run it, and the pictures that it refuses."""

import asyncio
import json
import struct
import tracemalloc
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from opentalking.catalog.avatars import AvatarCatalog
from opentalking.catalog.bundles import write_bundle
from opentalking.catalog.images import MAX_BYTES, check_image
from opentalking.catalog.manifest import BrokenBundle
from opentalking.core.errors import Conflict, InvalidInput, TooLarge
from opentalking.core.ids import is_slug
from opentalking.providers.render.portrait import PortraitRenderer
from opentalking.providers.render.portrait.parts.drawn_lips import read_lips
from opentalking.providers.render.portrait.picture import decode
from opentalking.services.bundle_check import problems_of
from opentalking.services.custom_avatars import AvatarMaker, MadeAvatar, NewAvatar, fitted
from tests.support.photos import PHOTOS, beside, encoded, smiling, spectacled, turned
from tests.support.portraits import difference, frames_of, rendered, spoken
from tests.unit.test_cli import run


def make(root: Path, picture: np.ndarray | bytes, **options: object) -> MadeAvatar:
    data = picture if isinstance(picture, bytes) else encoded(picture)
    wanted = {"name": "Anna", "avatar_id": "anna", **options}
    return AvatarMaker(root).make(NewAvatar(data, **wanted))  # type: ignore[arg-type]


def sideways(jpeg: bytes) -> bytes:
    """The JPEG with an EXIF header that says: turn me clockwise by a quarter."""
    entry = struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0)
    tiff = b"MM\x00*" + struct.pack(">I", 8) + struct.pack(">H", 1) + entry + struct.pack(">I", 0)
    body = b"Exif\x00\x00" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


def png_claiming(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))


# ---- the command


def test_a_photo_becomes_an_avatar_that_speaks(tmp_path: Path) -> None:
    out = tmp_path / "avatars"
    photo = str(PHOTOS / "grace_hopper.jpg")
    voices = ("--voice-en", "af_heart", "--voice-zh", "zf_xiaoxiao")
    result = run("avatar", "create", photo, "--name", "Grace H.", *voices, "--out", str(out))
    assert result.returncode == 0, result.stderr
    assert "speak and blink" in result.stdout
    shown = run("avatar", "validate", str(out / "grace-h"))
    assert shown.returncode == 0, shown.stdout
    assert "can be used" in shown.stdout
    listed = run("avatar", "list", OPENTALKING_AVATARS_DIR=str(out)).stdout
    assert "grace-h" in listed
    bundle = AvatarCatalog([out], 409_600).bundle("grace-h")
    assert (bundle.width, bundle.height, bundle.is_custom) == (512, 600, True)
    metadata = bundle.manifest["metadata"]
    assert metadata["voices"] == {"en": "af_heart", "zh": "zf_xiaoxiao"}
    assert metadata["consent"] == "not stated"
    assert metadata["animation"]["mode"] == "face"
    assert {path.name for path in bundle.directory.iterdir()} == {
        "manifest.json", "reference.png", "preview.png", "frames",
    }  # fmt: skip

    async def speak() -> float:
        renderer = PortraitRenderer()
        try:
            face = await renderer.open(bundle)
            frames = frames_of(await rendered(face, spoken([("", 0.2), ("ɑ", 0.6)])))
        finally:
            await renderer.aclose()
        left, right = (round(x * bundle.width) for x in (0.45, 0.6))
        return difference(frames[2], frames[15], (slice(275, 300), slice(left, right)))

    assert asyncio.run(speak()) > 8


def test_the_same_id_twice_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    first = make(tmp_path, smiling())
    before = (first.directory / "manifest.json").read_bytes()
    with pytest.raises(Conflict, match="anna"):
        make(tmp_path, spectacled())
    assert (first.directory / "manifest.json").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["anna"], "nothing unfinished stays"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "empty"),
        (b"this is no picture", "no PNG, JPEG or WebP"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "HEIC"),
        (b"GIF89a" + bytes(40), "no PNG, JPEG or WebP"),
    ],
)
def test_the_command_says_what_is_wrong_with_a_file(tmp_path: Path, content: bytes, told: str) -> None:
    photo = tmp_path / "photo.heic"
    photo.write_bytes(content)
    result = run("avatar", "create", str(photo), "--out", str(tmp_path / "avatars"))
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert told in result.stderr
    assert not list((tmp_path / "avatars").glob("*"))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    result = run("avatar", "create", str(tmp_path / "nobody.jpg"), "--out", str(tmp_path))
    assert result.returncode == 2
    assert "nobody.jpg" in result.stderr


# ---- what the picture may be


def test_a_phone_s_photo_stands_upright(tmp_path: Path) -> None:
    lying = np.ascontiguousarray(np.rot90(spectacled()))
    made = make(tmp_path, sideways(encoded(lying, ".jpg")))
    assert made.study.verdict.mode == "face"
    assert (made.study.width, made.study.height) == (512, 600)
    assert made.study.attitude is not None
    assert abs(made.study.attitude.roll) < 5


def test_transparency_is_laid_on_light_grey(tmp_path: Path) -> None:
    picture = np.dstack([spectacled(), np.full((600, 512), 255, np.uint8)])
    picture[:80] = 0
    made = make(tmp_path, picture)
    stored = cv2.imread(str(made.directory / "reference.png"), cv2.IMREAD_UNCHANGED)
    assert stored is not None
    assert stored.shape == (600, 512, 3)
    assert stored[0, 0].min() > 200


@pytest.mark.parametrize("kind", [".png", ".jpg", ".webp"])
def test_the_usual_formats_are_read(tmp_path: Path, kind: str) -> None:
    header = check_image(encoded(spectacled(), kind))
    assert (header.width, header.height) == (512, 600)
    assert make(tmp_path, encoded(spectacled(), kind)).study.verdict.mode == "face"


def test_a_large_photo_is_shrunk_to_even_sides_and_never_enlarged(tmp_path: Path) -> None:
    large = np.asarray(cv2.resize(smiling(), (2403, 3001)))
    made = make(tmp_path, encoded(large, ".jpg"))
    assert made.study.width <= 720
    assert made.study.height <= 1280
    assert made.study.width % 2 == made.study.height % 2 == 0
    assert abs(made.study.width / made.study.height - 2403 / 3001) < 0.01
    odd = smiling()[:301, :221]
    assert fitted(odd, (720, 1280)).shape == (300, 220, 3)


@pytest.mark.parametrize(
    ("data", "error", "told"),
    [
        (png_claiming(20_000, 20_000), InvalidInput, "20000x20000"),
        (png_claiming(8, 8), InvalidInput, "16 pixels"),
        (png_claiming(640, 480), InvalidInput, "cut off"),
        (encoded(spectacled(), ".png")[:200_000], InvalidInput, "cut off"),
        (b"\x89PNG\r\n\x1a\n", InvalidInput, "cut off"),
        (encoded(spectacled(), ".jpg")[:20_000], InvalidInput, "cut off"),
        (encoded(spectacled(), ".webp")[:9_000], InvalidInput, "cut off"),
        (bytes(MAX_BYTES + 1), TooLarge, "10 MiB"),
    ],
)
def test_what_cannot_be_used_is_refused_before_anything_is_written(
    tmp_path: Path, data: bytes, error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        make(tmp_path / "avatars", data)
    assert not list((tmp_path / "avatars").glob("*"))


@pytest.mark.parametrize(
    ("name", "avatar_id"),
    [
        (" ", "anna"),
        ("x" * 101, "anna"),
        ("a\nb", "anna"),
        ("\ud800", "anna"),
        ("Anna", "../anna"),
        ("Anna", "a.b"),
    ],
)
def test_names_and_ids_are_checked(tmp_path: Path, name: str, avatar_id: str) -> None:
    with pytest.raises(InvalidInput):
        make(tmp_path / "avatars", spectacled(), name=name, avatar_id=avatar_id)
    assert not (tmp_path / "avatars").exists()


def test_an_id_is_made_from_the_name_and_the_time(tmp_path: Path) -> None:
    made = make(tmp_path, spectacled(), name="Zoë 小明!", avatar_id=None)
    name = made.directory.name
    assert is_slug(name)
    assert name.startswith("custom-zo-小明-20")


# ---- which face, and whether it speaks


def test_of_several_faces_the_largest_speaks(tmp_path: Path) -> None:
    small = np.asarray(cv2.resize(smiling(), (240, 300), interpolation=cv2.INTER_AREA), np.uint8)
    made = make(tmp_path, beside(small, spectacled()))
    centre = made.manifest["metadata"]["animation"]["mouth_center"]
    assert centre[0] * 752 > small.shape[1], "the right one of the two"


@pytest.mark.parametrize(
    ("picture", "reason"),
    [(np.full((320, 240, 3), 120, np.uint8), "no face"), (turned(smiling(), 32), "turned aside")],
    ids=["wall", "profile"],
)
def test_what_cannot_speak_says_why(tmp_path: Path, picture: np.ndarray, reason: str) -> None:
    made = make(tmp_path, picture)
    animation = json.loads((made.directory / "manifest.json").read_text())["metadata"]["animation"]
    assert animation["mode"] == "still-motion"
    assert reason in animation["reason"]
    assert problems_of(made.directory)[0] == []


def test_outlines_lie_on_the_lips(tmp_path: Path) -> None:
    animation = make(tmp_path, smiling()).manifest["metadata"]["animation"]
    outer, inner = (np.array(animation[name]) for name in ("outer_lip", "inner_mouth"))
    assert len(outer) >= 8
    assert outer[:, 1].min() < inner[:, 1].min() < inner[:, 1].max() < outer[:, 1].max()
    assert np.allclose(animation["mouth_center"], (outer.min(0) + outer.max(0)) / 2, atol=1e-3)
    hole = cv2.contourArea((inner * [480, 600]).astype(np.float32))
    assert hole > 300, "the smile is open"


def test_a_small_face_may_be_cropped_to_head_and_shoulders(tmp_path: Path) -> None:
    room = np.full((1200, 1000, 3), 170, np.uint8)
    room[500:800, 400:640] = cv2.resize(smiling(), (240, 300), interpolation=cv2.INTER_AREA)
    whole = make(tmp_path, room, avatar_id="whole")
    assert whole.face_is_small
    cropped = make(tmp_path, room, avatar_id="cropped", crop=True)
    assert not cropped.face_is_small
    assert cropped.study.face_height_share > 0.25
    assert cropped.study.verdict.mode == "face"


# ---- validate


def broken(folder: Path, **changes: object) -> Path:
    made = make(folder, spectacled())
    path = made.directory / "manifest.json"
    manifest = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps(manifest))
    return made.directory


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"id": "somebody"}, "directory's name"),
        ({"width": 100_000}, "width"),
        ({"width": 600, "height": 512}, "600x512"),
        ({"metadata": {"animation": []}}, "animation"),
        ({"metadata": {"animation": {"outer_lip": [[0, 2], [0, 0], [1, 1]]}}}, "outer_lip"),
        ({"metadata": {"animation": {"mode": "dance"}}}, "mode"),
        ({"metadata": {"animation": {"lids": {"file": "lids.png", "steps": 6}}}}, "lids"),
    ],
)
def test_a_broken_manifest_is_explained(tmp_path: Path, changes: dict[str, object], told: str) -> None:
    problems, _ = problems_of(broken(tmp_path, **changes))
    assert any(told in problem for problem in problems), problems


def test_missing_and_damaged_pictures_are_named(tmp_path: Path) -> None:
    directory = broken(tmp_path)
    (directory / "preview.png").write_bytes(b"\x89PNG\r\n\x1a\n and nothing else")
    (directory / "reference.png").write_bytes(b"no picture")
    problems, found = problems_of(directory)
    assert found is None
    assert len(problems) == 2
    (directory / "preview.png").unlink()
    (directory / "reference.png").unlink()
    assert any("preview" in problem for problem in problems_of(directory)[0])
    assert any("reference" in problem for problem in problems_of(directory)[0])
    result = run("avatar", "validate", str(directory))
    assert result.returncode == 1
    assert "problem: there is no preview.png" in result.stdout
    assert problems_of(tmp_path / "nobody")[0]


def test_a_manifest_that_would_not_be_read_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(BrokenBundle):
        write_bundle(tmp_path, {"id": "anna", "fps": 25}, {"preview.png": b""})
    assert list(tmp_path.iterdir()) == []


def test_a_long_narrow_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="narrow"):
        make(tmp_path / "avatars", np.full((40, 4000, 3), 90, np.uint8))
    assert not list((tmp_path / "avatars").glob("*"))


def test_a_transparent_picture_takes_little_memory() -> None:
    picture = np.zeros((3000, 2000, 4), np.uint16)
    picture[..., 3] = 65535
    data = encoded(picture, ".png")
    tracemalloc.start()
    decode(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * picture.nbytes


@pytest.mark.parametrize("name", ["reference.png", "preview.png"])
def test_a_picture_that_says_it_is_huge_is_not_decoded(tmp_path: Path, name: str) -> None:
    directory = broken(tmp_path)
    (directory / name).write_bytes(png_claiming(30_000, 30_000))
    problems, _ = problems_of(directory)
    assert any("30000x30000" in problem for problem in problems), problems


def test_absurd_numbers_in_a_manifest_are_problems(tmp_path: Path) -> None:
    lids = {"file": "preview.png", "steps": 2, "top": 10**400, "bottom": 1}
    directory = broken(tmp_path, metadata={"animation": {"lids": lids}})
    assert any("lids" in problem for problem in problems_of(directory)[0])
    assert read_lips({"lips": "exact", "outer_lip": [[10**400, 0]] * 6, "inner_mouth": []}) is None


def test_a_directory_that_no_list_shows_is_a_problem(tmp_path: Path) -> None:
    directory = broken(tmp_path, id="an.na").rename(tmp_path / "an.na")
    assert "no id" in problems_of(directory)[0][0]

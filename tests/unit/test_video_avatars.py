"""Avatars from short videos: which picture, whose motion, and what is refused."""

import asyncio
import json
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from opentalking.catalog.avatars import AvatarCatalog
from opentalking.core.avatars import AvatarBundle
from opentalking.core.errors import InvalidInput, TooLarge
from opentalking.core.media import FPS, I420
from opentalking.media.footage import FootageLimits, footage
from opentalking.providers.render.portrait import PortraitRenderer
from opentalking.providers.render.portrait.acting.motion import IDLE_FRAMES, USUAL
from opentalking.providers.render.portrait.idling import LIMITS, read_idling
from opentalking.services.bundle_check import problems_of
from opentalking.services.custom_avatars import AvatarMaker, NewAvatar
from opentalking.services.video_avatars import filmed
from tests.support.portraits import difference, frames_of, rendered, spoken
from tests.support.videos import BLINK, BLUR, TALK, faces, roll_degrees, write_video
from tests.unit.test_cli import run


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """4.6 s of a face that is known frame by frame."""
    return write_video(tmp_path_factory.mktemp("videos") / "anna.mp4", faces(115))


@pytest.fixture(scope="module")
def created(video: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[AvatarBundle, str]:
    """The avatar that the command makes of it, and what the command says."""
    out = tmp_path_factory.mktemp("avatars")
    result = run("avatar", "create", str(video), "--name", "Anna", "--consent", "--out", str(out))
    assert result.returncode == 0, result.stderr
    return AvatarCatalog([out], 409_600).bundle("anna"), result.stdout


@pytest.fixture(scope="module")
def bundle(created: tuple[AvatarBundle, str]) -> AvatarBundle:
    return created[0]


def test_the_command_keeps_picture_motion_and_consent(bundle: AvatarBundle) -> None:
    metadata = bundle.manifest["metadata"]
    assert metadata["consent"] == "stated"
    assert metadata["animation"]["mode"] == "face"
    assert metadata["animation"]["motion"] == "motion.json"
    sizes = {path.name: path.stat().st_size for path in bundle.directory.iterdir() if path.is_file()}
    assert sizes["motion.json"] < 20_000
    assert set(sizes) == {"manifest.json", "motion.json", "preview.png", "reference.png"}
    problems, found = problems_of(bundle.directory)
    assert problems == []
    assert found is not None


def test_the_best_picture_is_sharp_with_open_eyes_and_a_shut_mouth(
    created: tuple[AvatarBundle, str],
) -> None:
    told = re.search(r"picture at ([0-9.]+) s", created[1])
    assert told is not None
    assert "speak and blink" in created[1]
    number = round(float(told[1]) * FPS) % 60
    assert number not in {*BLINK, *TALK, *BLUR}
    assert abs(roll_degrees(number)) < 2


def test_the_head_moves_as_in_the_video_only_calmer(bundle: AvatarBundle) -> None:
    idling = read_idling((bundle.directory / "motion.json").read_bytes())
    rolls = np.array([pose.roll for pose in idling.poses])
    there, back = rolls[:50], rolls[:49:-1]
    assert np.allclose(there, back, atol=1.5e-3), "there and back"
    starts = range(115 - 100 + 1)
    known = [[roll_degrees(start + 2 * k) for k in range(50)] for start in starts]
    likeness = [np.corrcoef(there, one)[0, 1] for one in known]
    assert max(likeness) > 0.9
    assert 0.005 < np.ptp(rolls) < np.radians(np.ptp(known[int(np.argmax(likeness))]))
    assert all(
        abs(value) <= limit for pose in idling.poses for value, limit in zip(rows(pose), LIMITS, strict=True)
    )
    assert idling.blinks != USUAL.blinks
    assert all(idling.shut(k) == 0 for second in range(8) for k in range(25 * second - 4, 25 * second + 5))


def rows(pose: object) -> list[float]:
    return [getattr(pose, name) for name in ("shift_x", "shift_y", "roll", "yaw", "pitch")]


async def idle_and_spoken(bundle: AvatarBundle, position: int) -> tuple[list[I420], list[I420]]:
    renderer = PortraitRenderer()
    try:
        face = await renderer.open(bundle)
        loop = await asyncio.to_thread(lambda: list(face.idle_frames()))
        said = spoken([("", 0.1), ("ɑ", 0.4), ("m", 0.1)])
        return loop, frames_of(await rendered(face, said, idle_position=position))
    finally:
        await renderer.aclose()


async def test_the_loop_has_no_seam_and_speech_goes_on_from_any_frame(bundle: AvatarBundle) -> None:
    position = 70
    loop, speech = await idle_and_spoken(bundle, position)
    assert len(loop) == IDLE_FRAMES
    steps = [difference(one, other) for one, other in pairwise(loop)]
    blinks = sorted(steps)[-20:]
    usual = max(steps[:-20]) if len(steps) > 20 else blinks[0]
    assert difference(loop[-1], loop[0]) <= usual
    assert difference(loop[position - 1], speech[0]) <= 1.2 * usual + 0.2
    end = position + len(speech) - 1
    assert difference(speech[-1], loop[end % IDLE_FRAMES]) < 0.3, "back in the loop"
    assert difference(speech[-1], loop[(end + 1) % IDLE_FRAMES]) <= 1.2 * usual + 0.3
    x, y = bundle.manifest["metadata"]["animation"]["mouth_center"]
    row, column = round(y * bundle.height), round(x * bundle.width)
    mouth = (slice(row - 15, row + 20), slice(column - 20, column + 20))
    opened = max(difference(speech[0], frame, mouth) for frame in speech[5:12])
    assert opened > 3 * max(difference(loop[0], frame, mouth) for frame in loop[::10]), "lips are driven"
    still = replace(bundle, manifest={**bundle.manifest, "metadata": {}})
    usual_loop, _ = await idle_and_spoken(still, position)
    assert max(difference(one, other) for one, other in zip(loop, usual_loop, strict=True)) > 0.3


async def test_its_own_motion_is_a_loop_of_its_own(bundle: AvatarBundle) -> None:
    renderer = PortraitRenderer()
    try:
        own = await renderer.open(bundle)
        still = {**bundle.manifest["metadata"]["animation"]}
        del still["motion"]
        other = await renderer.open(replace(bundle, manifest={"metadata": {"animation": still}}))
        assert own.idle_key.startswith(other.idle_key)
        assert own.idle_key != other.idle_key
    finally:
        await renderer.aclose()


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "{}", '{"poses": []}', '{"poses": [[1,2,3,4,5]]}', '{"poses": "x"}', "1" * 5000,
     json.dumps({"poses": [[0] * 5] * 100, "blinks": [0]}),
     json.dumps({"poses": [[0] * 5] * 100, "blinks": [1e400]}),
     json.dumps({"poses": [["x"] * 5] * 100}), "[" * 100_000],
)  # fmt: skip
def test_an_unusable_motion_leaves_the_usual_one_and_is_a_problem(
    bundle: AvatarBundle, tmp_path: Path, content: str
) -> None:
    assert read_idling(content.encode()) == USUAL
    directory = tmp_path / "anna"
    directory.mkdir()
    for name in ("manifest.json", "reference.png", "preview.png"):
        (directory / name).write_bytes((bundle.directory / name).read_bytes())
    (directory / "motion.json").write_text(content)
    assert any("motion" in problem for problem in problems_of(directory)[0])


def test_wild_motion_is_kept_within_what_looks_whole() -> None:
    wild = json.dumps({"poses": [[99, -99, 3, 99, -99]] * 100}).encode()
    assert rows(read_idling(wild).poses[0]) == [LIMITS[0], -LIMITS[1], LIMITS[2], LIMITS[3], -LIMITS[4]]


# ---- reading files


def test_phones_note_how_they_were_held(tmp_path: Path) -> None:
    seen = np.zeros((96, 64, 3), np.uint8)
    seen[:32, :32] = 255
    for degrees, turns in ((90, 1), (180, 2), (270, 3)):
        stored = np.ascontiguousarray(np.rot90(seen, -turns))
        path = write_video(tmp_path / f"{degrees}.mp4", [stored] * 3, turned_degrees=degrees)
        shot = next(footage(path)).picture()
        assert shot.shape == seen.shape
        assert np.abs(shot.astype(int) - seen).mean() < 6, degrees
        assert next(footage(path)).picture(longest_side=48).shape == (48, 32, 3)


@pytest.mark.parametrize("rate", [10, 25, 60])
def test_pictures_come_at_25_a_second_whatever_the_video_has(tmp_path: Path, rate: int) -> None:
    pictures = [np.full((64, 64, 3), 20 + k % 200, np.uint8) for k in range(2 * rate)]
    shots = list(footage(write_video(tmp_path / "x.webm", pictures, rate)))
    assert [shot.number for shot in shots] == list(range(len(shots)))
    assert abs(len(shots) - 2 * FPS) <= 3


def test_only_the_beginning_is_read(tmp_path: Path) -> None:
    path = write_video(tmp_path / "x.mp4", [np.zeros((64, 64, 3), np.uint8)] * 100)
    assert len(list(footage(path, FootageLimits(used_seconds=2)))) == 50


def test_what_is_no_short_video_is_refused(tmp_path: Path, video: Path) -> None:
    whole = video.read_bytes()
    playlist = b"#EXTM3U\n#EXTINF:5,\nfile:///etc/passwd\n"
    sound = tmp_path / "sound.mp4"
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("aac", rate=48_000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4800), np.int16), format="s16", layout="mono")
        frame.sample_rate = 48_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    for name, data, told in (
        ("playlist", playlist, "no MP4"),
        ("empty", b"", "no MP4"),
        ("text", b"hello " * 100, "no MP4"),
        ("header", whole[:64], "damaged"),
        ("cut", whole[: len(whole) // 3], "damaged"),
        ("noise", whole[:16] + bytes(range(256)) * 40, "damaged"),
        ("ebml", b"\x1a\x45\xdf\xa3" + b"\xff" * 400, "damaged"),
        ("sound", sound.read_bytes(), "no pictures"),
    ):
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(InvalidInput, match=told):
            list(footage(path))
    with pytest.raises(InvalidInput, match="at most 2 s"):
        list(footage(video, FootageLimits(seconds=2)))
    with pytest.raises(InvalidInput, match="308x360"):
        list(footage(video, FootageLimits(pixels=1000)))
    with pytest.raises(InvalidInput, match="too long to decode"):
        list(footage(video, FootageLimits(decoding_seconds=0)))
    with pytest.raises(TooLarge):
        list(footage(video, FootageLimits(bytes=1000)))


def test_a_video_without_a_face_or_too_short_is_refused_with_a_word(tmp_path: Path) -> None:
    wall = [np.full((60, 80, 3), 90, np.uint8)] * 60
    with pytest.raises(InvalidInput, match="face is not seen"):
        filmed(write_video(tmp_path / "wall.mp4", wall))
    with pytest.raises(InvalidInput, match="at least 2 s"):
        filmed(write_video(tmp_path / "short.mp4", wall[:20]))
    result = run("avatar", "create", str(tmp_path / "short.mp4"), "--out", str(tmp_path / "out"))
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert not (tmp_path / "out").exists()


def test_a_crop_of_the_picture_keeps_the_motion(tmp_path: Path) -> None:
    """The motion is in millimetres of the face, so it does not depend on the picture's size."""
    room = []
    for face in faces(52):
        picture = np.full((600, 720, 3), 160, np.uint8)
        picture[180:396, 280:465] = cv2.resize(face, (185, 216), interpolation=cv2.INTER_AREA)
        room.append(picture)
    seen = filmed(write_video(tmp_path / "room.mp4", room))
    wanted = NewAvatar(seen.picture, "Anna", files=seen.files, animation=seen.animation, crop=True)
    made = AvatarMaker(tmp_path / "out").make(wanted)
    assert made.study.width < 500
    assert made.study.verdict.mode == "face"
    assert read_idling((made.directory / "motion.json").read_bytes()) != USUAL

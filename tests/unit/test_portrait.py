"""The talking head as the engine sees it: real frames of the demo avatar and of odd pictures."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from opentalking.core.avatars import AvatarBundle
from opentalking.core.errors import ProviderError
from opentalking.core.media import SAMPLES_PER_FRAME, Mark, Segment, Speech
from opentalking.core.providers import Face, Renderer
from opentalking.providers.render.portrait import PortraitConfig, PortraitFace, PortraitRenderer
from tests.support.human import at_media_rate, human_speech
from tests.support.portraits import (
    DEMO,
    MOUTH,
    WALL,
    bundle,
    darkness,
    difference,
    eye_white,
    frames_of,
    rendered,
    sound,
    spoken,
    stream,
    voice,
    write_picture,
)

OPEN, SHUT = 0.032, 0.02
"""Darkness of the mouth's area with an open and a shut mouth (the line between the lips is dark, too)."""
PAUSE = ("", 0.2)


@pytest.fixture
async def renderer() -> AsyncIterator[PortraitRenderer]:
    renderer = PortraitRenderer(PortraitConfig(render_threads=1))
    yield renderer
    await renderer.aclose()


@pytest.fixture
def demo() -> AvatarBundle:
    return bundle(DEMO, 512, 640, json.loads((DEMO / "manifest.json").read_text()))


@pytest.fixture
async def face(renderer: PortraitRenderer, demo: AvatarBundle) -> PortraitFace:
    return await renderer.open(demo)


def test_the_demo_bundle_is_complete(demo: AvatarBundle) -> None:
    manifest = demo.manifest
    assert manifest["id"] == "demo-avatar"
    assert manifest["model_type"] == "portrait"
    picture = cv2.imread(str(DEMO / "reference.png"))
    assert picture is not None
    assert picture.shape == (manifest["height"], manifest["width"], 3) == (640, 512, 3)
    animation = manifest["metadata"]["animation"]
    assert len(animation["outer_lip"]) >= 8
    assert all(
        0 <= share <= 1 for point in animation["outer_lip"] + animation["inner_mouth"] for share in point
    )


def test_it_keeps_the_contract(renderer: PortraitRenderer, face: PortraitFace) -> None:
    assert isinstance(renderer, Renderer)
    assert isinstance(face, Face)
    assert renderer.capabilities.phoneme_timings
    assert (face.width, face.height) == (512, 640)


# ---- idle


def test_the_idle_loop_is_seamless_and_alive(face: PortraitFace) -> None:
    loop = list(face.idle_frames())
    assert len(loop) == 200
    assert all(frame.shape == (960, 512) and frame.dtype == np.uint8 for frame in loop)
    steps = [difference(a, b) for a, b in pairwise(loop)]
    assert difference(loop[-1], loop[0]) <= max(steps)
    assert difference(loop[0], loop[60], MOUTH) > 0.3, "the head sways"
    assert max(steps) < 3.0, "and never jumps"
    assert max(difference(loop[0], frame, WALL) for frame in loop) < 1.0, "before a still wall"


def test_lids_close_now_and_then_but_not_where_playback_may_jump(face: PortraitFace) -> None:
    loop = list(face.idle_frames())
    shut = [k for k, frame in enumerate(loop) if eye_white(frame) < 0.5 * eye_white(loop[0])]
    starts = [k for k in shut if k - 1 not in shut]
    assert 2 <= len(starts) <= 4
    gaps = np.diff(starts)
    assert len(set(gaps.tolist())) == len(gaps), "not like clockwork"
    assert all(min(k % 25, 25 - k % 25) > 4 for k in shut)


def test_the_mouth_stays_shut_while_idle(face: PortraitFace) -> None:
    assert max(darkness(frame) for frame in face.idle_frames()) < SHUT


async def test_the_idle_key_names_content_and_size(renderer: PortraitRenderer, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    one = write_picture(tmp_path / "one", rng.integers(0, 255, (60, 80, 3), np.uint8))
    same = write_picture(tmp_path / "same", np.asarray(cv2.imread(str(tmp_path / "one" / "reference.png"))))
    other = write_picture(tmp_path / "other", rng.integers(0, 255, (60, 80, 3), np.uint8))
    keys = [(await renderer.open(avatar)).idle_key for avatar in (one, same, other)]
    assert keys[0] == keys[1] != keys[2]
    small = PortraitRenderer(PortraitConfig(max_pixels=1200))
    assert (await small.open(one)).idle_key != keys[0]
    await small.aclose()


# ---- speech


async def test_the_mouth_opens_for_vowels_and_shuts_for_p_b_m(face: PortraitFace) -> None:
    for stop in "pbm":
        piece = spoken([PAUSE, ("ɑː", 0.24), (stop, 0.08), ("ɑː", 0.24), PAUSE])
        frames = frames_of(await rendered(face, piece))
        open_at, shut_at = 8, 12  # 0.34 s is inside the vowel, 0.48 s in the middle of the stop
        assert darkness(frames[open_at]) > OPEN
        assert darkness(frames[shut_at]) < SHUT
        assert darkness(frames[15]) > OPEN
        assert darkness(frames[-1]) < SHUT


async def test_different_vowels_look_different(face: PortraitFace) -> None:
    shown = {}
    for vowel in ("ɑ", "i", "u"):
        frames = frames_of(await rendered(face, spoken([(vowel, 0.6)])))
        shown[vowel] = frames[10]
    for a, b in (("ɑ", "i"), ("ɑ", "u"), ("i", "u")):
        assert difference(shown[a], shown[b], MOUTH) > 3


async def test_sound_without_phonemes_opens_the_mouth_for_vowels(face: PortraitFace) -> None:
    speech = human_speech()[1]  # "he was not an ill disposed young man"; "not" from 0.56 s to 1.06 s
    frames = frames_of(await rendered(face, sound(at_media_rate(speech.pcm))))
    assert darkness(frames[17]) > OPEN
    assert darkness(frames[3]) < SHUT
    assert darkness(frames[-1]) < SHUT


async def test_sound_and_frames_are_paired_to_the_sample(face: PortraitFace) -> None:
    pieces = [voice(n, seed=n) for n in (5000, 12_345, 700, 4321)]
    ends = (False, True, False, False)
    segments = await rendered(
        face, *(sound(pcm, ends_sentence=end) for pcm, end in zip(pieces, ends, strict=True))
    )
    assert all(len(one.pcm) == len(one.frames) * SAMPLES_PER_FRAME for one in segments)
    assert all(one.turn_id == "turn-1" for one in segments)
    heard = np.concatenate([one.pcm for one in segments])
    first = np.concatenate(pieces[:2])
    padded = -(-len(first) // SAMPLES_PER_FRAME) * SAMPLES_PER_FRAME
    second = np.concatenate(pieces[2:])
    assert np.array_equal(heard[: len(first)], first)
    assert not heard[len(first) : padded].any()
    assert np.array_equal(heard[padded : padded + len(second)], second)
    assert not heard[padded + len(second) :].any()
    spoken_frames = (padded + len(second) - 1) // SAMPLES_PER_FRAME + 1
    tail = len(heard) // SAMPLES_PER_FRAME - spoken_frames
    assert 4 <= tail <= 8


async def test_the_first_segment_is_a_single_frame_and_later_ones_grow(face: PortraitFace) -> None:
    segments = await rendered(face, sound(voice(30 * SAMPLES_PER_FRAME)))
    sizes = [len(one.frames) for one in segments]
    assert sizes[0] == 1
    assert max(sizes) == 5


async def test_marks_arrive_in_order_with_their_segment(face: PortraitFace) -> None:
    length = 6 * SAMPLES_PER_FRAME + 100
    marks = (Mark("sentence_start", 0, 0), Mark("sentence_end", 0, length))
    later = (Mark("sentence_start", 1, 0), Mark("sentence_end", 1, length))
    segments = await rendered(face, sound(voice(length), marks=marks), sound(voice(length), marks=later))
    found, position = [], 0
    for segment in segments:
        found += [(mark.kind, mark.sentence_index, position + mark.at_samples) for mark in segment.marks]
        position += len(segment.pcm)
    second = 7 * SAMPLES_PER_FRAME
    assert found == [
        ("sentence_start", 0, 0),
        ("sentence_end", 0, length),
        ("sentence_start", 1, second),
        ("sentence_end", 1, second + length),
    ]


async def test_speech_goes_on_from_the_idle_loop_and_back(face: PortraitFace) -> None:
    loop = list(face.idle_frames())
    position = 57
    frames = frames_of(await rendered(face, spoken([PAUSE, ("ɑ", 0.6), PAUSE]), idle_position=position))
    hair = (slice(90, 330), slice(100, 410))
    typical = max(difference(a, b, hair) for a, b in zip(loop, loop[3:], strict=False))
    assert difference(loop[position - 1], frames[0], hair) <= typical
    after = loop[(position + len(frames)) % len(loop)]
    assert difference(frames[-1], after, hair) <= typical
    elsewhere = frames_of(await rendered(face, spoken([PAUSE]), idle_position=position + 60))[0]
    assert difference(loop[position - 1], elsewhere, hair) > typical, "or the test would prove nothing"


async def test_lids_close_while_speaking_too(face: PortraitFace) -> None:
    frames = frames_of(await rendered(face, sound(voice(150 * SAMPLES_PER_FRAME))))
    assert min(eye_white(frame) for frame in frames[:150]) < 0.3 * eye_white(frames[0])


async def test_a_piece_that_comes_late_continues_from_the_mouth_as_it_was(face: PortraitFace) -> None:
    release = asyncio.Event()

    async def pieces() -> AsyncIterator[Speech]:
        yield spoken([("ɑ", 0.4)])
        await release.wait()
        yield spoken([("ɑ", 0.4)])

    before: list[Segment] = []
    after: list[Segment] = []
    async for segment in face.render(pieces(), "turn-1"):
        (after if release.is_set() else before).append(segment)
        if sum(len(one.frames) for one in before) == 10:
            release.set()
    assert darkness(frames_of(before)[-1]) > OPEN
    assert darkness(frames_of(after)[0]) > OPEN
    assert difference(frames_of(before)[-1], frames_of(after)[0], MOUTH) < 6


async def test_nothing_said_gives_nothing(face: PortraitFace) -> None:
    assert await rendered(face) == []


async def test_two_turns_at_once_do_not_mix(renderer: PortraitRenderer, demo: AvatarBundle) -> None:
    one, two = await asyncio.gather(renderer.open(demo), renderer.open(demo))
    wide, shut = await asyncio.gather(
        rendered(one, spoken([("ɑ", 0.8)])), rendered(two, spoken([("m", 0.8)]))
    )
    assert darkness(frames_of(wide)[12]) > OPEN
    assert darkness(frames_of(shut)[12]) < SHUT


# ---- ends


async def test_closing_early_stops_the_work(renderer: PortraitRenderer, face: PortraitFace) -> None:
    frames = face.render(stream(sound(voice(2000 * SAMPLES_PER_FRAME))), "turn-1")
    await anext(frames)
    await frames.aclose()
    # the only thread is free again: another turn is served at once
    async with asyncio.timeout(5):
        assert await rendered(face, sound(voice(SAMPLES_PER_FRAME)))


async def test_cancelling_mid_way_leaves_no_thread(demo: AvatarBundle) -> None:
    renderer = PortraitRenderer(PortraitConfig(render_threads=2))
    face = await renderer.open(demo)
    begun = asyncio.Event()

    async def talk() -> None:
        async for _ in face.render(stream(sound(voice(2000 * SAMPLES_PER_FRAME))), "turn-1"):
            begun.set()

    task = asyncio.create_task(talk())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await renderer.aclose()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("portrait")]


async def test_a_closed_renderer_says_so(demo: AvatarBundle) -> None:
    renderer = PortraitRenderer()
    face = await renderer.open(demo)
    await renderer.aclose()
    await renderer.aclose()
    with pytest.raises(ProviderError, match="closed"):
        await rendered(face, sound(voice(SAMPLES_PER_FRAME)))


# ---- pictures


async def test_without_a_face_the_picture_moves_gently_and_no_mouth_opens(
    renderer: PortraitRenderer, tmp_path: Path
) -> None:
    rng = np.random.default_rng(5)
    noise = rng.integers(0, 255, (12, 10, 3), np.uint8)
    landscape = np.asarray(cv2.resize(noise, (400, 480), interpolation=cv2.INTER_CUBIC))
    face = await renderer.open(write_picture(tmp_path / "landscape", landscape))
    loop = list(face.idle_frames())
    assert 0.2 < max(difference(loop[0], frame) for frame in loop) < 8
    talking = frames_of(await rendered(face, spoken([("ɑ", 0.8)])))
    assert max(difference(a, b) for a, b in zip(talking, loop, strict=False)) < 2.5
    border = (slice(0, 2), slice(None))
    assert max(difference(loop[0], frame, border) for frame in loop) < 0.5


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((300, 201, 3), (200, 300)),
        ((3000, 4001, 3), (738, 554)),
        ((99, 2000, 3), (2000, 98)),
        ((7, 9, 3), (16, 16)),
        ((120, 90), (90, 120)),
        ((120, 90, 4), (90, 120)),
    ],
)
async def test_any_picture_is_scaled_to_a_streamable_size(
    renderer: PortraitRenderer, tmp_path: Path, shape: tuple[int, ...], size: tuple[int, int]
) -> None:
    picture = np.full(shape, 120, np.uint8)
    face = await renderer.open(write_picture(tmp_path / "any", picture))
    assert (face.width, face.height) == size
    frame = next(face.idle_frames())
    assert frame.shape == (size[1] * 3 // 2, size[0])


async def test_a_small_face_in_a_large_picture_talks(renderer: PortraitRenderer, tmp_path: Path) -> None:
    person = cv2.imread(str(DEMO / "reference.png"))
    assert person is not None
    wall = np.full((1000, 1400, 3), 200, np.uint8)
    small = cv2.resize(person, (320, 400), interpolation=cv2.INTER_AREA)
    wall[500:900, 900:1220] = small
    face = await renderer.open(write_picture(tmp_path / "room", wall))
    scale = face.width / 1400
    rows = slice(int((500 + 335 * 0.625) * scale), int((500 + 400 * 0.625) * scale))
    columns = slice(int((900 + 205 * 0.625) * scale), int((900 + 310 * 0.625) * scale))
    frames = frames_of(await rendered(face, spoken([PAUSE, ("ɑ", 0.6)])))
    assert difference(frames[2], frames[15], (rows, columns)) > 4


async def test_the_announced_size_is_used(renderer: PortraitRenderer) -> None:
    face = await renderer.open(bundle(DEMO, 256, 320))
    assert (face.width, face.height) == (256, 320)
    odd = await renderer.open(bundle(DEMO, 640, 480))
    assert (odd.width, odd.height) == (640, 480)


@pytest.mark.parametrize("content", [None, b"this is no picture"])
async def test_a_missing_or_broken_picture_is_a_render_error_each_time(
    renderer: PortraitRenderer, tmp_path: Path, content: bytes | None
) -> None:
    if content:
        (tmp_path / "reference.png").write_bytes(content)
    for _ in range(2):
        with pytest.raises(ProviderError) as caught:
            await renderer.open(bundle(tmp_path))
        assert (caught.value.stage, caught.value.provider) == ("render", "portrait")


async def test_speech_at_a_foreign_rate_is_a_render_error(face: PortraitFace) -> None:
    with pytest.raises(ProviderError, match="16000"):
        await rendered(face, Speech(voice(100), 16_000))


# ---- caches


async def test_a_second_start_animates_the_same_from_disk(demo: AvatarBundle, tmp_path: Path) -> None:
    spoken_frames = []
    for _ in range(2):
        renderer = PortraitRenderer(PortraitConfig(cache_directory=tmp_path / "cache"))
        face = await renderer.open(demo)
        spoken_frames.append(frames_of(await rendered(face, spoken([("ɑ", 0.3)]))))
        await renderer.aclose()
        assert len(list((tmp_path / "cache").iterdir())) == 1
    assert all(np.array_equal(a, b) for a, b in zip(*spoken_frames, strict=True))


async def test_a_damaged_cache_is_rebuilt(demo: AvatarBundle, tmp_path: Path) -> None:
    for _ in range(2):
        renderer = PortraitRenderer(PortraitConfig(cache_directory=tmp_path))
        face = await renderer.open(demo)
        assert darkness(frames_of(await rendered(face, spoken([("ɑ", 0.4)])))[8]) > OPEN
        await renderer.aclose()
        damage(tmp_path)


def damage(cache: Path) -> None:
    (stored,) = cache.iterdir()
    stored.write_bytes(stored.read_bytes()[:5000])


async def test_opening_at_once_prepares_once(demo: AvatarBundle, tmp_path: Path) -> None:
    renderer = PortraitRenderer(PortraitConfig(render_threads=2, cache_directory=tmp_path))
    faces = await asyncio.gather(*(renderer.open(demo) for _ in range(4)))
    frames = [next(face.idle_frames()) for face in faces]
    assert all(np.array_equal(frame, frames[0]) for frame in frames)
    waiting = asyncio.create_task(renderer.open(demo))
    waiting.cancel()
    assert (await renderer.open(demo)).idle_key == faces[0].idle_key
    await renderer.aclose()

"""The thinking and the listening look of the demo avatar, as frames."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from opentalking.core.media import FPS, I420
from opentalking.core.providers import Look, LookingFace
from opentalking.providers.render.portrait import PortraitConfig, PortraitFace, PortraitRenderer
from opentalking.providers.render.portrait.landmarks import FaceFinder
from opentalking.providers.render.portrait.planes import to_bgr
from tests.support.portraits import (
    DEMO,
    bundle,
    darkness,
    difference,
    frames_of,
    rendered,
    spoken,
    stream,
    write_picture,
)

HAIR = (slice(60, 330), slice(100, 410))
_going_on: list[AsyncGenerator[I420, None]] = []
STILL_BLINKS = 40
"""From this frame of the idle loop no lid moves for two seconds and a half."""


@pytest.fixture
async def renderer() -> AsyncIterator[PortraitRenderer]:
    renderer = PortraitRenderer(PortraitConfig(render_threads=1))
    yield renderer
    while _going_on:
        await _going_on.pop().aclose()
    await renderer.aclose()


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return FaceFinder()


@pytest.fixture
async def face(renderer: PortraitRenderer) -> PortraitFace:
    demo = bundle(DEMO, 512, 640, json.loads((DEMO / "manifest.json").read_text()))
    return await renderer.open(demo)


async def looked(face: PortraitFace, kind: Look, count: int, position: int) -> list[I420]:
    """The first frames of a look, which goes on afterwards unless it has ended."""
    frames: list[I420] = []
    look = face.look(kind, position)
    _going_on.append(look)
    while len(frames) < count:
        frame = await anext(look, None)
        if frame is None:
            break
        frames.append(frame)
    return frames


def jumps(frames: list[I420]) -> float:
    """The largest step of the head from frame to frame."""
    return max(difference(a, b, HAIR) for a, b in pairwise(frames))


def found(frame: I420, finder: FaceFinder) -> NDArray[np.float32]:
    points = finder.find(np.ascontiguousarray(to_bgr(frame)))
    assert points is not None
    return points


def iris(frame: I420, finder: FaceFinder) -> float:
    """Where both irises stand between the corners of their eyes, 0 (left of the picture) to 1."""
    points = found(frame, finder)
    places = []
    for left, right in ((points[33], points[133]), (points[362], points[263])):
        width, middle = right[0] - left[0], (left[1] + right[1]) / 2
        rows = slice(int(middle - 0.32 * width), int(middle + 0.3 * width))
        dark = np.clip(
            60 - frame[rows, int(left[0] + 0.1 * width) : int(right[0] - 0.1 * width)].astype(float), 0, None
        )
        places.append(float((dark * np.arange(dark.shape[1])).sum() / dark.sum() / width))
    return float(np.mean(places))


def nose(frame: I420, finder: FaceFinder) -> float:
    """Row of the tip of the nose."""
    return float(found(frame, finder)[4, 1])


def test_the_renderer_says_that_its_faces_can_look(renderer: PortraitRenderer, face: PortraitFace) -> None:
    assert renderer.capabilities.looks
    assert isinstance(face, LookingFace)


async def test_thinking_looks_aside_with_a_shut_mouth_and_listening_at_the_visitor(
    face: PortraitFace, finder: FaceFinder
) -> None:
    loop = list(face.idle_frames())
    aside: dict[str, list[float]] = {}
    kinds: tuple[Look, ...] = ("thinking", "listening")
    for kind in kinds:
        frames = await looked(face, kind, 50, STILL_BLINKS)
        await looked(face, "rest", 100, 0)
        assert max(darkness(frame) for frame in frames) < 0.022
        at = range(14, 50, 6)
        aside[kind] = [abs(iris(frames[k], finder) - iris(loop[STILL_BLINKS + k], finder)) for k in at]
    assert np.median(aside["thinking"]) > 0.05
    assert np.median(aside["listening"]) < 0.025


async def test_listening_nods_now_and_then(face: PortraitFace, finder: FaceFinder) -> None:
    frames = await looked(face, "listening", 150, 0)
    loop = list(face.idle_frames())
    low = np.array([nose(frames[k], finder) - nose(loop[k], finder) for k in range(12, 150, 2)])
    nodding = low > np.median(low) + 1.2
    nods = int(np.sum(nodding[1:] & ~nodding[:-1]))
    assert 1 <= nods <= 10


@pytest.mark.parametrize("kind", ["thinking", "listening"])
async def test_a_look_leaves_the_idle_loop_and_comes_back_without_a_jump(
    face: PortraitFace, kind: Look
) -> None:
    loop = list(face.idle_frames())
    usual = jumps(loop)
    for position in (3, 57, 131):
        for length in (1, 9, 60):
            frames = await looked(face, kind, length, position)
            back = await looked(face, "rest", 1000, position + length)
            end = position + len(frames) + len(back)
            assert end % FPS == 0, "where playback may cut"
            assert 14 <= len(back) < 14 + FPS
            whole = [loop[position - 1], *frames, *back, loop[end % len(loop)]]
            assert jumps(whole) < 1.8 * usual
            assert difference(back[-1], loop[(end - 1) % len(loop)]) < 0.6


async def test_speech_goes_on_from_the_look(face: PortraitFace) -> None:
    loop = list(face.idle_frames())
    frames = await looked(face, "thinking", 40, 0)
    talking = frames_of(await rendered(face, spoken([("", 0.2), ("ɑ", 0.4), ("", 0.2)]), idle_position=40))
    assert jumps([frames[-1], *talking]) < 1.8 * jumps(loop)
    assert difference(frames[-1], talking[0], HAIR) < 0.6 * difference(frames[-1], loop[40], HAIR)
    assert difference(talking[-1], loop[(40 + len(talking) - 1) % len(loop)], HAIR) < jumps(loop)
    await _going_on.pop().aclose()
    again = await looked(face, "thinking", 3, 90)
    assert jumps([loop[89], *again]) < 1.8 * jumps(loop), "the look before the turn is forgotten"


async def test_a_turn_dropped_before_it_is_seen_leaves_the_look_as_it_is(face: PortraitFace) -> None:
    loop = list(face.idle_frames())
    frames = await looked(face, "thinking", 40, 0)
    async with aclosing(face.render(stream(spoken([("ɑ", 0.4)])), "turn-1", 40)) as segments:
        await anext(segments)
    back = await looked(face, "rest", 20, 40)
    assert jumps([frames[-1], *back]) < 1.8 * jumps(loop)


async def test_an_abandoned_look_is_forgotten(face: PortraitFace) -> None:
    loop = list(face.idle_frames())
    async with aclosing(face.look("thinking", 0)) as look:
        for _ in range(40):
            await anext(look)
    again = await looked(face, "listening", 2, 100)
    assert jumps([loop[99], *again]) < 1.8 * jumps(loop)


async def test_two_faces_look_independently(renderer: PortraitRenderer, face: PortraitFace) -> None:
    demo = bundle(DEMO, 512, 640, json.loads((DEMO / "manifest.json").read_text()))
    other = await renderer.open(demo)
    await looked(face, "thinking", 30, 0)
    calm = frames_of(await rendered(other, spoken([("", 0.4)]), idle_position=30))
    alone = frames_of(await rendered(await renderer.open(demo), spoken([("", 0.4)]), idle_position=30))
    assert all(np.array_equal(a, b) for a, b in zip(calm, alone, strict=True))


async def test_a_picture_without_a_face_has_a_look_too(renderer: PortraitRenderer, tmp_path: Path) -> None:
    landscape = write_picture(tmp_path / "l", np.full((120, 100, 3), 90, np.uint8))
    plain = await renderer.open(landscape)
    assert len(await looked(plain, "thinking", 5, 0)) == 5

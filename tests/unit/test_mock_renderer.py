from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from opentalking.core.errors import ProviderError
from opentalking.core.media import SAMPLES_PER_FRAME, Mark
from opentalking.core.providers import Face, Renderer
from opentalking.providers.render.mock import MockRenderer
from tests.support.portraits import DEMO, bundle, frames_of, rendered, sound, voice


@pytest.fixture
async def renderer() -> AsyncIterator[MockRenderer]:
    renderer = MockRenderer()
    yield renderer
    await renderer.aclose()


async def test_it_keeps_the_contract(renderer: MockRenderer) -> None:
    face = await renderer.open(bundle(DEMO))
    assert isinstance(renderer, Renderer)
    assert isinstance(face, Face)
    assert (face.width, face.height) == (512, 640)
    loop = list(face.idle_frames())
    assert len(loop) == 25
    assert all(np.array_equal(frame, loop[0]) for frame in loop)
    assert loop[0].shape == (960, 512)


async def test_sound_is_paired_with_the_still_frame(renderer: MockRenderer) -> None:
    face = await renderer.open(bundle(DEMO))
    pcm = voice(7 * SAMPLES_PER_FRAME + 11)
    marks = (Mark("sentence_start", 0, 0), Mark("sentence_end", 0, len(pcm)))
    segments = await rendered(face, sound(pcm, marks=marks))
    assert all(len(one.pcm) == len(one.frames) * SAMPLES_PER_FRAME for one in segments)
    heard = np.concatenate([one.pcm for one in segments])
    assert np.array_equal(heard[: len(pcm)], pcm)
    assert len(heard) == 8 * SAMPLES_PER_FRAME
    still = next(face.idle_frames())
    assert all(np.array_equal(frame, still) for frame in frames_of(segments))
    assert [mark.kind for one in segments for mark in one.marks] == ["sentence_start", "sentence_end"]


async def test_marks_without_sound_still_come(renderer: MockRenderer) -> None:
    face = await renderer.open(bundle(DEMO))
    segments = await rendered(face, sound(voice(0), marks=(Mark("sentence_end", 0, 0),)))
    assert [mark for one in segments for mark in one.marks] == [Mark("sentence_end", 0, 0)]
    assert await rendered(face) == []


async def test_a_missing_picture_is_a_render_error(renderer: MockRenderer, tmp_path: Path) -> None:
    with pytest.raises(ProviderError) as caught:
        await renderer.open(bundle(tmp_path))
    assert caught.value.stage == "render"

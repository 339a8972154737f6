"""Pictures, speech and measures for the renderer tests."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

import opentalking
from opentalking.core.avatars import AvatarBundle
from opentalking.core.media import I420, MEDIA_RATE, Mark, PhonemeTiming, Segment, Speech
from opentalking.core.providers import Face

DEMO = Path(opentalking.__file__).parent / "assets" / "avatars" / "demo-avatar"
MOUTH = (slice(335, 400), slice(205, 310))
"""Rows and columns around the demo avatar's lips."""
LEFT_EYE = (slice(255, 288), slice(175, 245))
WALL = (slice(20, 60), slice(20, 130))


def bundle(
    directory: Path, width: int = 0, height: int = 0, manifest: dict[str, object] | None = None
) -> AvatarBundle:
    return AvatarBundle(
        directory.name, directory.name, "portrait", width, height, False, directory, manifest or {}
    )


def write_picture(directory: Path, picture: NDArray[Any], name: str = "reference.png") -> AvatarBundle:
    directory.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(directory / name), picture)
    return bundle(directory)


def voice(samples: int, level: float = 9000.0, seed: int = 1) -> NDArray[np.int16]:
    """A buzz of constant loudness."""
    rng = np.random.default_rng(seed)
    time = np.arange(samples) / MEDIA_RATE
    tone = np.sin(2 * np.pi * 140 * time) + 0.5 * np.sin(2 * np.pi * 280 * time)
    return np.asarray((tone + 0.02 * rng.normal(size=samples)) * level / 1.5, np.int16)


def spoken(
    phonemes: Sequence[tuple[str, float]], *, ends_sentence: bool = True, marks: tuple[Mark, ...] = ()
) -> Speech:
    """Speech of these phonemes, (symbol, seconds) each; "" is silence."""
    timings: list[PhonemeTiming] = []
    parts: list[NDArray[np.int16]] = []
    now = 0.0
    for symbol, seconds in phonemes:
        timings.append(PhonemeTiming(symbol, now, now + seconds))
        samples = round((now + seconds) * MEDIA_RATE) - round(now * MEDIA_RATE)
        parts.append(voice(samples) if symbol else np.zeros(samples, np.int16))
        now += seconds
    return Speech(np.concatenate(parts), MEDIA_RATE, "", tuple(timings), (), ends_sentence, marks)


def sound(pcm: NDArray[np.int16], *, ends_sentence: bool = True, marks: tuple[Mark, ...] = ()) -> Speech:
    return Speech(pcm, MEDIA_RATE, ends_sentence=ends_sentence, marks=marks)


async def stream(*pieces: Speech) -> AsyncIterator[Speech]:
    for piece in pieces:
        await asyncio.sleep(0)
        yield piece


async def rendered(face: Face, *pieces: Speech, idle_position: int = 0) -> list[Segment]:
    return [segment async for segment in face.render(stream(*pieces), "turn-1", idle_position)]


def frames_of(segments: Sequence[Segment]) -> list[I420]:
    return [frame for segment in segments for frame in segment.frames]


def difference(a: I420, b: I420, area: tuple[slice, slice] | None = None) -> float:
    """Mean absolute difference of the luma, in an area or all over (any frame height)."""
    rows = a.shape[0] * 2 // 3
    area = area or (slice(0, rows), slice(None))
    return float(np.abs(a[:rows][area].astype(int) - b[:rows][area]).mean())


def eye_white(frame: I420) -> float:
    """Share of the demo avatar's eye that is white or glint."""
    return float((frame[LEFT_EYE] > 212).mean())


def darkness(frame: I420, area: tuple[slice, slice] = MOUTH) -> float:
    """Share of pixels as dark as the inside of a mouth."""
    return float((frame[area] < 62).mean())

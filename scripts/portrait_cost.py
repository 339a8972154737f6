"""CPU milliseconds per frame of the portrait renderer, on one core: see `--help`.

Speech comes from the embedded voice, so `opentalking models pull --embedded` must have run.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from opentalking.audio.resample import SpeechResampler  # noqa: E402
from opentalking.core.media import MEDIA_RATE, Speech  # noqa: E402
from opentalking.providers.render.portrait.acting.motion import idle_pose  # noqa: E402
from opentalking.providers.render.portrait.expression import Pose  # noqa: E402
from opentalking.providers.render.portrait.landmarks import FaceFinder  # noqa: E402
from opentalking.providers.render.portrait.painter import NEUTRAL, FramePainter, MouthPainter  # noqa: E402
from opentalking.providers.render.portrait.picture import (  # noqa: E402
    Picture,
    decode,
    fit,
    lid_pictures,
    read_files,
)
from opentalking.providers.render.portrait.prepared import PreparedPortrait, prepare  # noqa: E402
from opentalking.providers.render.portrait.stream import PortraitStream  # noqa: E402
from opentalking.providers.render.visemes import PARAMETERS  # noqa: E402
from opentalking.providers.tts.local import LocalSpeechConfig, LocalTextToSpeech  # noqa: E402
from opentalking.settings import Environment  # noqa: E402

SIZES = ((512, 512), (512, 640))
ROUNDS, FRAMES = 5, 100
TEXT = (
    "Good morning, and welcome to our little museum of machines.",
    "The first engine that you see here was built by a blacksmith who had never been to school.",
    "People say that he worked on it every night for eleven years, while his family slept upstairs.",
    "If you look closely at the wheel, you will find the marks of his hammer.",
    "Please do not touch it, even though it looks as if nothing could ever hurt it.",
    "Would you like to hear how it sounds when it runs? We can start it with a bucket of warm water.",
    "Afterwards we walk to the second hall, where the lamps and the telephones are kept.",
    "There is a small shop near the exit, and the coffee in the garden is better than you think.",
    "Thank you for listening, and see you again soon.",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "bundle", type=Path, nargs="?", default=ROOT / "opentalking/assets/avatars/demo-avatar"
    )
    parser.add_argument("--turns", type=int, default=4, help="how often the text is spoken (4)")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    sentences = asyncio.run(spoken())
    for size in SIZES:
        print(f"{size[0]}x{size[1]}")
        for name, value in figures(options.bundle, size, sentences, options.turns):
            print(f"  {name:52} {value:8.2f}")


async def spoken() -> list[list[Speech]]:
    """The text's sentences as pieces of speech at the media rate."""
    voice = LocalTextToSpeech(LocalSpeechConfig(Environment().settings.models_path))
    sentences = []
    try:
        for text in TEXT:
            resampler = SpeechResampler(MEDIA_RATE)
            sentences.append([resampler.feed(piece) async for piece in voice.speak(text)])
    finally:
        await voice.aclose()
    return sentences


def figures(
    bundle: Path, size: tuple[int, int], sentences: Sequence[Sequence[Speech]], turns: int
) -> list[tuple[str, float]]:
    files = read_files(bundle, json.loads((bundle / "manifest.json").read_text(encoding="utf-8")))
    whole = decode(files.picture)
    picture = fit(framed(whole, size), size)
    lids = tuple(
        fit(framed(lid, size), size) for lid in (lid_pictures(whole, files.lids) if files.lids else ())
    )
    finder = FaceFinder()
    prepare(picture, lids, finder)
    began = time.process_time()
    portrait = prepare(picture, lids, finder)
    rows = [("preparation, CPU ms", 1e3 * (time.process_time() - began))]
    if portrait.mouth is None:
        raise SystemExit(f"no mouth: {portrait.reason}")
    rows += parts(portrait, MouthPainter(portrait.mouth))
    for turn in range(turns):
        hits, misses = portrait.patches.hits, portrait.patches.misses
        began, frames = time.thread_time(), speak(portrait, sentences, turn)
        spent = time.thread_time() - began
        hits, misses = portrait.patches.hits - hits, portrait.patches.misses - misses
        rows.append((f"speaking, ms a frame, turn {turn + 1}", 1e3 * spent / frames))
        rows.append((f"  mouths from the cache, % of frames, turn {turn + 1}", 100 * hits / frames))
        rows.append((f"  mouths painted, % of frames, turn {turn + 1}", 100 * misses / frames))
    return rows


def framed(picture: Picture, size: tuple[int, int]) -> Picture:
    """The middle of `picture` with the aspect of `size`, its lower end cut off."""
    height, width = picture.shape[:2]
    rows = min(height, round(width * size[1] / size[0]))
    top = (height - rows) // 3
    return np.ascontiguousarray(picture[top : top + rows])


def parts(portrait: PreparedPortrait, mouth: MouthPainter) -> list[tuple[str, float]]:
    rng = np.random.default_rng(0)
    faces = rng.uniform(0, 0.8, (FRAMES, len(PARAMETERS))).astype(np.float32)
    painter, cached = FramePainter(portrait), FramePainter(portrait)
    few = faces[:8]
    for face in few:
        cached.frame(face, 0, Pose())
    fresh = iter(range(10**9))

    def unseen() -> np.ndarray:
        """A mouth that no cache holds."""
        number = next(fresh)
        shifted = faces[number % FRAMES] + np.float32(0.016 * (number // FRAMES + 1))
        return np.asarray(shifted % np.float32(1))

    works: list[tuple[str, Callable[[int], object]]] = [
        ("mouth patch alone", lambda k: mouth.paint(faces[k])),
        ("whole frame: new mouth, pose and lids", lambda k: painter.frame(unseen(), k % 2, idle_pose(2 * k))),
        ("whole frame: cached mouth, new pose", lambda k: cached.frame(few[k % 8], 0, idle_pose(2 * k))),
        ("head still: new mouth", lambda k: painter.frame(unseen(), 0, Pose())),
        ("head still: cached mouth", lambda k: cached.frame(few[k % 8], 0, Pose())),
        ("idle: new pose only", lambda k: painter.frame(NEUTRAL, 0, idle_pose(2 * k))),
        ("nothing changes", lambda _: painter.frame(NEUTRAL, 0, Pose())),
    ]
    return [(name, timed(work)) for name, work in works]


def timed(work: Callable[[int], object]) -> float:
    """CPU milliseconds per call of this thread, the best of some rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.thread_time()
        for k in range(FRAMES):
            work(k)
        best = min(best, 1e3 * (time.thread_time() - began) / FRAMES)
    return best


def speak(portrait: PreparedPortrait, sentences: Sequence[Sequence[Speech]], turn: int) -> int:
    """Render all sentences as one turn; returns the number of frames."""
    stream = PortraitStream(portrait, "turn", 37 * turn)
    frames = 0
    for piece in [*(piece for pieces in sentences for piece in pieces), None]:
        segment = stream.take(piece, 5)
        while segment is not None:
            frames += len(segment.frames)
            segment = stream.render(5)
    return frames


if __name__ == "__main__":
    main()

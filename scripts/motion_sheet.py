"""Draw sheets of an avatar's emotions, glances and looks: see `--help`."""

import argparse
import dataclasses
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from opentalking.core.conversation import EMOTIONS, Emotion  # noqa: E402
from opentalking.core.media import I420, MEDIA_RATE, PhonemeTiming, Speech  # noqa: E402
from opentalking.core.providers import Look  # noqa: E402
from opentalking.providers.render.portrait import prepared  # noqa: E402
from opentalking.providers.render.portrait.expression import Expression, Pose  # noqa: E402
from opentalking.providers.render.portrait.landmarks import FaceFinder  # noqa: E402
from opentalking.providers.render.portrait.looks import Carried, LookStream  # noqa: E402
from opentalking.providers.render.portrait.painter import NEUTRAL, FramePainter  # noqa: E402
from opentalking.providers.render.portrait.picture import (  # noqa: E402
    PictureFiles,
    decode,
    fit,
    lid_pictures,
    read_files,
    streamed_size,
)  # fmt: skip
from opentalking.providers.render.portrait.planes import to_bgr  # noqa: E402
from opentalking.providers.render.portrait.prepared import PreparedPortrait  # noqa: E402
from opentalking.providers.render.portrait.stream import PortraitStream  # noqa: E402

MOST_PIXELS = 409_600
WORDS = [
    ("", 0.2), ("h", 0.06), ("ə", 0.07), ("l", 0.07), ("oʊ", 0.22), ("", 0.1), ("n", 0.07), ("aɪ", 0.2),
    ("s", 0.1), ("t", 0.06), ("ʊ", 0.09), ("m", 0.09), ("iː", 0.18), ("tʃ", 0.09), ("uː", 0.24), ("", 0.1),
]  # fmt: skip

Image = NDArray[np.uint8]


def load(place: Path) -> PreparedPortrait:
    """A bundle's folder, or a picture."""
    if place.is_dir():
        files = read_files(place, json.loads((place / "manifest.json").read_text()))
    else:
        files = PictureFiles(place.read_bytes(), None, "")
    picture = decode(files.picture)
    picture = fit(picture, streamed_size(picture.shape[1], picture.shape[0], MOST_PIXELS))
    lids = lid_pictures(picture, files.lids) if files.lids else ()
    return prepared.prepare(picture, lids, FaceFinder())


def said(emotion: Emotion) -> Speech:
    timings, parts, now = [], [], 0.0
    for symbol, seconds in WORDS:
        timings.append(PhonemeTiming(symbol, now, now + seconds))
        time = np.arange(round(seconds * MEDIA_RATE)) / MEDIA_RATE
        parts.append((9000 if symbol else 0) * np.sin(2 * np.pi * 150 * time))
        now += seconds
    pcm = np.concatenate(parts).astype(np.int16)
    return dataclasses.replace(Speech(pcm, MEDIA_RATE, phonemes=tuple(timings)), emotion=emotion)


def turn(portrait: PreparedPortrait, emotion: Emotion) -> list[I420]:
    stream = PortraitStream(portrait, "sheet", 0)
    segments = [stream.take(said(emotion), 1000), stream.take(None, 1000)]
    return [frame for segment in segments if segment for frame in segment.frames]


def emotions(portrait: PreparedPortrait) -> Iterator[list[tuple[str, I420]]]:
    """Per emotion: frames of one sentence, its last one from after the tail."""
    for emotion in EMOTIONS:
        frames = turn(portrait, emotion)
        yield [(f"{emotion} {k}", frames[k]) for k in (0, 11, 16, 22, 28, 34, len(frames) - 1)]


def glances(portrait: PreparedPortrait) -> Iterator[list[tuple[str, I420]]]:
    painter = FramePainter(portrait)
    rows: list[list[dict[str, float]]] = [
        [{}, {"gaze_x": -0.6}, {"gaze_x": 0.6}, {"gaze_y": -0.6}, {"gaze_y": 0.6}],
        [
            {"brow_rise": 0.4},
            {"brow_rise": 1.0},
            {"brow_rise": -0.5},
            {"brow_slant": 0.6},
            {"brow_slant": -0.6},
        ],
    ]
    for row in rows:
        yield [
            (" ".join(f"{name} {value}" for name, value in parts.items()) or "rest",
             painter.frame(NEUTRAL, 0.0, Pose(), Expression(**parts)))
            for parts in row
        ]  # fmt: skip


def looks(portrait: PreparedPortrait) -> Iterator[list[tuple[str, I420]]]:
    """Both looks from the idle loop on, and back at rest."""
    kinds: tuple[Look, ...] = ("thinking", "listening")
    for kind in kinds:
        carried = Carried()
        stream = LookStream(portrait, kind, 40, carried)
        row = []
        for k in range(100):
            frame = stream.next()
            if k % 11 == 0 and frame is not None:
                row.append((f"{kind} {k}", frame))
        rest = LookStream(portrait, "rest", 140, carried)
        row += [
            (f"rest {k}", frame) for k in range(14) if (frame := rest.next()) is not None and k in (6, 13)
        ]
        yield row[:7] + row[-2:]


def tile(frame: I420, name: str, height: int) -> Image:
    picture = to_bgr(frame)
    scale = height / picture.shape[0]
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    for colour, thick in (((255, 255, 255), 3), ((0, 0, 0), 1)):
        cv2.putText(small, name, (6, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.42, colour, thick, cv2.LINE_AA)
    return np.asarray(small, np.uint8)


def sheet(rows: Iterator[list[tuple[str, I420]]], crop: Sequence[float], height: int) -> Image:
    left, top, right, bottom = crop
    lines = []
    for row in rows:
        tiles = [tile(frame, name, round(height / (bottom - top))) for name, frame in row]
        tall, wide = tiles[0].shape[:2]
        area = (slice(int(top * tall), int(bottom * tall)), slice(int(left * wide), int(right * wide)))
        lines.append(np.hstack([np.ascontiguousarray(one[area]) for one in tiles]))
    return np.vstack(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("avatar", type=Path, help="a bundle's folder, or a picture")
    parser.add_argument("--out", type=Path, required=True, help="folder for the sheets")
    parser.add_argument(
        "--crop", default="0.2,0.1,0.8,0.72", help="left,top,right,bottom of what is shown, as shares"
    )
    parser.add_argument("--height", type=int, default=260, help="pixels of a tile")
    options = parser.parse_args()
    crop = [float(part) for part in options.crop.split(",")]
    portrait = load(options.avatar)
    options.out.mkdir(parents=True, exist_ok=True)
    for name, rows in (
        ("emotions", emotions(portrait)),
        ("glances", glances(portrait)),
        ("looks", looks(portrait)),
    ):
        cv2.imwrite(str(options.out / f"{name}.png"), sheet(rows, crop, options.height))


if __name__ == "__main__":
    main()

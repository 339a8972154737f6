"""Draw a sheet of visemes, blinks and idle frames of an avatar: see `--help`."""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from opentalking.core.media import I420  # noqa: E402
from opentalking.providers.render.portrait.eyelids import STEPS  # noqa: E402
from opentalking.providers.render.portrait.head import Pose  # noqa: E402
from opentalking.providers.render.portrait.landmarks import FaceFinder  # noqa: E402
from opentalking.providers.render.portrait.motion import idle_pose  # noqa: E402
from opentalking.providers.render.portrait.painter import NEUTRAL, FramePainter  # noqa: E402
from opentalking.providers.render.portrait.picture import (  # noqa: E402
    decode,
    lid_pictures,
    read_files,
    resize,
    streamed_size,
)  # fmt: skip
from opentalking.providers.render.portrait.planes import to_bgr  # noqa: E402
from opentalking.providers.render.portrait.prepared import prepare  # noqa: E402
from opentalking.providers.render.visemes import VISEMES, viseme  # noqa: E402

Tile = NDArray[np.uint8]


def titled(frame: I420, title: str, box: tuple[int, int, int, int] | None, width: int) -> Tile:
    whole = to_bgr(frame)
    part = whole[box[1] : box[3], box[0] : box[2]] if box else whole
    scale = width / part.shape[1]
    kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    image = cv2.resize(part, (width, round(part.shape[0] * scale)), interpolation=kind)
    for colour, weight in (((255, 255, 255), 3), ((20, 20, 20), 1)):
        cv2.putText(image, title, (6, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.5, colour, weight, cv2.LINE_AA)
    return np.asarray(image, np.uint8)


def sheet(tiles: list[Tile], columns: int) -> Tile:
    while len(tiles) % columns:
        tiles.append(np.full_like(tiles[0], 255))
    return np.vstack([np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)])


Box = tuple[int, int, int, int]
SHARES = {"face": (-0.2, -0.2, 1.2, 1.2), "mouth": (0.15, 0.55, 0.85, 1.1), "eyes": (0, 0.1, 1, 0.5)}


def box_of(points: NDArray[np.float32], crop: str, size: tuple[int, int]) -> Box:
    """Left, top, right, bottom of a part of the face, in pixels."""
    low, high = points.min(0), points.max(0)
    width, height = high - low
    share = SHARES[crop]
    corners = (
        low[0] + share[0] * width,
        low[1] + share[1] * height,
        low[0] + share[2] * width,
        low[1] + share[3] * height,
    )
    left, top, right, bottom = (
        int(min(max(0, corner), limit)) for corner, limit in zip(corners, (*size, *size), strict=True)
    )
    return left, top, right, bottom


def frames(painter: FramePainter, crop: str) -> Iterator[tuple[str, I420]]:
    """What the sheet shows, by title."""
    if crop != "eyes":
        for name in VISEMES:
            yield name, painter.frame(viseme(name).target, 0, Pose())
    if crop != "mouth":
        for step in range(STEPS + 1):
            yield f"lids {step}/{STEPS}", painter.frame(NEUTRAL, step / STEPS, Pose())
    if crop in {"face", "none"}:
        for position in range(0, 200, 40):
            yield f"idle {position}", painter.frame(NEUTRAL, 0, idle_pose(position))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--crop", choices=("face", "mouth", "eyes", "none"), default="face")
    parser.add_argument("--columns", type=int, default=6)
    parser.add_argument("--width", type=int, default=240)
    options = parser.parse_args()

    manifest = json.loads((options.bundle / "manifest.json").read_text())
    files = read_files(options.bundle, manifest)
    picture = decode(files.picture)
    size = streamed_size(picture.shape[1], picture.shape[0], 409_600)
    picture = resize(picture, size)
    lids = lid_pictures(picture, files.lids) if files.lids else ()
    finder = FaceFinder()
    points = finder.find(picture)
    painter = FramePainter(prepare(picture, lids, finder))
    box = None if points is None or options.crop == "none" else box_of(points, options.crop, size)
    tiles = [titled(frame, title, box, options.width) for title, frame in frames(painter, options.crop)]
    options.out.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(options.out), sheet(tiles, options.columns))


if __name__ == "__main__":
    main()

"""Draw a sheet of visemes, blinks and idle frames of an avatar: see `--help`."""

import argparse
import json
import sys
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
    image = to_bgr(frame)
    if box:
        image = image[box[1] : box[3], box[0] : box[2]]
    scale = width / image.shape[1]
    kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    image = cv2.resize(image, (width, round(image.shape[0] * scale)), interpolation=kind)
    for colour, weight in (((255, 255, 255), 3), ((20, 20, 20), 1)):
        cv2.putText(image, title, (6, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.5, colour, weight, cv2.LINE_AA)
    return np.asarray(image, np.uint8)


def sheet(tiles: list[Tile], columns: int) -> Tile:
    while len(tiles) % columns:
        tiles.append(np.full_like(tiles[0], 255))
    return np.vstack([np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)])


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
    portrait = prepare(picture, lids, finder)
    box = None
    if points is not None and options.crop != "none":
        low, high = points.min(0), points.max(0)
        width, height = high - low
        share = {"face": (-0.2, -0.2, 1.2, 1.2), "mouth": (0.15, 0.55, 0.85, 1.1), "eyes": (0, 0.1, 1, 0.5)}[
            options.crop
        ]
        corners = [
            low[0] + share[0] * width,
            low[1] + share[1] * height,
            low[0] + share[2] * width,
            low[1] + share[3] * height,
        ]
        limits = (size[0], size[1], size[0], size[1])
        left, top, right, bottom = (int(min(max(0, c), m)) for c, m in zip(corners, limits, strict=True))
        box = (left, top, right, bottom)

    painter = FramePainter(portrait)
    tiles = []
    if options.crop != "eyes":
        tiles += [
            titled(painter.frame(viseme(name).target, 0, Pose()), name, box, options.width)
            for name in VISEMES
        ]
    if options.crop != "mouth":
        steps = range(STEPS + 1)
        tiles += [
            titled(painter.frame(NEUTRAL, k / STEPS, Pose()), f"lids {k}/{STEPS}", box, options.width)
            for k in steps
        ]
    if options.crop in {"face", "none"}:
        tiles += [
            titled(painter.frame(NEUTRAL, 0, idle_pose(k)), f"idle {k}", box, options.width)
            for k in range(0, 200, 40)
        ]
    options.out.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(options.out), sheet(tiles, options.columns))


if __name__ == "__main__":
    main()

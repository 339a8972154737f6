"""Draw contact sheets of avatars: every viseme, the blink, and frames of the idle loop.

Without arguments: a sheet of every shipped avatar and one picture of the whole cast, into `docs/images/cast`.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from opentalking.catalog.avatars import AvatarCatalog  # noqa: E402
from opentalking.core.avatars import AvatarBundle  # noqa: E402
from opentalking.core.media import I420  # noqa: E402
from opentalking.providers.render.portrait import PortraitRenderer  # noqa: E402
from opentalking.providers.render.portrait.expression import Pose  # noqa: E402
from opentalking.providers.render.portrait.landmarks import FaceFinder  # noqa: E402
from opentalking.providers.render.portrait.painter import NEUTRAL, FramePainter  # noqa: E402
from opentalking.providers.render.portrait.parts.drawn_lips import read_lips  # noqa: E402
from opentalking.providers.render.portrait.parts.eyelids import STEPS  # noqa: E402
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

AVATARS = ROOT / "opentalking" / "assets" / "avatars"
SHEETS = ROOT / "docs" / "images" / "cast"
MAX_PIXELS = 409_600
QUALITY = 82
IDLE_TILES = 6
OVERVIEW = "cast.jpg"
OVERVIEW_COLUMNS, OVERVIEW_WIDTH = 4, 280

Tile = NDArray[np.uint8]
Box = tuple[int, int, int, int]
SHARES = {"face": (-0.2, -0.25, 1.2, 1.2), "mouth": (0.15, 0.55, 0.85, 1.1), "eyes": (0, 0.1, 1, 0.5)}
"""What a crop shows, as shares of the face's width and height: left, top, right, bottom."""


def titled(frame: I420, title: str, box: Box | None, width: int) -> Tile:
    whole = to_bgr(frame)
    part = whole[box[1] : box[3], box[0] : box[2]] if box else whole
    scale = width / part.shape[1]
    kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    image = cv2.resize(part, (width, round(part.shape[0] * scale)), interpolation=kind)
    for colour, weight in (((255, 255, 255), 3), ((20, 20, 20), 1)):
        cv2.putText(image, title, (6, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.42, colour, weight, cv2.LINE_AA)
    return np.asarray(image, np.uint8)


def sheet(tiles: list[Tile], columns: int) -> Tile:
    while len(tiles) % columns:
        tiles.append(np.full_like(tiles[0], 255))
    return np.vstack([np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)])


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


def moments(painter: FramePainter, crop: str) -> Iterator[tuple[str, I420]]:
    """Visemes and steps of the blink, by title."""
    if crop != "eyes":
        for name in VISEMES:
            yield name, painter.frame(viseme(name).target, 0, Pose())
    if crop != "mouth":
        for step in range(STEPS + 1):
            yield f"lids {step}/{STEPS}", painter.frame(NEUTRAL, step / STEPS, Pose())


async def idle_moments(bundle: AvatarBundle) -> list[tuple[str, I420]]:
    """Frames from all over the idle loop."""
    renderer = PortraitRenderer()
    try:
        face = await renderer.open(bundle)
        loop = list(face.idle_frames())
    finally:
        await renderer.aclose()
    positions = [k * len(loop) // IDLE_TILES for k in range(IDLE_TILES)]
    return [(f"idle {position}", loop[position]) for position in positions]


def sheet_of(bundle: AvatarBundle, crop: str, columns: int, width: int) -> Tile:
    files = read_files(bundle.directory, bundle.manifest)
    picture = decode(files.picture)
    size = streamed_size(picture.shape[1], picture.shape[0], MAX_PIXELS)
    picture = resize(picture, size)
    lids = lid_pictures(picture, files.lids) if files.lids else ()
    finder = FaceFinder()
    points = finder.find(picture)
    portrait = prepare(picture, lids, finder, files.mode, read_lips(files.animation))
    shown = list(moments(FramePainter(portrait), crop))
    if crop in {"face", "none"}:
        shown += asyncio.run(idle_moments(bundle))
    box = None if points is None or crop == "none" else box_of(points, crop, size)
    return sheet([titled(frame, title, box, width) for title, frame in shown], columns)


def overview(bundles: list[AvatarBundle]) -> Tile:
    """Everybody side by side, Mira first."""
    tiles = []
    for bundle in sorted(bundles, key=lambda bundle: bundle.id != "demo-avatar"):
        picture = decode(read_files(bundle.directory, bundle.manifest).picture)
        height = round(OVERVIEW_WIDTH * picture.shape[0] / picture.shape[1])
        tiles.append(resize(picture, (OVERVIEW_WIDTH, height)))
    return sheet(tiles, OVERVIEW_COLUMNS)


def save(path: Path, image: Tile) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    print(f"{path}  {path.stat().st_size / 1000:.0f} kB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundles", nargs="*", type=Path, metavar="BUNDLE", help="directories (default: all)")
    parser.add_argument("--out", type=Path, default=SHEETS, help="directory of the sheets")
    parser.add_argument("--crop", choices=("face", "mouth", "eyes", "none"), default="face")
    parser.add_argument("--columns", type=int, default=8)
    parser.add_argument("--width", type=int, default=152, help="pixels of a tile")
    options = parser.parse_args()

    shipped = AvatarCatalog([AVATARS], MAX_PIXELS).all()
    chosen = [
        AvatarCatalog([path.resolve().parent], MAX_PIXELS).bundle(path.resolve().name)
        for path in options.bundles
    ]
    for bundle in chosen or shipped:
        image = sheet_of(bundle, options.crop, options.columns, options.width)
        save(options.out / f"{bundle.id}.jpg", image)
    if not chosen:
        save(options.out / OVERVIEW, overview(shipped))


if __name__ == "__main__":
    main()

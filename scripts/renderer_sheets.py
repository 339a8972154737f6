"""Draw the sheets of docs/images/renderer: mouths, lids and backdrops of the test photos. See `--help`.

`--code FOLDER` draws with the renderer of another checkout: that is how the sheets "before" were made.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
Tile = np.ndarray
Frames = Callable[[str, float, dict[str, float]], Tile]

MOUTHS = ("rest", "closed", "open", "round", "round_close", "tongue_up", "tongue_between", "teeth_on_lip")
LIDS = (0.0, 1 / 6, 2 / 6, 0.5, 4 / 6, 1.0)
FACES = ("rest", "open", "round_close", "spread", "tongue_up")
SWAY = {"shift_x": 0.8, "roll": 0.02, "yaw": 2.0, "pitch": 1.0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, nargs="?", default=ROOT / "docs" / "images" / "renderer")
    parser.add_argument("--name", default="after", help="first part of the files' names (after)")
    parser.add_argument("--code", type=Path, default=ROOT, help="checkout whose renderer draws")
    parser.add_argument("--write-photos", type=Path, help="only write the photos into this folder")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    if options.write_photos:
        write_photos(options.write_photos)
        return
    with tempfile.TemporaryDirectory() as folder:
        # in a process of its own: the photos are always made by this checkout's code
        subprocess.run([sys.executable, __file__, "--write-photos", folder], check=True)
        photos = {path.stem: np.asarray(cv2.imread(str(path))) for path in Path(folder).iterdir()}
    sys.path.insert(0, str(options.code))
    options.out.mkdir(parents=True, exist_ok=True)
    mouths = ["smiling", "spectacled", "drawn"]
    for kind, sheet in (
        ("mouth", rows(photos, mouths, mouth_row)),
        ("lids", rows(photos, [*mouths[:2], "rims"], lid_row)),
        ("backdrop", rows(photos, ["smiling lines", "spectacled lines"], sway_row)),
        ("photos", rows(photos, ["rims", "bearded", "dark", "turned", "tilted"], face_row)),
    ):
        path = options.out / f"{options.name}-{kind}.jpg"
        cv2.imwrite(str(path), sheet, [cv2.IMWRITE_JPEG_QUALITY, 82])
        print(path, sheet.shape)


def write_photos(folder: Path) -> None:
    """The test photos, and what may befall them."""
    sys.path.insert(0, str(ROOT))
    from tests.support import photos  # noqa: PLC0415 - after the path is set

    drawing = cv2.imread(str(ROOT / "opentalking/assets/avatars/demo-avatar/reference.png"))
    smiling, spectacled = photos.smiling(), photos.spectacled()
    made = {
        "smiling": smiling,
        "spectacled": spectacled,
        "drawn": np.asarray(drawing),
        "rims": photos.with_frames(smiling)[0],
        "bearded": photos.bearded(spectacled),
        "dark": photos.darkened(smiling),
        "turned": photos.turned(spectacled, 18),
        "tilted": photos.tilted(smiling, 25),
        "smiling lines": photos.before_lines(smiling),
        "spectacled lines": photos.before_lines(spectacled),
    }
    for name, picture in made.items():
        cv2.imwrite(str(folder / f"{name}.png"), picture)


def rows(photos: dict[str, Tile], names: list[str], row: Callable[[Tile, Tile, Frames], list[Tile]]) -> Tile:
    """One row of tiles for each person."""
    strips = []
    for name in names:
        picture = photos[name]
        points, frames = painter(picture)
        strips.append(np.hstack(row(picture, points, frames)))
    widest = max(strip.shape[1] for strip in strips)
    return np.vstack(
        [cv2.copyMakeBorder(s, 0, 2, 0, widest - s.shape[1], cv2.BORDER_CONSTANT) for s in strips]
    )


def painter(picture: Tile) -> tuple[Tile, Frames]:
    """The mesh of the face, and what gives its frames by viseme, lids and pose."""
    from opentalking.providers.render.portrait.expression import Pose  # noqa: PLC0415 - the other checkout's
    from opentalking.providers.render.portrait.landmarks import FaceFinder  # noqa: PLC0415
    from opentalking.providers.render.portrait.painter import FramePainter  # noqa: PLC0415
    from opentalking.providers.render.portrait.planes import to_bgr  # noqa: PLC0415
    from opentalking.providers.render.portrait.prepared import prepare  # noqa: PLC0415
    from opentalking.providers.render.visemes import viseme  # noqa: PLC0415

    finder = FaceFinder()
    points = finder.find(picture)
    if points is None:
        raise SystemExit("no face in one of the photos")
    brush = FramePainter(prepare(picture, (), finder))

    def frame(shape: str, lids: float, pose: dict[str, float]) -> Tile:
        return to_bgr(brush.frame(viseme(shape).target, lids, Pose(**pose)))

    return points, frame


def mouth_row(picture: Tile, points: Tile, frames: Frames) -> list[Tile]:
    centre, reach = points[[61, 291]].mean(0), 0.78 * float(np.ptp(points[[61, 291], 0]))
    box = around(centre + np.array([0, 0.1 * reach]), reach, 0.75)
    shown = [("source", picture), *((name, frames(name, 0, {})) for name in MOUTHS)]
    return [tile(image, box, name, 168) for name, image in shown]


def lid_row(picture: Tile, points: Tile, frames: Frames) -> list[Tile]:
    centre, reach = points[[33, 263]].mean(0), 0.75 * float(np.ptp(points[[33, 263], 0]))
    box = around(centre, reach, 0.45)
    return [tile(frames("rest", amount, {}), box, f"lids {amount:.0%}", 252) for amount in LIDS]


def sway_row(picture: Tile, points: Tile, frames: Frames) -> list[Tile]:
    box = around(points.mean(0), 1.15 * float(np.ptp(points[:, 0])), 1.15)
    left = {name: -value for name, value in SWAY.items()}
    shown = [("source", picture), ("left", frames("rest", 0, left)), ("right", frames("rest", 0, SWAY))]
    return [tile(image, box, name, 380) for name, image in shown]


def face_row(picture: Tile, points: Tile, frames: Frames) -> list[Tile]:
    box = around(points.mean(0), 0.72 * float(np.ptp(points[:, 1])), 1.1)
    shown = [("source", picture), *((name, frames(name, 0, {})) for name in FACES)]
    shown.append(("lids shut", frames("rest", 1, {})))
    return [tile(image, box, name, 170) for name, image in shown]


def around(centre: Tile, reach: float, aspect: float) -> tuple[int, int, int, int]:
    x, y = (float(value) for value in centre)
    return int(x - reach), int(y - reach * aspect), int(x + reach), int(y + reach * aspect)


def tile(image: Tile, box: tuple[int, int, int, int], title: str, width: int) -> Tile:
    left, top, right, bottom = box
    padded = cv2.copyMakeBorder(image, *(300,) * 4, cv2.BORDER_REPLICATE)
    part = padded[top + 300 : bottom + 300, left + 300 : right + 300]
    height = round(width * (bottom - top) / (right - left))
    kind = cv2.INTER_AREA if width < part.shape[1] else cv2.INTER_CUBIC
    scaled = cv2.resize(part, (width, height), interpolation=kind)
    for colour, weight in (((255, 255, 255), 3), ((20, 20, 20), 1)):
        cv2.putText(scaled, title, (5, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, weight, cv2.LINE_AA)
    return scaled


if __name__ == "__main__":
    main()

"""Draw the cast: bundles of all characters, or of those named (needs skia-python, a development dependency).

`draw_avatar.py [ID…]` writes manifests and pictures; `--check` draws again and compares instead.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import cv2
import numpy as np
import skia
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from artwork.brush import HEIGHT, WIDTH  # noqa: E402
from artwork.cast import CAST  # noqa: E402
from artwork.figure import MANNERS, Character, Figure, in_picture  # noqa: E402

AVATARS = ROOT / "opentalking" / "assets" / "avatars"
SUPERSAMPLING = 4
LID_STEPS = 6
CHECK_SUPERSAMPLING, CHECK_BLUR, CHECK_TOLERANCE = 2, 1.5, 12
"""A check draws coarser, and compares softened pictures (grey levels of 255)."""

Picture = NDArray[np.uint8]


def rasterise(
    figure: Figure, shut: float = 0.0, rows: tuple[int, int] = (0, HEIGHT), fineness: int = SUPERSAMPLING
) -> Picture:
    """Rows of the picture as BGR, drawn large and averaged down; lids lowered by `shut` (0..1)."""
    surface = skia.Surface(WIDTH * fineness, HEIGHT * fineness)
    with surface as canvas:
        canvas.scale(fineness, fineness)
        canvas.clipRect(skia.Rect(0, rows[0], WIDTH, rows[1]))
        figure.draw(canvas, shut)
    pixels = surface.makeImageSnapshot().toarray(colorType=skia.kBGRA_8888_ColorType)
    wanted = pixels[rows[0] * fineness : rows[1] * fineness, :, :3]
    small = cv2.resize(wanted, (WIDTH, rows[1] - rows[0]), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def lid_rows(character: Character) -> tuple[int, int]:
    """The even rows within which lids move: first and last."""
    eyes, look = character.look.eyes, character.look
    reach = [(side * (eyes.apart + 1.7 * eyes.half_width), y) for side in (-1, 1) for y in (-26, 18)]
    rows = [y for _, y in in_picture(look, [(WIDTH / 2 + x, eyes.height + y) for x, y in reach])]
    return int(min(rows)) // 2 * 2, int(max(rows)) // 2 * 2 + 2


def lid_strip(character: Character, figure: Figure, fineness: int) -> Picture:
    """The band of the eyes, once for every step from open to shut."""
    rows = lid_rows(character)
    whole = rasterise(figure, 0, fineness=fineness)[slice(*rows)].astype(int)
    still = rasterise(figure, 0, rows, fineness)
    steps = (rasterise(figure, k / LID_STEPS, rows, fineness) for k in range(1, LID_STEPS + 1))
    # blurs come out a little different when only a band is drawn: only what the lids change counts
    return np.vstack([np.clip(whole + step.astype(int) - still, 0, 255) for step in steps]).astype(np.uint8)


def manifest(character: Character) -> dict[str, object]:
    """The bundle's description; outlines are shares of width and height."""
    lips, look = character.look.lips, character.look
    top, bottom = lid_rows(character)
    xs, ys = zip(*in_picture(look, lips.outer), strict=True)

    def shares(points: list[tuple[float, float]]) -> list[list[float]]:
        return [[round(x / WIDTH, 4), round(y / HEIGHT, 4)] for x, y in points]

    return {
        "id": character.id,
        "name": character.name,
        "model_type": "portrait",
        "fps": 25,
        "sample_rate": 16000,
        "width": WIDTH,
        "height": HEIGHT,
        "version": character.version,
        "metadata": {
            "languages": list(character.languages),
            "voices": dict(character.voices),
            "persona_prompt": f"{character.persona} {MANNERS}",
            "licence": "Apache-2.0",
            "source": "Drawn from code: artwork/, scripts/draw_avatar.py",
            "animation": {
                "mouth_center": shares([((min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2)])[0],
                "mouth_rx": round((max(xs) - min(xs)) / 2 / WIDTH, 4),
                "mouth_ry": round((max(ys) - min(ys)) / 2 / HEIGHT, 4),
                "lips": "exact",
                "outer_lip": shares(in_picture(look, lips.outer)),
                "inner_mouth": shares(in_picture(look, lips.seam_line)),
                "lids": {
                    "file": "lids.png",
                    "steps": LID_STEPS,
                    "top": round(top / HEIGHT, 6),
                    "bottom": round(bottom / HEIGHT, 6),
                },
            },
        },
    }


def manifest_text(character: Character) -> str:
    return json.dumps(manifest(character), indent=2, ensure_ascii=False) + "\n"


def write(character: Character) -> None:
    """Write the bundle."""
    bundle = AVATARS / character.id
    bundle.mkdir(parents=True, exist_ok=True)
    figure = Figure(character.look)
    picture = rasterise(figure)
    strip = lid_strip(character, figure, SUPERSAMPLING)
    for name, image in (("reference.png", picture), ("preview.png", picture), ("lids.png", strip)):
        cv2.imwrite(str(bundle / name), image, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    (bundle / "manifest.json").write_text(manifest_text(character), encoding="utf-8")


def differences(character: Character) -> list[str]:
    """What in the bundle does not fit the drawing, one sentence each."""
    bundle = AVATARS / character.id
    found = []
    try:
        if (bundle / "manifest.json").read_text(encoding="utf-8") != manifest_text(character):
            found.append("manifest.json is not the one that the drawing gives")
    except FileNotFoundError:
        return ["there is no manifest.json"]
    figure = Figure(character.look)
    drawn = rasterise(figure, fineness=CHECK_SUPERSAMPLING)
    lids = lid_strip(character, figure, CHECK_SUPERSAMPLING)
    for name, image in (("reference.png", drawn), ("preview.png", drawn), ("lids.png", lids)):
        shipped = cv2.imread(str(bundle / name))
        if shipped is None or shipped.shape != image.shape:
            found.append(f"{name} is missing or of another size")
        elif (most := _distance(image, np.asarray(shipped, np.uint8))) > CHECK_TOLERANCE:
            found.append(f"{name} differs from the drawing by up to {most:.1f} grey levels")
    return found


def _distance(first: Picture, second: Picture) -> float:
    soft = [cv2.GaussianBlur(image.astype(np.float32), (0, 0), CHECK_BLUR) for image in (first, second)]
    return float(np.abs(soft[0] - soft[1]).max())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ids", nargs="*", metavar="ID")
    parser.add_argument("--check", action="store_true", help="compare the bundles with the drawings")
    options = parser.parse_args()
    unknown = set(options.ids) - {character.id for character in CAST}
    if unknown:
        parser.error(f"nobody is called {', '.join(sorted(unknown))}")
    chosen = [character for character in CAST if not options.ids or character.id in options.ids]
    found = 0
    for character in chosen:
        if options.check:
            for sentence in differences(character):
                found += 1
                print(f"{character.id}: {sentence}")
        else:
            write(character)
            print(f"{character.id}: drawn")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())

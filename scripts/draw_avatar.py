"""Rasterise the demo avatar (needs skia-python, a development dependency)."""

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import skia
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from artwork.demo_avatar import features, figure, palette  # noqa: E402

BUNDLE = ROOT / "opentalking" / "assets" / "avatars" / "demo-avatar"
SUPERSAMPLING = 4
PERSONA = (
    "You are Mira, a friendly presenter. You speak with people face to face, so you answer in one to "
    "three short spoken sentences, warmly and to the point, without lists, headings or emoji. "
    "You answer in the language in which you are addressed."
)


LID_STEPS = 6
LID_ROWS = (236, 300)
"""The band of the picture in which lids move: even rows, first and last."""


def rasterise(shut: float = 0.0) -> NDArray[np.uint8]:
    """The picture as BGR, drawn large and averaged down; lids lowered by `shut` (0..1)."""
    surface = skia.Surface(palette.WIDTH * SUPERSAMPLING, palette.HEIGHT * SUPERSAMPLING)
    with surface as canvas:
        canvas.scale(SUPERSAMPLING, SUPERSAMPLING)
        figure.draw(canvas, shut)
    pixels = surface.makeImageSnapshot().toarray(colorType=skia.kBGRA_8888_ColorType)
    size = (palette.WIDTH, palette.HEIGHT)
    return np.asarray(cv2.resize(pixels[..., :3], size, interpolation=cv2.INTER_AREA), np.uint8)


def manifest() -> dict[str, object]:
    """The bundle's description; outlines are shares of width and height."""

    def shares(points: list[tuple[float, float]]) -> list[list[float]]:
        return [[round(x / palette.WIDTH, 4), round(y / palette.HEIGHT, 4)] for x, y in points]

    xs, ys = zip(*features.LIPS, strict=True)
    return {
        "id": "demo-avatar",
        "name": "Mira",
        "model_type": "portrait",
        "fps": 25,
        "sample_rate": 16000,
        "width": palette.WIDTH,
        "height": palette.HEIGHT,
        "version": "1",
        "metadata": {
            "languages": ["en", "zh"],
            "persona_prompt": PERSONA,
            "licence": "Apache-2.0",
            "source": "Drawn from code: artwork/demo_avatar, scripts/draw_avatar.py",
            "animation": {
                "mouth_center": shares([((min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2)])[0],
                "mouth_rx": round((max(xs) - min(xs)) / 2 / palette.WIDTH, 4),
                "mouth_ry": round((max(ys) - min(ys)) / 2 / palette.HEIGHT, 4),
                "outer_lip": shares(features.LIPS),
                "inner_mouth": shares(features.SEAM),
                "lids": {
                    "file": "lids.png",
                    "steps": LID_STEPS,
                    "top": round(LID_ROWS[0] / palette.HEIGHT, 6),
                    "bottom": round(LID_ROWS[1] / palette.HEIGHT, 6),
                },
            },
        },
    }


def main() -> None:
    BUNDLE.mkdir(parents=True, exist_ok=True)
    picture = rasterise()
    lids = np.vstack([rasterise(k / LID_STEPS)[slice(*LID_ROWS)] for k in range(1, LID_STEPS + 1)])
    for name, image in (("reference.png", picture), ("preview.png", picture), ("lids.png", lids)):
        cv2.imwrite(str(BUNDLE / name), image, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    (BUNDLE / "manifest.json").write_text(json.dumps(manifest(), indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()

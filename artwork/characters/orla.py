"""Orla, a student of biology with red curls."""

import numpy as np
import skia

from artwork.backdrop import Backdrop
from artwork.brush import AXIS, fill
from artwork.clothes import Sweater
from artwork.eyes import Brows, Eyes
from artwork.figure import Character, Look
from artwork.hair.curly import Curly
from artwork.hair.strands import Tones
from artwork.mouth import Lips
from artwork.nose import Nose
from artwork.skin import Head, Skin


def freckles(canvas: skia.Canvas) -> None:
    """Freckles over nose and cheeks."""
    rng = np.random.default_rng(5)
    for _ in range(150):
        x, y = rng.normal(0, 40), rng.normal(304, 12)
        if abs(x) > 78:
            continue
        canvas.drawCircle(
            AXIS + x, y, rng.uniform(0.7, 1.9), fill("#B4613A", rng.uniform(0.22, 0.55), blur=0.5)
        )


ORLA = Character(
    id="orla",
    name="Orla",
    persona="You are Orla, a cheerful biology student, lively and curious about everything.",
    voices={"en": "af_heart", "zh": "zf_xiaoxiao"},
    look=Look(
        skin=Skin("#FFE9DA", "#F9D3BC", "#E7AE92", "#C47F66", "#8A4839", "#EC8672", blushing=1.15),
        head=Head(temple=91, cheek=95, jaw=79, chin=30, bottom=408, ears=-30),
        eyes=Eyes(
            ("#1E3A2C", "#4E8463", "#A9CF8F"),
            opening=12.8,
            below=9.8,
            half_width=26,
            lash="#3A1E16",
            lashes=0.9,
            wing=0.7,
        ),
        brows=Brows("#9A4A26", thickness=7.5, height=31, arch=6.5, strength=0.8),
        nose=Nose(wings=18.5, base=326, tip=0.95, strength=0.85),
        lips=Lips(
            "#BF5F58", "#DB8377", "#7D3534", half_width=40, height=355, above=8.6, below=14.5, smile=5.2
        ),
        hair=Curly(Tones("#6E2612", "#A8431D", "#D0652E", "#F6AA6A", 0.55)),
        marks=freckles,
        clothes=Sweater("#2E6B52", neck=44),
        backdrop=Backdrop(
            ("#E8F0E6", "#CFE0D0", "#9DBBA4"),
            "#FFFBEA",
            "#6E9A82",
            leaves=(
                (520, 120, 160, 150),
                (520, 150, 195, 140),
                (516, 90, 130, 130),
                (-8, 300, -35, 90),
                (-8, 330, 10, 80),
                (-8, 520, -60, 150),
            ),
            leaf="#86AC8C",
        ),
        neck_width=38,
        tilt=-2.0,
    ),
)

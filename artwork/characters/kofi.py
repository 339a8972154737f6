"""Kofi, an engineer in his thirties."""

from artwork.backdrop import Backdrop
from artwork.beard import Beard
from artwork.clothes import Sweater
from artwork.eyes import Brows, Eyes
from artwork.figure import Character, Look
from artwork.hair.short import Cropped
from artwork.hair.strands import Tones
from artwork.mouth import Lips
from artwork.nose import Nose
from artwork.skin import Head, Skin

HEAD = Head(temple=94, cheek=96, jaw=85, chin=39, bottom=417, ears=1)
NOSE = Nose(wings=25, bridge=9.5, base=329, tip=1.25)
LIPS = Lips(
    "#8A4D46", "#B8726A", "#3A1A1A", half_width=41, height=358, above=10, below=16.5, smile=4.5, gloss=0.42
)
BEARD = Tones("#241712", "#34241D", "#50392B", "#7A6048", 0.4)
TONES = Tones("#120D0D", "#211817", "#3C2D29", "#6A544B", 0.4)

KOFI = Character(
    id="kofi",
    name="Kofi",
    persona="You are Kofi, an easy-going engineer who explains things with plain everyday comparisons.",
    voices={"en": "am_michael", "zh": "zm_yunxi"},
    look=Look(
        skin=Skin(
            "#A9714F",
            "#8C5A3E",
            "#6E432E",
            "#4B2B1F",
            "#2A1612",
            "#A4533F",
            shine="#F3C79E",
            gloss=0.85,
            blushing=0.6,
        ),
        head=HEAD,
        eyes=Eyes(
            ("#150D0A", "#3B2216", "#7A4A2C"),
            lashes=0.45,
            wing=0.1,
            opening=11.6,
            slant=0.03,
            white=("#CFC3BE", "#FBF6F1"),
        ),
        brows=Brows("#150E0D", thickness=10.5, height=27.5, arch=4.5, length=1.02, strength=0.95),
        nose=NOSE,
        lips=LIPS,
        hair=Cropped(TONES),
        beard=Beard(
            BEARD, HEAD, NOSE, LIPS, density=0.86, length=4, hairs=1500, reach=4.2, curl=0.35, contrast=0.55
        ),
        clothes=Sweater("#C98A2B", neck=48, width=1.05),
        backdrop=Backdrop(
            ("#E3D8CB", "#D2BFAE", "#A98E7C"),
            "#FFF2DE",
            "#7A5B4C",
            dots=(
                (452, 110, 46, "#FFE2B0", 0.30),
                (496, 210, 30, "#FFE2B0", 0.26),
                (400, 50, 24, "#FFF0D2", 0.30),
                (30, 360, 40, "#FFE9C6", 0.22),
                (70, 60, 30, "#FFF6E4", 0.4),
            ),
        ),
        neck_width=47,
        tilt=1.4,
    ),
)

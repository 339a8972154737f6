"""Arjun, a barista and musician in his twenties."""

from artwork.backdrop import Backdrop
from artwork.beard import stubble
from artwork.clothes import Shirt
from artwork.eyes import Brows, Eyes
from artwork.figure import Character, Look
from artwork.hair.short import QUIFF, QUIFF_GUIDES, QUIFF_SIDE, QUIFF_SIDE_GUIDES, Swept
from artwork.hair.strands import Tones
from artwork.mouth import Lips
from artwork.nose import Nose
from artwork.skin import Head, Skin

HEAD = Head(temple=92, cheek=94, jaw=82, chin=36, bottom=419, ears=2)
NOSE = Nose(wings=21, bridge=8.5, base=329, tip=1.1)
LIPS = Lips(
    "#9A5148",
    "#B96E62",
    "#552624",
    half_width=41,
    height=356.5,
    above=8.4,
    below=14.5,
    smile=4.6,
    gloss=0.3,
    edge=0.7,
)
TONES = Tones("#120D10", "#231A1D", "#43323A", "#7C6670", 0.42)

ARJUN = Character(
    id="arjun",
    name="Arjun",
    persona="You are Arjun, a relaxed musician who runs a coffee bar, friendly and direct.",
    voices={"en": "am_michael", "zh": "zm_yunxi"},
    look=Look(
        skin=Skin(
            "#D9A47C",
            "#C2885F",
            "#A26A47",
            "#784830",
            "#47261D",
            "#B9624A",
            shine="#FFE3C2",
            gloss=0.9,
            blushing=0.7,
        ),
        head=HEAD,
        eyes=Eyes(("#1A0F0A", "#4A2C18", "#8F5C31"), lashes=0.5, wing=0.1, opening=11.8, slant=0.04),
        brows=Brows("#171012", thickness=10, height=28, arch=5, strength=0.95),
        nose=NOSE,
        lips=LIPS,
        hair=Swept(TONES, QUIFF, QUIFF_GUIDES, QUIFF_SIDE, QUIFF_SIDE_GUIDES),
        beard=stubble(TONES, HEAD, NOSE, LIPS),
        clothes=Shirt("#41608A", "#F1EEE8"),
        backdrop=Backdrop(
            ("#F1E4D6", "#E2C4AE", "#B98A74"),
            "#FFF4E2",
            "#8E5F52",
            dots=(
                (60, 320, 58, "#FFDDB8", 0.35),
                (20, 220, 34, "#FFE8CC", 0.35),
                (470, 330, 62, "#F7B98F", 0.30),
                (492, 190, 36, "#FFD3A8", 0.34),
                (440, 90, 26, "#FFE6C4", 0.40),
            ),
        ),
        neck_width=45,
        tilt=1.8,
    ),
)

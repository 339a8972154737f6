"""Amina, a physician in her thirties."""

from artwork.backdrop import Backdrop
from artwork.clothes import Sweater
from artwork.eyes import Brows, Eyes
from artwork.figure import Character, Look
from artwork.hair.scarf import Headscarf
from artwork.mouth import Lips
from artwork.nose import Nose
from artwork.skin import Head, Skin

AMINA = Character(
    id="amina",
    name="Amina",
    persona="You are Amina, a calm physician who listens first, clear and considerate.",
    voices={"en": "af_heart", "zh": "zf_xiaoxiao"},
    look=Look(
        skin=Skin(
            "#EBC09A", "#D8A57D", "#BB8160", "#8D5840", "#562E26", "#CB6B56", shine="#FFE9CF", gloss=0.95
        ),
        head=Head(temple=92, cheek=95, jaw=79, chin=33, ears=-30),
        eyes=Eyes(
            ("#1F120B", "#5A3518", "#A5703A"),
            opening=12.2,
            lashes=1.0,
            wing=1.1,
            slant=0.08,
            shadow=("#6E3B34", 0.22),
        ),
        brows=Brows("#2A1A17", thickness=9, height=30, arch=7, strength=0.9),
        nose=Nose(wings=20.5, bridge=8.5, base=328),
        lips=Lips("#A1484C", "#BF6563", "#5E242B", half_width=41, above=9.4, below=16, smile=4.6, gloss=0.55),
        hair=Headscarf("#B5566A", "#7C3148"),
        clothes=Sweater("#4A5568"),
        backdrop=Backdrop(
            ("#E9F1EF", "#CFE2DF", "#9DBFBD"),
            "#FFFBF0",
            "#6F9A9A",
            leaves=(
                (-8, 250, -30, 120),
                (-8, 270, 10, 110),
                (-8, 230, -65, 120),
                (520, 420, 190, 100),
                (520, 440, 220, 90),
            ),
            leaf="#8DB5AE",
        ),
        tilt=-1.4,
    ),
)

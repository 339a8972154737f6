"""Emil, a retired sea captain with a white beard."""

from artwork.backdrop import Backdrop
from artwork.beard import Beard
from artwork.clothes import Sweater
from artwork.eyes import Brows, Eyes
from artwork.figure import Character, Look
from artwork.hair.short import COMBED, COMBED_GUIDES, COMBED_SIDE, COMBED_SIDE_GUIDES, Swept
from artwork.hair.strands import Tones
from artwork.mouth import Lips
from artwork.nose import Nose
from artwork.skin import Head, Skin, Years

HEAD = Head(temple=94, cheek=96, jaw=87, chin=41, bottom=421, ears=4)
NOSE = Nose(wings=22.5, bridge=9.5, base=330, tip=1.2, strength=1.1)
LIPS = Lips(
    "#A75C52",
    "#C27C6E",
    "#66302C",
    half_width=39,
    height=359,
    above=6.5,
    below=13,
    smile=4.2,
    gloss=0.28,
    edge=0.6,
)
TONES = Tones("#A9A6A4", "#D6D3CF", "#F1EFEB", "#FFFFFF", 0.6)

EMIL = Character(
    id="emil",
    name="Emil",
    persona="You are Emil, a retired sea captain and a born storyteller, calm and kindly.",
    voices={"en": "en_US-joe-medium", "zh": "zm_yunxi"},
    look=Look(
        skin=Skin("#F8D6BE", "#EAB798", "#D19275", "#AC6A55", "#733C33", "#D9705E", blushing=1.1),
        head=HEAD,
        eyes=Eyes(
            ("#1F3A4E", "#5B88A6", "#B9DBE8"),
            opening=10.4,
            below=9,
            slant=-0.02,
            fold=6.0,
            lashes=0.3,
            wing=0.0,
            bags=0.9,
            lash="#3A2A28",
        ),
        brows=Brows("#A39A92", thickness=10.5, height=26, arch=4, strength=0.9, hairs=160, tips="#FBF9F5"),
        nose=NOSE,
        lips=LIPS,
        hair=Swept(TONES, COMBED, COMBED_GUIDES, COMBED_SIDE, COMBED_SIDE_GUIDES),
        beard=Beard(
            TONES,
            HEAD,
            NOSE,
            LIPS,
            density=0.97,
            length=15,
            cheek_line=322,
            hairs=1300,
            reach=13,
            contrast=0.55,
        ),
        clothes=Sweater("#2B3F5C", collar=1.0, neck=50, width=1.06),
        backdrop=Backdrop(
            ("#DFE8EE", "#BFD0DC", "#8AA4B8"),
            "#FFF8EA",
            "#5D7C96",
            dots=(
                (60, 470, 70, "#F6FBFF", 0.16),
                (470, 240, 54, "#F6FBFF", 0.20),
                (432, 96, 30, "#F6FBFF", 0.22),
                (24, 330, 34, "#F6FBFF", 0.18),
            ),
        ),
        years=Years(folds=0.8, feet=1.0, forehead=0.65),
        neck_width=48,
        tilt=-1.0,
    ),
)

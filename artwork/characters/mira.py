"""Mira, the presenter of the demo."""

from artwork.backdrop import Backdrop
from artwork.clothes import Blazer
from artwork.eyes import Brows, Eyes
from artwork.figure import Character, Look
from artwork.hair.long import LongHair
from artwork.hair.strands import Tones
from artwork.mouth import Lips
from artwork.nose import Nose
from artwork.skin import Head, Skin

MIRA = Character(
    id="demo-avatar",
    name="Mira",
    persona="You are Mira, a friendly presenter, warm and to the point.",
    voices={"en": "af_heart", "zh": "zf_xiaoxiao"},
    version="2",
    look=Look(
        skin=Skin("#FBDDC4", "#F0C1A0", "#DD9E80", "#B97359", "#7C3F36", "#E2806F"),
        head=Head(studs="#E7C77A", ears=-4),
        eyes=Eyes(("#2E2013", "#6E4B26", "#B98446")),
        brows=Brows("#4A2F2B"),
        nose=Nose(),
        lips=Lips("#B4545A", "#CE7071", "#74303A"),
        hair=LongHair(Tones("#2A1A1D", "#472C2A", "#7A4C3D", "#C08A6C", 0.42)),
        clothes=Blazer("#2F5D6B", "#F6F0E6"),
        backdrop=Backdrop(
            ("#E9EEEC", "#CFDDDD", "#A9C2C6"),
            "#FFF6E6",
            "#7FA3AB",
            dots=(
                (470, 150, 64, "#F2FBFA", 0.26),
                (30, 420, 56, "#F2FBFA", 0.26),
                (486, 330, 34, "#F2FBFA", 0.20),
            ),
        ),
        tilt=-1.2,
    ),
)

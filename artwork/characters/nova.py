"""Nova, a friendly robot."""

from artwork.backdrop import Backdrop
from artwork.eyes import Brows, Eyes
from artwork.figure import Character, Look
from artwork.mouth import Lips
from artwork.nose import Nose
from artwork.robot import Seams, Shell, Torso
from artwork.skin import Head, Skin

LIGHT = "#38E1E6"

NOVA = Character(
    id="nova",
    name="Nova",
    persona="You are Nova, a friendly robot, proud of it and fond of people, precise and playful.",
    voices={"en": "af_heart", "zh": "zf_xiaoxiao"},
    look=Look(
        skin=Skin(
            "#FFFFFF", "#E9F0F6", "#C3D1DF", "#8BA1B8", "#44586E", "#9FD9E6", shine="#FFFFFF", gloss=1.2
        ),
        head=Head(temple=93, cheek=95, jaw=80, chin=35, ears=-30),
        eyes=Eyes(
            ("#0B3A4A", "#17A7B8", "#8FFBFF"),
            opening=13,
            below=10.4,
            half_width=25,
            lash="#1B2A3A",
            lashes=0.5,
            wing=0.2,
            glowing=True,
            tear="#9FC4D8",
            white=("#BFD3E2", "#FBFEFF"),
        ),
        brows=Brows("#3D5166", thickness=6.5, height=31, arch=6, strength=1.0, hairs=0),
        nose=Nose(wings=17, bridge=7.5, base=326, tip=0.9, strength=0.75),
        lips=Lips("#7C8FB0", "#9DB0CC", "#3A4A66", half_width=39, smile=5.0, gloss=0.9),
        hair=Shell("#1E4E6E", LIGHT),
        marks=Seams("#6E869E", LIGHT),
        clothes=Torso("#DDE7F0", "#2A7E9C", LIGHT),
        backdrop=Backdrop(
            ("#2B3F63", "#22304F", "#141D33"),
            "#5B86B8",
            "#0B1222",
            dots=(
                (452, 130, 40, "#3E7FB0", 0.30),
                (486, 250, 22, "#47C6D6", 0.22),
                (40, 380, 46, "#3E6FB0", 0.30),
                (60, 70, 26, "#7FC4E8", 0.22),
                (420, 60, 16, "#47C6D6", 0.3),
            ),
        ),
        tilt=1.6,
    ),
)

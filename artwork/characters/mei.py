"""Mei, a teacher of about sixty."""

from artwork.backdrop import Backdrop
from artwork.clothes import Sweater
from artwork.eyes import Brows, Eyes
from artwork.figure import Character, Look
from artwork.glasses import Glasses
from artwork.hair.bob import Bob
from artwork.hair.strands import Tones
from artwork.mouth import Lips
from artwork.nose import Nose
from artwork.skin import Head, Skin, Years

MEI = Character(
    id="mei",
    name="Mei",
    persona="You are Mei, a patient teacher with a dry sense of humour who encourages whoever asks.",
    voices={"en": "af_heart", "zh": "zf_xiaoxiao"},
    look=Look(
        skin=Skin("#FBE3C9", "#F0CBA6", "#DDA983", "#B98260", "#7A4A3A", "#DD8672"),
        head=Head(temple=94, cheek=99, jaw=84, chin=34, bottom=410, ears=-30),
        eyes=Eyes(
            ("#1B110D", "#40281B", "#7B5233"),
            opening=10.2,
            below=8.8,
            slant=0.10,
            fold=5.0,
            lashes=0.7,
            wing=0.7,
            bags=0.6,
            lash="#2A2022",
        ),
        brows=Brows("#6E6462", thickness=7, height=30, arch=5, strength=0.75, tips="#B9B2B0"),
        nose=Nose(wings=21, bridge=9, base=328, tip=1.1, strength=0.9),
        lips=Lips("#AC5A5A", "#C67672", "#6C3236", half_width=38, above=8, below=13.5, smile=4.6, gloss=0.35),
        hair=Bob(Tones("#6E6C72", "#A3A2A6", "#CFCED0", "#FBFAF8", 0.6)),
        glasses=Glasses("#5A2A3A", "#C88A9A"),
        clothes=Sweater("#6E4A70", collar=0.75, neck=44),
        backdrop=Backdrop(
            ("#EDE6EC", "#DACBD8", "#B29DB3"),
            "#FFF5EC",
            "#8A6F8E",
            leaves=(
                (512, 250, 205, 120),
                (516, 200, 180, 110),
                (514, 300, 225, 120),
                (-6, 420, -20, 100),
                (-6, 380, -50, 105),
            ),
            leaf="#B79DBB",
        ),
        years=Years(folds=0.75, feet=0.8, forehead=0.3),
        neck_width=38,
        tilt=1.0,
    ),
)

"""Everybody whom `scripts/draw_avatar.py` draws."""

from artwork.characters.amina import AMINA
from artwork.characters.arjun import ARJUN
from artwork.characters.emil import EMIL
from artwork.characters.kofi import KOFI
from artwork.characters.mei import MEI
from artwork.characters.mira import MIRA
from artwork.characters.nova import NOVA
from artwork.characters.orla import ORLA

CAST = (MIRA, KOFI, MEI, ARJUN, ORLA, EMIL, AMINA, NOVA)
"""In the order in which they are shown."""

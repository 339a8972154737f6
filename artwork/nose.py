"""A nose made of light and shade."""

from dataclasses import dataclass

import skia

from artwork.brush import AXIS, fill, flip, line, oval, shape, stroke
from artwork.skin import Skin


@dataclass(frozen=True)
class Nose:
    """Half width of the wings, of the bridge, and how low the tip sits."""

    wings: float = 19.5
    bridge: float = 8.0
    base: float = 328.0
    tip: float = 1.0
    """Size of the tip."""
    strength: float = 1.0
    """How strongly it is modelled."""


def draw_nose(canvas: skia.Canvas, nose: Nose, skin: Skin) -> None:
    """The nose, lit from the upper left."""
    base, wings, bridge, force = nose.base, nose.wings, nose.bridge, nose.strength
    x = AXIS
    shape(  # the side turned away
        canvas,
        [(x + bridge - 1, 250), (x + bridge + 6, 270), (x + bridge + 2, 292), (x + wings - 3, base - 14),
         (x + wings - 4, base - 4), (x + 6, base - 10), (x + bridge - 3, 290)],
        fill(skin.deep, 0.30 * force, blur=4.5),
    )  # fmt: skip
    shape(
        canvas,
        [(x - bridge, 254), (x - bridge - 5, 276), (x - bridge - 3, 296), (x - wings + 3, base - 12),
         (x - 8, base - 10), (x - bridge + 3, 290)],
        fill(skin.shade, 0.40 * force, blur=4.5),
    )  # fmt: skip
    oval(canvas, (x - 1.5, 280), (bridge * 0.42, 30), fill(skin.shine, 0.40 * skin.gloss, blur=3.6))
    tip = 9.5 * nose.tip
    oval(canvas, (x, base - 10), (tip + 3, tip), fill(skin.blush, 0.26 * skin.blushing, blur=4))
    oval(
        canvas, (x - 2.5, base - 14), (tip * 0.55, tip * 0.45), fill(skin.shine, 0.62 * skin.gloss, blur=2.6)
    )
    for side, strength in ((-1, 0.75), (1, 1.0)):
        wing = [
            (x + wings - 5, base - 15),
            (x + wings, base - 9),
            (x + wings - 0.5, base - 1),
            (x + wings - 7, base + 2),
        ]
        line(canvas, flip(wing, side), stroke(skin.deep, 3.0, 0.40 * strength * force, blur=1.7))
        line(canvas, flip(wing[1:], side), stroke(skin.dark, 1.2, 0.30 * strength * force, blur=0.8))
        fold = [(x + wings - 8.5, base - 9), (x + wings - 6, base - 4)]
        line(canvas, flip(fold, side), stroke(skin.deep, 2.5, 0.22 * force, blur=1.6))
        shine = flip([(x + wings - 5.5, base - 9), (x + wings - 3.5, base - 6)], side)
        line(canvas, shine, stroke(skin.shine, 2, 0.22 * skin.gloss, blur=1.3))
    under = [(x - wings + 4, base), (x - 8, base + 2.6), (x, base + 4.4), (x + 8, base + 2.6),
    (x + wings - 3, base),
             (x + 11, base + 9), (x - 8, base + 9)]  # fmt: skip
    shape(canvas, under, fill(skin.deep, 0.40 * force, blur=3))
    for side in (-1, 1):
        nostril = [
            (x + 4.5, base + 1.2),
            (x + 8.5, base - 2.4),
            (x + wings - 6.2, base - 1.4),
            (x + wings - 8.5, base + 1.6),
        ]
        shape(canvas, flip(nostril, side), fill(skin.dark, 0.78, blur=0.9))
    ball = [(x - 8, base + 0.5), (x - 3.5, base + 2.9), (x + 3.5, base + 2.9), (x + 8, base + 0.5)]
    line(canvas, ball, stroke(skin.dark, 1.2, 0.28 * force, blur=0.9))
    oval(canvas, (x, base + 12), (3.2, 7), fill(skin.shade, 0.50, blur=2.6))

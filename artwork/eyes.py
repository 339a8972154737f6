"""Eyes: balls, irises, lids that can be lowered, lashes, and the brows above them."""

from dataclasses import dataclass

import numpy as np
import skia

from artwork.brush import (
    AXIS,
    Point,
    between,
    fill,
    flip,
    glow,
    inside,
    line,
    outline,
    oval,
    shaded,
    shape,
    shifted,
    stroke,
    taper,
)
from artwork.skin import Skin


@dataclass(frozen=True)
class Eyes:
    """A pair of eyes; lengths in pixels, `apart` from the axis to the middle of an eye."""

    iris: tuple[str, str, str]
    """Its colours from the outer ring over the middle to the light below the pupil."""
    apart: float = 47.0
    height: float = 271.0
    half_width: float = 25.5
    opening: float = 12.0
    below: float = 9.6
    """How far the lower lid hangs below the middle of the eye."""
    slant: float = 0.06
    """How much the outer corner is raised, as a slope."""
    fold: float = 8.5
    """Height of the crease above the lid; 0 draws none (a single lid)."""
    lashes: float = 1.0
    wing: float = 1.0
    """Length of the lashes beyond the outer corner."""
    lash: str = "#22151A"
    shadow: tuple[str, float] | None = None
    """Colour and strength of eye shadow on the lid."""
    bags: float = 0.0
    glowing: bool = False
    tear: str = "#DE9A8E"
    white: tuple[str, str] = ("#DDD3D2", "#FFFDFB")

    def place(self, points: list[Point], side: int) -> list[Point]:
        """Points given in half widths and pixels below the eye's middle -> places in the picture."""
        return flip(
            [
                (AXIS + self.apart + x * self.half_width, self.height + y - self.slant * x * self.half_width)
                for x, y in points
            ],
            side,
        )

    @property
    def upper(self) -> list[Point]:
        """The upper lid's edge from the inner to the outer corner."""
        rise = -self.opening
        return [
            (-1.0, 5.2),
            (-0.72, 0.26 * rise),
            (-0.34, 0.82 * rise),
            (0.08, rise),
            (0.52, 0.80 * rise),
            (1.0, 2.2),
        ]

    @property
    def lower(self) -> list[Point]:
        """The lower lid's edge from the inner to the outer corner."""
        fall = self.below
        return [
            (-1.0, 5.2),
            (-0.66, 0.78 * fall),
            (-0.26, 1.0 * fall),
            (0.14, 1.03 * fall),
            (0.58, 0.86 * fall),
            (1.0, 2.2),
        ]

    @property
    def shut(self) -> list[Point]:
        """Where the upper lid's edge lies when the eye is shut."""
        fall = self.below
        return [
            (-1.0, 5.2),
            (-0.66, 0.86 * fall),
            (-0.26, 1.02 * fall),
            (0.14, 1.05 * fall),
            (0.58, 0.84 * fall),
            (1.0, 2.4),
        ]

    @property
    def band(self) -> tuple[int, int]:
        """The even rows of the picture within which everything lies that moves with the lids."""
        middle = round(self.height / 2) * 2
        return middle - 38, middle + 30


def draw_eyes(canvas: skia.Canvas, eyes: Eyes, skin: Skin, shut: float) -> None:
    """Both eyes with the upper lids lowered by `shut` (0 open, 1 shut)."""
    for side in (-1, 1):
        _socket(canvas, eyes, skin, side)
        _eye(canvas, eyes, skin, side, shut)


def _socket(canvas: skia.Canvas, eyes: Eyes, skin: Skin, side: int) -> None:
    shape(
        canvas,
        eyes.place([(-1.5, 8), (-1.28, -18), (-0.5, -24), (0.5, -23), (1.15, -12), (1.1, 6), (0, 15)], side),
        fill(skin.shade, 0.55, blur=7),
    )
    inner = eyes.place([(-1.45, 6), (-1.42, -12), (-1.0, -20), (-0.75, -8), (-1.0, 4)], side)
    shape(canvas, inner, fill(skin.deep, 0.34 if side > 0 else 0.20, blur=5))
    if eyes.bags:
        bag = eyes.place([(-0.9, 14), (-0.4, 19.5), (0.3, 20.5), (0.95, 14)], side)
        line(canvas, bag, stroke(skin.deep, 3, 0.42 * eyes.bags, blur=1.8))
        line(canvas, shifted(bag, 0, -4.5), stroke(skin.shine, 3, 0.30 * eyes.bags, blur=2))


def _eye(canvas: skia.Canvas, eyes: Eyes, skin: Skin, side: int, shut: float) -> None:
    top = between(eyes.upper, eyes.shut, shut)
    upper, lower = eyes.place(top, side), eyes.place(eyes.lower, side)
    if shut < 0.98:
        opening = outline([*upper, *reversed(lower[1:-1])], tension=0.95)
        inside(canvas, opening, lambda canvas: _ball(canvas, eyes, side, upper))
    _rim(canvas, eyes, skin, side)
    _lid(canvas, eyes, skin, side, top, shut)
    _lashes(canvas, eyes, side, top, shut)


def _rim(canvas: skia.Canvas, eyes: Eyes, skin: Skin, side: int) -> None:
    lower = eyes.place(eyes.lower, side)
    line(canvas, shifted(lower, 0, 0.8), stroke(skin.blush, 2.0, 0.55, blur=0.5))
    line(canvas, shifted(lower, 0, 1.8), stroke(skin.dark, 1.2, 0.42, blur=0.6))
    outer = eyes.place([(x, y + 0.6) for x, y in eyes.lower[3:]], side)
    line(canvas, outer, stroke(eyes.lash, 1.3, 0.35 + 0.25 * eyes.lashes, blur=0.4))


def _ball(canvas: skia.Canvas, eyes: Eyes, side: int, upper: list[Point]) -> None:
    x, y = AXIS + side * eyes.apart, eyes.height - 0.8
    canvas.drawRect(
        skia.Rect(x - 40, y - 30, x + 40, y + 30), shaded((0, y - 12), (0, y + 8), list(eyes.white))
    )
    for edge in (-1, 1):
        oval(canvas, (x + edge * eyes.half_width, y + 2), (7, 12), fill("#B98A84", 0.30, blur=3))
    _iris(canvas, eyes, (x, y))
    cover = shifted(upper, 0, 2.0)
    line(canvas, cover, stroke("#2A161C", 7, 0.42, blur=2.2))
    tear = eyes.place([(-1.0, 5.2), (-0.86, 2.2), (-0.76, 5.4), (-0.86, 7.6)], side)
    shape(canvas, tear, fill(eyes.tear, 0.85, blur=0.6))


def _iris(canvas: skia.Canvas, eyes: Eyes, centre: Point) -> None:
    x, y = centre
    ring, middle, low = eyes.iris
    canvas.drawCircle(x, y, 13.4, glow((x, y + 2), 13.6, [(middle, 1), (middle, 1), (ring, 1)]))
    canvas.drawCircle(x, y + 5.6, 8.4, fill(low, 0.72, blur=2.6))
    rng = np.random.default_rng(7)
    for turn in np.linspace(0, 2 * np.pi, 44, endpoint=False):
        reach = 10.5 + 2 * rng.random()
        start = (x + 5.4 * np.cos(turn), y + 5.4 * np.sin(turn))
        end = (x + reach * np.cos(turn + 0.06), y + reach * np.sin(turn + 0.06))
        line(canvas, [start, end], stroke(low if rng.random() > 0.45 else ring, 0.7, 0.42))
    canvas.drawCircle(x, y, 12.8, stroke(ring, 1.6, 0.85, blur=0.4))
    canvas.drawCircle(x, y, 6.0, fill("#0D090A", blur=0.3))
    if eyes.glowing:
        canvas.drawCircle(x, y, 9.2, stroke("#E9FFFF", 1.5, 0.9, blur=0.5))
    canvas.drawCircle(x - 4.4, y - 4.8, 3.5, fill("#FFFFFF", 0.97))
    oval(canvas, (x + 4.8, y + 5.4), (2.4, 1.8), fill("#FFFFFF", 0.50, blur=0.5))


def _lid(canvas: skia.Canvas, eyes: Eyes, skin: Skin, side: int, top: list[Point], shut: float) -> None:
    """The skin between the crease and the lid's edge, which unrolls over the ball."""
    raised = [(x, y - 1.8) for x, y in eyes.upper]
    cover = outline(eyes.place([*raised, *reversed(top)], side), tension=0.9)
    if shut > 0:
        start, end = eyes.height - eyes.opening, eyes.height + eyes.below
        canvas.drawPath(cover, shaded((0, start), (0, end), [skin.shade, skin.base, skin.shade]))

        def bulge(canvas: skia.Canvas) -> None:
            x = AXIS + side * eyes.apart
            oval(
                canvas,
                (x - 3, eyes.height - 2),
                (13, 5.5),
                fill(skin.shine, 0.42 * shut * skin.gloss, blur=3.5),
            )
            for edge in (-1, 1):
                oval(
                    canvas,
                    (x + edge * eyes.half_width, eyes.height + 1),
                    (8, 10),
                    fill(skin.deep, 0.35 * shut, blur=4),
                )

        inside(canvas, cover, bulge)
    if eyes.shadow:
        code, strength = eyes.shadow
        lid = eyes.place([*[(x, y - eyes.fold) for x, y in eyes.upper[1:-1]], *reversed(top)], side)
        shape(canvas, lid, fill(code, strength, blur=2.2))
    if eyes.fold:
        crease = [
            (x * 1.04, y - eyes.fold * (1 - 0.35 * abs(x)) + 0.35 * shut * eyes.fold * (1 - x**4))
            for x, y in eyes.upper
        ]
        crease[0] = (-0.94, eyes.upper[0][1] - eyes.fold * 0.72)
        crease[-1] = (1.12, eyes.upper[-1][1] - eyes.fold * 0.34)
        line(canvas, eyes.place(crease, side), stroke(skin.deep, 3.4, 0.34 - 0.12 * shut, blur=1.6))
        line(canvas, eyes.place(crease, side), stroke(skin.dark, 1.5, 0.62 - 0.30 * shut, blur=0.5))


def _lashes(canvas: skia.Canvas, eyes: Eyes, side: int, top: list[Point], shut: float) -> None:
    """The dark line along the lid's edge, drawn out beyond the outer corner, and single lashes."""
    thick = 1.8 + 1.7 * eyes.lashes
    tip = (1.0 + 0.18 * eyes.wing, top[-1][1] - (5.6 - 5.0 * shut) * eyes.wing)
    back = [(x + 0.02, y - thick * (0.25 + 0.75 * max(0.0, 0.2 + 0.8 * x))) for x, y in reversed(top[1:-1])]
    crown = (1.02, top[-1][1] - thick * 0.5)
    shape(canvas, eyes.place([*top, tip, crown, *back], side), fill(eyes.lash, 0.95), tension=0.8)
    line(canvas, eyes.place(top, side), stroke(eyes.lash, 1.5 + 0.7 * eyes.lashes, 0.92))
    if eyes.lashes < 0.6:
        return
    curve, spread = np.asarray(top), np.linspace(0, 1, len(top))
    for share in np.linspace(0.50, 0.97, 7):
        x, y = (float(np.interp(share, spread, curve[:, k])) for k in (0, 1))
        reach = (1.5 + 3.6 * share) * eyes.lashes
        turn = reach * (1.0 - 1.5 * shut)
        hair = [
            (x - 0.02, y),
            (x + 0.05 + 0.07 * share, y - 0.5 * turn - 0.6),
            (x + 0.06 + 0.2 * share, y - 1.2 * turn - 0.6),
        ]
        taper(canvas, eyes.place(hair, side), 1.5, eyes.lash, 0.8)


@dataclass(frozen=True)
class Brows:
    """A pair of brows: a body of hair and single hairs along it."""

    code: str
    thickness: float = 8.5
    height: float = 30.0
    """From the middle of the eye up to the brow's inner end."""
    arch: float = 7.0
    length: float = 1.0
    strength: float = 0.85
    inner: float = -0.92
    hairs: int = 90
    tips: str | None = None
    """A second colour for every other hair."""


def draw_brows(canvas: skia.Canvas, brows: Brows, eyes: Eyes) -> None:
    """Both brows."""
    rng = np.random.default_rng(3)
    ends = np.array([brows.inner, -0.35, 0.3, 0.85, 1.24 * brows.length])
    rise = -brows.height - brows.arch * np.array([0.0, 0.55, 1.0, 0.82, -0.1])
    thick = brows.thickness * np.array([0.70, 1.0, 0.90, 0.62, 0.14])
    upper = list(zip(ends, rise - thick * 0.5, strict=True))
    lower = list(zip(ends, rise + thick * 0.5, strict=True))
    for side in (-1, 1):
        body = eyes.place([*upper, *reversed(lower)], side)
        shape(canvas, body, fill(brows.code, 0.50 * brows.strength, blur=1.8), tension=0.9)
        shape(canvas, body, fill(brows.code, 0.60 * brows.strength, blur=0.8), tension=0.9)
        for k in range(brows.hairs):
            way = rng.random() ** 0.9
            x, dx = float(np.interp(way, np.linspace(0, 1, 5), ends)), 0.20 + 0.10 * rng.random()
            middle, half = (float(np.interp(way, np.linspace(0, 1, 5), row)) for row in (rise, thick * 0.55))
            y = middle + half * (1.5 * rng.random() - 0.45)
            lift = -(5.0 - 7.5 * way) * (0.6 + 0.5 * rng.random())
            hair = [(x, y), (x + dx * 0.5, y + lift * 0.6), (x + dx, y + lift)]
            code = brows.tips if brows.tips and k % 2 else brows.code
            taper(
                canvas,
                eyes.place(hair, side),
                1.3,
                code,
                (0.85 if k % 2 and brows.tips else 0.50) * brows.strength,
            )

"""A character: what is put together, in which order it is drawn, and what the renderer is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import skia

from artwork.backdrop import Backdrop
from artwork.brush import AXIS, HEIGHT, WIDTH, Draw, Point
from artwork.eyes import Brows, Eyes, draw_brows, draw_eyes
from artwork.hair.strands import Hair
from artwork.mouth import Lips, draw_lips
from artwork.nose import Nose, draw_nose
from artwork.skin import Head, Skin, Years, ears, face, neck

PIVOT: Point = (AXIS, 430.0)
"""The head is inclined about this point."""
MIDDLE: Point = (AXIS, 300.0)
"""The figure is enlarged about this point."""
RISE = 12.0
"""How far neck and shoulders are drawn above the place for which they are built."""

MANNERS = (
    "You speak with people face to face, so you answer in one to three short spoken sentences, without "
    "lists, headings or emoji. You answer in the language in which you are addressed."
)
"""What everybody's persona ends with."""


class Clothes(Protocol):
    """What covers the shoulders, drawn over the neck."""

    def draw(self, canvas: skia.Canvas) -> None:
        """Paint it."""


def nothing(canvas: skia.Canvas) -> None:
    """Paint nothing."""


@dataclass(frozen=True)
class Look:
    """The drawn parts of a character."""

    skin: Skin
    head: Head
    eyes: Eyes
    brows: Brows
    nose: Nose
    lips: Lips
    hair: Hair
    clothes: Clothes
    backdrop: Backdrop
    years: Years = field(default_factory=Years)
    neck_width: float = 41.0
    marks: Draw = nothing
    """Freckles, a mole, paint: on the skin, below the features."""
    beard: Draw = nothing
    glasses: Draw = nothing
    tilt: float = 0.0
    """Inclination of the head in degrees, clockwise."""
    zoom: float = 1.1


@dataclass(frozen=True)
class Character:
    """One member of the cast."""

    id: str
    name: str
    persona: str
    """Who it is, one sentence."""
    voices: Mapping[str, str]
    look: Look
    languages: tuple[str, ...] = ("en", "zh")
    version: str = "1"


class Figure:
    """A look, ready to be drawn with any position of the lids."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._hair = recorded(look.hair.front)
        self._below = recorded(self._draw_below)
        self._above = recorded(self._draw_above)

    def draw(self, canvas: skia.Canvas, shut: float = 0.0) -> None:
        """Draw the whole picture with the lids lowered by `shut` (0..1)."""
        look = self._look
        self._below(canvas)
        _placed(canvas, look, lambda canvas: draw_eyes(canvas, look.eyes, look.skin, shut))
        self._above(canvas)

    def _draw_below(self, canvas: skia.Canvas) -> None:
        """All that lies below the eyes, from the backdrop on."""
        look = self._look
        look.backdrop.draw(canvas)
        _placed(canvas, look, look.hair.back)
        _placed(canvas, look, self._draw_body, inclined=False)
        _placed(canvas, look, self._draw_face)

    def _draw_body(self, canvas: skia.Canvas) -> None:
        look = self._look
        canvas.translate(0, -RISE)
        neck(canvas, look.head, look.skin, look.neck_width, self._hair)
        look.clothes.draw(canvas)

    def _draw_face(self, canvas: skia.Canvas) -> None:
        look = self._look
        ears(canvas, look.head, look.skin)
        face(canvas, look.head, look.skin, look.years, self._hair)
        look.marks(canvas)
        draw_nose(canvas, look.nose, look.skin)
        look.beard(canvas)
        draw_lips(canvas, look.lips, look.skin)

    def _draw_above(self, canvas: skia.Canvas) -> None:
        """All that lies above the lids."""
        look = self._look

        def parts(canvas: skia.Canvas) -> None:
            draw_brows(canvas, look.brows, look.eyes)
            self._hair(canvas)
            look.glasses(canvas)

        _placed(canvas, look, parts)


def recorded(part: Draw) -> Draw:
    """`part`, drawn once and played back from then on."""
    recorder = skia.PictureRecorder()
    part(recorder.beginRecording(skia.Rect(-WIDTH, -HEIGHT, 2 * WIDTH, 2 * HEIGHT)))
    picture = recorder.finishRecordingAsPicture()
    return lambda canvas: canvas.drawPicture(picture)


def _placed(canvas: skia.Canvas, look: Look, part: Draw, inclined: bool = True) -> None:
    """Draw a part of the figure where the figure stands."""
    canvas.save()
    canvas.translate(*MIDDLE)
    canvas.scale(look.zoom, look.zoom)
    canvas.translate(-MIDDLE[0], -MIDDLE[1])
    if inclined:
        canvas.rotate(look.tilt, *PIVOT)
    part(canvas)
    canvas.restore()


def in_picture(look: Look, points: list[Point]) -> list[Point]:
    """Places on the upright head -> places in the picture."""
    turn = np.deg2rad(look.tilt)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    inclined = (np.asarray(points, float) - PIVOT) @ matrix.T + PIVOT
    placed = (inclined - MIDDLE) * look.zoom + MIDDLE
    return [(float(x), float(y)) for x, y in placed]

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
    voices: Mapping[str, str]
    look: Look
    languages: tuple[str, ...] = ("en", "zh")


def draw(canvas: skia.Canvas, look: Look, shut: float = 0.0) -> None:
    """Draw the whole picture, back to front, with the lids lowered by `shut` (0..1)."""
    look.backdrop.draw(canvas)
    canvas.save()
    canvas.translate(*MIDDLE)
    canvas.scale(look.zoom, look.zoom)
    canvas.translate(-MIDDLE[0], -MIDDLE[1])
    hair = recorded(look.hair.front)
    _inclined(canvas, look, look.hair.back)
    neck(canvas, look.head, look.skin, look.neck_width, hair)
    look.clothes.draw(canvas)

    def head(canvas: skia.Canvas) -> None:
        ears(canvas, look.head, look.skin)
        face(canvas, look.head, look.skin, look.years, hair)
        look.marks(canvas)
        draw_nose(canvas, look.nose, look.skin)
        look.beard(canvas)
        draw_lips(canvas, look.lips, look.skin)
        draw_eyes(canvas, look.eyes, look.skin, shut)
        draw_brows(canvas, look.brows, look.eyes)
        hair(canvas)
        look.glasses(canvas)

    _inclined(canvas, look, head)
    canvas.restore()


def recorded(part: Draw) -> Draw:
    """`part`, drawn once and played back from then on."""
    recorder = skia.PictureRecorder()
    part(recorder.beginRecording(skia.Rect(-WIDTH, -HEIGHT, 2 * WIDTH, 2 * HEIGHT)))
    picture = recorder.finishRecordingAsPicture()
    return lambda canvas: canvas.drawPicture(picture)


def _inclined(canvas: skia.Canvas, look: Look, part: Draw) -> None:
    canvas.save()
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

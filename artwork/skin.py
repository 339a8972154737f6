"""Skin: its tones, and the head, ears and neck that it covers."""

from dataclasses import dataclass

import skia

from artwork.brush import (
    AXIS,
    Draw,
    Point,
    cast_shadow,
    colour,
    fill,
    flip,
    glow,
    inside,
    line,
    mirrored,
    outline,
    oval,
    shaded,
    shape,
    shifted,
    stroke,
)


@dataclass(frozen=True)
class Skin:
    """Tones of a skin: from the lit side to the deepest fold, with blush and shine."""

    light: str
    base: str
    shade: str
    deep: str
    dark: str
    blush: str
    shine: str = "#FFF1E2"
    gloss: float = 1.0
    """Strength of the highlights."""
    blushing: float = 1.0


@dataclass(frozen=True)
class Head:
    """Shape of a head: half widths at four heights, and where it begins and ends."""

    temple: float = 93.0
    cheek: float = 94.5
    jaw: float = 79.0
    chin: float = 33.0
    bottom: float = 414.0
    top: float = 124.0
    ears: float = 0.0
    """How far the ears stand out; they are hidden below -20."""
    studs: str | None = None

    @property
    def face(self) -> list[Point]:
        """The outline of the face."""
        low = self.bottom - 414.0
        right = [
            (0.0, self.top),
            (self.temple * 0.56, self.top + 10),
            (self.temple * 0.90, self.top + 48),
            (self.temple, 222.0),
            (self.cheek, 276.0 + 0.2 * low),
            (0.40 * self.cheek + 0.60 * self.jaw + 6.5, 318.0 + 0.4 * low),
            (self.jaw, 352.0 + 0.7 * low),
            (0.56 * self.jaw + 0.5 * self.chin, 384.0 + 0.9 * low),
            (self.chin, 405.5 + low),
            (0.0, self.bottom),
        ]
        return mirrored([(AXIS + x, y) for x, y in right])


@dataclass(frozen=True)
class Years:
    """What age leaves in a face, each 0..1."""

    folds: float = 0.0
    """Lines from the nose to the corners of the mouth."""
    feet: float = 0.0
    """Lines beside the eyes."""
    forehead: float = 0.0
    bags: float = 0.0


def ears(canvas: skia.Canvas, head: Head, skin: Skin) -> None:
    """Both ears, with their inner folds, and studs if there are any."""
    if head.ears < -20:
        return
    edge = head.cheek - 5
    for side in (-1, 1):
        away = head.ears
        rim = [
            (edge - 4, 262), (edge + 6 + away, 249), (edge + 17 + away, 252), (edge + 20 + away, 270),
            (edge + 15 + away, 296), (edge + 8 + away, 318), (edge, 327), (edge - 6, 310),
        ]  # fmt: skip
        place = flip([(AXIS + x, y) for x, y in rim], side)
        tones = [skin.base, skin.shade] if side < 0 else [skin.shade, skin.deep]
        start, end = AXIS + side * (edge - 4), AXIS + side * (edge + 22)
        shape(canvas, place, shaded((start, 255), (end, 320), tones))
        fold = [
            (edge + 2 + away, 263),
            (edge + 12 + away, 260),
            (edge + 13 + away, 276),
            (edge + 6 + away, 302),
        ]
        line(canvas, flip([(AXIS + x, y) for x, y in fold], side), stroke(skin.deep, 3.2, 0.55, blur=1.2))
        bowl = [(edge + 1, 280), (edge + 7 + away, 284), (edge + 3 + away, 300), (edge - 2, 302)]
        shape(canvas, flip([(AXIS + x, y) for x, y in bowl], side), fill(skin.dark, 0.38, blur=2.4))
        shine = flip([(AXIS + edge + 16 + away, 258), (AXIS + edge + 18 + away, 272)], side)
        line(canvas, shine, stroke(skin.shine, 1.6, 0.4 * skin.gloss, blur=0.9))
        if head.studs:
            x = AXIS + side * (edge + 3 + away)
            canvas.drawCircle(x, 322, 3.6, fill(head.studs))
            canvas.drawCircle(x - 1.1, 320.8, 1.3, fill("#FFFFFF", 0.9))


def neck_outline(width: float) -> list[Point]:
    """Neck and the root of the shoulders; `width` is half the neck's."""
    right: list[Point] = [
        (width, 350),
        (width, 420),
        (width + 1, 446),
        (width + 5, 468),
        (width + 26, 490),
        (width + 34, 700),
    ]
    return [(AXIS - x, y) for x, y in reversed(right)] + [(AXIS + x, y) for x, y in right]


def neck(canvas: skia.Canvas, head: Head, skin: Skin, width: float, hair: Draw) -> None:
    """Neck, throat and collar bones, in the shadow of the head."""
    path = outline(neck_outline(width), tension=0.8)
    canvas.drawPath(path, shaded((AXIS - 70, 400), (AXIS + 90, 520), [skin.base, skin.base, skin.shade]))

    def modelling(canvas: skia.Canvas) -> None:
        shape(
            canvas,
            [(AXIS + width - 18, 380), (AXIS + width - 20, 440), (AXIS + width + 10, 500),
             (AXIS + width + 60, 480),
             (AXIS + width + 20, 380)],
            fill(skin.deep, 0.45, blur=9),
        )  # fmt: skip
        shape(
            canvas,
            [
                (AXIS - width - 20, 380),
                (AXIS - width + 5, 440),
                (AXIS - width - 8, 480),
                (AXIS - width - 50, 470),
            ],
            fill(skin.deep, 0.28, blur=8),
        )
        for side in (-1, 1):
            tendon = flip([(AXIS + width - 6, 430), (AXIS + 24, 478), (AXIS + 8, 508)], side)
            line(canvas, tendon, stroke(skin.deep, 7, 0.16, blur=4))
            bone = flip([(AXIS + 9, 511), (AXIS + 34, 504), (AXIS + 78, 492)], side)
            line(canvas, bone, stroke(skin.deep, 4.5, 0.30, blur=3))
            line(canvas, shifted(bone, 0, -5), stroke(skin.shine, 4, 0.30 * skin.gloss, blur=3))
        oval(canvas, (AXIS, 506), (7, 9), fill(skin.deep, 0.32, blur=4))
        face = outline(shifted(head.face, 4, 38))
        canvas.drawPath(face, fill(skin.deep, 0.75, blur=12))
        canvas.drawPath(outline(shifted(head.face, 3, 26)), fill(skin.dark, 0.55, blur=7))
        cast_shadow(canvas, hair, (4, 20), 7, colour(skin.dark, 0.45))

    inside(canvas, path, modelling)


def face(canvas: skia.Canvas, head: Head, skin: Skin, years: Years, hair: Draw) -> None:
    """The face without its features: skin, planes of light and shade, what age left."""
    path = outline(head.face)
    centre = (AXIS - 34, 236.0)
    canvas.drawPath(path, glow(centre, 230, [(skin.light, 1), (skin.base, 1), (skin.shade, 1)]))

    def modelling(canvas: skia.Canvas) -> None:
        _planes(canvas, head, skin)
        _lights(canvas, head, skin)
        _age(canvas, skin, years)
        # the hair throws a soft shadow on brow and temples
        cast_shadow(canvas, hair, (3, 9), 8, colour(skin.deep, 0.55))
        cast_shadow(canvas, hair, (1, 3), 2.5, colour(skin.dark, 0.28))

    inside(canvas, path, modelling)


def _planes(canvas: skia.Canvas, head: Head, skin: Skin) -> None:
    low = head.bottom - 414.0
    right = AXIS + head.cheek
    far = [
        (right + 8, 150), (right - 9, 230), (right - 15, 290), (AXIS + head.jaw - 12, 342 + low),
        (AXIS + head.chin + 12, 388 + low), (AXIS + 4, 416 + low), (AXIS + 60, 440 + low), (right + 50, 320),
    ]  # fmt: skip
    shape(canvas, far, fill(skin.shade, 0.75, blur=14))
    shape(canvas, shifted(far, 11, 6), fill(skin.deep, 0.42, blur=11))
    left = AXIS - head.cheek
    near = [
        (left - 6, 190), (left + 6, 280), (AXIS - head.jaw + 8, 344 + low),
        (AXIS - head.chin - 10, 396 + low),
        (AXIS - 60, 430 + low), (left - 40, 320),
    ]  # fmt: skip
    shape(canvas, near, fill(skin.shade, 0.55, blur=11))
    for side in (-1, 1):  # hollows: temple, eye socket, under the cheekbone
        shape(
            canvas,
            flip([(AXIS + head.temple - 10, 200), (AXIS + head.temple - 14, 244),
            (AXIS + head.temple + 8, 262),
                  (AXIS + head.temple + 8, 196)], side),
            fill(skin.shade, 0.5, blur=9),
        )  # fmt: skip
        hollow = [
            (AXIS + head.cheek - 6, 304),
            (AXIS + 62, 326),
            (AXIS + 52, 350 + low),
            (AXIS + head.jaw, 340),
        ]
        shape(canvas, flip(hollow, side), fill(skin.shade, 0.34 if side < 0 else 0.5, blur=11))
    oval(canvas, (AXIS, 386 + 0.6 * low), (24, 5), fill(skin.deep, 0.26, blur=5))


def _lights(canvas: skia.Canvas, head: Head, skin: Skin) -> None:
    low = head.bottom - 414.0
    for side, strength in ((-1, 1.0), (1, 0.75)):
        x = AXIS + side * 58
        oval(canvas, (x, 318), (25, 17), fill(skin.blush, 0.42 * skin.blushing, blur=12))
        oval(canvas, (x - 3, 303), (17, 6.5), fill(skin.shine, 0.34 * strength * skin.gloss, blur=7))
    oval(canvas, (AXIS - 18, 196), (36, 22), fill(skin.shine, 0.36 * skin.gloss, blur=16))
    oval(canvas, (AXIS - 3, 399 + low), (15, 8), fill(skin.shine, 0.34 * skin.gloss, blur=6))
    oval(canvas, (AXIS, 404 + low), (18, 9), fill(skin.blush, 0.14 * skin.blushing, blur=7))
    # light that the background throws back onto the turned-away edge
    edge = [(AXIS + head.cheek - 1, 262), (AXIS + head.cheek - 3, 300), (AXIS + head.jaw + 1, 344 + low),
            (AXIS + 0.5 * (head.jaw + head.chin) + 2, 384 + low)]  # fmt: skip
    line(canvas, edge, stroke(skin.light, 3.2, 0.34, blur=2.2))


def _age(canvas: skia.Canvas, skin: Skin, years: Years) -> None:
    for side in (-1, 1):
        fold = flip([(AXIS + 25, 322), (AXIS + 41, 335), (AXIS + 50, 351), (AXIS + 52, 364)], side)
        line(canvas, fold, stroke(skin.deep, 6, 0.10 + 0.30 * years.folds, blur=4))
        if years.folds:
            line(canvas, fold, stroke(skin.dark, 1.5, 0.42 * years.folds, blur=0.9))
            line(canvas, shifted(fold, side * 5, -2), stroke(skin.shine, 4, 0.22 * years.folds, blur=3))
        for k, turn in enumerate((-9, 0, 8)):
            y = 268 + 5 * k
            foot = [(AXIS + 79, y), (AXIS + 86, y + 0.6 * turn), (AXIS + 91, y + k - 1 + turn)]
            line(canvas, flip(foot, side), stroke(skin.deep, 1.4, 0.55 * years.feet, blur=0.6))
    for k in range(3):
        y = 186 + 14 * k
        brow = [(AXIS - 44 + 5 * k, y + 4), (AXIS - 16, y), (AXIS + 16, y), (AXIS + 46 - 5 * k, y + 4)]
        line(canvas, brow, stroke(skin.deep, 1.8, 0.34 * years.forehead, blur=0.9))
        line(canvas, shifted(brow, 0, 3.5), stroke(skin.shine, 2.5, 0.22 * years.forehead, blur=1.6))

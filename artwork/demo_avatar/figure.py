"""Mira, the presenter of the demo: an original character, drawn from code.

Design space: 512 x 640, face on the axis x = 256. Every part is a function of the canvas, from
the back to the front, so that a part can be redrawn or recoloured without touching the others.
"""

import skia

from artwork.demo_avatar.brush import Point, clip, fill, flip, glow, outline, shaded, stroke, taper
from artwork.demo_avatar.features import brows, ears, eye, face, mouth, nose
from artwork.demo_avatar.palette import (
    AXIS,
    BLOUSE,
    BLOUSE_SHADE,
    HAIR,
    HAIR_DARK,
    HAIR_LIGHT,
    HAIR_WARM,
    HEIGHT,
    JACKET,
    JACKET_DARK,
    JACKET_LIGHT,
    SKIN,
    SKIN_DEEP,
    SKIN_LIGHT,
    SKIN_SHADE,
    WIDTH,
)

NECK: list[Point] = [
    (216, 360),
    (215, 420),
    (210, 452),
    (182, 478),
    (206, 560),
    (306, 560),
    (330, 478),
    (302, 452),
    (297, 420),
    (296, 360),
]


def draw(canvas: skia.Canvas, shut: float = 0.0) -> None:
    """Draw the whole picture, back to front, with the lids lowered by `shut` (0..1)."""

    def eyes(canvas: skia.Canvas) -> None:
        for side in (-1, 1):
            eye(canvas, side, shut)

    for part in (backdrop, hair_back, body, neck, ears, face, nose, mouth, eyes, brows, hair_front):
        canvas.save()
        part(canvas)
        canvas.restore()


def backdrop(canvas: skia.Canvas) -> None:
    """A calm, light wall."""
    canvas.drawRect(
        skia.Rect(0, 0, WIDTH, HEIGHT), shaded((0, 0), (WIDTH, HEIGHT), ["#E9EEEC", "#CFDDDD", "#A9C2C6"])
    )
    canvas.drawCircle(96, 150, 210, glow((96, 150), 210, [("#FFF6E6", 0.75), ("#FFF6E6", 0.0)]))
    canvas.drawCircle(430, 470, 240, glow((430, 470), 240, [("#7FA3AB", 0.40), ("#7FA3AB", 0.0)]))
    canvas.drawCircle(256, 300, 235, glow((256, 300), 235, [("#FFFFFF", 0.40), ("#FFFFFF", 0.0)]))


def hair_back(canvas: skia.Canvas) -> None:
    """The hair behind neck and shoulders."""
    shape = [
        (256, 66),
        (322, 76),
        (375, 124),
        (397, 214),
        (394, 300),
        (406, 384),
        (408, 452),
        (376, 502),
        (326, 506),
        (290, 470),
        (256, 460),
        (222, 470),
        (186, 506),
        (136, 502),
        (104, 452),
        (106, 384),
        (118, 300),
        (115, 214),
        (137, 124),
        (190, 76),
    ]
    canvas.drawPath(outline(shape), shaded((256, 90), (256, 500), [HAIR, HAIR_DARK]))
    clip(canvas, shape)
    for x, bend in ((128, -8), (146, 6), (362, -6), (382, 8)):
        taper(canvas, [(x, 250), (x + bend, 340), (x - bend, 420), (x + bend, 492)], 9, HAIR_WARM, 0.45)
    canvas.drawPath(outline(NECK), fill("#150C10", 0.55, blur=16))


def body(canvas: skia.Canvas) -> None:
    """Blouse and jacket."""
    canvas.drawPath(
        outline([(176, 486), (256, 520), (336, 486), (352, 660), (160, 660)], tension=0.6),
        shaded((256, 490), (256, 640), [BLOUSE, BLOUSE_SHADE]),
    )
    coat = [
        (196, 470),
        (142, 490),
        (92, 511),
        (56, 543),
        (38, 600),
        (26, 690),
        (486, 690),
        (474, 600),
        (456, 543),
        (420, 511),
        (370, 490),
        (316, 470),
    ]
    front = skia.Path()
    front.addPath(outline(coat, tension=0.9))
    opening = outline(
        [(196, 462), (214, 520), (240, 590), (256, 650), (272, 590), (298, 520), (316, 462)], tension=0.7
    )
    jacket = skia.Op(front, opening, skia.PathOp.kDifference_PathOp)
    canvas.save()
    canvas.drawPath(jacket, shaded((120, 480), (380, 660), [JACKET_LIGHT, JACKET, JACKET_DARK]))
    canvas.clipPath(jacket, skia.ClipOp.kIntersect, True)
    for side in (-1, 1):
        sleeve = flip([(408, 668), (400, 612), (410, 566)], AXIS, side)
        canvas.drawPath(outline(sleeve, closed=False), stroke(JACKET_DARK, 9, 0.55, blur=5))
        canvas.drawPath(outline(sleeve, closed=False), stroke(JACKET_DARK, 2.2, 0.8))
        fold = flip([(440, 532), (424, 522), (396, 512)], AXIS, side)
        canvas.drawPath(outline(fold, closed=False), stroke("#6FA0AD", 7, 0.35, blur=5))
    canvas.restore()
    for side in (-1, 1):
        lapel(canvas, side)


def lapel(canvas: skia.Canvas, side: int) -> None:
    """One lapel of the jacket."""
    shape = flip(
        [
            (316, 462),
            (352, 482),
            (362, 520),
            (340, 530),
            (350, 546),
            (308, 620),
            (264, 668),
            (272, 604),
            (296, 530),
        ],
        AXIS,
        side,
    )
    canvas.drawPath(outline(shape, tension=0.35), fill("#0E2630", 0.45, blur=7))
    canvas.drawPath(
        outline(shape, tension=0.35),
        shaded((256 + side * 20, 480), (256 + side * 110, 560), [JACKET, JACKET_LIGHT]),
    )
    canvas.drawPath(outline(shape, tension=0.35), stroke(JACKET_DARK, 1.6, 0.75))
    edge = flip([(317, 466), (298, 530), (274, 604), (266, 656)], AXIS, side)
    canvas.drawPath(outline(edge, closed=False), stroke("#7FB0BC", 1.6, 0.5))


def neck(canvas: skia.Canvas) -> None:
    """Neck, collar bones and the edge of the blouse."""
    collar = [
        (204, 452),
        (178, 478),
        (196, 506),
        (228, 530),
        (256, 537),
        (284, 530),
        (316, 506),
        (334, 478),
        (308, 452),
        (300, 430),
        (298, 370),
        (214, 370),
        (212, 430),
    ]
    canvas.drawPath(outline(collar), shaded((256, 400), (256, 530), [SKIN_SHADE, SKIN]))
    canvas.save()
    clip(canvas, collar)
    shade = [(200, 350), (212, 408), (236, 438), (262, 446), (288, 434), (304, 400), (312, 350)]
    canvas.drawPath(outline(shade), fill(SKIN_DEEP, 0.62, blur=9))
    canvas.drawPath(
        outline([(300, 400), (292, 446), (318, 486), (350, 470), (330, 400)]), fill(SKIN_DEEP, 0.35, blur=9)
    )
    for side in (-1, 1):
        bone = flip([(264, 507), (286, 500), (318, 488)], AXIS, side)
        canvas.drawPath(outline(bone, closed=False), stroke(SKIN_DEEP, 3, 0.30, blur=2))
        canvas.drawPath(
            outline([(x, y - 4) for x, y in bone], closed=False), stroke(SKIN_LIGHT, 4, 0.55, blur=2.5)
        )
        tendon = flip([(292, 440), (278, 478), (264, 506)], AXIS, side)
        canvas.drawPath(outline(tendon, closed=False), stroke(SKIN_DEEP, 4, 0.14, blur=3))
    canvas.restore()
    rim = [(178, 478), (196, 506), (228, 530), (256, 537), (284, 530), (316, 506), (334, 478)]
    canvas.drawPath(outline(rim, closed=False), stroke("#FFFFFF", 3.2, 0.9))
    canvas.drawPath(outline([(x, y + 4) for x, y in rim], closed=False), stroke("#8E7B6A", 3, 0.30, blur=2))


def hair_front(canvas: skia.Canvas) -> None:
    """The hair that frames the face."""
    left = [
        (284, 98),
        (250, 75),
        (206, 80),
        (162, 106),
        (133, 152),
        (119, 212),
        (120, 280),
        (110, 344),
        (100, 404),
        (110, 462),
        (142, 504),
        (176, 506),
        (190, 488),
        (168, 470),
        (158, 430),
        (164, 372),
        (160, 318),
        (166, 262),
        (186, 214),
        (222, 182),
        (258, 152),
        (280, 122),
    ]
    right = [
        (268, 100),
        (306, 74),
        (354, 103),
        (383, 152),
        (396, 212),
        (393, 280),
        (402, 344),
        (412, 404),
        (402, 462),
        (370, 504),
        (336, 504),
        (322, 486),
        (344, 468),
        (354, 428),
        (348, 372),
        (352, 318),
        (350, 262),
        (338, 214),
        (314, 176),
        (288, 142),
        (274, 120),
    ]
    for shape, light in ((right, 0.75), (left, 1.0)):
        canvas.drawPath(outline(shape), fill("#5A2E22", 0.30, blur=5))
        canvas.drawPath(outline(shape), shaded((256, 90), (256, 500), [HAIR_WARM, HAIR, HAIR_DARK]))
        canvas.save()
        clip(canvas, shape)
        strands(canvas, shape is left, light)
        canvas.restore()


def strands(canvas: skia.Canvas, is_left: bool, light: float) -> None:
    """Strands and gloss on one side."""
    side = -1 if is_left else 1
    for i, reach in enumerate((58, 70, 80, 90, 98, 106, 114, 122, 130, 138, 146)):
        x = AXIS + side * reach
        wave = 7 if i % 2 else -4
        way = [
            (278 + side * 2, 100), (AXIS + side * reach * 0.60, 138 - i * 5), (x, 214 - i * 3),
            (x + side * wave, 290), (x + side * (10 - wave), 366),
            (x + side * (wave + 4), 436), (x - side * 22, 504),
        ]  # fmt: skip
        shade, alpha = ((HAIR_LIGHT, 0.34), (HAIR_DARK, 0.50), (HAIR_WARM, 0.55))[i % 3]
        taper(canvas, way, 7 + 2 * (i % 3), shade, alpha * light)
    fringe = flip([(274, 118), (300, 146), (328, 186), (341, 232)], AXIS, side)
    canvas.drawPath(outline(fringe, closed=False), stroke(HAIR_LIGHT, 3, 0.35 * light, blur=1.2))
    gloss = flip(
        [(280, 112), (322, 122), (362, 166), (372, 214), (352, 190), (318, 148), (282, 128)], AXIS, side
    )
    canvas.drawPath(outline(gloss), fill("#D39A78", 0.36 * light, blur=9))

"""Mira, the presenter of the demo: an original character, drawn from code.

Design space: 512 x 640, face on the axis x = 256. Every part is a function of the canvas, from
the back to the front, so that a part can be redrawn or recoloured without touching the others.
"""

import skia

from artwork.demo_avatar.brush import (
    Point, fill, flip, glow, mirrored, outline, shaded, stroke, taper,
)

WIDTH, HEIGHT, AXIS = 512, 640, 256.0
SKIN, SKIN_SHADE, SKIN_DEEP, SKIN_LIGHT = "#EDBD9B", "#D9987A", "#B8735C", "#F9D8BE"
BLUSH, LIP_UPPER, LIP_LOWER, LIP_SEAM = "#E2806F", "#B9565A", "#CF6F6E", "#7A2F38"
HAIR_DARK, HAIR, HAIR_WARM, HAIR_LIGHT = "#2C1D20", "#432B2B", "#6B4238", "#9A6550"
JACKET, JACKET_DARK, JACKET_LIGHT = "#2F5D6B", "#1F424F", "#417686"
BLOUSE, BLOUSE_SHADE = "#F6F0E6", "#D9CDBD"

FACE: list[Point] = mirrored(
    [
        (256, 128), (304, 138), (337, 174), (348, 224), (347, 270), (342, 312),
        (329, 352), (306, 387), (279, 407), (256, 412),
    ],
    AXIS,
)
NECK: list[Point] = [
    (216, 360), (215, 420), (210, 452), (182, 478), (206, 560), (306, 560), (330, 478), (302, 452),
    (297, 420), (296, 360),
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


SEAM: list[Point] = [
    (215, 355.6), (228, 360.6), (242, 363.2), (256, 364.4), (270, 363.2), (284, 360.6), (297, 355.6),
]  # fmt: skip
CUPID: list[Point] = [
    (215, 355.6), (230, 352.6), (246, 349.4), (256, 351.8), (266, 349.4), (282, 352.6), (297, 355.6),
]  # fmt: skip
LOWER_RIM: list[Point] = [(286, 368.0), (273, 375.2), (256, 377.6), (239, 375.2), (226, 368.0)]
LIPS: list[Point] = [*CUPID, *LOWER_RIM]


def clip(canvas: skia.Canvas, points: list[Point]) -> None:
    canvas.clipPath(outline(points), skia.ClipOp.kIntersect, True)


def backdrop(canvas: skia.Canvas) -> None:
    canvas.drawRect(
        skia.Rect(0, 0, WIDTH, HEIGHT), shaded((0, 0), (WIDTH, HEIGHT), ["#E9EEEC", "#CFDDDD", "#A9C2C6"])
    )
    canvas.drawCircle(96, 150, 210, glow((96, 150), 210, [("#FFF6E6", 0.75), ("#FFF6E6", 0.0)]))
    canvas.drawCircle(430, 470, 240, glow((430, 470), 240, [("#7FA3AB", 0.40), ("#7FA3AB", 0.0)]))
    canvas.drawCircle(256, 300, 235, glow((256, 300), 235, [("#FFFFFF", 0.40), ("#FFFFFF", 0.0)]))


def hair_back(canvas: skia.Canvas) -> None:
    shape = [
        (256, 74), (322, 80), (376, 128), (397, 214), (394, 300), (406, 384), (408, 452), (376, 502), (326, 506),
        (290, 470), (256, 460), (222, 470), (186, 506), (136, 502), (104, 452), (106, 384), (118, 300), (115, 214),
        (136, 128), (190, 80),
    ]
    canvas.drawPath(outline(shape), shaded((256, 90), (256, 500), [HAIR, HAIR_DARK]))
    clip(canvas, shape)
    for x, bend in ((128, -8), (146, 6), (362, -6), (382, 8)):
        taper(canvas, [(x, 250), (x + bend, 340), (x - bend, 420), (x + bend, 492)], 9, HAIR_WARM, 0.45)
    canvas.drawPath(outline(NECK), fill("#150C10", 0.55, blur=16))


def body(canvas: skia.Canvas) -> None:
    canvas.drawPath(
        outline([(176, 486), (256, 520), (336, 486), (352, 660), (160, 660)], tension=0.6),
        shaded((256, 490), (256, 640), [BLOUSE, BLOUSE_SHADE]),
    )
    coat = [
        (196, 470), (140, 492), (84, 516), (48, 556), (30, 610), (22, 680), (490, 680), (482, 610),
        (464, 556), (428, 516), (372, 492), (316, 470),
    ]
    front = skia.Path()
    front.addPath(outline(coat, tension=0.9))
    opening = outline([(196, 462), (214, 520), (240, 590), (256, 650), (272, 590), (298, 520), (316, 462)], tension=0.7)
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
    shape = flip([(316, 462), (352, 482), (362, 520), (340, 530), (350, 546), (308, 620), (264, 668), (272, 604), (296, 530)], AXIS, side)
    canvas.drawPath(outline(shape, tension=0.35), fill("#0E2630", 0.45, blur=7))
    canvas.drawPath(outline(shape, tension=0.35), shaded((256 + side * 20, 480), (256 + side * 110, 560), [JACKET, JACKET_LIGHT]))
    canvas.drawPath(outline(shape, tension=0.35), stroke(JACKET_DARK, 1.6, 0.75))
    edge = flip([(317, 466), (298, 530), (274, 604), (266, 656)], AXIS, side)
    canvas.drawPath(outline(edge, closed=False), stroke("#7FB0BC", 1.6, 0.5))


def neck(canvas: skia.Canvas) -> None:
    collar = [
        (204, 452), (178, 478), (196, 506), (228, 530), (256, 537), (284, 530), (316, 506), (334, 478), (308, 452),
        (300, 430), (298, 370), (214, 370), (212, 430),
    ]
    canvas.drawPath(outline(collar), shaded((256, 400), (256, 530), [SKIN_SHADE, SKIN]))
    canvas.save()
    clip(canvas, collar)
    shade = [(200, 350), (212, 408), (236, 438), (262, 446), (288, 434), (304, 400), (312, 350)]
    canvas.drawPath(outline(shade), fill(SKIN_DEEP, 0.62, blur=9))
    canvas.drawPath(outline([(300, 400), (292, 446), (318, 486), (350, 470), (330, 400)]), fill(SKIN_DEEP, 0.35, blur=9))
    for side in (-1, 1):
        bone = flip([(264, 507), (286, 500), (318, 488)], AXIS, side)
        canvas.drawPath(outline(bone, closed=False), stroke(SKIN_DEEP, 3, 0.30, blur=2))
        canvas.drawPath(outline([(x, y - 4) for x, y in bone], closed=False), stroke(SKIN_LIGHT, 4, 0.55, blur=2.5))
        tendon = flip([(292, 440), (278, 478), (264, 506)], AXIS, side)
        canvas.drawPath(outline(tendon, closed=False), stroke(SKIN_DEEP, 4, 0.14, blur=3))
    canvas.restore()
    rim = [(178, 478), (196, 506), (228, 530), (256, 537), (284, 530), (316, 506), (334, 478)]
    canvas.drawPath(outline(rim, closed=False), stroke("#FFFFFF", 3.2, 0.9))
    canvas.drawPath(outline([(x, y + 4) for x, y in rim], closed=False), stroke("#8E7B6A", 3, 0.30, blur=2))


def ears(canvas: skia.Canvas) -> None:
    for side in (-1, 1):
        ear = flip([(342, 262), (356, 258), (361, 276), (355, 304), (344, 320), (338, 300)], AXIS, side)
        canvas.drawPath(outline(ear), shaded((256 + side * 80, 262), (256 + side * 106, 310), [SKIN, SKIN_SHADE]))
        lobe = 256 + side * 346.0 - side * 256
        canvas.drawCircle(lobe, 322, 4.2, fill("#E7C77A"))
        canvas.drawCircle(lobe - 1.3, 320.6, 1.5, fill("#FFF7DC"))


def face(canvas: skia.Canvas) -> None:
    canvas.drawPath(outline(FACE), shaded((196, 150), (318, 420), [SKIN_LIGHT, SKIN, SKIN]))
    clip(canvas, FACE)
    # light comes from the upper left: form shadow on the right side and under the hair
    canvas.drawPath(
        outline([(352, 150), (342, 240), (334, 320), (300, 392), (262, 420), (340, 430), (380, 300)]),
        fill(SKIN_SHADE, 0.62, blur=15),
    )
    canvas.drawPath(
        outline([(158, 190), (170, 280), (184, 340), (214, 396), (170, 400), (140, 280)]), fill(SKIN_SHADE, 0.32, blur=12)
    )
    canvas.drawPath(
        outline([(150, 120), (160, 250), (176, 206), (214, 170), (256, 156), (306, 172), (338, 212), (352, 260), (366, 120)]),
        fill(SKIN_DEEP, 0.42, blur=10),
    )
    for side in (-1, 1):
        x = AXIS + side * 56
        canvas.drawOval(skia.Rect(x - 27, 304, x + 27, 340), fill(BLUSH, 0.34, blur=11))
        canvas.drawOval(skia.Rect(x - 16 - 4, 296, x + 12, 310), fill("#FFF0E0", 0.42, blur=7))
    canvas.drawOval(skia.Rect(226, 176, 288, 220), fill("#FFF3E4", 0.40, blur=15))
    canvas.drawOval(skia.Rect(238, 384, 272, 402), fill("#FFEBD8", 0.45, blur=7))
    canvas.drawOval(skia.Rect(232, 376, 280, 384), fill(SKIN_DEEP, 0.22, blur=4))


def nose(canvas: skia.Canvas) -> None:
    canvas.drawPath(outline([(243, 262), (238, 292), (234, 312), (240, 316), (246, 292)]), fill(SKIN_SHADE, 0.22, blur=5))
    canvas.drawPath(outline([(268, 258), (272, 290), (280, 312), (274, 322), (262, 300)]), fill(SKIN_SHADE, 0.55, blur=5))
    canvas.drawOval(skia.Rect(251, 262, 260, 312), fill("#FFF4E6", 0.50, blur=4))
    canvas.drawOval(skia.Rect(246, 306, 264, 322), fill("#FFF4E6", 0.48, blur=4))
    canvas.drawPath(outline([(238, 325), (248, 331), (256, 333), (264, 331), (274, 325), (266, 338), (246, 338)]), fill(SKIN_DEEP, 0.40, blur=3))
    for side in (-1, 1):
        nostril = flip([(261, 327.5), (266, 325), (271, 326.5), (266.5, 329.2)], AXIS, side)
        canvas.drawPath(outline(nostril), fill("#8A4A40", 0.72, blur=0.7))
        wing = flip([(274, 311), (279, 318), (277.5, 326), (271, 328)], AXIS, side)
        canvas.drawPath(outline(wing, closed=False), stroke(SKIN_DEEP, 2.0, 0.55, blur=0.7))
    canvas.drawPath(outline([(250, 338), (252, 348), (260, 348), (262, 338)]), fill(SKIN_SHADE, 0.40, blur=3))


def mouth(canvas: skia.Canvas) -> None:
    upper = [*CUPID, *reversed(SEAM[1:-1])]
    lower = [*SEAM, *LOWER_RIM]
    canvas.drawOval(skia.Rect(230, 378, 282, 386), fill(SKIN_DEEP, 0.30, blur=4))
    canvas.drawPath(outline(upper, tension=0.9), shaded((256, 348), (256, 364), [LIP_LOWER, LIP_UPPER]))
    canvas.drawPath(outline(lower, tension=0.9), shaded((256, 360), (256, 377), [LIP_UPPER, LIP_LOWER]))
    canvas.drawOval(skia.Rect(240, 366.6, 268, 371.4), fill("#FFE3DA", 0.52, blur=2.2))
    for side in (-1, 1):
        canvas.drawPath(outline(flip([(260, 350.2), (266, 348.0), (276, 351.0)], AXIS, side), closed=False), stroke("#FFE6DA", 1.4, 0.5, blur=0.8))
        corner = flip([(296, 355.8), (299, 354.6), (301, 352.4)], AXIS, side)
        canvas.drawPath(outline(corner, closed=False), stroke(SKIN_DEEP, 2.4, 0.40, blur=1.2))
        cheek = flip([(290, 330), (303, 342), (308, 358)], AXIS, side)
        canvas.drawPath(outline(cheek, closed=False), stroke(SKIN_DEEP, 4, 0.16, blur=3))
    canvas.drawPath(outline(SEAM, closed=False), stroke(LIP_SEAM, 1.9, 0.95))


UPPER_LID: list[Point] = [(279, 277), (287, 266.5), (301, 260), (315, 262.5), (325, 272)]
LOWER_LID: list[Point] = [(279, 277), (289, 281.8), (302, 283.6), (316, 280.4), (325, 272)]
CREASE: list[Point] = [(279, 267), (288, 258), (302, 252.8), (316, 255.4), (327, 264)]
LASH: list[Point] = [
    (278.5, 277.6), (286.5, 266.2), (301, 258.4), (315, 260.6), (325.5, 270), (333.5, 263.4), (326, 267),
    (316, 262.2), (301, 262), (288, 268.6),
]  # fmt: skip
LASH_SHUT: list[Point] = [
    (278.5, 277.2), (288.5, 281.4), (302, 283.2), (316, 280), (325.5, 273.2), (333.5, 273.4), (326, 278.2),
    (316, 283.6), (302, 286.6), (288, 284),
]  # fmt: skip


def between(first: list[Point], last: list[Point], share: float) -> list[Point]:
    pairs = zip(first, last, strict=True)
    return [(a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share) for a, b in pairs]


def eye(canvas: skia.Canvas, side: int, shut: float) -> None:
    """One eye with the upper lid lowered by `shut` (0 open, 1 shut)."""
    upper = flip(between(UPPER_LID, LOWER_LID, shut), AXIS, side)
    lower = flip(LOWER_LID, AXIS, side)
    socket = skia.Rect(AXIS + side * 46 - 30, 244, AXIS + side * 46 + 30, 285)
    canvas.drawOval(socket, fill(SKIN_DEEP, 0.20, blur=6))
    if shut < 0.98:
        canvas.save()
        eyeball(canvas, side, upper, lower)
        canvas.restore()
    canvas.drawPath(outline(lower, closed=False), stroke("#8C5147", 1.3, 0.5))
    if shut > 0:
        rim = flip([(x, y - 1.5) for x, y in UPPER_LID], AXIS, side)
        skin = outline([*rim, *reversed(upper)], tension=0.8)
        canvas.drawPath(skin, shaded((0, 258), (0, 284), [SKIN_SHADE, SKIN, SKIN_SHADE]))
        canvas.save()
        canvas.clipPath(skin, skia.ClipOp.kIntersect, True)
        canvas.drawOval(skia.Rect(AXIS + side * 46 - 14, 264, AXIS + side * 46 + 10, 274), fill("#FFEBD8", 0.5, blur=4))
        canvas.restore()
    fold = flip(between(CREASE, UPPER_LID, 0.45 * shut), AXIS, side)
    canvas.drawPath(outline(fold, closed=False), stroke(SKIN_DEEP, 1.8, 0.62 - 0.25 * shut, blur=0.5))
    lash = flip(between(LASH, LASH_SHUT, shut), AXIS, side)
    canvas.drawPath(outline(lash, tension=0.8), fill("#24161A"))
    canvas.drawPath(outline(upper, closed=False), stroke("#24161A", 2.2))


def eyeball(canvas: skia.Canvas, side: int, upper: list[Point], lower: list[Point]) -> None:
    opening = outline([*upper, *reversed(lower[1:-1])], tension=0.95)
    canvas.drawPath(opening, shaded((0, 260), (0, 284), ["#E3DAD7", "#FFFDFA"]))
    canvas.clipPath(opening, skia.ClipOp.kIntersect, True)
    x, y = AXIS + side * 46, 270.8
    canvas.drawCircle(x, y, 13.0, glow((x, y + 3), 14, [("#94703F", 1), ("#654A29", 1), ("#2E2418", 1)]))
    canvas.drawCircle(x, y + 5.5, 8, fill("#C2935A", 0.50, blur=3))
    canvas.drawCircle(x, y, 12.8, stroke("#231812", 1.7, 0.8))
    canvas.drawCircle(x, y, 5.8, fill("#120C0B"))
    canvas.drawCircle(x - 4.2, y - 4.4, 3.4, fill("#FFFFFF", 0.96))
    canvas.drawCircle(x + 4.6, y + 5.0, 1.7, fill("#FFFFFF", 0.55))
    shadow = [(px, py + 2.4) for px, py in upper]
    canvas.drawPath(outline(shadow, closed=False), stroke("#3A2228", 6, 0.40, blur=2))
    tear = flip([(278, 277), (285, 273.5), (285.5, 280.4)], AXIS, side)
    canvas.drawPath(outline(tear), fill("#E7A79A", 0.8, blur=0.6))


def brows(canvas: skia.Canvas) -> None:
    for side in (-1, 1):
        shape = flip([(277, 245), (290, 238.5), (306, 235), (322, 238.2), (334.5, 247.6), (321, 243.4), (305, 241.4), (290, 245), (278, 251)], AXIS, side)
        canvas.drawPath(outline(shape, tension=0.9), fill("#4A2F2B", 0.35, blur=1.6))
        canvas.drawPath(outline(shape, tension=0.9), fill("#4A2F2B", 0.88))


def hair_front(canvas: skia.Canvas) -> None:
    left = [
        (284, 98), (252, 82), (208, 84), (164, 108), (134, 152), (119, 212), (120, 280), (110, 344), (100, 404),
        (110, 462), (142, 504), (176, 506), (190, 488), (168, 470), (158, 430), (164, 372), (160, 318), (166, 262),
        (186, 214), (222, 182), (258, 152), (280, 122),
    ]
    right = [
        (268, 100), (304, 80), (352, 106), (382, 152), (396, 212), (393, 280), (402, 344), (412, 404), (402, 462),
        (370, 504), (336, 504), (322, 486), (344, 468), (354, 428), (348, 372), (352, 318), (350, 262), (338, 214),
        (314, 176), (288, 142), (274, 120),
    ]
    for shape, light in ((right, 0.75), (left, 1.0)):
        canvas.drawPath(outline(shape), fill("#5A2E22", 0.30, blur=5))
        canvas.drawPath(outline(shape), shaded((256, 90), (256, 500), [HAIR_WARM, HAIR, HAIR_DARK]))
        canvas.save()
        clip(canvas, shape)
        strands(canvas, shape is left, light)
        canvas.restore()


def strands(canvas: skia.Canvas, is_left: bool, light: float) -> None:
    side = -1 if is_left else 1
    for i, reach in enumerate((58, 70, 80, 90, 98, 106, 114, 122, 130, 138, 146)):
        x = AXIS + side * reach
        wave = 7 if i % 2 else -4
        way = [
            (278 + side * 2, 100), (AXIS + side * reach * 0.60, 138 - i * 5), (x, 214 - i * 3),
            (x + side * wave, 290), (x + side * (10 - wave), 366), (x + side * (wave + 4), 436), (x - side * 22, 504),
        ]  # fmt: skip
        shade, alpha = ((HAIR_LIGHT, 0.34), (HAIR_DARK, 0.50), (HAIR_WARM, 0.55))[i % 3]
        taper(canvas, way, 7 + 2 * (i % 3), shade, alpha * light)
    fringe = flip([(274, 118), (300, 146), (328, 186), (341, 232)], AXIS, side)
    canvas.drawPath(outline(fringe, closed=False), stroke(HAIR_LIGHT, 3, 0.35 * light, blur=1.2))
    gloss = flip([(280, 112), (322, 122), (362, 166), (372, 214), (352, 190), (318, 148), (282, 128)], AXIS, side)
    canvas.drawPath(outline(gloss), fill("#D39A78", 0.36 * light, blur=9))



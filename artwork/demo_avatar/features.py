"""The face: skin, nose, mouth, eyes and brows."""

import skia

from artwork.demo_avatar.brush import Point, clip, fill, flip, glow, mirrored, outline, shaded, stroke
from artwork.demo_avatar.palette import (
    AXIS,
    BLUSH,
    LIP_LOWER,
    LIP_SEAM,
    LIP_UPPER,
    SKIN,
    SKIN_DEEP,
    SKIN_LIGHT,
    SKIN_SHADE,
)

FACE: list[Point] = mirrored(
    [
        (256, 128),
        (304, 138),
        (337, 174),
        (348, 224),
        (347, 270),
        (342, 312),
        (329, 352),
        (306, 387),
        (279, 407),
        (256, 412),
    ],
    AXIS,
)
SEAM: list[Point] = [
    (215, 355.6), (228, 360.6), (242, 363.2), (256, 364.4), (270, 363.2), (284, 360.6), (297, 355.6),
]  # fmt: skip
CUPID: list[Point] = [
    (215, 355.6), (230, 352.6), (246, 349.4), (256, 351.8), (266, 349.4), (282, 352.6), (297, 355.6),
]  # fmt: skip
LOWER_RIM: list[Point] = [(286, 368.0), (273, 375.2), (256, 377.6), (239, 375.2), (226, 368.0)]
LIPS: list[Point] = [*CUPID, *LOWER_RIM]


def ears(canvas: skia.Canvas) -> None:
    """Ears with small studs."""
    for side in (-1, 1):
        ear = flip([(342, 262), (356, 258), (361, 276), (355, 304), (344, 320), (338, 300)], AXIS, side)
        canvas.drawPath(
            outline(ear), shaded((256 + side * 80, 262), (256 + side * 106, 310), [SKIN, SKIN_SHADE])
        )
        lobe = 256 + side * 346.0 - side * 256
        canvas.drawCircle(lobe, 322, 4.2, fill("#E7C77A"))
        canvas.drawCircle(lobe - 1.3, 320.6, 1.5, fill("#FFF7DC"))


def face(canvas: skia.Canvas) -> None:
    """Skin, form shadows, blush."""
    canvas.drawPath(outline(FACE), shaded((196, 150), (318, 420), [SKIN_LIGHT, SKIN, SKIN]))
    clip(canvas, FACE)
    # light comes from the upper left: form shadow on the right side and under the hair
    canvas.drawPath(
        outline([(352, 150), (342, 240), (334, 320), (300, 392), (262, 420), (340, 430), (380, 300)]),
        fill(SKIN_SHADE, 0.62, blur=15),
    )
    canvas.drawPath(
        outline([(158, 190), (170, 280), (184, 340), (214, 396), (170, 400), (140, 280)]),
        fill(SKIN_SHADE, 0.32, blur=12),
    )
    canvas.drawPath(
        outline(
            [
                (150, 120),
                (160, 250),
                (176, 206),
                (214, 170),
                (256, 156),
                (306, 172),
                (338, 212),
                (352, 260),
                (366, 120),
            ]
        ),
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
    """A nose made of light and shade."""
    canvas.drawPath(
        outline([(243, 262), (238, 292), (234, 312), (240, 316), (246, 292)]), fill(SKIN_SHADE, 0.22, blur=5)
    )
    canvas.drawPath(
        outline([(268, 258), (272, 290), (280, 312), (274, 322), (262, 300)]), fill(SKIN_SHADE, 0.55, blur=5)
    )
    canvas.drawOval(skia.Rect(251, 262, 260, 312), fill("#FFF4E6", 0.50, blur=4))
    canvas.drawOval(skia.Rect(246, 306, 264, 322), fill("#FFF4E6", 0.48, blur=4))
    canvas.drawPath(
        outline([(238, 325), (248, 331), (256, 333), (264, 331), (274, 325), (266, 338), (246, 338)]),
        fill(SKIN_DEEP, 0.40, blur=3),
    )
    for side in (-1, 1):
        nostril = flip([(261, 327.5), (266, 325), (271, 326.5), (266.5, 329.2)], AXIS, side)
        canvas.drawPath(outline(nostril), fill("#8A4A40", 0.72, blur=0.7))
        wing = flip([(274, 311), (279, 318), (277.5, 326), (271, 328)], AXIS, side)
        canvas.drawPath(outline(wing, closed=False), stroke(SKIN_DEEP, 2.0, 0.38, blur=0.9))
    canvas.drawPath(outline([(250, 338), (252, 348), (260, 348), (262, 338)]), fill(SKIN_SHADE, 0.40, blur=3))


def mouth(canvas: skia.Canvas) -> None:
    """Closed lips with a slight smile."""
    upper = [*CUPID, *reversed(SEAM[1:-1])]
    lower = [*SEAM, *LOWER_RIM]
    canvas.drawOval(skia.Rect(230, 378, 282, 386), fill(SKIN_DEEP, 0.30, blur=4))
    canvas.drawPath(outline(upper, tension=0.9), shaded((256, 348), (256, 364), [LIP_LOWER, LIP_UPPER]))
    canvas.drawPath(outline(lower, tension=0.9), shaded((256, 360), (256, 377), [LIP_UPPER, LIP_LOWER]))
    canvas.drawOval(skia.Rect(240, 366.6, 268, 371.4), fill("#FFE3DA", 0.52, blur=2.2))
    for side in (-1, 1):
        canvas.drawPath(
            outline(flip([(260, 350.2), (266, 348.0), (276, 351.0)], AXIS, side), closed=False),
            stroke("#FFE6DA", 1.4, 0.5, blur=0.8),
        )
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
    """Points on the way from `first` to `last`."""
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
        canvas.drawOval(
            skia.Rect(AXIS + side * 46 - 14, 264, AXIS + side * 46 + 10, 274), fill("#FFEBD8", 0.5, blur=4)
        )
        canvas.restore()
    fold = flip(between(CREASE, UPPER_LID, 0.45 * shut), AXIS, side)
    canvas.drawPath(outline(fold, closed=False), stroke(SKIN_DEEP, 1.8, 0.62 - 0.25 * shut, blur=0.5))
    lash = flip(between(LASH, LASH_SHUT, shut), AXIS, side)
    canvas.drawPath(outline(lash, tension=0.8), fill("#24161A"))
    canvas.drawPath(outline(upper, closed=False), stroke("#24161A", 2.2))


def eyeball(canvas: skia.Canvas, side: int, upper: list[Point], lower: list[Point]) -> None:
    """White, iris and lights inside the opening."""
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
    """Both brows."""
    for side in (-1, 1):
        shape = flip(
            [
                (277, 245),
                (290, 238.5),
                (306, 235),
                (322, 238.2),
                (334.5, 247.6),
                (321, 243.4),
                (305, 241.4),
                (290, 245),
                (278, 251),
            ],
            AXIS,
            side,
        )
        canvas.drawPath(outline(shape, tension=0.9), fill("#4A2F2B", 0.35, blur=1.6))
        canvas.drawPath(outline(shape, tension=0.9), fill("#4A2F2B", 0.88))

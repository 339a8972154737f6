"""A small drawing vocabulary on skia: colours, paints, smooth outlines, soft shading."""

from collections.abc import Callable, Sequence

import numpy as np
import skia

Point = tuple[float, float]
Draw = Callable[[skia.Canvas], None]
WIDTH, HEIGHT, AXIS = 512, 640, 256.0
"""The design space: pixels of the finished picture; faces are built about x = `AXIS`."""


def colour(code: str, alpha: float = 1.0) -> skia.Color4f:
    """`#rrggbb` and an opacity in 0..1."""
    red, green, blue = (int(code[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return skia.Color4f(red, green, blue, alpha)


def mix(first: str, second: str, share: float) -> str:
    """The colour that lies `share` of the way from `first` to `second`."""
    pairs = ((int(first[i : i + 2], 16), int(second[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(a + (b - a) * share):02X}" for a, b in pairs)


def fill(code: str, alpha: float = 1.0, blur: float = 0.0) -> skia.Paint:
    """A filled shape; `blur` softens its edge (sigma in design units)."""
    paint = skia.Paint(AntiAlias=True, Color4f=colour(code, alpha))
    if blur:
        paint.setMaskFilter(skia.MaskFilter.MakeBlur(skia.kNormal_BlurStyle, blur))
    return paint


def stroke(code: str, width: float, alpha: float = 1.0, blur: float = 0.0) -> skia.Paint:
    """A line with round ends."""
    paint = fill(code, alpha, blur)
    paint.setStyle(skia.Paint.kStroke_Style)
    paint.setStrokeWidth(width)
    paint.setStrokeCap(skia.Paint.kRound_Cap)
    paint.setStrokeJoin(skia.Paint.kRound_Join)
    return paint


def shaded(start: Point, end: Point, stops: Sequence[str], alpha: float = 1.0) -> skia.Paint:
    """A shape filled with a straight gradient from `start` to `end`."""
    paint = skia.Paint(AntiAlias=True)
    colours = [colour(code, alpha).toColor() for code in stops]
    paint.setShader(skia.GradientShader.MakeLinear([skia.Point(*start), skia.Point(*end)], colours))
    return paint


def glow(centre: Point, radius: float, stops: Sequence[tuple[str, float]]) -> skia.Paint:
    """A shape filled with a round gradient; stops are (colour, opacity)."""
    paint = skia.Paint(AntiAlias=True)
    colours = [colour(code, alpha).toColor() for code, alpha in stops]
    paint.setShader(skia.GradientShader.MakeRadial(skia.Point(*centre), radius, colours))
    return paint


def outline(points: Sequence[Point], closed: bool = True, tension: float = 1.0) -> skia.Path:
    """A smooth curve through `points` (Catmull-Rom as cubic Béziers)."""
    count = len(points)
    knots = np.asarray(points, float)
    builder = skia.Path()
    builder.moveTo(*knots[0])
    for i in range(count if closed else count - 1):
        before, here, there, after = (
            (knots[(i + j) % count] for j in (-1, 0, 1, 2))
            if closed
            else (knots[min(max(i + j, 0), count - 1)] for j in (-1, 0, 1, 2))
        )
        first = here + (there - before) * tension / 6
        second = there - (after - here) * tension / 6
        builder.cubicTo(*first, *second, *there)
    if closed:
        builder.close()
    return builder


def line(canvas: skia.Canvas, points: Sequence[Point], paint: skia.Paint, tension: float = 1.0) -> None:
    """Draw a smooth open curve through `points`."""
    canvas.drawPath(outline(points, closed=False, tension=tension), paint)


def shape(canvas: skia.Canvas, points: Sequence[Point], paint: skia.Paint, tension: float = 1.0) -> None:
    """Draw a smooth closed outline through `points`."""
    canvas.drawPath(outline(points, tension=tension), paint)


def oval(canvas: skia.Canvas, centre: Point, radii: Point, paint: skia.Paint) -> None:
    """Draw an ellipse."""
    (x, y), (across, down) = centre, radii
    canvas.drawOval(skia.Rect(x - across, y - down, x + across, y + down), paint)


def mirrored(points: Sequence[Point], axis: float = AXIS) -> list[Point]:
    """`points` (from top to bottom on one side) closed by their mirror image about x = `axis`."""
    other = [(2 * axis - x, y) for x, y in reversed(points) if abs(x - axis) > 0.01]
    return [*points, *other]


def flip(points: Sequence[Point], side: int, axis: float = AXIS) -> list[Point]:
    """`points` drawn for the right half (x > axis), moved to `side` (+1 right, -1 left)."""
    return [(axis + side * (x - axis), y) for x, y in points]


def shifted(points: Sequence[Point], dx: float = 0.0, dy: float = 0.0) -> list[Point]:
    """`points`, moved."""
    return [(x + dx, y + dy) for x, y in points]


def between(first: Sequence[Point], last: Sequence[Point], share: float) -> list[Point]:
    """Points on the way from `first` to `last`."""
    pairs = zip(first, last, strict=True)
    return [(a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share) for a, b in pairs]


def taper(canvas: skia.Canvas, points: Sequence[Point], width: float, code: str, alpha: float = 1.0) -> None:
    """A line that swells in its middle and ends in points: a strand, a brow hair, a crease."""
    knots = np.asarray(points, float)
    way = np.linspace(0, len(knots) - 1, 4 * len(knots))
    curve = np.stack([np.interp(way, np.arange(len(knots)), knots[:, k]) for k in (0, 1)], -1)
    for _ in range(3):
        curve[1:-1] = (curve[:-2] + 2 * curve[1:-1] + curve[2:]) / 4
    along = np.gradient(curve, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-9
    across = np.stack([-along[:, 1], along[:, 0]], -1)
    half = width / 2 * np.sin(np.linspace(0, np.pi, len(curve)))[:, None]
    ring = np.concatenate([curve + across * half, (curve - across * half)[::-1]])
    canvas.drawPath(outline([tuple(p) for p in ring]), fill(code, alpha))


def inside(canvas: skia.Canvas, path: skia.Path, draw: Draw) -> None:
    """Let `draw` paint only inside `path`."""
    canvas.save()
    canvas.clipPath(path, skia.ClipOp.kIntersect, True)
    draw(canvas)
    canvas.restore()


def cast_shadow(canvas: skia.Canvas, draw: Draw, offset: Point, blur: float, shade: skia.Color4f) -> None:
    """Paint only the shadow that what `draw` paints would throw."""
    dark = skia.ImageFilters.DropShadowOnly(*offset, blur, blur, shade.toColor())
    canvas.saveLayer(None, skia.Paint(ImageFilter=dark))
    draw(canvas)
    canvas.restore()

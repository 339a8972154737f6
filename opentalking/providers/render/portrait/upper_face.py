"""Eyes and brows of one stream of frames, painted only when they change."""

from opentalking.providers.render.portrait.canvas import Box, Canvas
from opentalking.providers.render.portrait.expression import Expression
from opentalking.providers.render.portrait.parts.eyelids import STEPS
from opentalking.providers.render.portrait.parts.gaze import look
from opentalking.providers.render.portrait.planes import Planes
from opentalking.providers.render.portrait.prepared import PreparedPortrait

_LEVELS = 48
"""Glances and brows are rounded to this many steps: what holds still is not painted again."""


class UpperFacePainter:
    """Keeps lids, gaze and brows of a frame; paints onto the canvas that it is given."""

    def __init__(self, portrait: PreparedPortrait) -> None:
        self._portrait = portrait
        self._step = 0
        self._gaze = (0, 0)
        self._brows = (0, 0)
        self._flat = Planes(portrait.planes.luma.copy(), portrait.planes.chroma.copy())
        """The picture with the eyes as they are and brows at rest."""

    def paint(self, shut: float, expression: Expression, canvas: Canvas) -> list[Box]:
        """Bring `canvas` up to date; returns the boxes that changed.

        `shut` is how far the lids are closed, 0..1.
        """
        step = round(min(1.0, max(0.0, shut)) * STEPS)
        gaze = (_level(expression.gaze_x), _level(expression.gaze_y))
        brows = (_level(expression.brow_rise), _level(expression.brow_slant))
        changed: list[Box] = []
        eyes_changed = (step, gaze) != (self._step, self._gaze)
        brows_changed = brows != self._brows
        self._step, self._gaze, self._brows = step, gaze, brows
        if eyes_changed:
            changed += self._paint_eyes(canvas)
        if brows_changed or (eyes_changed and brows != (0, 0)):
            changed += self._paint_brows(canvas)
        return changed

    def _paint_eyes(self, canvas: Canvas) -> list[Box]:
        x, y = (level / _LEVELS for level in self._gaze)
        open_share = 1 - self._step / STEPS
        boxes: list[Box] = []
        for eye, iris in zip(self._portrait.eyes, self._portrait.gaze, strict=True):
            patch = Planes(eye.luma[self._step], eye.chroma[self._step])
            if self._gaze != (0, 0) and open_share > 0:
                patch = look(iris, patch, x * open_share, y * open_share)
            height, width = patch.luma.shape
            box = (eye.left, eye.top, eye.left + width, eye.top + height)
            canvas.put(eye.left, eye.top, patch)
            flat = self._flat.part(*box)
            flat.luma[:], flat.chroma[:] = patch.luma, patch.chroma
            boxes.append(box)
        return boxes

    def _paint_brows(self, canvas: Canvas) -> list[Box]:
        brows = self._portrait.brows
        if brows is None:
            return []
        box = (brows.left, brows.top, brows.left + brows.width, brows.top + brows.height)
        still = self._flat.part(*box)
        if self._brows != (0, 0):
            rise, slant = (level / _LEVELS for level in self._brows)
            still = brows.moved(still, rise, slant)
        canvas.put(brows.left, brows.top, still)
        return [box]


def _level(value: float) -> int:
    return round(min(1.0, max(-1.0, value)) * _LEVELS)

"""From face parameters to frames: the only code that runs for every frame.

Work is done on YUV planes (1.5 values a pixel instead of 3), in patches, and the sway of the whole
picture is renewed at half the frame rate: between two renewals only the boxes that changed are
painted again.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from opentalking.core.media import I420
from opentalking.providers.render.portrait.canvas import Box, Canvas
from opentalking.providers.render.portrait.expression import STILL, Expression, Pose
from opentalking.providers.render.portrait.parts.interior import paint
from opentalking.providers.render.portrait.parts.mouth import MovingMouth, Sheets
from opentalking.providers.render.portrait.patches import Rounding
from opentalking.providers.render.portrait.planes import Planes, split
from opentalking.providers.render.portrait.prepared import PreparedPortrait
from opentalking.providers.render.portrait.upper_face import UpperFacePainter
from opentalking.providers.render.portrait.warp import backwards, bend
from opentalking.providers.render.visemes import PARAMETERS, FaceParameters

_SEEN = 3
"""Coverage (of 255) of the hole from which the inside of the mouth is painted."""


class FramePainter:
    """Paints one stream of frames; not thread-safe, cheap to make, shares the prepared portrait."""

    def __init__(self, portrait: PreparedPortrait) -> None:
        self._portrait = portrait
        self._canvas = Canvas(portrait)
        self._mouth = MouthPainter(portrait.mouth) if portrait.mouth else None
        self._rounding = Rounding(portrait.mouth) if portrait.mouth else None
        self._shown: bytes | None = None
        self._upper_face = UpperFacePainter(portrait)
        self._pose: Pose | None = None
        self._frame: I420 | None = None

    def frame(self, face: FaceParameters, blink: float, pose: Pose, expression: Expression = STILL) -> I420:
        """The picture with this mouth, lids (0 open, 1 shut), head, gaze and brows.

        Equal consecutive frames are the same array: treat frames as read-only.
        """
        changed = [*self._update_mouth(face), *self._upper_face.paint(blink, expression, self._canvas)]
        if self._frame is None or pose != self._pose:
            self._pose = pose
            self._canvas.bend(pose)
            self._frame = self._canvas.whole()
        elif changed:
            self._frame = self._frame.copy()
            for box in changed:
                self._canvas.renew(self._frame, box)
        return self._frame

    def _update_mouth(self, face: FaceParameters) -> list[Box]:
        mouth = self._portrait.mouth
        if mouth is None or self._mouth is None or self._rounding is None:
            return []
        rounded = self._rounding.next(face)
        key = rounded.tobytes()
        if key == self._shown:
            return []
        self._shown = key
        if rounded.any() or mouth.bias.any():
            patch = self._portrait.patches.get(key)
            if patch is None:
                patch = self._mouth.paint(rounded)
                self._portrait.patches.put(key, patch)
        else:  # a mouth at rest is the picture's own, to the last bit
            patch = self._portrait.planes.part(
                mouth.left, mouth.top, mouth.left + mouth.width, mouth.top + mouth.height
            )
        for left, top, right, bottom in mouth.parts:
            part = patch.part(left - mouth.left, top - mouth.top, right - mouth.left, bottom - mouth.top)
            self._canvas.put(left, top, part)
        return list(mouth.parts)


class MouthPainter:
    """Paints the mouth's box for given face parameters."""

    def __init__(self, mouth: MovingMouth) -> None:
        self._mouth = mouth
        self._grid = mouth.grid
        self._nodes = self._grid.positions()

    def paint(self, face: FaceParameters) -> Planes:
        """The box with this mouth: luma (height, width), chroma (height / 2, width / 2, 2)."""
        mouth = self._mouth
        weights = np.append(face, np.float32(0)) + mouth.bias
        upper = self._bent(mouth.upper, weights, 0, mouth.band_bottom)
        lower = self._bent(mouth.lower, weights, mouth.band_top, mouth.height)
        band = slice(mouth.band_top, mouth.band_bottom)
        half = slice(mouth.band_top // 2, mouth.band_bottom // 2)
        luma = np.empty((mouth.height, mouth.width), np.uint8)
        chroma = np.empty((mouth.height // 2, mouth.width // 2, 2), np.uint8)
        luma[: band.start] = upper[0][: band.start, :, 0]
        chroma[: half.start] = upper[1][: half.start, :, :2]
        luma[band.stop :] = lower[0][band.stop - band.start :, :, 0]
        chroma[half.stop :] = lower[1][half.stop - half.start :, :, :2]
        below = band.stop - band.start, half.stop - half.start
        luma[band] = _over(upper[0][band], lower[0][: below[0]])[..., 0]
        chroma[half] = _over(upper[1][half], lower[1][: below[1]])[..., :2]
        holes = (
            _hole(upper[0][band, :, 1], lower[0][..., 1]),
            _hole(upper[1][half, :, 2], lower[1][..., 2]),
        )
        self._fill_hole(luma, chroma, face, holes)
        return Planes(luma, chroma)

    def _bent(
        self, sheet: Sheets, weights: NDArray[np.float32], top: int, bottom: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Rows `top`..`bottom` of a sheet moved by its fields."""
        grid = self._grid
        forward = (weights @ sheet.fields).reshape(grid.rows, grid.columns, 2)
        source = backwards(forward, self._nodes, grid.pitch)
        luma_map = grid.enlarge(source)[top:bottom]
        chroma_map = grid.enlarge((source - np.float32(0.5)) * np.float32(0.5), 2)[top // 2 : bottom // 2]
        return bend(sheet.luma, luma_map), bend(sheet.chroma, chroma_map)

    def _fill_hole(
        self,
        luma: NDArray[np.uint8],
        chroma: NDArray[np.uint8],
        face: FaceParameters,
        holes: tuple[NDArray[np.uint8], NDArray[np.uint8]],
    ) -> None:
        """Add the inside of the mouth where neither sheet covers.

        `holes` is what both sheets leave open of luma and chroma, from the band's top on.
        """
        mouth = self._mouth
        box = _bounds(holes[0])
        if box is None:
            return
        left, top, right, bottom = box
        opening = _share(holes[0][top:bottom, left:right])
        half_opening = _share(holes[1][top // 2 : bottom // 2, left // 2 : right // 2])
        top, bottom = top + mouth.band_top, bottom + mouth.band_top
        inside = paint(mouth.interior, face, opening, left, top)
        planes = split(np.clip(inside, 0, 255).astype(np.uint8))
        patch = luma[top:bottom, left:right]
        patch[:] = np.minimum(patch + planes.luma * opening, 255)
        colours = chroma[top // 2 : bottom // 2, left // 2 : right // 2]
        colours[:] = np.minimum(colours + planes.chroma * half_opening[..., None] + np.float32(0.5), 255)


def _hole(upper: NDArray[np.uint8], lower: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What neither sheet covers (of 255): `upper` has the band's rows, `lower` goes on to the box's end."""
    hole = 255 - lower
    rows = len(upper)
    hole[:rows] = cv2.multiply(hole[:rows], 255 - upper, scale=1 / 255)
    return hole


def _share(cover: NDArray[np.uint8]) -> NDArray[np.float32]:
    return cover.astype(np.float32) * np.float32(1 / 255)


def _bounds(hole: NDArray[np.uint8]) -> Box | None:
    """The even box around what is seen of the hole; None if it is shut."""
    left, top, width, height = cv2.boundingRect((hole > _SEEN).view(np.uint8))
    if not width:
        return None
    margin = 4
    right = min(hole.shape[1], left + width + margin + 1) // 2 * 2
    bottom = min(hole.shape[0], top + height + margin + 1) // 2 * 2
    return max(0, left - margin) // 2 * 2, max(0, top - margin) // 2 * 2, right, bottom


def _over(upper: NDArray[np.uint8], lower: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Upper sheet over the lower one, both premultiplied, coverage in the last channel."""
    rest = np.repeat(255 - upper[..., -1:], upper.shape[-1], axis=2)
    below = cv2.multiply(lower, rest, scale=1 / 255)
    return np.asarray(cv2.add(np.ascontiguousarray(upper), below), np.uint8)


NEUTRAL: FaceParameters = np.zeros(len(PARAMETERS), np.float32)
"""The mouth at rest."""

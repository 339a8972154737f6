"""The picture that patches are put on, and its swayed frames.

A person cut out of its backdrop is kept as colour times coverage with the coverage beside it, so
that both are bent at once and laid over a backdrop that stands still.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from opentalking.core.media import I420
from opentalking.providers.render.portrait.expression import Pose
from opentalking.providers.render.portrait.planes import Planes, chroma_views, to_i420
from opentalking.providers.render.portrait.prepared import PreparedPortrait
from opentalking.providers.render.portrait.warp import bend

Box = tuple[int, int, int, int]
"""left, top, right, bottom; even numbers."""

_CHANNELS = 4
"""`cv2.remap` moves four channels faster than two: the spare ones stay empty."""


class Canvas:
    """One stream's picture; not thread-safe."""

    def __init__(self, portrait: PreparedPortrait) -> None:
        self._portrait = portrait
        self._width, self._height = portrait.width, portrait.height
        backdrop = portrait.backdrop
        if backdrop is None:
            self._luma = portrait.planes.luma.copy()
            self._chroma = portrait.planes.chroma.copy()
            self._still = None
            self._area: Box = (0, 0, self._width, self._height)
        else:
            self._luma = np.zeros((self._height, self._width, _CHANNELS), np.uint8)
            self._chroma = np.zeros((self._height // 2, self._width // 2, _CHANNELS), np.uint8)
            self._luma[..., 1], self._chroma[..., 2] = backdrop.cover, backdrop.half_cover
            self._still = to_i420(backdrop.planes)
            self._area = (backdrop.left, backdrop.top, backdrop.right, backdrop.bottom)
            self.put(0, 0, portrait.planes)
        self._sway = np.zeros((0, 0, 2), np.float32)
        self._half_sway = np.zeros((0, 0, 2), np.float32)
        self._reach = 0

    def put(self, left: int, top: int, patch: Planes) -> None:
        """Replace the part of the unswayed picture that begins at `left`, `top` (even)."""
        rows, columns = patch.luma.shape
        here = slice(top, top + rows), slice(left, left + columns)
        half = slice(top // 2, (top + rows) // 2), slice(left // 2, (left + columns) // 2)
        backdrop = self._portrait.backdrop
        if backdrop is None:
            self._luma[here] = patch.luma
            self._chroma[half] = patch.chroma
            return
        self._luma[here][..., 0] = cv2.multiply(patch.luma, backdrop.cover[here], scale=1 / 255)
        for k in (0, 1):
            colour = np.ascontiguousarray(patch.chroma[..., k])
            self._chroma[half][..., k] = cv2.multiply(colour, backdrop.half_cover[half], scale=1 / 255)

    def bend(self, pose: Pose) -> None:
        """Compute where each pixel of the swayed picture comes from."""
        grid = self._portrait.head.grid
        moved = self._portrait.head.displacement(pose)
        # the field is smooth and small: one step of the inversion is exact to a few hundredths of a pixel
        source = grid.positions() - moved
        self._reach = (int(np.ceil(np.abs(moved).max())) + 3) // 2 * 2
        self._sway = grid.enlarge(source)
        self._half_sway = grid.enlarge((source - np.float32(0.5)) * np.float32(0.5), 2)

    def whole(self) -> I420:
        """A swayed frame."""
        if self._still is None:
            frame = np.empty((self._height * 3 // 2, self._width), np.uint8)
        else:
            frame = self._still.copy()
        self.renew(frame, self._area)
        return frame

    def renew(self, frame: I420, box: Box) -> None:
        """Paint the part of a swayed frame that a changed box can have reached."""
        reach = self._reach
        left, top = max(0, box[0] - reach), max(0, box[1] - reach)
        right, bottom = min(self._width, box[2] + reach), min(self._height, box[3] + reach)
        here = slice(top, bottom), slice(left, right)
        half = slice(top // 2, bottom // 2), slice(left // 2, right // 2)
        luma = bend(self._luma, self._sway[here])
        chroma = bend(self._chroma, self._half_sway[half])
        views = [view[half] for view in chroma_views(frame, self._width, self._height)]
        backdrop = self._portrait.backdrop
        if backdrop is None:
            frame[here] = luma
            for k in (0, 1):
                cv2.extractChannel(chroma, k, views[k])
            return
        _lay(luma, 0, 1, backdrop.planes.luma[here], frame[here])
        for k in (0, 1):
            _lay(chroma, k, 2, backdrop.planes.chroma[half][..., k], views[k])


def _lay(
    layer: NDArray[np.uint8], channel: int, cover: int, below: NDArray[np.uint8], target: NDArray[np.uint8]
) -> None:
    """Write one channel of a layer over what is below it into `target`."""
    rest = cv2.bitwise_not(cv2.extractChannel(layer, cover))
    seen = cv2.multiply(np.ascontiguousarray(below), rest, scale=1 / 255)
    cv2.add(cv2.extractChannel(layer, channel), seen, dst=target)

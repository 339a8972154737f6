"""Brows that rise, sink and slant: a smooth shift of the band between lids and hair."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from opentalking.providers.render.portrait import anatomy
from opentalking.providers.render.portrait.anatomy import FaceFrame
from opentalking.providers.render.portrait.landmarks import Points
from opentalking.providers.render.portrait.planes import Planes
from opentalking.providers.render.portrait.warp import Grid, backwards, bend, smoothstep, thin_plate

PITCH = 4
_RISE = (3.0, 4.0, 4.2, 3.6, 2.2)
"""Millimetres up from the inner to the outer end for raised brows."""
_SLANT = (3.6, 2.2, 0.6, -0.3, -0.5)
"""The same for brows whose inner ends rise."""
_ABOVE, _BESIDE = 24.0, 12.0
"""Millimetres of skin that move along above and beside the brows."""
_LASH_MILLIMETRES = 2.5
"""Above the mesh's lid a drawn one may have lashes as thick as this."""
_BRIDGE = (6, 168, 197, 122, 351)
_SMOOTHING = 0.3


@dataclass(frozen=True, slots=True)
class Brows:
    """The box (pixels, even) and `fields` (2, grid rows * columns * 2): rise and slant at full strength."""

    left: int
    top: int
    width: int
    height: int
    fields: NDArray[np.float32]

    @property
    def grid(self) -> Grid:
        """The coarse grid of the fields."""
        return Grid(self.width, self.height, PITCH)

    def moved(self, still: Planes, rise: float, slant: float) -> Planes:
        """The planes of the box with raised (or, below 0, lowered) and slanting brows."""
        grid = self.grid
        weights = np.array([rise, slant], np.float32)
        forward = (weights @ self.fields).reshape(grid.rows, grid.columns, 2)
        source = backwards(forward, grid.positions(), grid.pitch)
        chroma = grid.enlarge((source - np.float32(0.5)) * np.float32(0.5), 2)
        return Planes(bend(still.luma, grid.enlarge(source)), bend(still.chroma, chroma))


def build_brows(width: int, height: int, points: Points) -> Brows | None:
    """The brows of a face with these mesh points in a picture of this size; None if there is no room."""
    frame = anatomy.measure(points)
    unit = frame.millimetre
    brows = [points[list(ids)].astype(np.float64) for ids in anatomy.BROWS]
    lids = np.concatenate([points[list(upper)] for upper, _ in anatomy.EYES]).astype(np.float64)
    everything = np.concatenate(brows)
    left = max(0, int(everything[:, 0].min() - _BESIDE * unit)) // 2 * 2
    right = min(width, int(everything[:, 0].max() + _BESIDE * unit)) // 2 * 2
    top = max(0, int(everything[:, 1].min() - _ABOVE * unit)) // 2 * 2
    bottom = min(height, int(lids[:, 1].max())) // 2 * 2
    if right - left < 8 * PITCH or bottom - top < 4 * PITCH:
        return None
    box = (left, top, right - left, bottom - top)
    corner = np.array([left, top], np.float64)
    nodes = Grid(box[2], box[3], PITCH).positions().reshape(-1, 2) + corner
    fields = _fields(frame, points, brows, lids, nodes) * _fade(nodes, box, lids, unit)
    return Brows(*box, fields.reshape(2, -1).astype(np.float32))


def _fields(
    frame: FaceFrame,
    points: Points,
    brows: list[NDArray[np.float64]],
    lids: NDArray[np.float64],
    nodes: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Displacements (2, nodes, 2), pixels."""
    unit = frame.millimetre
    # the mesh lists each row of a brow from its outer end to its inner one
    up = np.stack([_RISE[::-1] * 2, _SLANT[::-1] * 2], -1) * unit
    still = np.concatenate([lids, points[list(_BRIDGE)], _hairline(frame, brows)]).astype(np.float64)
    controls = np.concatenate([*brows, still]) / unit
    values = np.concatenate([up, up, np.zeros((len(still), 2))])
    spread = thin_plate(controls, values, nodes / unit, _SMOOTHING)
    return np.stack([-spread[:, k : k + 1] * frame.down for k in range(2)])


def _hairline(frame: FaceFrame, brows: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Points around the brows that stay: above them, and beyond both outer ends."""
    unit = frame.millimetre
    upper = np.concatenate([brow[5:] for brow in brows])
    outer = np.array([brow[0] for brow in brows])
    sides = np.array([-1.0, 1.0])[:, None] * frame.across * 0.9 * _BESIDE * unit
    beside = [outer + sides + frame.down * lower * unit for lower in (-14, -4, 6)]
    return np.concatenate([upper - frame.down * 0.9 * _ABOVE * unit, *beside])


def _fade(
    nodes: NDArray[np.float64], box: tuple[int, int, int, int], lids: NDArray[np.float64], unit: float
) -> NDArray[np.float32]:
    """Weight per node that lets the shift vanish at the border of the box and above the lids."""
    left, top, width, height = box
    x, y = nodes[:, 0] - left, nodes[:, 1] - top
    inset = np.minimum.reduce([x, width - x, y, height - y]) - PITCH
    line = lids[np.argsort(lids[:, 0])]
    above = np.interp(nodes[:, 0], line[:, 0], line[:, 1]) - _LASH_MILLIMETRES * unit - nodes[:, 1]
    inside = smoothstep((inset / (5 * unit)).astype(np.float32))
    return (inside * smoothstep((above / (7 * unit)).astype(np.float32)))[:, None]

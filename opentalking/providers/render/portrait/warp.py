"""Smooth displacement fields on coarse grids, and pictures bent by them.

A grid node lies in the middle of its cell, at pixel (i + 0.5) * pitch - 0.5, which is where
`cv2.resize` puts it when it enlarges the grid by `pitch`: no shift, and seven times cheaper than
an affine warp.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
"""Shape (rows, columns, 2), float32: displacement or position x, y in pixels."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A coarse grid over a box of `width` x `height` pixels."""

    width: int
    height: int
    pitch: int

    @property
    def columns(self) -> int:
        """Nodes per row."""
        return -(-self.width // self.pitch)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return -(-self.height // self.pitch)

    def positions(self) -> Field:
        """Pixel position of every node inside the box."""
        x = (np.arange(self.columns, dtype=np.float32) + 0.5) * self.pitch - 0.5
        y = (np.arange(self.rows, dtype=np.float32) + 0.5) * self.pitch - 0.5
        return np.dstack(np.meshgrid(x, y)).astype(np.float32)

    def enlarge(self, positions: Field, divisor: int = 1) -> Field:
        """`positions` at every pixel, or at every pixel of planes `divisor` times smaller.

        They are in pixels of the planes, and go on beyond the outer nodes as they lie: evenly.
        """
        pitch = self.pitch // divisor
        size = (self.columns * pitch, self.rows * pitch)
        full = np.asarray(cv2.resize(positions, size, interpolation=cv2.INTER_LINEAR), np.float32)
        # beyond the middle of the outer cells `cv2.resize` repeats their value
        beyond = np.arange(pitch // 2, dtype=np.float32) - np.float32((pitch - 1) / 2)
        count = len(beyond)
        full[:count, :, 1] += beyond[:, None]
        full[-count:, :, 1] -= beyond[::-1, None]
        full[:, :count, 0] += beyond
        full[:, -count:, 0] -= beyond[::-1]
        return full[: self.height // divisor, : self.width // divisor]


def thin_plate(
    at: NDArray[np.float64], values: NDArray[np.float64], where: NDArray[np.float64], smoothing: float
) -> NDArray[np.float64]:
    """Thin-plate spline through scattered `values`, evaluated at `where`.

    `at` (n, 2), `values` (n, k), `where` (m, 2) -> (m, k). `smoothing` relaxes the fit. Formula:
    Wahba, "Spline Models for Observational Data" (1990), section 2.4.
    """
    count = len(at)
    system = np.zeros((count + 3, count + 3))
    system[:count, :count] = _kernel(at, at) + smoothing * np.eye(count)
    system[:count, count:] = np.c_[np.ones(count), at]
    system[count:, :count] = system[:count, count:].T
    weights = np.linalg.solve(system, np.r_[values, np.zeros((3, values.shape[1]))])
    plane = np.c_[np.ones(len(where)), where] @ weights[count:]
    return np.asarray(_kernel(where, at) @ weights[:count] + plane)


def _kernel(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    squared = (a[:, None, 0] - b[None, :, 0]) ** 2 + (a[:, None, 1] - b[None, :, 1]) ** 2
    return np.asarray(0.5 * squared * np.log(squared + 1e-12))


def backwards(forward: Field, nodes: Field, pitch: int, rounds: int = 3) -> Field:
    """Source position for every target node, given how far each source node moves.

    Solves `source + forward(source) = target` by fixed-point iteration on the grid.
    """
    scale = 1.0 / pitch
    shift = np.float32(0.5 * scale - 0.5)
    source = nodes - forward
    for _ in range(rounds):
        moved = bend(forward, source * scale + shift)
        source = nodes - moved
    return source


def bend(
    picture: NDArray[Any], where: NDArray[np.float32], target: NDArray[Any] | None = None
) -> NDArray[Any]:
    """`picture` read at the positions `where` (rows, columns, 2); into `target` if it is given."""
    moved = cv2.remap(  # type: ignore[call-overload]  # the stubs want a second map even beside an (x, y) one
        picture, where, None, cv2.INTER_LINEAR, dst=target, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(moved)


def smoothstep(value: NDArray[np.float32]) -> NDArray[np.float32]:
    """0 below 0, 1 above 1, with flat ends between."""
    clipped = np.clip(value, 0, 1)
    return np.asarray(clipped * clipped * (3 - 2 * clipped), np.float32)

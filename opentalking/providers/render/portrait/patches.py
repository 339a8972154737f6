"""Finished pictures of the mouth, kept for the next time that any session needs the same one."""

import threading
from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

from opentalking.providers.render.portrait.parts.mouth import MovingMouth
from opentalking.providers.render.portrait.planes import Planes
from opentalking.providers.render.visemes import PARAMETERS, FaceParameters

MAX_BYTES = 24 * 2**20
_FINE = 64.0
"""Steps of a parameter while the mouth moves slowly: none of them shows."""
_COARSE_PIXELS = 1.25
"""How far apart two pictures of a fast mouth are: it moves more than that from frame to frame."""
_FAST_PIXELS = 1.5
_TONGUE_MILLIMETRES = 4.0


class PatchCache:
    """The mouths used last, `max_bytes` of them; safe for use by several threads."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._patches: OrderedDict[bytes, Planes] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()
        self.hits = 0
        self.misses = 0

    def get(self, key: bytes) -> Planes | None:
        """The patch kept under `key`."""
        with self._lock:
            patch = self._patches.get(key)
            if patch is None:
                self.misses += 1
                return None
            self.hits += 1
            self._patches.move_to_end(key)
            return patch

    def put(self, key: bytes, patch: Planes) -> None:
        """Keep `patch`, which nobody changes any more."""
        with self._lock:
            if key in self._patches:
                return
            self._patches[key] = patch
            self._bytes += _size(patch)
            while self._bytes > self._max_bytes and len(self._patches) > 1:
                _, oldest = self._patches.popitem(last=False)
                self._bytes -= _size(oldest)


class Rounding:
    """Rounds a mouth's parameters so that few different mouths are painted and no step is seen.

    A slow mouth is rounded finely. A fast one is rounded to about a pixel, which nobody sees in
    what moves further than that from frame to frame.
    """

    def __init__(self, mouth: MovingMouth) -> None:
        count = len(PARAMETERS)
        reach = np.maximum(np.abs(mouth.upper.fields).max(1), np.abs(mouth.lower.fields).max(1))[:count]
        tongue = PARAMETERS.index("tongue")
        reach[tongue] = max(float(reach[tongue]), _TONGUE_MILLIMETRES * mouth.interior.unit)
        self._reach: NDArray[np.float32] = reach.astype(np.float32)
        self._coarse = np.clip(np.rint(self._reach / _COARSE_PIXELS), 1, _FINE).astype(np.float32)
        self._before: FaceParameters = np.zeros(count, np.float32)

    def next(self, face: FaceParameters) -> FaceParameters:
        """The parameters to paint for the next frame of a stream."""
        face = np.clip(face, -1, 1).astype(np.float32)
        is_fast = float(np.abs((face - self._before) * self._reach).max()) > _FAST_PIXELS
        self._before = face
        steps = self._coarse if is_fast else np.float32(_FINE)
        return np.asarray(np.rint(face * steps) / steps, np.float32)


def _size(patch: Planes) -> int:
    return int(patch.luma.nbytes + patch.chroma.nbytes)

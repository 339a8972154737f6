"""Where a long utterance can be cut without cutting a word."""

import numpy as np
from numpy.typing import NDArray

from opentalking.core.media import Samples

_BLOCK_SECONDS = 0.02
_PAUSE_BLOCKS = 15
"""A pause is looked for as the quietest stretch of this length."""


class PauseCutter:
    """Collects an utterance and cuts it into pieces of at most `most_seconds`, at its pauses.

    Mono int16 at `rate`, in pieces of any size. The earliest cut lies at half of `most_seconds`.
    """

    def __init__(self, rate: int, most_seconds: float) -> None:
        self._block = round(rate * _BLOCK_SECONDS)
        self._most = round(rate * most_seconds)
        self._waiting: list[Samples] = []
        self._length = 0

    def feed(self, pcm: Samples) -> list[Samples]:
        """Take more sound; the pieces that are complete, in order."""
        self._waiting.append(pcm)
        self._length += len(pcm)
        ready = []
        while self._length > self._most:
            sound = np.concatenate(self._waiting)
            cut = self._quietest(sound[: self._most])
            ready.append(sound[:cut])
            self._waiting, self._length = [sound[cut:]], len(sound) - cut
        return ready

    def rest(self) -> Samples:
        """What is in no piece yet, perhaps nothing."""
        rest = np.concatenate([*self._waiting, np.zeros(0, np.int16)])
        self._waiting = [rest]
        return rest

    def flush(self) -> Samples:
        """The rest, perhaps empty; afterwards a new utterance begins."""
        rest = self.rest()
        self._waiting, self._length = [], 0
        return rest

    def _quietest(self, sound: Samples) -> int:
        first = len(sound) // 2
        energy = block_energies(sound[first:], self._block)
        run = np.convolve(energy, np.ones(min(_PAUSE_BLOCKS, len(energy))), "valid")
        middle = int(np.argmin(run)) + min(_PAUSE_BLOCKS, len(energy)) // 2
        return first + middle * self._block


def block_energies(pcm: Samples, block: int) -> NDArray[np.float64]:
    """Mean square (full scale is 1) of each whole block of `block` samples, shape (len(pcm) // block,)."""
    blocks = len(pcm) // block
    views = pcm[: blocks * block].astype(np.float64).reshape(blocks, block) / 32768
    return np.asarray(np.mean(np.square(views), axis=1), np.float64)

"""The filter that learns an echo's way: what it has learnt moves with the delay."""

import numpy as np
import pytest
from numpy.typing import NDArray

from opentalking.audio.echo_bands import BINS, BLOCK, FRAME
from opentalking.audio.echo_filter import PARTITIONS, EchoFilter
from opentalking.audio.echo_spectrum import Batch

Wave = NDArray[np.float32]
LEARNS, LISTENS = 400, 20
WAY = np.asarray(np.random.default_rng(3).standard_normal(800) * 0.99 ** np.arange(800) * 0.1, np.float32)


class Path:
    """White noise through `WAY`, later by some samples, block by block; and a filter that foretells it."""

    def __init__(self, filter_: EchoFilter) -> None:
        self._filter = filter_
        self._random = np.random.default_rng(4)
        self._sound = np.zeros(2000 + BLOCK * (PARTITIONS + 2), np.float32)
        self._spectra = np.zeros((PARTITIONS, BINS), np.complex64)
        self._batch = Batch(3)

    def left(self, blocks: int, delay: int, *, learns: bool = True) -> float:
        """Energy of what the filter leaves of the echo, relative to the echo."""
        echoes = rests = 0.0
        for _ in range(blocks):
            self._sound[:-BLOCK] = self._sound[BLOCK:]
            self._sound[-BLOCK:] = 0.1 * self._random.standard_normal(BLOCK)
            end = len(self._sound) - delay
            echo = np.convolve(self._sound[end - BLOCK - len(WAY) + 1 : end], WAY, "valid")
            rest = self._cancel(np.asarray(echo, np.float32), learns=learns)
            echoes += float(echo @ echo)
            rests += float(rest @ rest)
        return rests / echoes

    def _cancel(self, echo: Wave, *, learns: bool) -> Wave:
        batch = self._batch
        batch.frames[0] = self._sound[-FRAME:]
        batch.transform(1)
        self._spectra = np.concatenate([batch.spectra[:1], self._spectra[:-1]])
        rest = echo - self._filter.predict(self._spectra)
        batch.frames[1, BLOCK:] = rest
        batch.frames[2, :BLOCK] = self._filter.short
        batch.transform(3)
        self._filter.judge(batch.spectra[1], np.square(np.abs(self._spectra)))
        if learns:
            self._filter.learn(batch.spectra[1], batch.spectra[2], self._spectra)
        return rest


@pytest.mark.parametrize("samples", [500, 7, -500])
def test_what_was_learnt_moves_with_the_delay(samples: int) -> None:
    """Moved, the filter foretells the echo at its new delay at once; not moved, it is worse than none."""
    filter_ = EchoFilter()
    path = Path(filter_)
    path.left(LEARNS, 700)
    stayed = path.left(LISTENS, 700 + samples, learns=False)
    filter_.shift(samples)
    moved = path.left(LISTENS, 700 + samples, learns=False)
    print(f"shift of {samples}: left of the echo {moved:.4f}, without moving {stayed:.2f}")
    assert moved < 0.02
    assert stayed > 0.5


def test_what_is_moved_out_of_the_filter_is_lost() -> None:
    filter_ = EchoFilter()
    path = Path(filter_)
    path.left(LEARNS, 700)
    filter_.shift(PARTITIONS * BLOCK)
    spectra = np.ones((PARTITIONS, BINS), np.complex64)
    assert np.abs(filter_.predict(spectra)).max() < 1e-6

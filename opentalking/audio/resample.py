"""Change of sample rate, by soxr."""

import numpy as np
import soxr

from opentalking.core.media import Samples


def resample(pcm: Samples, from_rate: int, to_rate: int) -> Samples:
    """`pcm` (mono int16, shape (n,)) at another rate; the duration stays."""
    if from_rate == to_rate or not len(pcm):
        return pcm
    return np.asarray(soxr.resample(pcm, from_rate, to_rate), dtype=np.int16)

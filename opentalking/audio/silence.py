"""Where there is sound in a piece of speech, and whether there is any."""

import numpy as np

from opentalking.audio.pauses import block_energies
from opentalking.core.media import Samples

_BLOCK_SECONDS = 0.03
_SILENT_DECIBELS = -62.0


def speech_bounds(pcm: Samples, threshold: float, head_samples: int, tail_samples: int) -> tuple[int, int]:
    """First and one-past-last sample to keep: what is louder than `threshold`, with some silence around it.

    `pcm` is mono int16 of shape (n,); `threshold` is a share of full scale; `head_samples` and
    `tail_samples` are kept before the first and after the last loud sample where there are that
    many. A piece that is silent throughout gives `(0, 0)`.
    """
    loud = np.flatnonzero(np.abs(pcm.astype(np.int32)) > threshold * 32768)
    if not len(loud):
        return 0, 0
    return max(0, int(loud[0]) - head_samples), min(len(pcm), int(loud[-1]) + 1 + tail_samples)


def is_silent(pcm: Samples, rate: int) -> bool:
    """Whether no stretch of 30 ms is loud enough to be speech: above −62 dB of full scale."""
    energies = block_energies(pcm, round(rate * _BLOCK_SECONDS))
    return not len(energies) or bool(10 * np.log10(energies.max() + 1e-12) < _SILENT_DECIBELS)

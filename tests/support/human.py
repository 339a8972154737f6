"""Human speech with known phones, at the session's rate."""

from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from opentalking.core.media import MEDIA_RATE
from training.lips.evaluate import Spoken, read_human
from training.lips.labels import RATE

LIBRIVOX = Path(__file__).parents[1] / "data" / "librivox"


def human_speech() -> list[Spoken]:
    """Five utterances of a LibriVox reader whom the lip network has never heard; 25 s."""
    return read_human(LIBRIVOX)


def at_media_rate(pcm: NDArray[np.int16]) -> NDArray[np.int16]:
    return np.asarray(soxr.resample(pcm, RATE, MEDIA_RATE), np.int16)

"""Where in a sound somebody speaks, by a voice activity network's probabilities."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from opentalking.core.media import Samples
from opentalking.core.providers import RECOGNITION_RATE, VAD_FRAME_SAMPLES

BEGIN, GO_ON = 0.5, 0.35
"""Speech begins with a frame of at least the one probability and goes on with at least the other."""
_LEAST_FRAMES = 2
_HEAD_SAMPLES = round(0.25 * RECOGNITION_RATE)
_TAIL_SAMPLES = round(0.3 * RECOGNITION_RATE)


def speech_spans(probabilities: Sequence[float] | NDArray[np.float32], length: int) -> list[tuple[int, int]]:
    """First and one-past-last sample of each stretch of speech in a sound of `length` samples, in order.

    One probability (0..1) per frame of `VAD_FRAME_SAMPLES`; what is shorter than two frames is none. Some
    sound around each is kept (0.25 s before, 0.3 s behind), and stretches that then meet are one.
    """
    spans: list[tuple[int, int]] = []
    for first, end in _runs(probabilities):
        begin = max(0, first * VAD_FRAME_SAMPLES - _HEAD_SAMPLES)
        stop = min(length, end * VAD_FRAME_SAMPLES + _TAIL_SAMPLES)
        if spans and begin <= spans[-1][1]:
            spans[-1] = (spans[-1][0], stop)
        else:
            spans.append((begin, stop))
    return spans


def cut_to(pcm: Samples, spans: Sequence[tuple[int, int]]) -> Samples:
    """The samples of the spans, one after another."""
    return np.concatenate([np.zeros(0, np.int16), *(pcm[begin:end] for begin, end in spans)])


def _runs(probabilities: Sequence[float] | NDArray[np.float32]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    first: int | None = None
    for frame, probability in enumerate([*probabilities, 0.0]):
        if first is None:
            first = frame if probability >= BEGIN else None
        elif probability < GO_ON:
            if frame - first >= _LEAST_FRAMES:
                found.append((first, frame))
            first = None
    return found

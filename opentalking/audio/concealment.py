"""Fills the place of lost speech, so that neither time nor the voice breaks off."""

import numpy as np

from opentalking.core.media import Samples

SPEECH_RATE = 16_000
"""Sample rate of sound that is listened to, Hz."""
PAST_SAMPLES = 640
"""What is looked at before the loss: two periods of the lowest voice."""
_SHORTEST_PERIOD, _LONGEST_PERIOD = 40, 320
_FADE_SAMPLES = 960
"""A voice that is made up for longer than 60 ms sounds like a machine."""


def conceal(past: Samples, count: int) -> Samples:
    """`count` samples (mono int16, 16 kHz) in place of lost ones.

    The last period of the voice in `past` (the 640 samples before the loss) is repeated and fades out
    within 60 ms, then there is silence.
    """
    filled = np.zeros(count, np.int16)
    length = min(count, _FADE_SAMPLES)
    if length and len(past) >= PAST_SAMPLES and np.any(past):
        voice = past[-PAST_SAMPLES:].astype(np.float32)
        repeated = np.resize(voice[-_period(voice) :], length)
        filled[:length] = repeated * np.linspace(1.0, 1 - length / _FADE_SAMPLES, length, dtype=np.float32)
    return filled


def _period(voice: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]") -> int:
    """The lag at which the end of the voice resembles itself most, in samples."""
    end = voice[-_LONGEST_PERIOD:]
    earlier = np.lib.stride_tricks.sliding_window_view(voice, _LONGEST_PERIOD)
    candidates = earlier[: _LONGEST_PERIOD - _SHORTEST_PERIOD + 1]
    energy = np.einsum("ij,ij->i", candidates, candidates)
    likeness = candidates @ end / np.sqrt(energy + 1.0)
    return _LONGEST_PERIOD - int(np.argmax(likeness))

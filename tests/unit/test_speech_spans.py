"""Where somebody speaks, by the probabilities of a network."""

import numpy as np
import pytest

from opentalking.audio.speech_spans import cut_to, speech_spans
from opentalking.core.providers import VAD_FRAME_SAMPLES

SECOND = 16_000
FRAMES = SECOND // VAD_FRAME_SAMPLES


def spoken(*seconds: tuple[float, float]) -> list[float]:
    """The probabilities of ten seconds in which somebody speaks between these times."""
    speech = [0.1] * (10 * FRAMES)
    for begin, end in seconds:
        for frame in range(round(begin * FRAMES), round(end * FRAMES)):
            speech[frame] = 0.9
    return speech


def test_some_sound_around_speech_is_kept() -> None:
    [(begin, end)] = speech_spans(spoken((3, 5)), 10 * SECOND)
    assert 2.6 < begin / SECOND < 3.0
    assert 5.0 < end / SECOND < 5.4


def test_spans_stay_within_the_sound_and_meet_over_short_pauses() -> None:
    length = 10 * FRAMES * VAD_FRAME_SAMPLES - 100
    assert speech_spans(spoken((0, 4), (4.4, 10)), length) == [(0, length)]
    first, second = speech_spans(spoken((0, 4), (6, 10)), length)
    assert first[1] < second[0]
    assert len(cut_to(np.zeros(length, np.int16), [first, second])) == first[1] + length - second[0]


@pytest.mark.parametrize("probabilities", [[], [0.9], [0.4] * 50, [0.1, 0.9, 0.1, 0.9]])
def test_what_is_not_probable_or_too_short_is_no_speech(probabilities: list[float]) -> None:
    assert speech_spans(probabilities, len(probabilities) * VAD_FRAME_SAMPLES) == []
    assert len(cut_to(np.ones(100, np.int16), [])) == 0


def test_speech_goes_on_with_less_than_it_begins_with() -> None:
    assert len(speech_spans([0.6, *[0.4] * 100, 0.6], 102 * VAD_FRAME_SAMPLES)) == 1

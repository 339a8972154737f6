"""The network that tells speech from everything else."""

import numpy as np
import pytest

from opentalking.core.providers import VAD_FRAME_SAMPLES
from opentalking.inference.silero import Silero
from tests.support.human import human_speech
from tests.support.noises import VOICED, noises


def _whole_frames(pcm: np.ndarray) -> np.ndarray:
    return pcm[: len(pcm) // VAD_FRAME_SAMPLES * VAD_FRAME_SAMPLES]


def test_a_stream_frame_by_frame_is_heard_like_all_of_it_at_once() -> None:
    silero = Silero()
    pcm = _whole_frames(human_speech()[0].pcm)
    at_once, _ = silero.probabilities(pcm)
    state = None
    one_by_one: list[float] = []
    for start in range(0, len(pcm), VAD_FRAME_SAMPLES):
        found, state = silero.probabilities(pcm[start : start + VAD_FRAME_SAMPLES], state)
        one_by_one.extend(found)
    assert at_once.shape == (len(pcm) // VAD_FRAME_SAMPLES,)
    assert np.allclose(at_once, one_by_one, atol=1e-4)


def test_a_reader_speaks_most_of_the_time_and_noises_never() -> None:
    silero = Silero()
    for spoken in human_speech():
        found, _ = silero.probabilities(_whole_frames(spoken.pcm))
        assert np.mean(found > 0.5) > 0.6
    for name, noise in noises().items():
        found, _ = silero.probabilities(_whole_frames(noise))
        assert np.mean(found > 0.5) < (0.2 if name in VOICED else 0.05), name


def test_takes_whole_frames_only() -> None:
    silero = Silero()
    assert len(silero.probabilities(np.zeros(0, np.int16))[0]) == 0
    with pytest.raises(ValueError, match="frames"):
        silero.probabilities(np.zeros(500, np.int16))

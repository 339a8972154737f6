"""What Smart Turn is shown of a sound."""

import numpy as np
from faster_whisper.feature_extractor import FeatureExtractor

from opentalking.inference.smart_turn import features
from tests.support.human import librivox_words

HEARD = 8 * 16_000


def test_its_input_is_that_of_whisper_for_eight_seconds_at_one_loudness() -> None:
    for pcm, _ in librivox_words():
        sound = np.concatenate([np.zeros(HEARD), pcm.astype(np.float64) / 32768])[-HEARD:]
        level = (sound - sound.mean()) / np.sqrt(sound.var() + 1e-7)
        expected = FeatureExtractor(chunk_length=8)(level.astype(np.float32), padding=0)
        assert features(pcm).shape == expected.shape == (80, 800)
        assert np.abs(features(pcm) - expected).max() < 1e-4


def test_loudness_does_not_matter_and_a_long_sound_counts_with_its_end() -> None:
    [(pcm, _), (other, _), *_] = librivox_words()
    long = np.concatenate([other, pcm, pcm])
    assert np.array_equal(features(long), features(long[-HEARD:]))
    assert np.abs(features(pcm) - features(pcm // 2)).mean() < 0.02

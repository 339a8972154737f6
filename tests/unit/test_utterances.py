"""What recognisers share: spectrograms, cuts at pauses, silence, words that loop."""

from itertools import pairwise

import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor

from opentalking.audio.log_mel import BANDS, log_mel
from opentalking.audio.pauses import PauseCutter
from opentalking.audio.silence import is_silent
from opentalking.core.media import Samples
from opentalking.text.loops import said_once, without_loops

RATE = 16_000


def noise(seconds: float, level: float = 0.1) -> Samples:
    random = np.random.default_rng(3)
    return (level * 32767 * np.clip(random.standard_normal(round(seconds * RATE)), -3, 3) / 3).astype(
        np.int16
    )


def test_spectrograms_are_those_of_the_reference() -> None:
    pcm = noise(2.0)
    expected = FeatureExtractor()(pcm.astype(np.float32) / 32768, padding=0)
    found = log_mel(pcm, expected.shape[1])
    assert found.shape == (BANDS, 200)
    # at both ends the reference mirrors the sound, and we add silence, as Whisper's own code does
    np.testing.assert_allclose(found[:, 2:-2], expected[:, 2:-2], atol=1e-4)


def test_behind_the_sound_lies_silence() -> None:
    found = log_mel(noise(1.0), 300)
    assert found.shape == (BANDS, 300)
    assert np.ptp(found[:, 110:]) == 0
    assert found[:, 110:].max() < found[:, :90].min()


@pytest.mark.parametrize("step", [100, 1600, 160_000])
def test_long_sound_is_cut_within_pauses_and_nothing_is_lost(step: int) -> None:
    pause = noise(0.6, 0.001)
    words = noise(5.4)
    pcm = np.concatenate([words, pause] * 12)
    cutter = PauseCutter(RATE, 28.0)
    pieces = [piece for start in range(0, len(pcm), step) for piece in cutter.feed(pcm[start : start + step])]
    pieces.append(cutter.flush())
    np.testing.assert_array_equal(np.concatenate(pieces), pcm)
    assert len(pieces) >= 3
    assert all(len(piece) <= 28 * RATE for piece in pieces)
    for _, cut in pairwise(np.cumsum([0, *map(len, pieces)]).tolist()[:-1]):
        assert 5.4 <= cut / RATE % 6.0 <= 6.0, "in the middle of a pause"
    assert not len(cutter.flush())


def test_silence_is_told_from_sound() -> None:
    assert is_silent(np.zeros(0, np.int16), RATE)
    assert is_silent(noise(1.0, 0.0005), RATE)
    assert not is_silent(np.concatenate([np.zeros(RATE, np.int16), noise(0.1)]), RATE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("I said no, no, no, no!", "I said no, no, no, no!"),
        ("you know you know you know you know you know you know", "you know"),
        ("Well. Thank you. Thank you. Thank you. Thank you. Thank you.", "Well. Thank you."),
        ("John had the best John had the best John had the best John", "John had the best"),
        ("bye bye my dear, bye bye my dear", "bye bye my dear, bye bye my dear"),
        ("我们走吧走吧走吧走吧走吧走吧", "我们走吧"),
        ("1 2 3 4 5 6", "1 2 3 4 5 6"),
        ("well, oooooooooooooooooooo no", "well,"),
        ("oooooooooooooooooooo", ""),
        ("it is 1000000000000", "it is 1000000000000"),
    ],
)
def test_words_over_and_over_are_kept_once(text: str, expected: str) -> None:
    assert without_loops(text) == expected


@pytest.mark.parametrize(
    ("text", "seconds", "expected"),
    [
        ("He was not ill disposed. He was not ill disposed.", 2.0, "He was not ill disposed."),
        ("He was not ill-fated, man. He was not ill-fated", 2.0, "He was not ill-fated, man."),
        ("V-ray. V-ray. V-ray. V-ray. V-", 0.6, "V-ray."),
        ("我很高兴认识你。我很高兴认识你。", 1.6, "我很高兴认识你。"),
        ("He was not ill disposed. He was not ill disposed.", 3.5, None),
        ("我很高兴认识你。我很高兴认识你。", 3.0, None),
        ("No, no, no!", 0.6, None),
        ("He said he was not ill disposed at all, and he was not.", 1.0, None),
        ("A b c d e f g h a b c", 0.1, None),
        ("", 0.0, None),
    ],
)
def test_what_nobody_could_have_said_twice_is_said_once(
    text: str, seconds: float, expected: str | None
) -> None:
    assert said_once(text, seconds) == (text if expected is None else expected)

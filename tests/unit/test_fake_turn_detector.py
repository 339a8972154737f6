"""The shipped stand-in for a turn detector keeps the Protocol's promises."""

import numpy as np
import pytest

from opentalking.core.errors import ProviderError
from opentalking.core.providers import VAD_FRAME_SAMPLES, TurnDetector, VoiceActivity
from opentalking.providers.fake import FakeTurnDetector

LOUD = (3000 * np.sin(np.arange(3 * VAD_FRAME_SAMPLES) / 5)).astype(np.int16)
QUIET = np.zeros(2 * VAD_FRAME_SAMPLES, np.int16)


async def test_takes_what_is_loud_for_speech_in_pieces_of_any_size() -> None:
    detector = FakeTurnDetector()
    microphone = detector.open()
    assert isinstance(detector, TurnDetector)
    assert isinstance(microphone, VoiceActivity)
    sound = np.concatenate([LOUD, QUIET])
    found = [
        p for start in range(0, len(sound), 320) for p in await microphone.feed(sound[start : start + 320])
    ]
    assert found == [0.95, 0.95, 0.95, 0.02, 0.02]


async def test_answers_from_its_script_and_fails_when_told() -> None:
    detector = FakeTurnDetector(script=[0.1, 0.5], probability=0.8)
    assert [await detector.end_of_turn(LOUD) for _ in range(3)] == [0.1, 0.5, 0.8]
    assert detector.asked == [len(LOUD)] * 3
    microphone = detector.open()
    detector.feed_fails = detector.fails = True
    with pytest.raises(ProviderError):
        await microphone.feed(LOUD)
    with pytest.raises(ProviderError):
        await detector.end_of_turn(LOUD)
    detector.feed_fails = False
    assert await microphone.feed(LOUD) == [0.95] * 3

"""A microphone beside a loudspeaker, on packets whose truth is known."""

import numpy as np
import pytest

from opentalking.core.media import SAMPLES_PER_PACKET
from opentalking.media.encoder import OpusEncoder
from opentalking.rtc.loudspeaker import Loudspeaker
from tests.support.media import level
from tests.support.opus import sine


def packets(count: int) -> list[bytes]:
    tone = sine(count * SAMPLES_PER_PACKET / 48_000)
    encoder = OpusEncoder()
    return [encoder.encode(part) for part in tone.reshape(count, SAMPLES_PER_PACKET)]


@pytest.mark.parametrize("level_db", [-10.0, -20.0])
def test_it_is_heard_a_little_later_and_quieter(level_db: float) -> None:
    loudspeaker = Loudspeaker(level_db)
    heard = []
    for packet in packets(50):
        loudspeaker.play(packet)
        heard.append(loudspeaker.heard())
    silent = [index for index, sound in enumerate(heard) if sound is None]
    assert silent == [0, 1, 2]
    loud = np.concatenate([sound for sound in heard[10:] if sound is not None])
    assert 20 * np.log10(level(loud) / level(sine(1.0))) == pytest.approx(level_db, abs=0.5)


def test_without_packets_it_is_silent_and_of_many_it_keeps_the_last() -> None:
    loudspeaker = Loudspeaker(0.0)
    assert loudspeaker.heard() is None
    for packet in packets(100):
        loudspeaker.play(packet)
    heard = [loudspeaker.heard() for _ in range(20)]
    assert [sound is not None for sound in heard] == [True] * 12 + [False] * 8

"""The benchmark's measures, on packets whose truth is known."""

import math

import numpy as np
import pytest

from apps.cli.bench.main import ROWS, Row, best_of, table_of
from apps.cli.bench.measure import (
    MouthBox,
    audible_times,
    av_offsets_ms,
    first_movement,
    idle_signs,
    percentile,
)
from opentalking.core.media import I420, SAMPLES_PER_PACKET
from opentalking.media.encoder import OpusEncoder, VideoEncoder, silence_packet
from opentalking.rtc.receiver import Arrived, Received

BOX = MouthBox(0.25, 0.5, 0.75, 0.75)


def sounds(levels: list[int], first_timestamp: int = 0xFFFFFF00) -> list[Arrived]:
    """A packet every 20 ms from second 1 on; level 0 is the idle silence. The timestamp wraps."""
    encoder = OpusEncoder()
    times = np.arange(SAMPLES_PER_PACKET) / 48_000
    packets = []
    for number, level in enumerate(levels):
        tone = (np.sin(2 * np.pi * 400 * times) * level).astype(np.int16)
        payload = encoder.encode(tone) if level else silence_packet()
        timestamp = (first_timestamp + number * SAMPLES_PER_PACKET) & 0xFFFFFFFF
        packets.append(Arrived(1 + number * 0.02, timestamp, False, payload))
    return packets


def pictures(mouths: list[int], late_seconds: float = 0.0) -> list[Arrived]:
    """A picture every 40 ms from second 1 on whose mouth has the given brightness."""
    encoder = VideoEncoder("h264", 64, 64)
    packets = []
    for number, mouth in enumerate(mouths):
        picture: I420 = np.full((96, 64), 128, np.uint8)
        picture[32:48, 16:48] = mouth
        payload = encoder.encode(picture, force_key=number == 0).payload
        packets.append(Arrived(1 + number * 0.04 + late_seconds, number * 3600, True, payload))
    return packets


def test_audible_begins_with_the_first_loud_packet() -> None:
    heard = audible_times(Received(audio=sounds([0] * 10 + [8000] * 5 + [0] * 10)))
    assert heard[0] == pytest.approx(1.2, abs=0.021)
    assert heard[-1] == pytest.approx(1.28, abs=0.041)
    assert audible_times(Received(audio=sounds([0] * 10))) == []


def test_movement_is_seen_in_the_mouth_only_and_only_after_the_request() -> None:
    still, moving = [120] * 10, [120] * 6 + [60] * 4
    assert first_movement(Received(video=pictures(moving)), BOX, 1.1) == pytest.approx(1.24)
    assert first_movement(Received(video=pictures(still)), BOX, 1.1) is None
    elsewhere = MouthBox(0.0, 0.0, 0.2, 0.2)
    assert first_movement(Received(video=pictures(moving)), elsewhere, 1.1) is None


@pytest.mark.parametrize("late_ms", [0, 30, 130, -15])
def test_offset_is_how_much_later_a_picture_comes_than_its_sound(late_ms: int) -> None:
    idle_sound, idle_pictures = sounds([0] * 10), pictures([90] * 5)
    cut = Arrived(0.9, 0, True, b"the end of a picture whose begin was forgotten")
    idle = idle_signs(Received(audio=idle_sound, video=[cut, *idle_pictures]))
    spoken = sounds([5000] * 20)
    shown = pictures(list(range(100, 200, 10)), late_ms / 1000)
    received = Received(audio=[*idle_sound, *spoken], video=[cut, *idle_pictures, *shown])
    offsets = av_offsets_ms(received, idle)
    assert len(offsets) == 10
    assert offsets == pytest.approx([late_ms] * 10, abs=0.5)
    assert av_offsets_ms(Received(), idle) == []


def test_percentile_of_nothing_is_no_number() -> None:
    assert math.isnan(percentile([], 0.5))
    assert percentile([1.0, 2.0, 3.0], 0.5) == 2.0


def test_the_table_names_what_missed_its_target() -> None:
    good = {row.key: 0.0 if row.lower else 100.0 for row in ROWS}
    assert "MISSED" not in table_of(good, [[0.0, 0.0]], [good])
    bad = {**good, "speak_sound_ms": 900.0}
    missed = [line for line in table_of(bad, [[0.0, 0.0]], [bad]).splitlines() if "MISSED" in line]
    assert len(missed) == 1
    assert missed[0].startswith("/speak to first audible")


def test_best_is_the_lowest_or_the_highest_and_skips_what_was_not_measured() -> None:
    runs = [{"x": 3.0}, {"x": math.nan}, {"x": 2.0}, {}]
    assert best_of(Row("x", "x", "ms"), runs) == 2.0
    assert best_of(Row("x", "x", "fps", lower=False), runs) == 3.0
    assert math.isnan(best_of(Row("x", "x", "ms"), [{}]))

"""The benchmark's measures, on packets whose truth is known."""

import math

import numpy as np
import pytest

from apps.cli.bench.barge_in import compare
from apps.cli.bench.clips import Clip, clip, mm_hm, read_librivox
from apps.cli.bench.main import best_of, table_of
from apps.cli.bench.measure import (
    MouthBox,
    audible_times,
    av_offsets_ms,
    first_movement,
    first_speech_movement,
    idle_signs,
    percentile,
)
from apps.cli.bench.rows import ROWS, Row
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


def test_speech_moves_the_mouth_from_one_picture_to_the_next() -> None:
    drifting = [120, 122, 124, 126, 128, 130, 132, 134, 136, 138]
    speaking = [*drifting[:6], 100, 130, 100, 130]
    assert first_speech_movement(Received(video=pictures(drifting)), BOX, 1.0) is None
    assert first_speech_movement(Received(video=pictures(speaking)), BOX, 1.0) == pytest.approx(1.24)
    assert first_speech_movement(Received(video=pictures(speaking)), BOX, 1.27) == pytest.approx(1.28)


def test_what_was_turned_down_is_found_against_what_was_played() -> None:
    random = np.random.default_rng(4)
    played = (3000 * random.standard_normal(4 * 48_000)).astype(np.int16)
    played[50_000:60_000] = 0  # a pause tells nothing
    sent = played.astype(np.float64)
    sent[96_000:] *= 10 ** (-20 / 20)
    encoder = OpusEncoder()
    packets = [Arrived(1.0, 0, False, silence_packet())] * 7
    for start in range(0, len(sent), SAMPLES_PER_PACKET):
        pcm = sent[start : start + SAMPLES_PER_PACKET].astype(np.int16)
        packets.append(Arrived(2 + start / 48_000, 0, False, encoder.encode(pcm)))
    heard = compare(Received(audio=packets), played)
    assert heard.first_at() == pytest.approx(2.0, abs=0.021)
    assert heard.ducked_at(2.1) == pytest.approx(4.0, abs=0.021)
    assert heard.ducked_at(5.0) == pytest.approx(5.0, abs=0.021)
    assert heard.last_at() == pytest.approx(6.0, abs=0.041)
    assert np.nanmedian(heard.gain_db[heard.at < 3.9]) == pytest.approx(0, abs=1)
    with pytest.raises(ValueError, match="nothing"):
        compare(Received(audio=packets[:5]), played)


def test_a_clip_knows_when_its_speech_begins_and_ends() -> None:
    tone = np.zeros(32_000, np.int16)
    tone[8000:20_000] = (8000 * np.sin(np.arange(12_000) / 5)).astype(np.int16)
    found = clip(tone, "beep")
    assert (found.begin, found.end, found.seconds) == (0.5, 1.25, 2.0)
    with pytest.raises(ValueError, match="without a sound"):
        clip(np.zeros(16_000, np.int16), "")
    assert 0.4 < mm_hm().end - mm_hm().begin < 0.6


def test_the_reader_begins_and_ends_with_a_word() -> None:
    clips: list[Clip] = read_librivox()
    assert [item.text.split()[0] for item in clips] == ["and", "he", "unless", "had", "he"]
    for item in clips:
        inside = item.pcm[round(item.begin * 16_000) : round(item.end * 16_000)].astype(np.float64)
        after = item.pcm[round(item.end * 16_000) + 800 :].astype(np.float64)
        assert np.std(inside) > 8 * np.std(after)
        assert 0 < item.begin < item.end < item.seconds


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


def test_every_row_has_a_line_of_its_own_in_the_table() -> None:
    figures = {row.key: 1.0 for row in ROWS}
    lines = table_of(figures, [[0.0, 0.0]], [figures]).splitlines()[2:]
    assert len(figures) == len(lines) == len(ROWS)
    assert len({line.index(" 1.0 ") for line in lines}) == 1, "a title is wider than its column"
    for voice in ("Joe, Piper", "Mira's own, Kokoro"):
        assert sum(f"end of speech to first audible packet ({voice})" in line for line in lines) == 1
    assert any("first chunk of streamed PCM to first moving frame" in line for line in lines)


def test_best_is_the_lowest_or_the_highest_and_skips_what_was_not_measured() -> None:
    runs = [{"x": 3.0}, {"x": math.nan}, {"x": 2.0}, {}]
    assert best_of(Row("x", "x", "ms"), runs) == 2.0
    assert best_of(Row("x", "x", "fps", lower=False), runs) == 3.0
    assert math.isnan(best_of(Row("x", "x", "ms"), [{}]))


def test_of_a_fault_the_worst_run_counts() -> None:
    runs = [{"x": 2.0}, {"x": 0.0}, {}]
    assert best_of(Row("x", "x", "", 0, fault=True), runs) == 2.0
    assert best_of(Row("x", "x", "%", 100, lower=False, fault=True), runs) == 0.0
    faults = {row.key for row in ROWS if row.fault}
    assert {"heard_unanswered", "barge_in_missed", "echo_10_db_interruptions_per_minute"} <= faults

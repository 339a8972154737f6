"""Sound: rates, pieces, containers, silence."""

import io
import wave
from itertools import pairwise

import numpy as np
import pytest

from opentalking.audio.resample import LiveResampler, Resampler, SpeechResampler, resample
from opentalking.audio.silence import speech_bounds
from opentalking.audio.wav import wav_bytes, wav_header
from opentalking.core.media import Mark, PhonemeTiming, Samples, Speech, WordTiming


def tone(seconds: float, rate: int, hertz: float = 330.0) -> Samples:
    at = np.arange(round(seconds * rate)) / rate
    return np.round(np.sin(2 * np.pi * hertz * at) * 12_000).astype(np.int16)


@pytest.mark.parametrize("rate", [8000, 16_000, 22_050, 24_000, 44_100])
def test_a_tone_keeps_its_pitch_level_and_length(rate: int) -> None:
    out = resample(tone(0.5, rate), rate, 48_000)
    assert out.dtype == np.int16
    assert abs(len(out) - 24_000) <= 1
    expected = tone(0.5, 48_000)[1000:23_000].astype(int)
    assert np.abs(out[1000:23_000].astype(int) - expected).max() < 100


def test_the_same_rate_and_no_sound_pass_through() -> None:
    pcm = tone(0.1, 48_000)
    assert resample(pcm, 48_000, 48_000) is pcm
    assert len(resample(pcm[:0], 22_050, 48_000)) == 0


def test_a_continuous_change_of_rate_has_no_seams() -> None:
    pcm = tone(1.0, 22_050)
    for cuts in ([0, 5000, 5001, 12_000, 22_050], list(range(0, 22_051, 441))):
        resampler = Resampler(22_050, 48_000)
        parts = [resampler.feed(pcm[start:end], last=end == len(pcm)) for start, end in pairwise(cuts)]
        assert np.abs(np.concatenate(parts).astype(int) - resample(pcm, 22_050, 48_000)).max() <= 2
    again = [resampler.feed(pcm), resampler.feed(pcm[:0], last=True)]
    assert np.abs(np.concatenate(again).astype(int) - np.concatenate(parts)).max() <= 2, "it begins anew"


@pytest.mark.parametrize("rate", [8000, 16_000, 22_050, 24_000, 44_100, 48_000])
def test_a_live_change_of_rate_has_no_seams_and_holds_nothing_back(rate: int) -> None:
    pcm = tone(1.0, rate)
    resampler = LiveResampler(rate, 48_000)
    size = rate // 50
    parts = []
    for start in range(0, rate, size):
        parts.append(resampler.feed(pcm[start : start + size]))
        given = sum(map(len, parts)) / 48_000
        assert (start + size) / rate - given < 0.0025
    parts.append(resampler.feed(pcm[:0], last=True))
    out = np.concatenate(parts)
    assert len(out) == pytest.approx(48_000, abs=2)
    expected = tone(1.0, 48_000)[1000:47_000].astype(int)
    assert np.abs(out[1000:47_000].astype(int) - expected).max() < 100


def speech(pcm: Samples, rate: int, *, ends: bool) -> Speech:
    seconds = len(pcm) / rate
    return Speech(
        pcm,
        rate,
        "ah",
        (PhonemeTiming("a", 0.0, seconds),),
        (WordTiming("ah", 0, 2, 0.0, seconds),),
        ends_sentence=ends,
        marks=(Mark("sentence_start", 0, 0),),
    )


def test_pieces_of_speech_join_without_seams_and_keep_their_timings() -> None:
    pcm = tone(1.2, 22_050)
    resampler = SpeechResampler(48_000)
    for _ in range(2):  # the second sentence begins afresh
        cuts = [0, 7000, 7100, 15_000, len(pcm)]
        pieces = [
            resampler.feed(speech(pcm[start:end], 22_050, ends=end == len(pcm)))
            for start, end in pairwise(cuts)
        ]
        joined = np.concatenate([p.pcm for p in pieces]).astype(int)
        assert np.abs(joined - resample(pcm, 22_050, 48_000)).max() <= 2
        base = 0.0
        for piece, (start, end) in zip(pieces, pairwise(cuts), strict=True):
            assert piece.sample_rate == 48_000
            # Counted from the first piece, each timing is where it was.
            assert base + piece.phonemes[0].start_seconds == pytest.approx(start / 22_050, abs=1e-4)
            assert base + piece.words[0].end_seconds == pytest.approx(end / 22_050, abs=1e-4)
            mark_seconds = piece.marks[0].at_samples / 48_000
            assert base + mark_seconds == pytest.approx(start / 22_050, abs=1e-4)
            assert piece.words[0].text_end == 2
            base += piece.seconds
        assert pieces[-1].ends_sentence


def test_a_change_of_rate_within_a_sentence_loses_nothing() -> None:
    resampler = SpeechResampler(48_000)
    first = resampler.feed(speech(tone(0.5, 22_050), 22_050, ends=False))
    second = resampler.feed(speech(tone(0.5, 16_000), 16_000, ends=True))
    assert first.seconds + second.seconds == pytest.approx(1.0, abs=1e-3)
    assert first.seconds + second.phonemes[0].start_seconds == pytest.approx(0.5, abs=1e-3)


def test_speech_at_the_wanted_rate_is_not_held_back() -> None:
    piece = speech(tone(0.1, 48_000), 48_000, ends=False)
    assert SpeechResampler(48_000).feed(piece) == piece


def test_a_wav_file_can_be_read_by_others() -> None:
    pcm = tone(0.2, 16_000)
    with wave.open(io.BytesIO(wav_bytes(pcm, 16_000))) as read:
        assert (read.getframerate(), read.getnchannels(), read.getsampwidth()) == (16_000, 1, 2)
        assert read.readframes(read.getnframes()) == pcm.tobytes()
    assert len(wav_header(0, 48_000)) == 44


def test_silence_is_found_on_both_sides() -> None:
    pcm = np.concatenate([np.full(1000, 50), tone(0.1, 10_000), np.full(3000, -50)]).astype(np.int16)
    start, end = speech_bounds(pcm, 0.01, 100, 500)
    assert 900 <= start <= 910
    assert 2490 <= end <= 2500
    assert speech_bounds(pcm, 0.01, 5000, 50_000) == (0, len(pcm))
    assert speech_bounds(pcm[:1000], 0.01, 10, 10) == (0, 0)
    assert speech_bounds(np.array([0, -32768, 0], np.int16), 0.5, 0, 0) == (1, 2)

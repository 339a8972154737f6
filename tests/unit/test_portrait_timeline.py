import numpy as np
import pytest

from opentalking.core.media import MEDIA_RATE, SAMPLES_PER_FRAME, Mark, Speech
from opentalking.providers.render.timeline import SpeechTimeline
from tests.support.portraits import sound, voice

ONE = SAMPLES_PER_FRAME


def test_odd_samples_wait_for_the_next_piece() -> None:
    timeline = SpeechTimeline()
    pcm = voice(3 * ONE)
    timeline.add(sound(pcm[: ONE + 700], ends_sentence=False))
    assert timeline.ready_frames == 1
    first, _ = timeline.take(1)
    assert timeline.ready_frames == 0
    start = timeline.add(sound(pcm[ONE + 700 :], ends_sentence=True))
    assert start == ONE + 700
    rest, _ = timeline.take(2)
    assert np.array_equal(np.concatenate([first, rest]), pcm)


def test_the_end_of_a_sentence_is_padded_with_silence() -> None:
    timeline = SpeechTimeline()
    timeline.add(sound(voice(ONE + 1)))
    pcm, _ = timeline.take(2)
    assert np.array_equal(pcm[: ONE + 1], voice(ONE + 1))
    assert not pcm[ONE + 1 :].any()
    assert timeline.add(sound(voice(10))) == 2 * ONE


def test_marks_are_rebased_onto_the_segment_that_contains_them() -> None:
    timeline = SpeechTimeline()
    marks = (Mark("sentence_start", 0, 0), Mark("sentence_start", 1, ONE + 5))
    timeline.add(sound(voice(3 * ONE), marks=marks))
    assert timeline.take(1)[1] == (Mark("sentence_start", 0, 0),)
    assert timeline.take(2)[1] == (Mark("sentence_start", 1, 5),)


def test_a_mark_at_the_end_of_a_piece_stays_with_the_piece() -> None:
    timeline = SpeechTimeline()
    timeline.add(sound(voice(2 * ONE), marks=(Mark("sentence_end", 0, 2 * ONE),)))
    timeline.add(sound(voice(ONE), marks=(Mark("sentence_start", 1, 0),)))
    assert timeline.take(1)[1] == ()
    assert timeline.take(1)[1] == (Mark("sentence_end", 0, ONE),)
    assert timeline.take(1)[1] == (Mark("sentence_start", 1, 0),)


def test_a_mark_at_the_end_of_a_carried_piece_waits_for_its_frame() -> None:
    timeline = SpeechTimeline()
    end = Mark("sentence_end", 0, ONE + 100)
    timeline.add(sound(voice(ONE + 100), ends_sentence=False, marks=(end,)))
    assert timeline.take(1)[1] == ()
    timeline.add(sound(voice(ONE)))
    assert timeline.take(2)[1] == (Mark("sentence_end", 0, 100),)


def test_marks_of_an_empty_piece_are_kept() -> None:
    timeline = SpeechTimeline()
    timeline.add(sound(voice(0), marks=(Mark("sentence_end", 3, 0),)))
    assert timeline.has_marks
    timeline.add_silence(ONE)
    assert timeline.take(1)[1] == (Mark("sentence_end", 3, 0),)
    assert not timeline.has_marks


def test_a_foreign_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="16000"):
        SpeechTimeline().add(Speech(voice(10), 16_000))
    assert MEDIA_RATE == 48_000

"""Taking turns by probabilities of speech, words and a button; time is the number of frames of 32 ms."""

import pytest

from opentalking.core.conversation import TurnTaking
from opentalking.engine.ear.rules import (
    Answer,
    Begin,
    Breath,
    End,
    Interrupt,
    Pause,
)
from opentalking.engine.ear.turn_taking import State
from tests.support.turn_scene import FRAME, Scene

# -- an utterance while nobody else speaks


def test_speech_of_160_ms_begins_an_utterance_with_what_was_heard_300_ms_before() -> None:
    scene = Scene().pause(20).speak(4)
    assert not scene.decided
    scene.speak(1)
    assert scene.decided == [(25, Begin(1, (20 - 9) * FRAME, has_floor=True))]


@pytest.mark.parametrize(
    ("probabilities", "begins"),
    [
        ([0.5, 0.35, 0.35, 0.35, 0.35], True),
        ([0.49, 0.49, 0.49, 0.49, 0.49, 0.49], False),
        ([0.9, 0.9, 0.34, 0.9, 0.9], True),
        ([0.9, 0.9, 0.34, 0.34, 0.9, 0.9, 0.9, 0.9], False),
        ([0.9, 0.34, 0.9, 0.34, 0.9], True),
        ([0.35, 0.4, 0.45, 0.45, 0.45, 0.45], False),
    ],
)
def test_speech_begins_with_a_sure_frame_and_bridges_one_that_is_none(
    probabilities: list[float], begins: bool
) -> None:
    scene = Scene()
    for probability in probabilities:
        scene.hear(1, probability)
    assert bool(scene.decided) == begins


@pytest.mark.parametrize("silence", [1, 2, 3, 4, 20, 21])
def test_silence_before_speech_counts_as_none(silence: int) -> None:
    assert Scene().pause(silence).speak(5).at(Begin) == silence + 5
    assert not Scene().speak(1).pause(silence + 1).speak(4).decided


def test_the_sound_of_the_utterance_before_is_not_heard_twice() -> None:
    scene = Scene().pause(20).speak(10).pause(6).believe(0.9).pause(2)
    assert scene.at(End) == 38
    scene.speak(5)
    begins = [decision.since for _, decision in scene.decided if isinstance(decision, Begin)]
    assert begins == [11 * FRAME, 38 * FRAME]


@pytest.mark.parametrize(
    ("probability", "silent_ms"),
    [(0.71, 256), (0.7, 512), (0.5, 512), (0.3, 512), (0.29, 896), (0.0, 896), (None, 512)],
)
def test_the_probability_of_the_end_sets_how_long_a_silence_ends_the_turn(
    probability: float | None, silent_ms: int
) -> None:
    scene = Scene().speak(30).pause(6)
    assert scene.decided[-1] == (36, Pause(36))
    scene.believe(probability).pause(40)
    assert (scene.at(End) - 30) * 32 == silent_ms
    assert scene.kinds == ["Begin", "Breath", "Pause", "End"]


def test_without_an_answer_in_time_half_a_second_ends_the_turn() -> None:
    scene = Scene().speak(30).pause(40)
    assert (scene.at(End) - 30) * 32 == 512


def test_an_answer_that_comes_late_ends_the_turn_at_once() -> None:
    scene = Scene().speak(30).pause(11).believe(0.9)
    assert scene.at(End) == 41


def test_what_an_utterance_was_is_told_with_its_end() -> None:
    scene = Scene().pause(10).speak(30).pause(6).believe(0.9).pause(2)
    end = scene.only(End)
    assert isinstance(end, End)
    assert end.answers
    spoken = end.spoken
    assert (spoken.began, spoken.ended, spoken.noticed) == (10 * FRAME, 40 * FRAME, 46 * FRAME)
    assert spoken.end_of_turn == 0.9


def test_speech_that_resumes_voids_the_pause_and_what_was_believed_of_it() -> None:
    scene = Scene().speak(30).pause(7)
    old = scene.decided[-1][1]
    assert isinstance(old, Pause)
    scene.speak(5)
    scene.note(scene.taker.end_of_turn(old.frame, 0.99))
    scene.pause(6).believe(0.1)
    scene.note(scene.taker.end_of_turn(old.frame, 0.99))
    scene.pause(21)
    assert "End" not in scene.kinds
    scene.pause(1)
    assert scene.kinds == ["Begin", "Breath", "Pause", "Breath", "Pause", "End"]


def test_the_recogniser_prepares_before_a_pause_is_certain() -> None:
    scene = Scene().speak(30).pause(3).speak(5)
    assert scene.kinds == ["Begin"]
    scene.pause(4)
    assert scene.decided[-1] == (42, Breath())
    assert scene.taker.is_pausing
    assert scene.speak(1).pause(3).kinds == ["Begin", "Breath"]
    assert not scene.taker.is_pausing


def test_within_a_pause_only_what_would_begin_speech_resumes_it() -> None:
    scene = Scene().speak(30).pause(6).believe(0.5).hear(1, 0.49).pause(20)
    assert (scene.at(End) - 30) * 32 == 512
    scene = Scene().speak(30).pause(3).hear(1, 0.36).pause(6)
    assert scene.at(Pause) == 40


def test_an_endless_monologue_is_cut_after_a_minute() -> None:
    scene = Scene().speak(60_000 // 32 + 20)
    assert scene.at(End) * 32 == pytest.approx(60_000, abs=200)
    assert scene.kinds[:2] == ["Begin", "End"]


# -- over the avatar


def test_speech_of_192_ms_over_the_avatar_lowers_its_voice() -> None:
    scene = Scene(avatar=True).pause(30).speak(5)
    assert not scene.decided
    scene.speak(1)
    assert scene.kinds == ["Begin", "Duck"]
    begin = scene.only(Begin)
    assert isinstance(begin, Begin)
    assert not begin.has_floor
    assert begin.since == (30 - 9) * FRAME
    assert not Scene(avatar=True).speak(20, 0.59).decided, "less sure than it must be over a voice"
    assert Scene(avatar=True).pause(9).speak(5, 0.36).speak(1, 0.6).kinds == ["Begin", "Duck"]
    assert not Scene(avatar=True).speak(1, 0.6).pause(2).speak(9, 0.5).decided


def test_speech_that_goes_on_interrupts_after_672_ms_whatever_its_words() -> None:
    scene = Scene(avatar=True).pause(30).speak(21)
    assert scene.decided[-1] == (51, Interrupt(1))
    scene.avatar(has_floor=False).speak(40).pause(6).believe(0.9).pause(2)
    assert scene.kinds == ["Begin", "Duck", "Interrupt", "Breath", "Pause", "End"]
    end = scene.only(End)
    assert isinstance(end, End)
    assert end.answers


def test_short_silences_count_as_speech_and_longer_ones_do_not() -> None:
    scene = Scene(avatar=True).speak(9).pause(3).speak(9)
    assert scene.at(Interrupt) == 21
    scene = Scene(avatar=True).speak(9).pause(4).speak(12)
    assert scene.at(Interrupt) == 25


@pytest.mark.parametrize("text", ["", "Mm-hm.", "嗯", "Mehamu", "3"])
def test_a_back_channel_lets_the_avatar_go_on(text: str) -> None:
    scene = Scene(avatar=True).speak(12).pause(8)
    assert (scene.at(End) - 12) * 32 == 256
    scene.words(text)
    assert scene.kinds == ["Begin", "Duck", "Breath", "Pause", "End", "Discard", "Unduck"]


@pytest.mark.parametrize("text", ["Stop.", "等一下", "tell me more"])
def test_words_that_want_the_floor_get_it(text: str) -> None:
    scene = Scene(avatar=True).speak(12).pause(7).believe(0.9).pause(1).words(text)
    assert scene.kinds == ["Begin", "Duck", "Breath", "Pause", "End", "Interrupt", "Answer"]


@pytest.mark.parametrize(("probability", "silent_ms"), [(0.9, 320), (0.5, 512), (0.1, 896), (None, 512)])
def test_words_that_won_the_floor_are_answered_when_the_turn_has_ended(
    probability: float | None, silent_ms: int
) -> None:
    scene = Scene(avatar=True).speak(12).pause(7).believe(probability).pause(3).words("he might")
    assert (scene.at(Interrupt) - 12) * 32 == 320
    scene.avatar(has_floor=False).pause(40)
    assert (scene.at(Answer) - 12) * 32 == silent_ms
    answer = scene.only(Answer)
    assert isinstance(answer, Answer)
    assert answer.spoken.ended == 12 * FRAME
    assert answer.spoken.end_of_turn == probability


def test_a_belief_that_comes_after_the_words_counts() -> None:
    scene = Scene(avatar=True).speak(12).pause(8).words("he might").pause(2)
    assert scene.kinds[-1] == "Interrupt"
    assert scene.believe(0.9).kinds[-1] == "Answer"


@pytest.mark.parametrize("is_still_running", [True, False])
def test_who_goes_on_after_winning_the_floor_has_said_more(is_still_running: bool) -> None:
    scene = Scene(avatar=True).speak(12).pause(7).believe(0.1).pause(1).words("he might")
    if not is_still_running:
        scene.avatar(has_floor=False)
    scene.pause(4).speak(5, 0.55)
    assert scene.decided[-1] == (29, Begin(2, 20 * FRAME, has_floor=True, goes_on=True))
    scene.avatar(has_floor=False).speak(20).pause(6).believe(0.9).pause(2)
    kinds = ["Begin", "Duck", "Breath", "Pause", "End", "Interrupt", "Begin", "Breath", "Pause", "End"]
    assert scene.kinds == kinds
    end = scene.decided[-1][1]
    assert isinstance(end, End)
    assert end.answers


def test_what_won_the_floor_is_cancelled_like_anything_that_is_heard() -> None:
    scene = Scene(avatar=True).speak(12).pause(7).believe(0.1).pause(1).words("he might").pause(2)
    scene.note(scene.taker.cancel())
    assert scene.kinds[-1] == "Discard"
    scene.pause(40)
    assert scene.kinds[-1] == "Discard"


def test_words_that_do_not_come_let_the_avatar_go_on() -> None:
    late = Scene(avatar=True).speak(12).pause(8 + 46)
    assert late.kinds[-1] == "End"
    late.pause(1)
    assert late.kinds[-2:] == ["Discard", "Unduck"]
    late.words("stop")
    assert late.kinds[-1] == "Unduck", "too late"
    failed = Scene(avatar=True).speak(12).pause(8).words(None)
    assert failed.kinds[-2:] == ["Discard", "Unduck"]


def test_who_goes_on_before_the_words_are_judged_has_said_more() -> None:
    scene = Scene(avatar=True).speak(12).pause(10).speak(7)
    begin = scene.decided[-1][1]
    assert begin == Begin(2, 20 * FRAME, has_floor=False, goes_on=True)
    scene.speak(2)
    assert scene.decided[-1] == (31, Interrupt(2)), "12 and 9 frames of speech"
    assert scene.kinds == ["Begin", "Duck", "Breath", "Pause", "End", "Begin", "Interrupt"]


@pytest.mark.parametrize(
    ("text", "gap", "again"),
    [("Hmight", 25, True), ("", 25, True), ("mm-hm", 25, False), (None, 25, False), ("Hmight", 40, False)],
)
def test_who_goes_on_soon_after_unclear_words_is_heard_from_their_beginning(
    text: str | None, gap: int, again: bool
) -> None:
    scene = Scene(avatar=True).pause(30).speak(12).pause(8).words(text)
    assert scene.kinds[-1] == "Unduck"
    scene.pause(gap).speak(21)
    assert scene.kinds[-3:] == ["Begin", "Duck", "Interrupt"]
    begins = [decision for _, decision in scene.decided if isinstance(decision, Begin)]
    first, then = 30, 30 + 12 + 8 + gap
    assert begins[1].since == ((first if again else then) - 9) * FRAME
    assert scene.at(Interrupt) == then + 21, "what was said before does not count as speech"
    scene.pause(8).believe(0.9).pause(20).speak(5)
    assert begins[-1].since <= (then - 9) * FRAME


def test_when_the_avatar_finishes_by_itself_whoever_speaks_has_the_floor() -> None:
    scene = Scene(avatar=True).speak(10).avatar(has_floor=False)
    assert scene.kinds == ["Begin", "Duck", "Unduck", "HasFloor"]
    scene.speak(3).pause(16)
    end = scene.only(End)
    assert isinstance(end, End)
    assert end.answers, "a yes in the last word of a question is an answer"


def test_when_the_avatar_finishes_while_words_are_judged_they_still_decide() -> None:
    scene = Scene(avatar=True).speak(12).pause(8).avatar(has_floor=False)
    assert scene.kinds[-1] == "Unduck"
    assert scene.words("mm-hm").kinds[-1] == "Discard"
    scene = Scene(avatar=True).speak(12).pause(8).avatar(has_floor=False).pause(8).words("seven")
    assert scene.kinds[-2:] == ["Unduck", "Answer"]


# -- others


def test_what_is_cancelled_is_not_heard_until_a_pause() -> None:
    scene = Scene().speak(30)
    scene.note(scene.taker.cancel())
    assert scene.kinds == ["Begin", "Discard"]
    scene.speak(30).pause(9).speak(30)
    assert scene.kinds == ["Begin", "Discard"]
    scene.pause(10).speak(5)
    assert scene.kinds == ["Begin", "Discard", "Begin"]
    ducked = Scene(avatar=True).speak(10)
    ducked.note(ducked.taker.cancel())
    assert ducked.kinds == ["Begin", "Duck", "Discard", "Unduck"]


def test_nothing_is_cancelled_where_nobody_speaks() -> None:
    scene = Scene()
    scene.note(scene.taker.cancel())
    assert scene.speak(5).kinds == ["Begin"]


# -- the button


def test_a_button_begins_and_ends_an_utterance_without_any_probability() -> None:
    scene = Scene("push_to_talk").pause(10)
    scene.note(scene.taker.press())
    assert scene.decided == [(10, Begin(1, 10 * FRAME, has_floor=True))]
    scene.note(scene.taker.press())
    scene.pause(50)
    assert scene.taker.state is State.HELD
    scene.taker.release()
    scene.taker.release()
    assert scene.taker.state is not State.HELD
    scene.pause(4)
    assert scene.kinds == ["Begin"]
    scene.pause(1)
    end = scene.only(End)
    assert isinstance(end, End)
    assert end.answers
    assert end.spoken.ended == 60 * FRAME


def test_a_button_interrupts_what_runs_at_once() -> None:
    scene = Scene("push_to_talk", avatar=True)
    scene.note(scene.taker.press())
    assert scene.kinds == ["Begin", "Interrupt"]


def test_a_button_pressed_again_at_once_goes_on() -> None:
    scene = Scene("push_to_talk")
    scene.note(scene.taker.press())
    scene.taker.release()
    scene.pause(3)
    scene.note(scene.taker.press())
    scene.pause(100)
    assert scene.kinds == ["Begin"]


def test_a_button_that_is_held_for_ever_ends_after_a_minute() -> None:
    scene = Scene("push_to_talk")
    scene.note(scene.taker.press())
    scene.pause(1875 + 100)
    assert scene.at(End) == 1875
    assert scene.kinds == ["Begin", "End"]
    assert scene.taker.state is not State.HELD


@pytest.mark.parametrize("mode", ["push_to_talk", "off"])
def test_speech_means_nothing_in_the_other_modes(mode: TurnTaking) -> None:
    assert not Scene(mode).speak(100).pause(100).decided


@pytest.mark.parametrize("to", ["push_to_talk", "off"])
def test_another_mode_drops_what_is_heard(to: TurnTaking) -> None:
    scene = Scene(avatar=True).speak(10)
    scene.note(scene.taker.change(to))
    assert scene.kinds == ["Begin", "Duck", "Discard", "Unduck"]
    scene.note(scene.taker.change("auto"))
    assert scene.pause(1).speak(7).kinds[-2:] == ["Begin", "Duck"]

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opentalking.core.conversation import Message
from opentalking.providers.llm.answer import AnswerFilter
from opentalking.providers.llm.history import HistoryLimits, fit_history, whole_exchanges

PARTS = st.sampled_from(
    ["<think>", "</think>", "<thinking>", "</thinking>", "<", "th", "a. ", "B c", "\n", "好。", "!"]
)
TEXTS = st.lists(PARTS, max_size=20).map("".join)


def filtered(chunks: list[str], room: int, *, whole_sentences: bool = False) -> str:
    answer = AnswerFilter(room, whole_sentences=whole_sentences)
    return "".join([*(answer.feed(chunk) for chunk in chunks), answer.finish()])


@given(TEXTS, st.integers(1, 60), st.booleans())
def test_the_answer_does_not_depend_on_how_it_is_streamed(
    text: str, room: int, whole_sentences: bool
) -> None:
    whole = filtered([text], room)
    assert filtered(list(text), room) == whole
    assert len(whole) <= room
    assert "<think>" not in whole
    if not whole_sentences:
        return
    cut = filtered(list(text), room, whole_sentences=True)
    assert whole.startswith(cut)
    assert bool(cut.strip()) == bool(whole.strip())


def test_text_that_is_no_tag_passes_at_once() -> None:
    answer = AnswerFilter(1000)
    assert answer.feed("Is 3 ") == "Is 3 "
    assert answer.feed("< 4 ") == "< 4 "
    assert answer.feed("a<") == "a"
    assert answer.feed("b") == "<b"


def test_the_first_sentence_passes_word_by_word_and_later_ones_whole() -> None:
    answer = AnswerFilter(1000, whole_sentences=True)
    words = ["It", " rains", ".", " We", " stay", " in", ".", " So"]
    assert [answer.feed(word) for word in words] == ["It", " rains", ".", " ", "", "", "", "We stay in. "]
    assert answer.feed("", "length") == ""
    assert answer.finish() == ""


MESSAGES = st.lists(
    st.builds(Message, st.sampled_from(["system", "user", "assistant"]), st.text(max_size=20)), max_size=12
)


@given(MESSAGES, st.integers(1, 6), st.integers(1, 60))
def test_history_alternates_and_ends_with_the_latest(
    messages: list[Message], count: int, characters: int
) -> None:
    fitted = fit_history(messages, HistoryLimits(count, characters))
    roles = [message.role for message in fitted if message.role != "system"]
    assert all(first != second for first, second in pairwise(roles))
    assert len(roles) <= count
    latest = [message for message in messages if message.role != "system" and message.content.strip()]
    if latest:
        assert fitted[-1].content.endswith(latest[-1].content)
    assert [m for m in messages if m.role == "system" and m.content.strip()] == [
        message for message in fitted if message.role == "system"
    ]


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("And Spain?", "(I interrupted you there.) And Spain?"),
        ("那西班牙呢？", "（我在这里打断了你。） 那西班牙呢？"),
    ],
)
def test_a_model_is_told_with_the_next_question_that_it_was_interrupted(question: str, told: str) -> None:
    messages = [
        Message("user", "Tell me about France."),
        Message("assistant", "France is a", interrupted=True),
        Message("user", question),
        Message("assistant", "Spain is warm."),
        Message("user", "Thanks."),
    ]
    contents = [message.content for message in fit_history(messages, HistoryLimits())]
    assert contents == ["Tell me about France.", "France is a", told, "Spain is warm.", "Thanks."]


def test_whole_exchanges_are_questions_with_all_of_their_answers() -> None:
    whole = [Message("user", "One?"), Message("assistant", "One.")]
    talk = [
        Message("system", "Be kind."),
        *whole,
        Message("user", "Two?"),
        Message("user", "Three?"),
        Message("assistant", "Thr", interrupted=True),
    ]
    question = Message("user", "Four?")
    assert whole_exchanges([*talk, question]) == [*whole, question]
    assert whole_exchanges(whole) == whole
    assert whole_exchanges([]) == []


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_an_answer_that_goes_in_circles_ends_before_it_says_a_sentence_again(size: int) -> None:
    text = "I am so sorry. Yes. Yes. What can I do?\nI am so  sorry. What can I do? I am"
    chunks = [text[at : at + size] for at in range(0, len(text), size)]
    assert filtered(chunks, 1000, whole_sentences=True).strip() == "I am so sorry. Yes. Yes. What can I do?"
    assert filtered(chunks, 1000) == text, "other models may mean it"
    last = "I am so sorry. I am so sorry."
    assert filtered(list(last), 1000, whole_sentences=True).strip() == "I am so sorry."
    answer = AnswerFilter(1000, whole_sentences=True)
    answer.feed("I am so sorry. I am so sorry. Oh")
    assert answer.full, "nobody needs to wait for the rest"

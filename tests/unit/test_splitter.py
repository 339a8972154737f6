import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opentalking.text.splitter import Sentence, SentenceSplitter, SplitterLimits

SENTENCES_ONLY = SplitterLimits(first_min_characters=10_000, first_max_characters=10_000)


def split(text: str, limits: SplitterLimits | None = None) -> list[Sentence]:
    splitter = SentenceSplitter(limits)
    return [*splitter.feed(text), *splitter.flush()]


def texts(text: str, limits: SplitterLimits | None = SENTENCES_ONLY) -> list[str]:
    return [piece.text for piece in split(text, limits)]


@pytest.mark.parametrize(
    "sentences",
    [
        ["Hello! ", "How are you?"],
        ["I met Dr. Smith and Mrs. Jones. ", "They left."],
        ["He serves in the U.S. Army. ", "She lives in the U.S. ", "They met at 5 p.m. ", "It rained."],
        ["Fruit, e.g. apples, i.e. the round ones. ", "Pears, too."],
        ["Pi is 3.14 and e is 2.72. ", "Version 2.0.1 is out."],
        ["It starts at 10:30. ", "It costs $3.50!"],
        ["See https://example.com/a?b=c.d for more. ", "Or write to me@example.com. ", "Or not."],
        ["Is that so?! ", "Yes... ", "Well... maybe."],
        ['"Stop!" he said. ', '"Why?" ', "(Nobody knows.) ", "Then [it] ended."],
        ["I read No. 5. ", "No. ", "I did not."],
        ["J. K. Rowling wrote it. ", "So do I. ", "Choose plan B. ", "It is good."],
        ["First line\n", "Second line\n\n", "Third."],
        ["1. Apples\n", "2. Pears, too\n", "- Nuts\n", "* Figs"],
        ["I like Node.js and ASP.NET. ", "You?"],
        ["**Bold.** ", "Next."],
        ["Nice! 😊 ", "See you. 🎉"],
        [
            "你好，我是小明。",
            "今天天气很好！！",
            "你想去哪里？",
            "“我想去公园。”",
            "他走了；",
            "再见……",
            "明天见。😊",
        ],
        ["圆周率是3.14。", "我喜欢Python.", "真的吗?", "是的！"],
        ["他（小明。）", "走了。"],
        ["Jan. 5 is a Monday. ", "Apples, pears etc. are fruit. ", "Smith vs. Jones is on."],
    ],
)
def test_sentences_end_where_a_reader_would_pause(sentences: list[str]) -> None:
    assert texts("".join(sentences)) == sentences


@pytest.mark.parametrize(
    ("text", "first", "rest"),
    [
        ("Well, that is a good question.", "Well, that is a good question.", []),
        ("However, that is a good question.", "However, ", ["that is a good question."]),
        ("Good morning: it is a fine day.", "Good morning: ", ["it is a fine day."]),
        ("That is true — but not always.", "That is true — ", ["but not always."]),
        ("At 10:30, 1,000 people came.", "At 10:30, ", ["1,000 people came."]),
        ("今天呢，天气很好，我们走吧。", "今天呢，", ["天气很好，我们走吧。"]),
        ("The capital of France is Paris and it lies on the Seine.", "The capital of France is Paris ", None),
    ],
)
def test_first_piece_of_a_turn_may_be_a_clause(text: str, first: str, rest: list[str] | None) -> None:
    pieces = texts(text, None)
    assert pieces[0] == first
    assert rest is None or pieces[1:] == rest


def test_clauses_are_marked_and_numbered() -> None:
    assert split("However, it rains. Stay in.") == [
        Sentence("However, ", 0, False),
        Sentence("it rains. ", 1, True),
        Sentence("Stay in.", 2, True),
    ]


def test_a_sentence_is_released_with_the_next_word() -> None:
    splitter = SentenceSplitter()
    assert splitter.feed("It rains. ") == []
    assert [piece.text for piece in splitter.feed("S")] == ["It rains. "]
    assert splitter.feed("tay in.") == []
    assert [piece.text for piece in splitter.flush()] == ["Stay in."]


def test_flush_begins_a_new_turn() -> None:
    splitter = SentenceSplitter()
    first = [*splitter.feed("However, it rains."), *splitter.flush()]
    assert [*splitter.feed("However, it rains."), *splitter.flush()] == first
    assert splitter.flush() == []


def test_overlong_pieces_are_cut_at_a_clause_then_at_a_space_then_anywhere() -> None:
    limits = SplitterLimits(first_max_characters=10_000, first_min_characters=10_000, max_characters=40)
    assert texts("one two three four five six, seven eight nine ten eleven", limits) == [
        "one two three four five six, ",
        "seven eight nine ten eleven",
    ]
    assert texts("word " * 20, limits) == ["word " * 8, "word " * 8, "word " * 4]
    assert texts("好" * 50, limits) == ["好" * 20, "好" * 20, "好" * 10]


def test_text_without_speech_is_one_piece() -> None:
    assert texts("… 😊 !!\n") == ["… 😊 !!\n"]
    assert texts("") == []


FRAGMENTS = st.sampled_from(
    [
        *(
            "Hello",
            "U.S.",
            "Dr.",
            "e.g.",
            "No.",
            "The",
            "he",
            "3.14",
            "1.",
            "https://a.b/c?d=E",
            "a" * 70,
            "é",
            "٣",
        ),
        *(
            "你好",
            "世",
            "。",
            "！",
            "？",
            "，",
            "……",
            "”",
            "“",
            "\u200d",
            "😊",
            "**",
            "```",
            "- ",
            "—",
            "'",
            '"',
            "(",
            ")",
        ),
        *(". ", "! ", "? ", ", ", "; ", ": ", " ", "\n", "\n\n", "\r\n", "...", "?!"),
    ]
)
TEXTS = st.one_of(st.lists(FRAGMENTS, max_size=60).map("".join), st.text(max_size=300))
LIMITS = st.builds(SplitterLimits, st.integers(1, 20), st.integers(10, 60), st.integers(30, 200))


@given(TEXTS, LIMITS)
def test_pieces_concatenate_to_the_text_and_each_has_speech(text: str, limits: SplitterLimits) -> None:
    pieces = split(text, limits)
    assert "".join(piece.text for piece in pieces) == text
    assert [piece.index for piece in pieces] == list(range(len(pieces)))
    speakable = [any(character.isalnum() for character in piece.text) for piece in pieces]
    assert all(speakable) or len(pieces) == 1


@given(TEXTS, LIMITS, st.data())
def test_pieces_do_not_depend_on_how_the_stream_is_cut(
    text: str, limits: SplitterLimits, data: st.DataObject
) -> None:
    splitter = SentenceSplitter(limits)
    pieces: list[Sentence] = []
    rest = text
    while rest:
        length = data.draw(st.integers(1, len(rest)))
        pieces += splitter.feed(rest[:length])
        rest = rest[length:]
    assert [*pieces, *splitter.flush()] == split(text, limits)


@given(TEXTS, LIMITS)
def test_speech_in_a_piece_is_limited(text: str, limits: SplitterLimits) -> None:
    for piece in split(text, limits):
        letters = sum(1 + (character >= "\u2e80") for character in piece.text if character.isalnum())
        assert letters <= max(limits.max_characters, limits.first_max_characters) + 20


@pytest.mark.parametrize(
    "unit", ["word ", "好", "! ", "U.S. A", "a", "\n", "“", "a.", "x, ", "U.S. Armyyyyyyyyyyyy"]
)
def test_time_is_linear_in_the_text(unit: str) -> None:
    def cpu_seconds(characters: int) -> float:
        text = unit * (characters // len(unit))
        splitter = SentenceSplitter()
        began = time.process_time()
        for character in text:
            splitter.feed(character)
        splitter.flush()
        return time.process_time() - began

    cpu_seconds(2_000)
    short, long = cpu_seconds(10_000), cpu_seconds(80_000)
    assert long < 8 * short * 4 + 0.2

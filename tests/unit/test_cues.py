"""Emotion tags and stage directions in a text: which there are, wherever the stream was cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opentalking.core.conversation import Emotion
from opentalking.text.cues import Cues, Expressed, take_cues, text_of
from opentalking.text.emotion import EmotionTrack
from opentalking.text.splitter import Sentence, SentenceSplitter


def streamed(text: str, size: int) -> list[Expressed]:
    cues = Cues()
    parts = [part for at in range(0, len(text), size) for part in cues.feed(text[at : at + size])]
    return [*parts, *cues.flush()]


def sentences(parts: list[Expressed], default: Emotion = "neutral") -> list[Sentence]:
    splitter, track = SentenceSplitter(), EmotionTrack(default)
    found = []
    for part in parts:
        track.add(part)
        found += [track.felt(sentence) for sentence in splitter.feed(part.text)]
    return [*found, *(track.felt(sentence) for sentence in splitter.flush())]


TAGGED = [
    ("[happy] Hello there.", "Hello there.", [("Hello there.", "happy")]),
    (
        "It is late. [SAD] I am sorry. [neutral] Bye now.",
        "It is late. I am sorry. Bye now.",
        [("It is late. ", "neutral"), ("I am sorry. ", "sad"), ("Bye now.", "neutral")],
    ),
    (
        "Oh my![Surprised] Was that you?",
        "Oh my! Was that you?",
        [("Oh my! ", "neutral"), ("Was that you?", "surprised")],
    ),
    (
        "你好。[happy]很高兴见到你。",
        "你好。很高兴见到你。",
        [("你好。", "neutral"), ("很高兴见到你。", "happy")],
    ),
    ("I am so [serious] about it.", "I am so about it.", [("I am so about it.", "serious")]),
    ("[happy][sad] Two at once.", "Two at once.", [("Two at once.", "sad")]),
    ("All is said. [happy]", "All is said. ", [("All is said. ", "neutral")]),
]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(("text", "clean", "expected"), TAGGED, ids=[text for text, _, _ in TAGGED])
def test_tags_are_taken_out_and_count_from_their_sentence_on(
    text: str, clean: str, expected: list[tuple[str, str]], size: int
) -> None:
    parts = streamed(text, size)
    assert text_of(parts) == clean
    assert [(one.text, one.emotion) for one in sentences(parts)] == expected


@pytest.mark.parametrize(
    "text",
    [
        "[links] Well.",
        "[happyness] no.",
        "[ser\u0131ous] and [SER\u0130OUS] are no ASCII, nor is [\u017fad].",
        "An [open bracket",
        "[happy](https://example.org) is a link.",
        "[ ] to do, [x] done, [1] quoted, [sad",
        "[[[",
    ],
)
@pytest.mark.parametrize("size", [1, 4, 1000])
def test_other_brackets_stay(text: str, size: int) -> None:
    parts = streamed(text, size)
    assert text_of(parts) == text
    assert all(part.emotion is None for part in parts)


def test_the_default_holds_until_the_first_tag() -> None:
    found = sentences(take_cues("One is said. [happy] Two is said."), "serious")
    assert [one.emotion for one in found] == ["serious", "happy"]


DIRECTED = [
    ("(smiling warmly) Ah, a man of your word.", "Ah, a man of your word.", "happy"),
    ("(laughs) That was fun.", "That was fun.", "happy"),
    ("Well (laughs) that was fun.", "Well that was fun.", "happy"),
    ("Oh, well (chuckles softly), why not?", "Oh, well, why not?", "happy"),
    ("Well, *chuckles* I see.", "Well, I see.", "happy"),
    ("*nods* I see.", "I see.", "neutral"),
    ("*Smiles warmly and waves* Hello!", "Hello!", "happy"),
    ("*(sighs deeply)* It is over.", "It is over.", "sad"),
    ("_grins_\n\nOf course.", "Of course.", "happy"),
    ("(Laughs.) Of course.", "Of course.", "happy"),
    ("(smiling): Of course.", "Of course.", "happy"),
    ("[laughs] Of course.", "Of course.", "happy"),
    ("Hello there *waves*", "Hello there", "neutral"),
    ("Hello there (waves)", "Hello there", "neutral"),
    ("(in a soft voice) Good night.", "Good night.", "neutral"),
    ("*eyes sparkling with excitement* We won!", "We won!", "happy"),
    ("Hello there! (waves)", "Hello there! ", "neutral"),
    ("(clears her throat) Shall we begin?", "Shall we begin?", "neutral"),
    ("(takes a deep breath) Fine.", "Fine.", "neutral"),
    ("(with a warm smile) Come in.", "Come in.", "happy"),
    ("(softly) Good night.", "Good night.", "neutral"),
    ("(gasps in surprise) You came!", "You came!", "surprised"),
    ("(laughs sadly) It was mine.", "It was mine.", "sad"),
    ("(sternly) Sit down.", "Sit down.", "serious"),
    ("(smiles) [sad] I must go.", "I must go.", "sad"),
    ("(笑) 好的。", "好的。", "happy"),
    ("（微笑）好的。", "好的。", "happy"),
    ("好的（点点头），我知道了。", "好的，我知道了。", "neutral"),
    ("（轻轻叹了口气）太晚了。", "太晚了。", "sad"),
    ("*微笑着* 欢迎你。", "欢迎你。", "happy"),
    ("【惊讶地】是你吗？", "是你吗？", "surprised"),
    ("（认真地说）请听我说。", "请听我说。", "serious"),
]


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
@pytest.mark.parametrize(("text", "clean", "emotion"), DIRECTED, ids=[text for text, _, _ in DIRECTED])
def test_directions_are_taken_out_and_may_set_the_emotion(
    text: str, clean: str, emotion: str, size: int
) -> None:
    parts = streamed(text, size)
    assert text_of(parts) == clean
    assert sentences(parts)[0].emotion == emotion


CONTENT = [
    "It is far (about 3 km), I think.",
    "Dentists use it (laughing gas).",
    "That is *really* important.",
    "Fold it in *gently*.",
    "He *nods* when he agrees.",
    "Sound travels as ripples (waves) through the air.",
    "*Waves* are high today. *Smiling* helps.",
    "**Thinking** is hard. **Pause** and look.",
    "(Gently) press it down.",
    "Body language (nods, smiles) matters.",
    "I like (smiling) faces, and the words *smile*, *laugh* and *nod*.",
    "Some smile(s) and laugh(ing) is print(laughs).",
    "[laughs](https://example.org) and [1](smiles) are links.",
    "2 * 3 * 4 = 24, snake_smiles_case, *",
    "* nods and more nods\n* laughs",
    "(smiling is what people do when they are happy) is long.",
    "(smiles",
    "*sighs",
    "（笑话）很好听，（大约三公里）很远，请（轻轻地）放下。",
    "这是*很*重要的事。",
    "(and) (a) (the) (with you) (in) () ** (*) (.) (...)",
]


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize("text", CONTENT)
def test_what_is_said_stays(text: str, size: int) -> None:
    parts = streamed(text, size)
    assert text_of(parts) == text
    assert all(part.emotion is None for part in parts)


PIECES = st.sampled_from(
    [
        *(
            "(smiles)",
            "*nods*",
            "[happy]",
            "（笑）",
            "(softly)",
            "*(sighs)*",
            "[laughs]",
            "*Laughs*",
            "*微笑*",
        ),
        *(
            "(",
            ")",
            "*",
            "_",
            "[",
            "]",
            "（",
            "smiles",
            "smil",
            " ",
            "  ",
            "\n",
            ".",
            ",",
            "!",
            "…",
            ":",
            "a",
        ),
        *(
            "Well",
            "A",
            "好",
            "嗯。",
            " " * 9,
            "(about 3 km)",
            "*really*",
            "3",
            "with a smile",
            "nods.",
            "x" * 60,
        ),
    ]
)


@given(st.lists(PIECES, max_size=12).map("".join), st.data())
def test_it_does_not_matter_where_the_stream_is_cut(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=8)))
    cues = Cues()
    parts: list[Expressed] = []
    for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        parts += cues.feed(text[begin:end])
    parts += cues.flush()
    whole = take_cues(text)
    assert text_of(parts) == text_of(whole)
    assert sentences(parts) == sentences(whole)
    assert all(part.text for part in parts)


@given(st.lists(PIECES, max_size=12).map("".join))
def test_no_more_is_held_back_than_a_direction_is_long(text: str) -> None:
    cues, told = Cues(), 0
    removed = len(text) - len(text_of(take_cues(text)))
    for fed, character in enumerate(text, start=1):
        told += len(text_of(cues.feed(character)))
        assert fed - told <= removed + 80


@given(st.text(st.characters(exclude_characters="*_([（［【〔")))
def test_a_text_without_marks_is_the_same(text: str) -> None:
    assert text_of(streamed(text, 1)) == text


@pytest.mark.parametrize(
    "begun", ["Hello, wor", "(ab", "*imp", "(laughing gas is", "**b", "(waves at nobody I kn", "（大约"]
)
def test_what_cannot_become_a_cue_is_handed_on_at_once(begun: str) -> None:
    assert text_of(Cues().feed(begun)) == begun


def test_a_direction_is_handed_over_without_what_follows() -> None:
    assert text_of(Cues().feed("Oh! (laughs) Wh")) == "Oh! Wh"

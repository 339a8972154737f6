import pytest

from opentalking.core.conversation import Emotion
from opentalking.text.emotion import EmotionTags, EmotionTrack, Expressed, take_tags, text_of
from opentalking.text.splitter import Sentence, SentenceSplitter


def streamed(text: str, size: int) -> list[Expressed]:
    tags = EmotionTags()
    parts = [part for at in range(0, len(text), size) for part in tags.feed(text[at : at + size])]
    return [*parts, *tags.flush()]


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
        "[laughs] Well.",
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
    found = sentences(take_tags("One is said. [happy] Two is said."), "serious")
    assert [one.emotion for one in found] == ["serious", "happy"]


def test_text_without_brackets_is_handed_on_at_once() -> None:
    assert [part.text for part in EmotionTags().feed("Hello, wor")] == ["Hello, wor"]

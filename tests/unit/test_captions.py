"""What a live caption shows while an utterance is heard again and again."""

import pytest

from opentalking.text.captions import Caption


def test_words_on_which_two_hearings_agree_stay() -> None:
    caption = Caption()
    shown = []
    for heard in (
        "How do you marry",
        "Had he married a more",
        "Had he married a more amiable.",
        "Add he wed a more amiable woman",
    ):
        shown.append(caption.hear(heard))
    assert shown == [
        "How do you",
        "Had he married a",
        "Had he married a more",
        "Had he married a more amiable",
    ]
    assert caption.committed == "Had he married a more amiable"


def test_the_last_word_is_shown_at_a_pause_and_not_before() -> None:
    caption = Caption()
    assert caption.hear("Good mor") == "Good"
    assert caption.hear("Good morning.", to_pause=True) == "Good morning."
    assert caption.committed == "Good"
    assert caption.hear("Good morning, everybody") == "Good morning,"


def test_chinese_is_shown_by_characters() -> None:
    caption = Caption()
    assert caption.hear("今天天气和") == "今天天气"
    assert caption.hear("今天天气很好，我") == "今天天气很好，"
    assert caption.committed == "今天天气"
    assert caption.hear("今天天气很好，OK，我们去公") == "今天天气很好，OK，我们去"


@pytest.mark.parametrize(
    ("again", "shown"),
    [
        (
            "gonna be quite all right my",
            "I am going to be quite all right",
        ),  # fewer words than were committed
        ("well I am going to be quite all right my", "I am going to be quite all right"),  # more
        ("", "I am going to be quite"),
    ],
)
def test_what_is_committed_never_changes_and_what_follows_is_found(again: str, shown: str) -> None:
    caption = Caption()
    for _ in range(2):
        caption.hear("I am going to be quite all")
    assert caption.committed == "I am going to be quite"
    assert caption.hear(again) == shown


def test_long_speech_goes_on_where_it_was() -> None:
    caption = Caption()
    words = [f"word{number}" for number in range(1000)]
    for end in range(5, 1000, 5):
        shown = caption.hear(" ".join(words[:end]))
    assert shown == " ".join(words[:994])
    assert caption.committed == " ".join(words[:990])

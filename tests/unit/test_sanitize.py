import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opentalking.text.sanitize import SpeakableStream, has_speech, speakable


@pytest.mark.parametrize(
    "text",
    [
        "3 < 4 and 5 > 2",
        "I write C# and C++, not F#.",
        "my_snake_case_name = x_1",
        "2*3*4 is 24, 2**8 is 256, 5 * 3 is 15",
        "It costs $3.50, or €4, 50% off since 2024-01-02 at 10:30.",
        "AT&T and R&D",
        "Don't! “Really?” he said… twice – or thrice.",
        "Write to me@example.com about example.com.",
        "if a<b and c>d then List<String>",
        "-5 °C, ±2, 1/2, 3.14, #1, @bob, ~5 km, f(x) = y",
        "你好，世界！我喜欢Python。",
        "Ça va? Ñandú, Привет, مرحبا, नमस्ते",
        "1. First item",
        "A [note] in brackets (and parentheses).",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert speakable(text) == text


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("**Bold**, *it*, ***both***, __under__, _line_", "Bold, it, both, under, line"),
        ("**重要**的事，很*好*。", "重要的事，很好。"),
        ("**Never closed. ", "Never closed."),
        ("the end of it.**", "the end of it."),
        ("# Title\n\nText ## here", "Title. Text here"),
        ("- one\n* two.\n+ [x] three\n• four", "one. two. three. four"),
        ("> quoted\n>> twice", "quoted twice"),
        ("Above\n\n---\n\nBelow", "Above Below"),
        ("[the docs](https://a.b/c_(d)) and ![a cat](cat.png) and [this][1]", "the docs and a cat and this"),
        ("See https://www.example.com/a/b?c=d#e, or <https://foo.bar>.", "See example.com, or foo.bar."),
        ("http://user:secret@host.org:8080/x", "host.org"),
        ("Use `print(x)` now", "Use print(x) now"),
        ("Before ```py\nx = 1\n``` after", "Before after"),
        ("Before\n~~~\nx = 1\n~~~\nafter", "Before after"),
        ("```py\nnever closed", ""),
        ("| a | b |\n|---|:-:|\n| 1 | 2 |", "a, b. 1, 2"),
        ("<b>Bold</b><br>and <a href='x'>link</a><!-- hidden -->", "Bold and link"),
        ("<script>alert(1)</script>Hi", "Hi"),
        ("a &lt; b &amp;&nbsp;c &#65;", "a < b & c A"),
        ("Hi 😊 there 👨‍👩‍👧 1️⃣ ❤️ 🇩🇪!", "Hi there 1!"),
        ("zero\u200bwidth\x00 \u202eand\tspace\r\n", "zerowidth and space"),
        ("~~old~~ new\\* word[^1]", "old new* word"),
        ("Go → there ✓", "Go there"),
        ("…!? 😊", ""),
        ("", ""),
    ],
)
def test_markup_is_not_spoken(written: str, spoken: str) -> None:
    assert speakable(written) == spoken


def test_a_code_block_is_silent_across_pieces() -> None:
    stream = SpeakableStream()
    pieces = ["Look: ", "```python\n", "x = 1\n", "print(x)\n```\n", "Done. ", "Use `y`."]
    assert [stream.feed(piece) for piece in pieces] == ["Look:", "", "", "", "Done.", "Use y."]


def test_has_speech() -> None:
    assert has_speech("a")
    assert has_speech("好")
    assert not has_speech("**!** 😊 ---")
    assert not has_speech("```\ncode\n```")


@given(st.text(max_size=200))
def test_what_is_spoken_is_one_clean_line(text: str) -> None:
    spoken = speakable(text)
    assert spoken == " ".join(spoken.split())
    assert spoken == "" or any(character.isalnum() for character in spoken)
    assert spoken.isprintable()


@given(
    st.lists(st.sampled_from(["a", "7", " ", ",", ".", "好", "é", "-", "'", "?"]), max_size=40).map("".join)
)
def test_plain_words_and_numbers_survive(text: str) -> None:
    def letters(text: str) -> str:
        return "".join(character for character in text if character.isalnum())

    assert letters(speakable(text)) == letters(text)


@pytest.mark.parametrize(
    "unit", ["*a", "[", "[a](", "<b ", "`", "http://", "&a", "|", "<!--", "> ", "_a ", "**", "- "]
)
def test_hostile_markup_takes_no_time(unit: str) -> None:
    began = time.process_time()
    speakable(unit * (10_000 // len(unit)))
    assert time.process_time() - began < 1.0


@pytest.mark.parametrize("filler", [" ", "\n", "\t", " \n", "\u3000", "*", "<", "[", "http://", "&"])
def test_cleaning_takes_linear_time(filler: str) -> None:
    """Ten times the text may not take a hundred times as long: compared in one run, by CPU time."""

    def cost(length: int) -> float:
        text = f"a{filler * length}b"
        return min(_cpu_seconds(text) for _ in range(5))

    assert cost(20_000 // len(filler)) < 40 * cost(2_000 // len(filler)) + 0.002


def _cpu_seconds(text: str) -> float:
    began = time.process_time()
    speakable(text)
    return time.process_time() - began

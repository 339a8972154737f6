"""Subtitles say what was heard, when it was heard, and stop where the voice was stopped."""

import pytest

from opentalking.media.webvtt import Cue, CueWord, Subtitles

WORDS = [CueWord("Hello", 0, 300), CueWord("there", 300, 600), CueWord("friend", 600, 950)]


def spoken() -> Subtitles:
    subtitles = Subtitles()
    subtitles.begin(3_599_500, "Hello there, friend. ", 1000, WORDS)
    return subtitles


def test_a_caption_lasts_from_its_first_word_to_its_last() -> None:
    subtitles = spoken()
    assert subtitles.take() == "", "it still sounds"
    subtitles.end(3_600_500, is_cut=False)
    assert subtitles.take() == "00:59:59.500 --> 01:00:00.450\nHello there, friend.\n\n"
    assert subtitles.take() == ""


def test_the_next_caption_ends_the_one_before() -> None:
    subtitles = Subtitles()
    subtitles.begin(1000, "早上好。", 2000)
    subtitles.begin(2500, "今天天气 <很好> & 晴。", 1000, [CueWord("今天", 100, 500)])
    subtitles.begin(3100, "!", 0)
    subtitles.end(9000, is_cut=False)
    assert subtitles.take() == (
        "00:00:01.000 --> 00:00:02.500\n早上好。\n\n"
        "00:00:02.600 --> 00:00:03.000\n今天天气 &lt;很好&gt; &amp; 晴。!\n\n"
    )


@pytest.mark.parametrize(
    ("at", "block"),
    [
        (3_599_400, ""),
        (3_599_900, "00:59:59.500 --> 00:59:59.900\nHello there\n\n"),
        (3_600_449, "00:59:59.500 --> 01:00:00.449\nHello there, friend\n\n"),
    ],
)
def test_an_interrupted_caption_ends_where_it_was_cut(at: int, block: str) -> None:
    subtitles = spoken()
    subtitles.end(at, is_cut=True)
    assert subtitles.take() == block


def test_without_word_times_a_cut_caption_keeps_its_share_of_letters() -> None:
    assert Cue("One two three four", 0, 1000).until(500).text == "One two"
    assert Cue("今天天气很好啊啊", 0, 1000).until(500).text == "今天天气"


def test_line_breaks_cannot_end_a_block_early() -> None:
    assert Cue("a\n\n00:00 --> 00:01\nb", 0, 40).as_vtt().count("\n\n") == 1
    assert "--> 00:01" not in Cue("a\n\n00:00 --> 00:01\nb", 0, 40).as_vtt()

"""What surrounds the voice: cutting texts, reading aloud, alignment, and cutting the model."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opentalking.inference.alignment import (
    Phone,
    TimedSentence,
    assign_words,
    complete_words,
    phonemes_of,
    stretches,
    words_of,
)
from opentalking.inference.cuts import gap_cuts
from opentalking.inference.onnx_split import split_vits
from opentalking.inference.spoken import has_wide, is_speakable, speakable, spoken_word
from opentalking.providers.tts.clauses import clauses


@given(st.text(alphabet="ab ,.!?;'\n你，。0—", max_size=400))
def test_clauses_make_up_the_text_and_none_is_mute(text: str) -> None:
    pieces = clauses(text)
    assert "".join(pieces) == text
    if any(character.isalnum() for character in text):
        assert all(any(character.isalnum() for character in piece) for piece in pieces)


def test_short_texts_stay_whole() -> None:
    text = "The quick brown fox, as you know, jumps over the very lazy dog."
    assert clauses(text) == [text]


def test_a_long_text_is_cut_at_a_pause() -> None:
    first, *rest = clauses(
        "When the rain had stopped, we walked along the river to the old mill, where my brother lived "
        "with two cats and an old dog that nobody had ever heard bark. Then we went home."
    )
    assert first == "When the rain had stopped, we walked along the river to the old mill, "
    assert all(len(piece.split()) <= 26 for piece in rest)


def test_a_text_without_any_pause_is_cut_all_the_same() -> None:
    pieces = clauses("word " * 500)
    assert max(len(piece.split()) for piece in pieces) <= 50


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Dr. Smith met Mr. Brown.", "Dr  Smith met Mr  Brown."),
        ("The U.S. Army and J. Doe.", "The U.S  Army and J  Doe."),
        ("So do I. He left.", "So do I. He left."),
        ("It costs $25.50 today.", "It costs 25 dollars and 50 cents today."),
        ("Just $1, or £3?", "Just 1 dollar, or 3 pounds?"),
        ("€1,200.01", "1,200 euros and 1 cent"),
        ("$1.5 million", "$1.5 million"),
        ("好，yes！", " ,yes!"),
    ],
)
def test_texts_are_prepared_for_reading_aloud(text: str, spoken: str) -> None:
    assert speakable(text) == spoken


def test_one_word_is_read_as_within_a_text() -> None:
    assert spoken_word("$25.50") == "25 dollars and 50 cents"
    assert spoken_word("U.S") == "U.S"


def test_what_an_english_voice_can_speak() -> None:
    assert is_speakable("你好 ok")
    assert not is_speakable("你好")
    assert not is_speakable("...!")
    assert has_wide("a你")
    assert not has_wide("é ß")


def test_words_leave_punctuation_out_and_keep_their_offsets() -> None:
    text = '“Well,” he said — "it\'s 50% off: $3!" 你好.'
    words = words_of(text)
    assert [word.text for word in words] == ["Well", "he", "said", "it's", "50%", "off", "$3", "你", "好"]
    assert all(text[word.start : word.end] == word.text for word in words)


def phones(symbols: str, samples: int = 100) -> list[Phone]:
    return [Phone(symbol, samples) for symbol in symbols]


def test_marks_join_their_sound_and_gaps_are_no_silence() -> None:
    spans = phonemes_of(phones("^hˈoː wˌɪ, ɹ.$"))
    assert [(s.symbol, s.start, s.end) for s in spans] == [
        ("", 0, 100),
        ("h", 100, 200),
        ("oː", 200, 550),  # stress before, length after, and half of the gap
        ("w", 550, 700),
        ("ɪ", 700, 900),
        ("", 900, 1100),  # a comma with its gap is a pause
        ("ɹ", 1100, 1200),
        ("", 1200, 1400),
    ]


@given(st.lists(st.sampled_from(list("^$ˈˌː ,.aɪtʲk")), max_size=30))
def test_phonemes_cover_all_the_sound(symbols: list[str]) -> None:
    spans = phonemes_of([Phone(symbol, 10) for symbol in symbols])
    if spans:
        assert spans[-1].end == 10 * len(symbols)
        assert all(a.end == b.start for a, b in pairwise(spans))


def test_joined_reduced_and_expanded_words_find_their_sounds() -> None:
    # "of a" spoken as one, "the" reduced, a number of three spoken words.
    spoken = list("wˈʌn əvə ðɪ fˈɔːɹ tˈɛn sˈɪks")
    words = [list("wˈʌn"), list("ʌv"), list("ˈeɪ"), list("ðə"), list("fˈɔːɹ tˈɛn sˈɪks")]
    owners = assign_words(spoken, words)
    heard = ["".join(s for s, o in zip(spoken, owners, strict=True) if o == word) for word in range(5)]
    assert heard == ["wʌn", "əv", "ə", "ðɪ", "fɔɹtɛnsɪks"]


def test_words_without_sound_share_that_of_a_neighbour() -> None:
    assert complete_words(4, {1: (100, 200), 3: (300, 400)}, 500) == [
        (0, 100),
        (100, 150),
        (150, 200),
        (300, 400),
    ]
    assert complete_words(2, {}, 100) == [(0, 50), (50, 100)]


def test_stretches_are_cut_between_words_and_make_up_the_sentence() -> None:
    text = "Oh no, we go."
    words = words_of(text)
    symbols = "^oʊ noʊ, wi ɡoʊ.$"
    owners = [None, 0, 0, None, 1, 1, 1, None, None, 2, 2, None, 3, 3, 3, None, None]
    sentence = TimedSentence(phones(symbols), owners, 0, 4, 100 * len(symbols))
    pieces = stretches(sentence, words, gap_cuts(sentence, [250, 500]))
    assert [(piece.start, piece.end) for piece in pieces] == [(0, 400), (400, 900), (900, 1700)]
    assert [text[p.text_start : p.text_end if p.text_end >= 0 else None] for p in pieces] == [
        "Oh ",
        "no, ",
        "we go.",
    ]
    assert [(w.start, w.end) for w in pieces[2].words] == [(0, 200), (300, 600)]
    assert [piece.phonemes[-1].end for piece in pieces] == [400, 500, 800]
    trimmed = pieces[2].cut(50, 700)
    assert (trimmed.phonemes[0].symbol, trimmed.phonemes[0].start, trimmed.phonemes[0].end) == ("w", 0, 50)
    assert trimmed.phonemes[-1].end == 650


def test_a_model_without_durations_gives_proportional_words() -> None:
    text = "One, two three."
    sentence = TimedSentence([], [], 0, 3, 1400)
    (piece,) = stretches(sentence, words_of(text), gap_cuts(sentence, [100]))
    assert [(w.start, w.end) for w in piece.words] == [(0, 400), (400, 800), (800, 1400)]
    assert piece.phonemes == ()


def test_only_a_voice_model_is_cut_in_two() -> None:
    assert split_vits(b"") is None
    assert split_vits(b"\x08\x08\x3a\x00") is None
    with pytest.raises(ValueError, match="no protocol buffer"):
        split_vits(b"\x3a\xff\x01x")
    with pytest.raises(ValueError, match="no protocol buffer"):
        split_vits(b"\x0f")

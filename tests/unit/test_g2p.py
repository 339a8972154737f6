"""From text to the sounds of the Kokoro voices, with the real dictionaries."""

from pathlib import Path

import pytest

from opentalking.inference.engines.kokoro_model import SYMBOLS
from opentalking.inference.g2p.english import english_phonemes
from opentalking.inference.g2p.ipa import ipa
from opentalking.inference.g2p.lexicon import Lexicon
from opentalking.inference.g2p.phrase import sounds_of
from opentalking.inference.g2p.pinyin import symbols_of
from opentalking.inference.g2p.spelling import spell_out
from opentalking.providers.render.visemes import visemes_of


@pytest.fixture(scope="module")
def lexicon(models_dir: Path) -> Lexicon:
    folder = models_dir / "kokoro"
    return Lexicon(folder / "us_gold.json", folder / "us_silver.json")


def english(text: str, lexicon: Lexicon) -> str:
    return "".join(sound.symbols for sound in sounds_of(text, "en", lexicon))


def chinese(text: str, lexicon: Lexicon) -> str:
    return "".join(sound.symbols for sound in sounds_of(text, "zh", lexicon))


def test_a_plain_sentence(lexicon: Lexicon) -> None:
    assert english("Hello, how can I help you today?", lexicon) == "həlˈO, hˌW kæn ˌI hˈɛlp ju tədˈA?"


@pytest.mark.parametrize(
    ("text", "word", "sounds"),
    [
        ("I read it yesterday.", "read", "ɹˈɛd"),
        ("I will read it.", "read", "ɹˈid"),
        ("They live here.", "live", "lˈɪv"),
        ("A live show.", "live", "lˈIv"),
        ("They record it.", "record", "ɹəkˈɔɹd"),
        ("The record is old.", "record", "ɹˈɛkəɹd"),
        ("He used to go.", "used", "jˈust"),
        ("She used it.", "used", "jˈuzd"),
        ("The apple.", "The", "ði"),
        ("The pear.", "The", "ðə"),
        ("I go to Oslo.", "to", "tʊ"),
        ("I go to Rome.", "to", "tə"),
    ],
)
def test_words_that_depend_on_their_neighbours(text: str, word: str, sounds: str, lexicon: Lexicon) -> None:
    found = [
        sound.symbols for sound in sounds_of(text, "en", lexicon) if text[sound.start : sound.end] == word
    ]
    assert found[:1] == [sounds]


@pytest.mark.parametrize(
    ("word", "sounds"),
    [
        ("NASA", "nˈæsə"),
        ("FBI", "ˌɛfbˌiˈI"),
        ("GPUs", "ʤˌipˌijˈuz"),
        ("US", "jˌuˈɛs"),
        ("chatbots", "ʧˈætbˌɑts"),
        ("livestreaming", "lˈIvstɹˌimɪŋ"),
        ("emailed", "ˈimˌAld"),
        ("unclickable", "ˌʌnklˈɪkəbᵊl"),
    ],
)
def test_words_that_no_dictionary_has(word: str, sounds: str, lexicon: Lexicon) -> None:
    assert english_phonemes([word, "is"], lexicon)[0] == sounds


@pytest.mark.parametrize(
    ("word", "sounds"),
    [
        ("blate", "blˈAt"),
        ("throck", "θɹˈɑk"),
        ("phimber", "fˈɪmbəɹ"),
        ("knoo", "nˈu"),
        ("dration", "dɹˈæʃᵊn"),
        ("zibble", "zˈɪbᵊl"),
        ("", ""),
    ],
)
def test_invented_words_are_read_by_rules(word: str, sounds: str) -> None:
    assert spell_out(word) == sounds


@pytest.mark.parametrize(
    ("pinyin", "symbols"),
    [
        ("ni3", "ni↓"),
        ("zhong1", "ꭧʊ→ŋ"),
        ("shi4", "ʂɨ↘"),
        ("zi5", "ʦɨ"),
        ("qu4", "ʨʰy↘"),
        ("yuan2", "ɥɛ↗n"),
        ("yue4", "ɥe↘"),
        ("you3", "jou↓"),
        ("ying1", "i→ŋ"),
        ("wu3", "u↓"),
        ("wo3", "wo↓"),
        ("liu2", "ljou↗"),
        ("gui4", "kwei↘"),
        ("lun2", "lwə↗n"),
        ("lv4", "ly↘"),
        ("nve4", "nɥe↘"),
        ("er2", "ɚ↗"),
        ("bo1", "pwo→"),
        ("x", ""),
    ],
)
def test_pinyin(pinyin: str, symbols: str) -> None:
    assert symbols_of(pinyin) == symbols


def test_chinese_words_and_readings(lexicon: Lexicon) -> None:
    assert chinese("你好，世界。", lexicon) == "ni↓xau↓, ʂɨ↘ʨje↘."
    assert chinese("重庆银行行长", lexicon) == "ꭧʰʊ↗ŋʨʰi↘ŋ i↗nxa↗ŋxa↗ŋꭧa↓ŋ"
    assert "tɤ↗" not in chinese("他跑得很快", lexicon)


def test_latin_words_in_chinese_are_english(lexicon: Lexicon) -> None:
    text = "我用Python写API。"
    sounds = [sound for sound in sounds_of(text, "zh", lexicon) if sound.end > sound.start]
    of = {text[sound.start : sound.end]: sound.symbols for sound in sounds}
    assert of["Python"] == "pˈIθˌɑn"
    assert of["API"] == "ˌApˌiˈI"
    assert of["我"] == "wo↓"


def test_a_number_is_read_for_its_place_in_the_text(lexicon: Lexicon) -> None:
    text = "It is $25."
    owned = [sound for sound in sounds_of(text, "en", lexicon) if text[sound.start : sound.end] == "$25"]
    assert "".join(sound.symbols for sound in owned) == "twˈɛntifˈIvdˈɑləɹz"


def test_every_symbol_is_known_and_moves_the_mouth(lexicon: Lexicon) -> None:
    texts = [
        "The quick brown fox jumps over a lazy dog; she thought, this measure, choice, house, you!",
        "Judge the vision of singing birds (wow) — “yes”: a boy, oh no…",
    ]
    spoken = "".join(english(text, lexicon) for text in texts)
    spoken += chinese("绿女在学校吃四十只小熊和鱼，二月去云南，我们很快乐。", lexicon)
    assert set(spoken) <= set(SYMBOLS)
    for symbol in set(spoken):
        if symbol.isalpha() and symbol not in "ʰˈˌ":
            assert visemes_of(ipa(symbol))[0].name != "rest", symbol
    assert [shape.name for shape in visemes_of(ipa("W"))] == ["open", "round"]
    assert [shape.name for shape in visemes_of(ipa("ꭧ"))] == ["hush"]
    assert [shape.name for shape in visemes_of("y")] == ["round_close"]

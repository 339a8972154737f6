import numpy as np
import pytest

from opentalking.providers.render.visemes import PARAMETERS, VISEMES, viseme, visemes_of


def names(symbol: str) -> list[str]:
    return [shape.name for shape in visemes_of(symbol)]


@pytest.mark.parametrize("symbol", ["p", "b", "m", "pʰ", "m̩", "pʲ"])
def test_lips_close_for_labial_stops(symbol: str) -> None:
    assert names(symbol) == ["closed"]
    assert visemes_of(symbol)[0].must_close


@pytest.mark.parametrize("symbol", ["f", "v"])
def test_lower_lip_meets_the_teeth(symbol: str) -> None:
    assert names(symbol) == ["teeth_on_lip"]


@pytest.mark.parametrize(
    ("symbol", "plain"),
    [("ˈa", "a"), ("ˌɛ", "ɛ"), ("ɑː", "ɑ"), ("ˈiː", "i"), ("a˥˩", "a"), ("i5", "i"), ("ɔ̃", "ɔ")],
)
def test_stress_length_and_tone_do_not_matter(symbol: str, plain: str) -> None:
    assert names(symbol) == names(plain) != ["rest"]


@pytest.mark.parametrize("symbol", ["", " ", ",", ".", "ˈ", "1", "?", "Ø5"])
def test_silence_and_punctuation_rest(symbol: str) -> None:
    shape = visemes_of(symbol)[0]
    assert not shape.target.any()


def test_a_diphthong_moves_through_both_vowels() -> None:
    assert names("aɪ") == ["open", "relaxed_spread"]
    assert names("oʊ") == ["round"]
    assert names("uaŋ") == ["round_close", "open", "back"]


@pytest.mark.parametrize("symbol", ["tʃ", "dʒ", "ʈʂ", "zh", "sh"])
def test_affricates_are_one_shape(symbol: str) -> None:
    assert names(symbol) == ["hush"]


ENGLISH = "p b t d k ɡ f v θ ð s z ʃ ʒ h m n ŋ l ɹ w j ɾ ʔ i ɪ e ɛ æ a ɑ ɒ ɔ o ʊ u ʌ ɐ ə ɚ ɜ ɝ tʃ dʒ"
MANDARIN = (
    "p t k ts tɕ ʈʂ f s ɕ ʂ x χ m n ŋ l ɻ ʐ y ɤ o u i ɨ ɛ ə a ɑ zh ch sh b d g j q r z c w ang eng ong iao üe"
)


@pytest.mark.parametrize("symbol", [*ENGLISH.split(), *MANDARIN.split()])
def test_every_sound_of_both_languages_moves_the_mouth(symbol: str) -> None:
    assert all(shape.target.any() for shape in visemes_of(symbol))


def test_vowels_differ_where_it_shows() -> None:
    jaw, wide, pucker = (PARAMETERS.index(name) for name in ("jaw", "wide", "pucker"))
    open_, spread, rounded = (visemes_of(symbol)[0].target for symbol in ("ɑ", "i", "u"))
    assert open_[jaw] > 2 * spread[jaw]
    assert spread[wide] > open_[wide] + 0.4
    assert rounded[pucker] > 0.6 > spread[pucker]


def test_targets_are_in_range() -> None:
    for name in VISEMES:
        target = viseme(name).target
        assert target.shape == (len(PARAMETERS),)
        assert target.dtype == np.float32
        assert target.min() >= 0
        assert target.max() <= 1

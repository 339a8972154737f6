"""Han characters to the phonemes of Kokoro's Chinese voices."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import rjieba
from pypinyin import Style, lazy_pinyin

from opentalking.inference.g2p.pinyin import symbols_of

_PARTICLES = {"uj": "de5", "uv": "de5", "ud": "de5", "ul": "le5", "uz": "zhe5"}
"""Syllables of structural particles, by the part of speech that the segmenter finds."""
_AFTER_GETTING = frozenset("了到出分奖")
_PARTICLE_CHARACTERS = frozenset("的地得了着")


@dataclass(frozen=True, slots=True)
class Syllable:
    """One character's symbols; `ends_word`: a word ends with it."""

    symbols: str
    ends_word: bool


def mandarin_syllables(text: str) -> list[Syllable]:
    """The sound of each character of `text` (Han characters only), in order."""
    tagged = rjieba.tag(text)
    following = [word for word, _ in tagged[1:]] + [""]
    return [
        syllable
        for (word, part), after in zip(tagged, following, strict=True)
        for syllable in _word(word, part, after)
    ]


def _word(word: str, part: str, after: str) -> list[Syllable]:
    pinyin: Sequence[str]
    if word == "得" and after[:1] in _AFTER_GETTING:
        pinyin = ["de2"]
    elif word in _PARTICLE_CHARACTERS and part in _PARTICLES:
        pinyin = [_PARTICLES[part]]
    else:
        pinyin = lazy_pinyin(word, style=Style.TONE3, neutral_tone_with_five=True, errors=_one_by_one)
    return [Syllable(symbols_of(sound), at == len(pinyin)) for at, sound in enumerate(pinyin, 1)]


def _one_by_one(unknown: str) -> Any:
    """Keeps a place for each character that has no reading."""
    return list(unknown)

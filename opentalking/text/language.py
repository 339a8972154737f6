"""Which language a text is in, of those that the local voices speak."""

import re
from typing import Literal

Language = Literal["en", "zh"]

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff〇\U00020000-\U0003ffff]")
_LATIN_WORD = re.compile(r"[A-Za-zÀ-ɏ]+(?:['’][A-Za-z]+)*")


def is_han(character: str) -> bool:
    """Whether a character is a Han ideograph."""
    return _HAN.match(character) is not None


def has_han(text: str) -> bool:
    """Whether `text` holds a Han ideograph."""
    return _HAN.search(text) is not None


def is_chinese_or_latin(text: str) -> bool:
    """Whether all letters of `text` are Han ideographs or Latin ones."""
    return all(character < "\u0250" or is_han(character) for character in text if character.isalpha())


def language_of(text: str) -> Language:
    """The language that most of `text` is in: Han characters against Latin words; digits decide nothing."""
    han = len(_HAN.findall(text))
    return "zh" if han and han >= len(_LATIN_WORD.findall(text)) else "en"

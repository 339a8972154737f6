"""Which language a text is in, of those that the local voices speak."""

import re
import unicodedata
from typing import Literal

from opentalking.text.narrow import LONE_GREEK

Language = Literal["en", "zh"]

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff〇\U00020000-\U0003ffff]")
_LATIN_WORD = re.compile(r"[A-Za-zÀ-ɏ]+(?:['’][A-Za-z]+)*")


_LONE_GREEK = re.compile(LONE_GREEK)
_CHINESE_MARK = re.compile("[，。！？；：、（）「」《》％￥]")


def is_han(character: str) -> bool:
    """Whether a character is a Han ideograph."""
    return _HAN.match(character) is not None


def has_han(text: str) -> bool:
    """Whether `text` holds a Han ideograph."""
    return _HAN.search(text) is not None


def is_chinese_or_latin(text: str) -> bool:
    """Whether all letters of `text` are Han ideographs or Latin ones, accented, wide or narrow.

    Greek letters that stand alone have names in both languages.
    """
    return all(map(_is_known, _LONE_GREEK.sub("", text)))


def mostly_known(text: str) -> str:
    """`text` without its letters of other scripts; "" if those prevail."""
    letters = [character for character in text if character.isalpha()]
    foreign = sum(not _is_known(character) for character in letters)
    return "".join(filter(_is_known, text)) if 2 * foreign < len(letters) else ""


def _is_known(character: str) -> bool:
    if character < "\u0250" or not character.isalpha() or is_han(character):
        return True
    return unicodedata.normalize("NFKD", character)[0] < "\u0250"


def language_of(text: str) -> Language:
    """The language that most of `text` is in: Han characters against Latin words; digits decide nothing.

    Without either, Chinese punctuation tells ("42。").
    """
    han, latin = len(_HAN.findall(text)), len(_LATIN_WORD.findall(text))
    if not han and not latin:
        return "zh" if _CHINESE_MARK.search(text) else "en"
    return "zh" if han and han >= latin else "en"

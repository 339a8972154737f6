"""Finding a recogniser that has got stuck: the same words over and over."""

import re

_MOST_REPEATS = 4
_MOST_LONG_REPEATS = 2
_LONG_UNIT_WORDS = 4
"""Nobody says four words or more three times in a row."""
_LONGEST_UNIT_WORDS = 12
_FASTEST = 20.0
"""Letters a second: readers reach 15, hurried speakers 18."""
_HAN_LETTERS = 3
_STUCK = re.compile(r"([^\W\d])\1{7,}")
"""One letter over and over; in digits that may be a number."""
_WORD = re.compile(r"[\u3400-\u9fff\u3040-\u30ff]|[^\s\u3400-\u9fff\u3040-\u30ff]+")
_IS_HAN = re.compile(r"[\u3400-\u9fff\u3040-\u30ff]")


def without_loops(text: str) -> str:
    """`text` up to the first run of words that comes more than four times in a row; that run stays once.

    Four words or more are such a run when they come three times.

    A word with one letter more than seven times in a row, and what follows, is left out.
    """
    if stuck := _STUCK.search(text):
        text = text[: stuck.start()].rpartition(" ")[0]
    found = list(_WORD.finditer(text))
    words = [_plain(match[0]) for match in found]
    for start in range(len(words)):
        for unit in range(1, _LONGEST_UNIT_WORDS + 1):
            most = _MOST_REPEATS if unit < _LONG_UNIT_WORDS else _MOST_LONG_REPEATS
            if _repeats(words, start, unit) > most:
                return text[: found[start + unit - 1].end()]
    return text


def said_once(text: str, seconds: float) -> str:
    """`text` without what says its beginning again, if nobody could have said so much in `seconds` of speech.

    A recogniser that has room left behind the speech fills it with what it has just heard. At least four
    words come again, or begin to, or fewer come three times.
    """
    found = list(_WORD.finditer(text))
    words = [_plain(match[0]) for match in found]
    if _letters(words) <= _FASTEST * seconds:
        return text
    for unit in range(1, len(words)):
        if _goes_on_with_itself(words, unit):
            return text[: found[unit].start()].rstrip()
    return text


def _goes_on_with_itself(words: list[str], unit: int) -> bool:
    again, rest = words[: len(words) - unit], words[unit:]
    is_enough = len(rest) >= _LONG_UNIT_WORDS if unit >= _LONG_UNIT_WORDS else len(rest) >= 2 * unit
    return is_enough and rest[:-1] == again[:-1] and again[-1].startswith(rest[-1])


def _plain(word: str) -> str:
    return word.strip(",.!?，。！？").casefold()


def _letters(words: list[str]) -> int:
    """How long words take, in letters of English."""
    return sum(_HAN_LETTERS if _IS_HAN.match(word) else len(word) + 1 for word in words)


def _repeats(words: list[str], start: int, unit: int) -> int:
    first = words[start : start + unit]
    count = 1
    while words[start + count * unit : start + (count + 1) * unit] == first:
        count += 1
    return count

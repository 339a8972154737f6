"""Finding a recogniser that has got stuck: the same words over and over."""

import re

_MOST_REPEATS = 4
_MOST_LONG_REPEATS = 2
_LONG_UNIT_WORDS = 4
"""Nobody says four words or more three times in a row."""
_LONGEST_UNIT_WORDS = 12
_STUCK = re.compile(r"([^\W\d])\1{7,}")
"""One letter over and over; in digits that may be a number."""
_WORD = re.compile(r"[\u3400-\u9fff\u3040-\u30ff]|[^\s\u3400-\u9fff\u3040-\u30ff]+")


def without_loops(text: str) -> str:
    """`text` up to the first run of words that comes more than four times in a row; that run stays once.

    Four words or more are such a run when they come three times.

    A word with one letter more than seven times in a row, and what follows, is left out.
    """
    if stuck := _STUCK.search(text):
        text = text[: stuck.start()].rpartition(" ")[0]
    found = list(_WORD.finditer(text))
    words = [match[0].strip(",.!?，。！？").casefold() for match in found]
    for start in range(len(words)):
        for unit in range(1, _LONGEST_UNIT_WORDS + 1):
            most = _MOST_REPEATS if unit < _LONG_UNIT_WORDS else _MOST_LONG_REPEATS
            if _repeats(words, start, unit) > most:
                return text[: found[start + unit - 1].end()]
    return text


def _repeats(words: list[str], start: int, unit: int) -> int:
    first = words[start : start + unit]
    count = 1
    while words[start + count * unit : start + (count + 1) * unit] == first:
        count += 1
    return count

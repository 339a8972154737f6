"""Pieces of a long text, so that an engine which plans whole sentences starts early and stays small."""

import re

_WORD = re.compile(r"\S{1,200}")
_MIN_WORDS, _MAX_WORDS, _ANYWHERE_WORDS = 8, 24, 48
_PAUSE = re.compile(r"[,;:.!?…—–，。！？；：][\"'”’)\]]*$")
_SENTENCE_END = re.compile(r"[.!?…。！？][\"'”’)\]]*$")


def clauses(text: str) -> list[str]:
    """Split `text` into pieces whose concatenation is `text`; each holds a letter or digit if `text` does.

    Up to 26 words stay together, with one plan of their timing. Longer texts become pieces of up
    to 24 words that end after the last sentence end within reach, else after the last other
    punctuation, else (after 48 words) between any two words.
    """
    words = list(_WORD.finditer(text))
    cuts: list[int] = []
    first = 0
    while size := _piece_words([match[0] for match in words[first : first + _ANYWHERE_WORDS + 1]]):
        first += size
        cuts.append(words[first].start())
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    return _merge_silent(pieces)


def _piece_words(words: list[str]) -> int | None:
    """How many of `words` the next piece takes; None: all of them."""
    if len(words) <= _MAX_WORDS + 2:
        return None
    if (size := _pause_within(words, _MIN_WORDS, _MAX_WORDS)) is not None:
        return size
    beyond = range(_MAX_WORDS + 1, len(words) - 1)
    found = next((size for size in beyond if _PAUSE.search(words[size - 1])), None)
    return found or (_ANYWHERE_WORDS if len(words) > _ANYWHERE_WORDS else None)


def _pause_within(words: list[str], shortest: int, longest: int) -> int | None:
    reach = range(shortest, min(longest, len(words) - 2) + 1)
    for mark in (_SENTENCE_END, _PAUSE):
        ends = [size for size in reach if mark.search(words[size - 1])]
        if ends:
            return ends[-1]
    return None


def _merge_silent(pieces: list[str]) -> list[str]:
    merged: list[str] = []
    for piece in pieces:
        if merged and not (_has_sound(piece) and _has_sound(merged[-1])):
            merged[-1] += piece
        else:
            merged.append(piece)
    return merged


def _has_sound(piece: str) -> bool:
    return any(character.isalnum() for character in piece)

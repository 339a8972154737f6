"""What a voice reads in place of what is written."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spoken:
    """`text` (words, or one mark of punctuation) is read for the characters `start` to `end`."""

    text: str
    start: int
    end: int


Reader = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]
"""A pattern, and the words for what it matches ("": nothing is read)."""


def read_with(readers: Sequence[Reader], text: str) -> Iterator[Spoken]:
    """`text` from left to right, each place by the first of `readers` that matches; others are mute."""
    at = 0
    while at < len(text):
        found = _read_at(readers, text, at)
        if found is None:
            at += 1
            continue
        words, end = found
        if words:
            yield Spoken(words, at, end)
        at = end


def _read_at(readers: Sequence[Reader], text: str, at: int) -> tuple[str, int] | None:
    for pattern, reader in readers:
        if (match := pattern.match(text, at)) is not None and match.end() > at:
            return reader(match), match.end()
    return None

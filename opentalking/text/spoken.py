"""What a voice reads in place of what is written."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spoken:
    """`text` (words, or one mark of punctuation) is read for the characters `start` to `end`."""

    text: str
    start: int
    end: int

"""A text as the sounds that a Kokoro voice speaks, each with its place in the text."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from opentalking.inference.g2p.english import english_phonemes
from opentalking.inference.g2p.lexicon import Lexicon
from opentalking.text.chinese_reading import read_chinese
from opentalking.text.english_reading import read_english
from opentalking.text.language import Language, is_han
from opentalking.text.spoken import Spoken

_CLOSERS = frozenset(',.!?;:—…"”)')
_OPENERS = frozenset("“(")
_WORD_MAX_SYMBOLS = 60  # what somebody typed by leaning on a key is cut like words
_PIECE = re.compile(r"[\u3400-\u9fff\uf900-\ufaff〇\U00020000-\U0003ffff]+|[^\W\d_]+(?:'[^\W\d_]+)*|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Sound:
    """Symbols that are spoken for the characters `start` to `end`; a pause or a gap has `start == end`."""

    symbols: str
    start: int
    end: int


def sounds_of(text: str, language: Language, lexicon: Lexicon) -> list[Sound]:
    """What a voice speaks of `text`; numbers are read in `language`.

    Words are parted by gaps (" "); a mark stands behind its word and before a gap.
    """
    spoken = read_chinese(text) if language == "zh" else read_english(text)
    pieces = [piece for item in spoken for piece in _pieces(item)]
    words: list[list[Sound]] = []
    for han, group in groupby(pieces, lambda piece: is_han(piece.text[0])):
        run = list(group)
        words += _chinese(run) if han else _english(run, lexicon)
    return _joined(words)


def _pieces(item: Spoken) -> Iterator[Spoken]:
    """Runs of Han characters, words and marks of what is read for one place of the text."""
    for match in _PIECE.finditer(item.text):
        if len(item.text) == item.end - item.start:  # as written, so every character has its place
            yield Spoken(match[0], item.start + match.start(), item.start + match.end())
        else:
            yield Spoken(match[0], item.start, item.end)


def _english(pieces: Sequence[Spoken], lexicon: Lexicon) -> Iterator[list[Sound]]:
    words = [piece.text for piece in pieces]
    for piece, symbols in zip(pieces, english_phonemes(words, lexicon), strict=True):
        for part in symbols.split():
            for at in range(0, len(part), _WORD_MAX_SYMBOLS):
                yield [Sound(part[at : at + _WORD_MAX_SYMBOLS], piece.start, piece.end)]


def _chinese(pieces: Sequence[Spoken]) -> Iterator[list[Sound]]:
    from opentalking.inference.g2p.mandarin import mandarin_syllables  # noqa: PLC0415 - loads dictionaries

    places = [place for piece in pieces for place in _places(piece)]
    word: list[Sound] = []
    syllables = mandarin_syllables("".join(piece.text for piece in pieces))
    for (start, end), syllable in zip(places, syllables, strict=True):
        if syllable.symbols:
            word.append(Sound(syllable.symbols, start, end))
        if syllable.ends_word and word:
            yield word
            word = []


def _places(piece: Spoken) -> list[tuple[int, int]]:
    """Where each character of a piece is written."""
    if len(piece.text) == piece.end - piece.start:
        return [(at, at + 1) for at in range(piece.start, piece.end)]
    return [(piece.start, piece.end)] * len(piece.text)


def _joined(words: Sequence[list[Sound]]) -> list[Sound]:
    sounds: list[Sound] = []
    is_open = True  # nothing is wanted between what is there and the next word
    for word in words:
        first = word[0]
        if first.symbols in _CLOSERS:
            if sounds:
                sounds.append(Sound(first.symbols, first.end, first.end))
            continue
        if not is_open:
            sounds.append(Sound(" ", first.start, first.start))
        is_open = first.symbols in _OPENERS
        sounds += [Sound(first.symbols, first.start, first.start)] if is_open else word
    return sounds

"""English words to the phonemes of Kokoro's American voices."""

import unicodedata
from collections.abc import Sequence

from opentalking.inference.g2p.lexicon import Lexicon, restressed
from opentalking.inference.g2p.spelling import VOWELS
from opentalking.inference.g2p.tags import tag_of

_MARKS = frozenset(',.!?;:—…"()“”')
_PAUSES = frozenset(",.!?;:—…")
_STRESS = frozenset("ˈˌ")
# The voice was trained with a letter of its own for the flap, and without the glottal stop.
_SPELLING = str.maketrans({"ɾ": "T", "ʔ": "t"})
_ACRONYM_LONGEST = 4
_SPELLED = frozenset(
    ["IT", "US", "AI", "PC", "TV", "UK", "EU", "UN", "ID", "IP", "OS", "PM", "AM", "HR", "PR", "CEO", "API"]
)
_ALWAYS_WEAK = {"a": "ɐ", "an": "ɐn"}


def english_phonemes(words: Sequence[str], lexicon: Lexicon) -> list[str]:
    """Phonemes of each of `words` (marks of punctuation are words of their own and stay as they are)."""
    lowered = [word.lower() for word in words]
    sounds = [""] * len(words)
    following = ""  # the sounds that come next, "" for a pause
    for at in range(len(words) - 1, -1, -1):
        word = words[at]
        if word in _MARKS:
            sounds[at] = word
            following = "" if word in _PAUSES else following
            continue
        sounds[at] = _word(word, lowered, at, following, lexicon).translate(_SPELLING)
        following = sounds[at] or following
    return sounds


def _word(word: str, lowered: Sequence[str], at: int, following: str, lexicon: Lexicon) -> str:
    is_last = not following
    if (weak := _function_word(word, following, lexicon)) is not None:
        return weak
    if len(word) == 1 and word.isalpha() and word.isascii():
        return lexicon.letters(word)
    if _is_acronym(word, lexicon):
        return lexicon.letters(word)
    plain = _unaccented(word)
    sounds = lexicon.known(plain, tag_of(lowered, at), is_last=is_last)
    if sounds is None:
        sounds = lexicon.unknown(plain)
    return sounds if not is_last else restressed(sounds, "ˌ")


def _function_word(word: str, following: str, lexicon: Lexicon) -> str | None:
    """Words that are spoken weakly within a phrase."""
    lower = word.lower()
    if word == "I":
        return "ˌI"
    if lower in _ALWAYS_WEAK and (following or word != "A"):
        return _ALWAYS_WEAK[lower]
    if not following:
        return {"to": lexicon.known("to"), "in": "ˈɪn", "the": "ði"}.get(lower)
    before_vowel = _first_sound(following) in VOWELS
    weak = {"the": "ði", "to": "tʊ"} if before_vowel else {"the": "ðə", "to": "tə"}
    if word != "AM":
        weak["am"] = "ɐm"
    return (weak | {"in": "ɪn"}).get(lower)


def _first_sound(sounds: str) -> str:
    return next((sound for sound in sounds if sound not in _STRESS), "")


def _is_acronym(word: str, lexicon: Lexicon) -> bool:
    """Whether a short word in capitals is spelled, and neither a known word ("NASA") nor shouted."""
    if not (word.isascii() and word.isalpha() and word.isupper() and 1 < len(word) <= _ACRONYM_LONGEST):
        return False
    return word in _SPELLED or not (lexicon.has(word) or lexicon.has(word.lower()))


def _unaccented(word: str) -> str:
    """ "café" → "cafe"."""
    split = unicodedata.normalize("NFD", word)
    return "".join(character for character in split if unicodedata.category(character) != "Mn")

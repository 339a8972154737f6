"""What kind of word an English word is likely to be, from its neighbours: enough to tell heteronyms apart.

The tags are those of the lexicon: NOUN, VERB, ADJ, VBD (past), VBN (participle), DT. Pure functions.
"""

from collections.abc import Sequence


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_MODALS = _words(
    "to will would can could may might must shall should do does did don't doesn't didn't won't can't "
    "couldn't wouldn't shouldn't let's please i'll you'll we'll they'll he'll she'll it'll"
)
_SUBJECTS = _words("i you we they he she it who that this these those people everyone")
_SINGULAR = _words("he she it")
_DETERMINERS = _words(
    "a an the my your his her its our their these those some any no every each another which what whose "
    "first second third last next new old good bad great of in on with for at from by"
)
_HAVE = _words("have has had i've you've we've they've having be been being is are was were am get got gets")
_PAST_SIGNS = _words("yesterday ago last once earlier previously already")
_ADVERBS = _words(
    "not never always also just often really still ever already only even quickly usually sometimes"
)
_OBJECTS = _words("me us him them")
_FUNCTION = _HAVE | _MODALS | _ADVERBS | _words("and or but if when while because so than as")


def tag_of(words: Sequence[str], at: int) -> str:
    """The tag of `words[at]` (lower case, punctuation as words of their own), "" when nothing tells."""
    before = _word_before(words, at)
    after = words[at + 1] if at + 1 < len(words) else ""
    if words[at] == "that":
        return "DT" if _is_pause(after) else ""
    if words[at] == "used":
        return "VBD" if after == "to" and before not in _words("is are was were be been get") else ""
    return _by_word_before(before, after, is_past=not _PAST_SIGNS.isdisjoint(words))


def _by_word_before(before: str, after: str, *, is_past: bool) -> str:
    tag = ""
    if before in _HAVE:
        tag = "VBN"
    elif before in _MODALS:
        tag = "VERB"
    elif before in _DETERMINERS:
        tag = "ADJ" if _is_noun_like(after) else "NOUN"
    elif before in _SUBJECTS:
        tag = "VBD" if is_past or before in _SINGULAR else "VERB"
    elif after in _OBJECTS or (_is_pause(before) and after in _DETERMINERS):
        tag = "VERB"
    return tag


def _word_before(words: Sequence[str], at: int) -> str:
    place = at - 1
    while place > 0 and words[place] in _ADVERBS:
        place -= 1
    return words[place] if place >= 0 else ""


def _is_pause(word: str) -> bool:
    return not any(character.isalnum() for character in word)


def _is_noun_like(word: str) -> bool:
    return word[:1].isalpha() and word not in _DETERMINERS and word not in _FUNCTION

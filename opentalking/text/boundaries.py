"""Where a sentence ends: the verdict on one gap between two words, for English and Chinese.

A gap is the run of characters without speech (punctuation, spaces, emoji) between two
speakable characters. The verdict depends on the token before the gap, the gap itself, and the first
character after it (rarely the whole next word), so a stream can be judged as it arrives.
"""

import re
from enum import Enum


class Boundary(Enum):
    """What a gap means for the piece of text before it."""

    NONE = "none"
    CLAUSE = "clause"
    SENTENCE = "sentence"
    NEXT_WORD_DECIDES = "next_word_decides"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TITLES = _words(
    "mr mrs ms mx dr prof st mt ft gen col maj lt sgt capt cmdr adm rev hon sen rep gov pres messrs"
)
_NEVER_LAST = frozenset(["e.g", "eg", "i.e", "ie", "cf", "vs", "viz", "approx", "ca"])
_BEFORE_NUMBER = _words("no nos nr fig figs vol vols ch eq sec art pp p para ver v ext tel op")
_SOMETIMES_LAST = _words(
    "etc inc ltd co corp llc jr sr bros ave blvd rd ph.d al dept Jan Feb Mar Apr Jun Jul Aug Sep Sept "
    "Oct Nov Dec Mon Tue Tues Wed Thu Thur Thurs Fri Sat Sun"
)
_STARTERS = _words(
    "A After All Also Although An And Another Any As At Because Before Both But By Can Could Did Do "
    "Does Each Even Every For From Had Has Have He Her Here His How However I If In Instead Is It Its "
    "Just Let Many Maybe Most My Next No Not Now Of On Once One Or Other Our Perhaps Please She Should "
    "So Some Still Such Sure Thank Thanks That The Their Then There These They This Those Though Thus "
    "To Today Unfortunately Was We Well Were What When Where Whether Which While Who Why Will With "
    "Would Yes Yet You Your"
)
_INITIALS = re.compile(r"(?:[A-Za-z]\.)*[A-Za-z]")
_LIST_MARKER = re.compile(r"(?:\d{1,3}|[A-Za-z]|[ivxIVX]{1,5})")
_SENTENCE_END = re.compile(r"[.!?‽。！？｡；…\n]+")
_FULL_WIDTH_END = frozenset("。！？｡；")
_QUESTION_END = frozenset("!?‽")
_SPACED_CLAUSE = frozenset(",;:")
_FULL_WIDTH_CLAUSE = frozenset("，、：﹐﹑﹔")
_DASHES = frozenset("—–")
_OPENERS = "“‘「『（(《〈【[{«"
_CLOSERS = frozenset("\"'”’」』）)》〉】]}»")
_OPENING_MARKS = "\"'*_`~" + _OPENERS


def is_wide(character: str) -> bool:
    """Whether a character fills a full-width cell (CJK, kana, Hangul): it carries about two Latin letters."""
    return (
        "\u2e80" <= character <= "\u9fff"
        or "\uac00" <= character <= "\ud7af"
        or "\uf900" <= character <= "\ufaff"
        or "\uff66" <= character <= "\uff9f"
        or "\U00020000" <= character <= "\U0003ffff"
    )


def starts_sentence(word: str) -> bool:
    """Whether a capitalised word after an ambiguous abbreviation ("U.S.", "p.m.") begins a new sentence."""
    return word in _STARTERS


def judge(token: str, gap: str, following: str, *, opens_line: bool) -> Boundary:
    """Judge the gap between `token` (text since the last space) and the character `following`.

    `opens_line` says that the token is the first word of its line, where "1." is a list marker.
    """
    if "\n" in gap or not _FULL_WIDTH_END.isdisjoint(gap):
        return Boundary.SENTENCE
    ends = list(_SENTENCE_END.finditer(gap))
    if not ends:
        return Boundary.CLAUSE if _is_clause_gap(token, gap, following) else Boundary.NONE
    mark, tail = ends[-1].group(), gap[ends[-1].end() :]
    if not (_SPACED_CLAUSE | _FULL_WIDTH_CLAUSE).isdisjoint(tail):
        return Boundary.CLAUSE
    if not any(character.isspace() for character in tail):
        return _judge_unspaced(token, mark, following)
    if mark != "." or _closes_quote(tail):
        return _judge_mark(mark, tail, following)
    return _judge_full_stop(token, following, opens_line)


def cut_offset(gap: str) -> int:
    """Where in a boundary gap the next piece begins: after closers and spaces, before openers and bullets."""
    newline = gap.rfind("\n")
    if newline >= 0:
        return newline + 1
    for offset in range(len(gap), 0, -1):
        if gap[offset - 1].isspace():
            return offset
    opener = next((offset for offset, character in enumerate(gap) if character in _OPENERS), len(gap))
    return opener or len(gap)


def _is_clause_gap(token: str, gap: str, following: str) -> bool:
    if not _FULL_WIDTH_CLAUSE.isdisjoint(gap) or "--" in gap or " - " in gap:
        return True
    if not _DASHES.isdisjoint(gap):
        return not (token[-1:].isdigit() and following.isdigit())
    spaced = any(character.isspace() for character in gap)
    return (spaced or is_wide(following)) and not _SPACED_CLAUSE.isdisjoint(gap)


def _closes_quote(tail: str) -> bool:
    return tail[0] in _CLOSERS


def _judge_unspaced(token: str, mark: str, following: str) -> Boundary:
    """A mark with a word right behind it: a decimal, a host, an URL's query, or a forgotten space."""
    if "://" in token or token.startswith("www."):
        return Boundary.NONE
    if is_wide(following):
        stutters = mark[-1] in ".…" and len(token) < 2
        decimal = mark == "." and token[-1:].isdigit()
        return Boundary.NONE if decimal or stutters else Boundary.SENTENCE
    if mark[-1] in _QUESTION_END and following.isupper():
        return Boundary.SENTENCE
    return Boundary.NONE


def _judge_mark(mark: str, tail: str, following: str) -> Boundary:
    """`!`, `?`, an ellipsis, or any mark inside a closing quote, with a space behind it."""
    goes_on = following.islower() and (mark[-1] in ".…" or _closes_quote(tail))
    return Boundary.CLAUSE if goes_on else Boundary.SENTENCE


def _judge_full_stop(token: str, following: str, opens_line: bool) -> Boundary:
    word = token.lstrip(_OPENING_MARKS)
    lowered = word.lower()
    if opens_line and _LIST_MARKER.fullmatch(word):
        return Boundary.NONE
    if lowered in _NEVER_LAST or (lowered in _TITLES and word[:1].isupper()):
        return Boundary.NONE
    if lowered in _BEFORE_NUMBER and following.isdigit():
        return Boundary.NONE
    if not {word, lowered}.isdisjoint(_SOMETIMES_LAST) or (word != "I" and _INITIALS.fullmatch(word)):
        return Boundary.NEXT_WORD_DECIDES if following.isupper() else Boundary.NONE
    return Boundary.SENTENCE

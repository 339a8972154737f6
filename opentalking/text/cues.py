"""Cues in a text: emotion tags such as `[happy]`, and stage directions such as "(smiles)" or "*nods*".

They are taken out of the stream, and the emotions that they name are remembered for what follows.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import NamedTuple

from opentalking.core.conversation import EMOTIONS, Emotion
from opentalking.text.directions import MAX_CHARACTERS, Direction, direction, may_become_direction

_NAMES = {name.casefold(): name for name in EMOTIONS}
_TAG = re.compile(rf"\[({'|'.join(EMOTIONS)})\](?!\()", re.IGNORECASE | re.ASCII)
_OPENER = re.compile(r"[*_(\[（［【〔]")
_BODY = rf"[^()\[\]（）［］【】〔〕\n]{{0,{MAX_CHARACTERS}}}"
_BRACKETED = re.compile(rf"(?P<mark>[*_]{{0,3}})[(\[（［【〔](?P<body>{_BODY})[)\]）］】〕](?P=mark)")
_STARRED = re.compile(r"(?P<mark>[*_])(?P<body>[^\s*_()\[\]][^*_()\[\]\n]*)(?P=mark)(?![*_\w])")
_BEGUN = re.compile(rf"[*_]{{0,3}}(?:[(\[（［【〔](?P<body>{_BODY})[)\]）］】〕]?[*_]{{0,3}})?")
_STAR_BEGUN = re.compile(rf"[*_](?P<body>[^*_()\[\]\n]{{0,{MAX_CHARACTERS}}})[*_]?")
_BLANKS = " \t"
_MOST_BLANKS = 8
"""So many are looked over to see what follows, and held back where a cue may make them superfluous."""
_CLOSING = frozenset(".,!?;:…\n。，！？；：、")
_MARKS = ".,!;:…。，！；："


@dataclass(frozen=True, slots=True)
class Expressed:
    """A part of a text without cues; an `emotion` holds from its first character on."""

    text: str
    emotion: Emotion | None = None


class _Found(NamedTuple):
    """A cue: how long it is and what it sets."""

    length: int
    emotion: Emotion | None
    is_direction: bool


class _Open(Enum):
    """What may begin a cue: it is none, or what follows has to be waited for."""

    NO_CUE = 0
    UNSURE = 1


class Cues:
    """Takes the cues out of one streamed text, wherever the stream was cut.

    Other brackets and emphasised words stay as they are, and so does the text of a link. A cue takes
    the spaces around it along where they would be too many. At most `MAX_CHARACTERS` and a few are held back.
    """

    def __init__(self) -> None:
        self._held = ""
        self._told = _Told()

    def feed(self, delta: str) -> list[Expressed]:
        """The next part of the stream; what may still become a cue is held back."""
        return self._parts(self._held + delta, is_last=False)

    def flush(self) -> list[Expressed]:
        """The stream has ended: what was held back."""
        return [*self._parts(self._held, is_last=True), *self._told.rest()]

    def _parts(self, text: str, *, is_last: bool) -> list[Expressed]:
        parts: list[Expressed] = []
        self._held = ""
        told = looked = 0
        while opener := _OPENER.search(text, looked):
            self._told.tell(text[told : opener.start()], parts)
            told = opener.start()
            found = self._judge(text[told:], is_last=is_last)
            if found is _Open.UNSURE:
                self._held = text[told:]
                return parts
            if isinstance(found, _Found):
                self._told.cue(found)
                told += found.length
            looked = max(told, opener.end())
        self._told.tell(text[told:], parts)
        return parts

    def _judge(self, rest: str, *, is_last: bool) -> _Found | _Open:
        """What stands at the begin of `rest`, behind what was told."""
        if tag := _TAG.match(rest):
            waits = tag.end() == len(rest) and not is_last
            return _Open.UNSURE if waits else _Found(tag.end(), _NAMES[tag[1].casefold()], False)
        if not is_last and any(f"[{name}]".startswith(rest.casefold()) for name in _NAMES):
            return _Open.UNSURE
        if self._told.touches_word and rest[0].isascii():
            return _Open.NO_CUE
        may_be_starred = self._told.last not in ("*", "_")
        if whole := _BRACKETED.match(rest) or (may_be_starred and _STARRED.match(rest)) or None:
            directed = direction(whole["body"].strip("*_"))
            return _Open.NO_CUE if directed is None else self._placed(rest, whole, directed, is_last)
        waits = not is_last and _is_begun(rest, may_be_starred=may_be_starred)
        return _Open.UNSURE if waits else _Open.NO_CUE

    def _placed(self, rest: str, whole: re.Match[str], directed: Direction, is_last: bool) -> _Found | _Open:
        """Whether a phrase that may be a direction is one where it stands."""
        ahead = rest[whole.end() : whole.end() + _MOST_BLANKS + 1]
        follows = ahead.lstrip(_BLANKS)[:1]
        is_linked = whole[0].endswith("]") and ahead[:1] == "("
        starred = whole.re is _STARRED
        cue = _Found(whole.end(), directed.emotion, True)
        if directed.is_sure and not starred and not whole[0].endswith("]"):
            return cue
        if not is_last and not follows and len(ahead) <= _MOST_BLANKS:
            return _Open.UNSURE
        if is_linked:
            return _Open.NO_CUE
        body = whole["body"].strip("*_ ")
        is_alone = directed.is_sure and (not starred or not body.isascii())
        begins = self._told.is_between_sentences and not (body[0].isupper() and follows.islower())
        is_listed = starred and (ahead[:1] == "," or (self._told.is_behind_comma and not directed.is_sure))
        return cue if is_alone or (begins and not is_listed) or _ends(ahead, follows) else _Open.NO_CUE


class _Told:
    """What was told of a text so far, and which spaces are owed or too many behind it."""

    def __init__(self) -> None:
        self.last = ""
        """The last character told, "" at the start."""
        self._last_visible = ""
        self._emotion: Emotion | None = None
        self._gap = ""
        self._is_cued = False
        self._drops_marks = False
        self._drops = ""

    @property
    def touches_word(self) -> bool:
        """Whether what follows stands directly behind a Latin letter, a digit or the text of a link."""
        return not self._gap and self.last.isascii() and (self.last.isalnum() or self.last == "]")

    @property
    def is_between_sentences(self) -> bool:
        """Whether no word stands before what follows, but a mark or nothing."""
        return not self._last_visible.isalnum()

    @property
    def is_behind_comma(self) -> bool:
        """Whether a comma stands before what follows."""
        return self._last_visible in (",", "，", "、")

    def cue(self, found: _Found) -> None:
        """A cue stands behind what was told."""
        self._emotion = found.emotion or self._emotion
        self._drops_marks = found.is_direction and self.is_between_sentences
        if self._last_visible in ("", "\n"):
            self._drops = _BLANKS + "\r\n"
        elif self._gap or self.last.isspace():
            self._drops = _BLANKS
        self._is_cued = True

    def tell(self, text: str, parts: list[Expressed]) -> None:
        """Append to `parts` what stands behind; spaces behind a word wait until it is known what follows."""
        text = self._tidied(text)
        if not text:
            return
        if self._gap and not (self._is_cued and text[0] in _CLOSING):
            text = self._gap + text
        self._gap, self._is_cued, self._drops = "", False, ""
        body = text.rstrip(_BLANKS)
        blanks = text[len(body) :]
        if (body[-1:] or self.last).isalnum() and len(blanks) <= _MOST_BLANKS:
            text, self._gap = body, blanks
        self._append(text, parts)

    def rest(self) -> list[Expressed]:
        """The text has ended: the spaces that are owed."""
        parts: list[Expressed] = []
        if not self._is_cued:
            self._append(self._gap, parts)
        self._gap = ""
        return parts

    def _tidied(self, text: str) -> str:
        if self._drops_marks and text:
            text = text.lstrip(_MARKS)
            self._drops_marks = not text
        return text.lstrip(self._drops) if self._drops else text

    def _append(self, text: str, parts: list[Expressed]) -> None:
        if not text:
            return
        self.last = text[-1]
        self._last_visible = text.rstrip(_BLANKS)[-1:] or self._last_visible
        if parts and self._emotion is None:
            parts[-1] = replace(parts[-1], text=parts[-1].text + text)
        else:
            parts.append(Expressed(text, self._emotion))
        self._emotion = None


def take_cues(text: str) -> list[Expressed]:
    """A whole text in parts without cues."""
    cues = Cues()
    return [*cues.feed(text), *cues.flush()]


def text_of(parts: Sequence[Expressed]) -> str:
    """The text that the parts are of."""
    return "".join(part.text for part in parts)


def _is_begun(rest: str, *, may_be_starred: bool) -> bool:
    """Whether a direction may have begun with `rest`, and go on in what is not here yet."""
    begun = _BEGUN.fullmatch(rest) or (may_be_starred and _STAR_BEGUN.fullmatch(rest)) or None
    if begun is None:
        return False
    body = begun["body"] or ""
    is_bullet = begun.re is _STAR_BEGUN and body[:1].isspace()
    return not is_bullet and may_become_direction(body.strip("*_"))


def _ends(ahead: str, follows: str) -> bool:
    """Whether a line or a sentence without its mark ends before what follows."""
    is_over = not follows and len(ahead) <= _MOST_BLANKS
    return is_over or follows == "\n" or (ahead[:1] in _BLANKS and follows.isupper())

"""A streaming sentence splitter for what a voice is going to say, English and Chinese."""

import re
from dataclasses import dataclass

from opentalking.core.conversation import Emotion
from opentalking.text.boundaries import Boundary, cut_offset, is_wide, judge, starts_sentence

_LONGEST_STARTER = 14
_LONGEST_TOKEN = 256
_SPACES = re.compile(r"(?<=[^\s.])\s+")
_CONNECTIVE = re.compile(
    r"(?:and|but|or|because|that|which|who|whom|whose|when|where|while|if|so|as|than|then|to|of|in|on|at|for|with|"
    r"from|by|about|into|like|through|during|without|after|before|until|since|although|though|unless)\s",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A piece of text to be spoken in one go; pieces of a turn concatenate to its whole text.

    `index` counts from 0 within the turn. `ends_sentence` is false when the piece is a clause or was
    cut for its length, so that its sentence goes on in the next piece. The splitter leaves `emotion` as
    it is: `EmotionTrack` knows.
    """

    text: str
    index: int
    ends_sentence: bool
    emotion: Emotion = "neutral"


@dataclass(frozen=True, slots=True)
class SplitterLimits:
    """Sizes in characters, where a Chinese, Japanese or Korean character counts twice.

    The first piece of a turn may end at a clause mark once it has `first_min_characters`; without
    a mark it is cut between words at `first_max_characters`, before a connective where there is
    one. A later piece beyond `max_characters` is cut at a clause mark, else between words.
    """

    first_min_characters: int = 6
    first_max_characters: int = 32
    max_characters: int = 200


class SentenceSplitter:
    """Cut a stream of text into sentences as soon as each one's end is certain.

    The pieces do not depend on how the stream is chunked. A piece is released when the next
    speakable character (letter, digit, ideograph) arrives, so trailing emoji, quotes and spaces
    stay with the sentence before them and no piece is without speech unless the whole text is.
    Time is linear in the text. One splitter serves one turn after the other: `flush` resets it.
    """

    def __init__(self, limits: SplitterLimits | None = None) -> None:
        self._limits = limits or SplitterLimits()
        self._pieces: list[Sentence] = []
        self._index = 0
        self._begin_piece(opens_line=True)

    def feed(self, delta: str) -> list[Sentence]:
        """Take the next part of the stream; return the pieces that it completes."""
        for character in delta:
            self._push(character)
        return self._release()

    def flush(self) -> list[Sentence]:
        """End the text: return what is left and begin a new turn."""
        self._settle_question()
        if self._characters:
            self._cut(len(self._characters))
        pieces = self._release()
        self._index = 0
        self._begin_piece(opens_line=True)
        return pieces

    def _release(self) -> list[Sentence]:
        pieces, self._pieces = self._pieces, []
        return pieces

    def _begin_piece(self, *, opens_line: bool) -> None:
        self._characters: list[str] = []
        self._opens_line = opens_line
        self._spoken_weight = 0  # up to the last speakable character
        self._gap_weight = 0
        self._gap_start = 0  # one past the last speakable character, 0 = no speech yet
        self._token_start = 0  # one past the last space
        self._last_token_start = -1  # of the last speakable character
        self._last_token_leads = True
        self._clause_cut = 0  # latest clause mark, 0 = none
        self._space_cut = 0
        self._question_cut = 0  # a sentence may have ended here: the next word tells, 0 = no question
        self._question_word = 0

    def _push(self, character: str) -> None:
        if self._question_cut and (
            not character.isalpha() or len(self._characters) - self._question_word > _LONGEST_STARTER
        ):
            self._settle_question()
        if character.isalnum() and self._gap_start and not self._question_cut:
            if self._gap_start < len(self._characters):
                self._meet_word(character)
            if self._spoken_weight >= self._limits.max_characters and not self._question_cut:
                self._cut_long()
        self._append(character)

    def _append(self, character: str) -> None:
        self._characters.append(character)
        self._gap_weight += 2 if is_wide(character) else 1
        if character.isalnum():
            if self._token_start != self._last_token_start:
                self._last_token_start = self._token_start
                self._last_token_leads = self._gap_start == 0
            self._gap_start = len(self._characters)
            self._spoken_weight += self._gap_weight
            self._gap_weight = 0
        elif character.isspace():
            self._token_start = len(self._characters)

    def _meet_word(self, following: str) -> None:
        """Judge the gap that `following`, the first character of a word, has just ended."""
        gap = "".join(self._characters[self._gap_start :])
        token = "".join(self._characters[self._last_token_start : self._gap_start][-_LONGEST_TOKEN:])
        opens_line = self._opens_line and self._last_token_leads
        verdict = judge(token, gap, following, opens_line=opens_line)
        place = self._gap_start + cut_offset(gap)
        if verdict is Boundary.SENTENCE:
            self._cut(place, opens_line="\n" in gap)
        elif verdict is Boundary.NEXT_WORD_DECIDES:
            self._question_cut, self._question_word = place, len(self._characters)
        elif self._index == 0 and self._ends_first_piece(verdict, gap):
            self._cut(place if verdict is Boundary.CLAUSE else self._first_cut(place), ends_sentence=False)
        elif verdict is Boundary.CLAUSE:
            self._clause_cut = place
        elif any(character.isspace() for character in gap):
            self._space_cut = place

    def _ends_first_piece(self, verdict: Boundary, gap: str) -> bool:
        if verdict is Boundary.CLAUSE:
            return self._spoken_weight >= self._limits.first_min_characters
        return self._spoken_weight >= self._limits.first_max_characters and gap.isspace()

    def _first_cut(self, place: int) -> int:
        """Where to cut a first piece without clause marks: before its last connective, else at `place`."""
        text = "".join(self._characters[:place])
        for space in reversed(list(_SPACES.finditer(text))):
            if space.end() < max(place // 3, self._limits.first_min_characters):
                break
            if _CONNECTIVE.match(text, space.end()):
                return space.end()
        return place

    def _settle_question(self) -> None:
        """The word after an ambiguous abbreviation is complete: did it begin a sentence?"""
        if not self._question_cut:
            return
        place, self._question_cut = self._question_cut, 0
        if starts_sentence("".join(self._characters[self._question_word :])):
            self._cut(place)

    def _cut_long(self) -> None:
        earliest = len(self._characters) // 3
        place = next((cut for cut in (self._clause_cut, self._space_cut) if cut >= earliest), 0)
        self._cut(place or len(self._characters), ends_sentence=False)

    def _cut(self, place: int, *, ends_sentence: bool = True, opens_line: bool = False) -> None:
        """Complete the piece before `place`; what lies behind it begins the next one."""
        piece, rest = self._characters[:place], self._characters[place:]
        self._pieces.append(Sentence("".join(piece), self._index, ends_sentence))
        self._index += 1
        self._begin_piece(opens_line=opens_line)
        for character in rest:
            self._push(character)

"""Emotion tags in a text, such as `[happy]`: taken out, and remembered for the sentences behind them."""

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

from opentalking.core.conversation import EMOTIONS, Emotion
from opentalking.text.splitter import Sentence

_NAMES = {name.casefold(): name for name in EMOTIONS}
_TAG = re.compile(rf"\[({'|'.join(EMOTIONS)})\](?!\()", re.IGNORECASE | re.ASCII)
_LONGEST_TAG = max(map(len, EMOTIONS)) + 2


@dataclass(frozen=True, slots=True)
class Expressed:
    """A part of a text without tags; an `emotion` holds from its first character on."""

    text: str
    emotion: Emotion | None = None


class EmotionTags:
    """Takes the tags out of one streamed text, wherever the stream was cut.

    Square brackets with another content stay as they are, and so does the text of a link. At the
    start of the text and after a space a tag takes the spaces behind it along.
    """

    def __init__(self) -> None:
        self._held = ""
        self._emotion: Emotion | None = None
        self._after_space = True
        self._drops_spaces = False

    def feed(self, delta: str) -> list[Expressed]:
        """The next part of the stream; what may still become a tag is held back."""
        text = self._held + delta
        end = _sure_length(text)
        self._held = text[end:]
        return self._parts(text[:end])

    def flush(self) -> list[Expressed]:
        """The stream has ended: what was held back."""
        text, self._held = self._held, ""
        return self._parts(text)

    def _parts(self, text: str) -> list[Expressed]:
        parts: list[Expressed] = []
        position = 0
        for tag in _TAG.finditer(text):
            self._tell(text[position : tag.start()], parts)
            self._emotion = _NAMES[tag[1].casefold()]
            self._drops_spaces = self._after_space
            position = tag.end()
        self._tell(text[position:], parts)
        return parts

    def _tell(self, text: str, parts: list[Expressed]) -> None:
        if self._drops_spaces:
            text = text.lstrip(" \t")
        if not text:
            return
        parts.append(Expressed(text, self._emotion))
        self._emotion = None
        self._drops_spaces = False
        self._after_space = text[-1].isspace()


class EmotionTrack:
    """Which sentence is said how: a tag counts from the sentence on in which it stands."""

    def __init__(self, emotion: Emotion) -> None:
        self._current = emotion
        self._changes: deque[tuple[int, Emotion]] = deque()
        self._told = 0
        self._cut = 0

    def add(self, part: Expressed) -> None:
        """The next part of the text that is being cut."""
        if part.emotion is not None:
            self._changes.append((self._told, part.emotion))
        self._told += len(part.text)

    def felt(self, sentence: Sentence) -> Sentence:
        """`sentence`, which follows the ones before without a gap, with its emotion."""
        # what stands behind a sentence's last word belongs to the next one
        words = len(sentence.text.rstrip()) if sentence.text.strip() else len(sentence.text)
        last_word = self._cut + words
        self._cut += len(sentence.text)
        while self._changes and self._changes[0][0] < last_word:
            self._current = self._changes.popleft()[1]
        return replace(sentence, emotion=self._current)


def take_tags(text: str) -> list[Expressed]:
    """A whole text in parts without tags."""
    tags = EmotionTags()
    return [*tags.feed(text), *tags.flush()]


def text_of(parts: Sequence[Expressed]) -> str:
    """The text that the parts are of."""
    return "".join(part.text for part in parts)


def _sure_length(text: str) -> int:
    """How much of `text` cannot be changed by what follows: all but a tag that has only begun."""
    start = text.rfind("[")
    rest = text[start:]
    if start < 0 or len(rest) > _LONGEST_TAG:
        return len(text)
    is_whole = _TAG.fullmatch(rest) is not None
    is_begun = any(f"[{name}]".startswith(rest.casefold()) for name in _NAMES)
    return start if is_whole or is_begun else len(text)

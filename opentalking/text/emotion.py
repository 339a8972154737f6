"""Which sentence of a text is said with which emotion."""

from collections import deque
from dataclasses import replace

from opentalking.core.conversation import Emotion
from opentalking.text.cues import Expressed
from opentalking.text.splitter import Sentence


class EmotionTrack:
    """Which sentence is said how: a cue counts from the sentence on in which it stands."""

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

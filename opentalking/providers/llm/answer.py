"""What of a model's stream is its answer: content, but no reasoning, and only so much of it."""

from openai.types.chat import ChatCompletionChunk

from opentalking.core.errors import OpenTalkingError
from opentalking.text.splitter import SentenceSplitter, SplitterLimits

_OPENING_TAGS = ("<think>", "<thinking>")
_ENDS = tuple(".!?…。！？\"'”’)）」』")
_ENDLESS = 1_000_000
_SHORTEST_REPEATED = 8
"""Characters: "Yes. Yes." goes in no circle."""
_CLOSING_TAGS = ("</think>", "</thinking>")


class MalformedAnswer(OpenTalkingError):
    """The endpoint sent something that is not a chat completion; `said` is what it sent instead."""

    default_code = "llm_failed"

    def __init__(self, message: str, *, said: str = "") -> None:
        super().__init__(message)
        self.said = said


class AnswerFilter:
    """Pass on a streamed answer: no `<think>…</think>` blocks, and only so many characters.

    With `whole_sentences` an answer that a limit cuts off ends with its last whole sentence, and one that
    says a sentence again ends before it. `full` turns true when the limit of characters is reached, or then.
    """

    def __init__(self, max_characters: int, *, whole_sentences: bool = False) -> None:
        self._room = max_characters
        self._thoughts = ThoughtFilter()
        self._sentences = WholeSentences() if whole_sentences else None
        self._truncated = False
        self.has_text = False

    @property
    def full(self) -> bool:
        """Whether nothing more will pass."""
        return self._room <= 0 or (self._sentences is not None and self._sentences.repeats)

    def feed(self, content: str, finish_reason: str = "") -> str:
        """The part of the answer that is known after `content`; may be empty."""
        self._truncated = self._truncated or finish_reason == "length"
        text = self._within_room(self._thoughts.feed(content))
        return self._noted(self._sentences.feed(text) if self._sentences else text)

    def finish(self) -> str:
        """What was held back, once the stream has ended."""
        rest = self._within_room(self._thoughts.finish())
        if self._sentences:
            rest = self._sentences.feed(rest) + self._sentences.finish(truncated=self._truncated or self.full)
        return self._noted(rest)

    def _within_room(self, text: str) -> str:
        text = text[: max(0, self._room)]
        self._room -= len(text)
        return text

    def _noted(self, text: str) -> str:
        self.has_text = self.has_text or bool(text.strip())
        return text


class ThoughtFilter:
    """Drop `<think>…</think>` blocks from a stream, and the blank lines between them and the answer.

    Text that may be the beginning of a tag is held back until it is known; everything else passes at once.
    """

    def __init__(self) -> None:
        self._held = ""
        self._thinking = False
        self._skip_space = False

    def feed(self, content: str) -> str:
        """What is no thought of everything that is known after `content`."""
        self._held += content
        passed = ""
        tags = self._tags
        while (found := _find_first(self._held, tags))[0] >= 0:
            place, tag = found
            passed += self._take(place)
            self._held = self._held[len(tag) :]
            self._thinking = not self._thinking
            self._skip_space = True
            tags = self._tags
        return passed + self._take(len(self._held) - _unfinished_tag_length(self._held, tags))

    def finish(self) -> str:
        """What was held back, once the stream has ended."""
        return self._take(len(self._held))

    @property
    def _tags(self) -> tuple[str, ...]:
        return _CLOSING_TAGS if self._thinking else _OPENING_TAGS

    def _take(self, characters: int) -> str:
        taken, self._held = self._held[:characters], self._held[characters:]
        if self._thinking:
            return ""
        if self._skip_space:
            taken = taken.lstrip()
            self._skip_space = not taken
        return taken


class WholeSentences:
    """Pass on an answer so that it can be cut to whole sentences when it gets too long or goes in circles.

    The first sentence passes as it comes; of the rest only whole sentences do, which is when a voice could
    begin with them anyway. `finish(truncated=True)` drops an unfinished one, unless it is the first. From the
    first sentence on that was said before (`repeats`) nothing passes.
    """

    def __init__(self) -> None:
        # No clauses: nothing may pass that could still be dropped.
        self._splitter = SentenceSplitter(SplitterLimits(*[_ENDLESS] * 3))
        self._passed_characters = 0
        self._whole_characters = 0
        self._pending = ""
        self._said: set[str] = set()
        self.repeats = False

    def feed(self, text: str) -> str:
        """The part of the answer that may be spoken after `text`."""
        self._pending += text
        for piece in self._splitter.feed(text):
            self._note(piece.text)
        if self._whole_characters == 0:
            return self._take(len(self._pending))
        return self._take(max(0, self._whole_characters - self._passed_characters))

    def finish(self, *, truncated: bool) -> str:
        """What is left at the end; nothing of it when the answer was cut off in a later sentence."""
        if self.repeats or self._was_said(self._pending):
            return ""
        dropped = truncated and self._whole_characters > 0 and not self._pending.rstrip().endswith(_ENDS)
        return "" if dropped else self._take(len(self._pending))

    def _note(self, sentence: str) -> None:
        self.repeats = self.repeats or self._was_said(sentence)
        if not self.repeats:
            self._said.add(_plain(sentence))
            self._whole_characters += len(sentence)

    def _was_said(self, sentence: str) -> bool:
        plain = _plain(sentence)
        return len(plain) >= _SHORTEST_REPEATED and plain in self._said

    def _take(self, characters: int) -> str:
        taken, self._pending = self._pending[:characters], self._pending[characters:]
        self._passed_characters += len(taken)
        return taken


def _plain(sentence: str) -> str:
    return " ".join(sentence.casefold().split())


def content_of(chunk: ChatCompletionChunk) -> tuple[str, str]:
    """The answer text in a chunk, and why it ends the answer ("" if not); raises `MalformedAnswer`.

    The SDK does not validate what it is sent, so types are checked here.
    """
    choices = getattr(chunk, "choices", None)
    if choices is None and getattr(chunk, "usage", None) is None:
        raise MalformedAnswer("sent an event that is not a chat completion chunk")
    if not choices:
        return "", ""
    if not isinstance(choices, list):
        raise MalformedAnswer("sent `choices` that are not a list")
    finish_reason = str(getattr(choices[0], "finish_reason", None) or "")
    content = getattr(getattr(choices[0], "delta", None), "content", None)
    if content is not None and not isinstance(content, str):
        raise MalformedAnswer("sent content that is not text")
    return content or "", finish_reason


def _find_first(text: str, tags: tuple[str, ...]) -> tuple[int, str]:
    found = [(place, tag) for tag in tags if (place := text.find(tag)) >= 0]
    return min(found, default=(-1, ""))


def _unfinished_tag_length(text: str, tags: tuple[str, ...]) -> int:
    longest = max(len(tag) for tag in tags) - 1
    for length in range(min(longest, len(text)), 0, -1):
        if any(tag.startswith(text[-length:]) for tag in tags):
            return length
    return 0

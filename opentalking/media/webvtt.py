"""Subtitles as WebVTT (W3C): what was said, when it sounded, and only as far as it was heard."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

HEADER = "WEBVTT\n\n"
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\x00": None})


@dataclass(frozen=True, slots=True)
class CueWord:
    """A word and when it sounds, in ms."""

    text: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Cue:
    """A caption and when it sounds, in ms on the film's clock: from its first word to its last."""

    text: str
    start_ms: int
    end_ms: int
    words: tuple[CueWord, ...] = ()

    def until(self, end_ms: int) -> "Cue":
        """What of it had been heard at `end_ms`: its words that had begun, or as much of its letters."""
        if end_ms >= self.end_ms:
            return self
        if self.words:
            text = _through_words(self.text, [word.text for word in self.words if word.start_ms < end_ms])
        else:
            share = (end_ms - self.start_ms) / max(1, self.end_ms - self.start_ms)
            text = _through_letters(self.text, round(max(0.0, share) * len(self.text)))
        return replace(self, text=text, end_ms=max(end_ms, self.start_ms))

    def as_vtt(self) -> str:
        """The cue as a block of the file; "" for one without words or time."""
        text = " ".join(self.text.split()).translate(_ESCAPES)
        if not text or self.end_ms <= self.start_ms:
            return ""
        return f"{_time(self.start_ms)} --> {_time(self.end_ms)}\n{text}\n\n"


class Subtitles:
    """The cues of a film in the order in which they sound; one at a time, each ended by the next."""

    def __init__(self) -> None:
        self._current: Cue | None = None
        self._finished: list[Cue] = []

    def begin(self, now_ms: int, text: str, length_ms: int, words: Sequence[CueWord] = ()) -> None:
        """A caption starts to sound at `now_ms`; the times of its words are relative to that.

        One without length ends the text of the caption before it.
        """
        if length_ms <= 0:
            if self._current is not None:
                self._current = replace(self._current, text=self._current.text + text)
            return
        self._end(now_ms, is_cut=False)
        placed = tuple(CueWord(word.text, now_ms + word.start_ms, now_ms + word.end_ms) for word in words)
        start = placed[0].start_ms if placed else now_ms
        end = placed[-1].end_ms if placed else now_ms + length_ms
        self._current = Cue(text, start, max(end, start), placed)

    def end(self, now_ms: int, *, is_cut: bool) -> None:
        """The turn is over; `is_cut` when what was to follow of its caption is not heard any more."""
        self._end(now_ms, is_cut=is_cut)

    def take(self) -> str:
        """The blocks of the cues that have ended since the last call."""
        finished, self._finished = self._finished, []
        return "".join(cue.as_vtt() for cue in finished)

    def _end(self, now_ms: int, *, is_cut: bool) -> None:
        cue, self._current = self._current, None
        if cue is None:
            return
        shown = (
            cue.until(now_ms) if is_cut else replace(cue, end_ms=max(cue.start_ms, min(cue.end_ms, now_ms)))
        )
        self._finished.append(shown)


def _through_words(text: str, words: Sequence[str]) -> str:
    """`text` up to the end of the last of its `words`; a word that is spelled otherwise is passed over."""
    end = 0
    for word in words:
        found = text.find(word, end)
        if found >= 0:
            end = found + len(word)
    return text[:end]


def _through_letters(text: str, count: int) -> str:
    """The first letters of `text`, without a part of a word that is written with spaces around."""
    if count >= len(text) or text[count].isspace() or not text[:count].isascii():
        return text[:count]
    return text[: text.rfind(" ", 0, count) + 1].rstrip()


def _time(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest:03}"

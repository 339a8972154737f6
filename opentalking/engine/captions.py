"""Which words of a turn sound when: captions in time with the voice, and what was heard of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from opentalking.core.events import SubtitleWord
from opentalking.core.media import MEDIA_RATE, Outlook, Speech, WordTiming


@dataclass(slots=True)
class SpokenSentence:
    """One sentence on its way: `text` as written (separators included), timings in seconds from its start."""

    index: int
    text: str
    spoken: str = ""
    seconds: float = 0.0
    words: list[WordTiming] = field(default_factory=list)
    start_samples: int | None = None
    outlook: Outlook | None = None

    def expected(self) -> tuple[float, Sequence[WordTiming]]:
        """Duration and words of the whole sentence, as far as they are known now."""
        if self.outlook is not None and self.outlook.seconds > self.seconds:
            return self.outlook.seconds, self.outlook.words
        return self.seconds, self.words


@dataclass(frozen=True, slots=True)
class Caption:
    """What a `subtitle.chunk` event says; times in ms since the turn's first sound."""

    text: str
    start_ms: int
    end_ms: int
    words: list[SubtitleWord] | None


class Captions:
    """The sentences of one turn, from written to heard.

    A sentence that makes no sound (markup, or its synthesis failed) gives its text to the
    next one that does, except a failed one, which is not part of the spoken text.
    """

    def __init__(self) -> None:
        self._sentences: dict[int, SpokenSentence] = {}
        self._pending_text = ""
        self._last_started: int | None = None

    @property
    def any_sound(self) -> bool:
        """Whether any sentence has sound."""
        return any(sentence.seconds for sentence in self._sentences.values())

    @property
    def spoken_text(self) -> str:
        """All text that has sound, as written."""
        return "".join(s.text for s in self._sentences.values() if s.seconds) + self._pending_text

    def silent(self, text: str) -> None:
        """Text between sentences that makes no sound."""
        self._pending_text += text

    def add(self, index: int, text: str, speech: Speech) -> None:
        """Sound of sentence `index` was made; further pieces extend it."""
        sentence = self._sentences.get(index)
        if sentence is None:
            sentence = self._sentences[index] = SpokenSentence(index, self._pending_text + text)
            self._pending_text = ""
            sentence.outlook = speech.outlook
        base, offset = sentence.seconds, len(sentence.spoken)
        sentence.words += [
            WordTiming(
                word.text,
                offset + word.text_start,
                offset + word.text_end,
                base + word.start_seconds,
                base + word.end_seconds,
            )
            for word in speech.words
        ]
        sentence.spoken += speech.text
        sentence.seconds += speech.seconds

    def started(self, index: int, at_samples: int) -> Caption | None:
        """Sentence `index` starts to sound, `at_samples` after the turn's first sound."""
        sentence = self._sentences.get(index)
        if sentence is None:
            return None
        sentence.start_samples = at_samples
        self._last_started = index
        start_seconds = at_samples / MEDIA_RATE
        seconds, timed = sentence.expected()
        words = [
            SubtitleWord(
                text=word.text,
                start_ms=_ms(start_seconds + word.start_seconds),
                end_ms=_ms(start_seconds + word.end_seconds),
            )
            for word in timed
        ]
        return Caption(sentence.text, _ms(start_seconds), _ms(start_seconds + seconds), words or None)

    def closing(self) -> Caption:
        """The final chunk, for when the last sentence started before it was known to be the last."""
        last = self._sentences.get(self._last_started) if self._last_started is not None else None
        end = 0 if last is None else _ms((last.start_samples or 0) / MEDIA_RATE + last.seconds)
        text, self._pending_text = self._pending_text, ""
        return Caption(text, end, end, None)

    def heard_text(self, heard_samples: int) -> str:
        """What a listener has heard after `heard_samples` of the turn: whole sentences, then whole words."""
        parts: list[str] = []
        for sentence in self._sentences.values():
            if sentence.start_samples is None:
                break
            heard_seconds = (heard_samples - sentence.start_samples) / MEDIA_RATE
            if heard_seconds >= sentence.seconds:
                parts.append(sentence.text)
                continue
            parts.append(_heard_part(sentence, sentence.words, heard_seconds))
            break
        return "".join(parts)


def _heard_part(sentence: SpokenSentence, words: Sequence[WordTiming], seconds: float) -> str:
    if words:
        ends = [word.text_end for word in words if word.end_seconds <= seconds]
        return sentence.spoken[: ends[-1]] if ends else ""
    share = max(0.0, seconds) / sentence.seconds if sentence.seconds else 0.0
    return sentence.text[: int(len(sentence.text) * share)]


def _ms(seconds: float) -> int:
    return round(seconds * 1000)

"""Piper as a child process; the only module that imports `piper` (GPL-3.0-or-later).

Operation `speak`: payload `voice` (name), `clauses` (texts), `length_scale`, `noise_scale`,
`noise_w_scale`. Parts are consecutive stretches of sound, cut between words: header `clause`
(index), `text` (`[start, end]` of the stretch in its clause, -1 for its end), `last` (whether it
ends the clause), `sample_rate`, `phonemes` as `[symbol, start, end]`, `words` as `[text_start,
text_end, start, end]`; offsets are characters of the clause, times samples of the stretch; data
are int16 mono. The first part of a sentence has an `outlook`: the words of all of it, from its start.

Settings: `directory` (of `<voice>.onnx` and `<voice>.onnx.json`), `voice` (loaded and warmed at
the start), `threads` (of one synthesis), `first_seconds` (least length of the first stretch; the next
ones grow).
"""

import functools
import json
import threading
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from piper.const import BOS, EOS, PAD
from piper.phonemize_espeak import EspeakPhonemizer

from opentalking.inference.alignment import (
    Phone,
    TimedSentence,
    assign_words,
    stretches,
    words_of,
)
from opentalking.inference.child import Engine, EngineError, Request, serve
from opentalking.inference.cuts import gap_cuts
from opentalking.inference.engines.parts import sound_parts
from opentalking.inference.engines.vits import Style, Take, VitsModel
from opentalking.inference.framing import Part
from opentalking.inference.spoken import speakable, spoken_word

_WARM_TEXT = "Hello there, nice to meet you."
_SENTENCE_MAX_SYMBOLS = 400
# Each stretch is long enough to play while the next one, about twice as long, is made.
_STRETCH_GROWTH = (1, 2, 4, 8)


class Phonemizer:
    """espeak-ng, which is one global state: one call at a time."""

    def __init__(self) -> None:
        self._espeak = EspeakPhonemizer()
        self._lock = threading.Lock()
        self.word = functools.lru_cache(maxsize=4096)(self._word)

    def sentences(self, language: str, text: str) -> list[list[str]]:
        """Phonemes of `text`, by what espeak takes for sentences."""
        with self._lock:
            found = self._espeak.phonemize(language, text)
        bounded = (piece for sentence in found for piece in _bounded(sentence))
        return [sentence for sentence in bounded if any(symbol.isalpha() for symbol in sentence)]

    def _word(self, language: str, word: str) -> tuple[str, ...]:
        return tuple(symbol for sentence in self.sentences(language, word) for symbol in sentence)


class Voice:
    """One loaded voice."""

    def __init__(self, model: Path, phonemizer: Phonemizer, threads: int, first_seconds: float) -> None:
        config = json.loads(model.with_name(model.name + ".json").read_text(encoding="utf-8"))
        self._language: str = config["espeak"]["voice"]
        self._ids: dict[str, list[int]] = config["phoneme_id_map"]
        self._phonemizer = phonemizer
        self._model = VitsModel(model, config.get("hop_length", 256), threads)
        self.sample_rate: int = config["audio"]["sample_rate"]
        self._stretch_samples = [int(first_seconds * n * self.sample_rate) for n in _STRETCH_GROWTH]

    def speak(self, text: str, style: Style, request: Request | None = None) -> Iterator[Part]:
        """Stretches of sound of one clause, without the silence around them."""
        sentences = self._phonemizer.sentences(self._language, speakable(text))
        words = words_of(text)
        symbols = [symbol for sentence in sentences for symbol in (BOS, *sentence, EOS)]
        alone = [self._phonemizer.word(self._language, spoken_word(word.text)) for word in words]
        owners = assign_words(symbols, alone)
        at = 0
        for number, sentence in enumerate(sentences, 1):
            ids, id_owners = self._encode(sentence)
            size = len(sentence) + 2
            take = self._model.take(ids, style, request)
            timed = TimedSentence(
                phones=_phones([BOS, *sentence, EOS], take, id_owners),
                owners=owners[at : at + size],
                # Words that sound in no sentence belong to the one before.
                first_word=0 if at == 0 else _next_word(owners[at:], len(words)),
                end_word=_next_word(owners[at + size :], len(words)),
                total_samples=take.total_samples,
            )
            at += size
            pieces = stretches(timed, words, gap_cuts(timed, self._stretch_samples))
            is_last = number == len(sentences)
            yield from sound_parts(take.pcm, pieces, self.sample_rate, ends_text=is_last)

    def _encode(self, sentence: list[str]) -> tuple[list[int], list[int]]:
        """Ids for the model, and for each the index in `[BOS, *sentence, EOS]` whose time it takes."""
        ids: list[int] = []
        owners: list[int] = []
        for index, symbol in enumerate((BOS, *sentence)):
            known = self._ids.get(symbol)
            if known is not None:
                ids += [*known, *self._ids[PAD]]
                owners += [index] * (len(known) + len(self._ids[PAD]))
        ids += self._ids[EOS]
        owners += [len(sentence) + 1] * len(self._ids[EOS])
        return ids, owners


class Piper:
    """The voices of one directory, loaded when first used."""

    def __init__(self, directory: Path, threads: int, first_seconds: float) -> None:
        self._directory = directory
        self._threads = threads
        self._first_seconds = first_seconds
        self._phonemizer = Phonemizer()
        self._voices: dict[str, Voice] = {}
        self._lock = threading.Lock()

    def voice(self, name: str) -> Voice:
        """The voice of that name; raises `EngineError` if it cannot be loaded."""
        with self._lock:
            if name not in self._voices:
                model = self._directory / f"{name}.onnx"
                try:
                    self._voices[name] = Voice(model, self._phonemizer, self._threads, self._first_seconds)
                except (OSError, ValueError, KeyError, RuntimeError) as error:
                    raise EngineError(f"voice {name!r} cannot be loaded: {error}") from error
            return self._voices[name]

    def speak(self, request: Request) -> Generator[Part, None, None]:
        """Handler of `speak`."""
        payload = request.payload
        voice = self.voice(payload["voice"])
        style = Style(payload["length_scale"], payload["noise_scale"], payload["noise_w_scale"])
        for number, clause in enumerate(payload["clauses"]):
            for part in voice.speak(clause, style, request):
                yield Part({"clause": number, **part.header}, part.data)


def _bounded(sentence: list[str]) -> Iterator[list[str]]:
    """Cut an endless sentence, between words if possible: memory grows with the square of its length."""
    while len(sentence) > _SENTENCE_MAX_SYMBOLS:
        gaps = [at for at, symbol in enumerate(sentence[:_SENTENCE_MAX_SYMBOLS], 1) if symbol == " "]
        cut = gaps[-1] if gaps else _SENTENCE_MAX_SYMBOLS
        yield sentence[:cut]
        sentence = sentence[cut:]
    yield sentence


def _phones(symbols: list[str], take: Take, id_owners: list[int]) -> list[Phone]:
    if take.id_samples is None:
        return []
    samples = np.bincount(id_owners, take.id_samples, len(symbols)).astype(int).tolist()
    return [Phone(symbol, count) for symbol, count in zip(symbols, samples, strict=True)]


def _next_word(owners: list[int | None], count: int) -> int:
    return next((owner for owner in owners if owner is not None), count)


def load(settings: dict[str, Any]) -> Engine:
    """Load and warm the default voice."""
    piper = Piper(Path(settings["directory"]), settings["threads"], settings["first_seconds"])
    for _ in piper.voice(settings["voice"]).speak(_WARM_TEXT, Style()):
        pass
    return Engine({"speak": piper.speak})


if __name__ == "__main__":
    serve(load)

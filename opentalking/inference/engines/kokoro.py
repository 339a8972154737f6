"""Kokoro-82M as a child process.

Operation `speak`: payload `voice` (name), `language` ("en" or "zh": how numbers are read), `clauses`
(texts), `speed`. Parts are stretches of sound, cut in pauses (see `parts`); header `clause` is the index.

Settings: `model` and `gold`, `silver` (files), `voices` (folder of `<voice>.bin`), `threads` (of one
synthesis), `first_seconds` (least length of a stretch).
"""

import threading
from collections.abc import Generator, Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from opentalking.inference.alignment import (
    Phone,
    TextWord,
    TimedSentence,
    stretches,
    words_of,
)
from opentalking.inference.child import Engine, EngineError, Request, serve
from opentalking.inference.cuts import pause_cuts
from opentalking.inference.engines.kokoro_model import (
    FRAME_SAMPLES,
    SAMPLE_RATE,
    SYMBOLS,
    KokoroModel,
    Performance,
    Plan,
    read_styles,
)
from opentalking.inference.engines.parts import sound_parts
from opentalking.inference.framing import Part
from opentalking.inference.g2p.ipa import ipa
from opentalking.inference.g2p.lexicon import Lexicon
from opentalking.inference.g2p.phrase import Sound, sounds_of
from opentalking.text.language import Language

_SENTENCE_MAX_SYMBOLS = 400  # the model takes 510
# Without a pause, so long: each stretch can play while the next one is made.
_STRETCH_SECONDS = (1.2, 2.0, 3.0)
_SILENT = frozenset(',.!?;:—…"()“”')
_PAUSES = frozenset(",.!?;:—…$")


class Kokoro:
    """The model, and its voices loaded when first used."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._model = KokoroModel(Path(settings["model"]), settings["threads"])
        self._lexicon = Lexicon(Path(settings["gold"]), Path(settings["silver"]))
        self._folder = Path(settings["voices"])
        self._least_samples = int(settings["first_seconds"] * SAMPLE_RATE)
        self._sizes = [
            int(max(seconds, settings["first_seconds"]) * SAMPLE_RATE) for seconds in _STRETCH_SECONDS
        ]
        self._styles: dict[str, NDArray[np.float32]] = {}
        self._lock = threading.Lock()

    def speak(self, request: Request) -> Generator[Part, None, None]:
        """Handler of `speak`."""
        payload = request.payload
        styles = self.voice(payload["voice"])
        for number, clause in enumerate(payload["clauses"]):
            for part in self.say(clause, payload["language"], styles, payload["speed"], request):
                yield Part({"clause": number, **part.header}, part.data)

    def say(
        self,
        text: str,
        language: Language,
        styles: NDArray[np.float32],
        speed: float,
        request: Request | None = None,
    ) -> Iterator[Part]:
        """Stretches of sound of one clause, without the silence around them."""
        words = words_of(text)
        sentences = list(_bounded(sounds_of(text, language, self._lexicon)))
        # what belongs to no word (a row of signs) takes none from those that follow
        found = [_first_word(sentence, words) for sentence in reversed(sentences)]
        firsts = list(accumulate(found, min))[::-1]
        for number, sentence in enumerate(sentences, 1):
            symbols, owners = _symbols(sentence, words)
            plan = self._model.plan(symbols, styles, speed, request)
            names = ["^", *(ipa(symbol) for symbol in symbols), "$"]
            phones = _without_silent_tails(names, plan)
            timed = TimedSentence(
                phones=phones,
                owners=[None, *owners, None],
                first_word=0 if number == 1 else firsts[number - 1],
                end_word=len(words) if number == len(sentences) else firsts[number],
                total_samples=plan.total_samples,
            )
            cuts = pause_cuts(timed, self._least_samples, self._sizes)
            performance = Performance(self._model, plan, request)
            pieces = stretches(timed, words, cuts)
            yield from sound_parts(performance.pcm, pieces, SAMPLE_RATE, ends_text=number == len(sentences))

    def voice(self, name: str) -> NDArray[np.float32]:
        """The styles of a voice; raises `EngineError` if it cannot be loaded."""
        with self._lock:
            if name not in self._styles:
                try:
                    self._styles[name] = read_styles(self._folder / f"{name}.bin")
                except (OSError, ValueError) as error:
                    raise EngineError(f"voice {name!r} cannot be loaded: {error}") from error
            return self._styles[name]


def _without_silent_tails(names: Sequence[str], plan: Plan) -> list[Phone]:
    """Symbols with their samples: what is planned for sounds before a pause but silent, is the pause's."""
    samples = [int(size) for size in plan.samples]
    ends = list(accumulate(samples))
    for pause in range(1, len(names)):
        if names[pause] not in _PAUSES or names[pause - 1] in _PAUSES:
            continue
        silent = ends[pause - 1] - plan.audible_end(ends[pause - 1])
        sound = pause - 1
        while silent > 0 and sound > 0:
            taken = min(silent, max(0, samples[sound] - FRAME_SAMPLES))
            samples[sound] -= taken
            samples[pause] += taken
            silent, sound = silent - taken - FRAME_SAMPLES, sound - 1
    return [Phone(name, size) for name, size in zip(names, samples, strict=True)]


def _bounded(sounds: Sequence[Sound]) -> Iterator[list[Sound]]:
    """Cut what is too long for the model, behind a pause if there is one, and drop what is mute."""
    left = list(sounds)
    while left:
        lengths = list(accumulate(len(sound.symbols) for sound in left))
        size = sum(length <= _SENTENCE_MAX_SYMBOLS for length in lengths)
        if size < len(left):
            gaps = [at for at in range(1, size) if left[at].symbols == " "]
            pauses = [at for at in gaps if left[at - 1].symbols in _SILENT and lengths[at] > 60]
            size = (pauses or gaps or [max(1, size)])[-1]
        piece, left = left[:size], left[size:]
        if any(sound.end > sound.start for sound in piece):
            yield piece


def _symbols(sounds: Sequence[Sound], words: Sequence[TextWord]) -> tuple[str, list[int | None]]:
    """The symbols that the model knows, and for each the word of the text that it belongs to."""
    symbols: list[str] = []
    owners: list[int | None] = []
    for sound in sounds:
        known = [symbol for symbol in sound.symbols if symbol in SYMBOLS]
        symbols += known
        owner = _word_at(sound, words) if sound.end > sound.start else None
        owners += [owner] * len(known)
    return "".join(symbols), owners


def _word_at(sound: Sound, words: Sequence[TextWord]) -> int | None:
    """The word that overlaps a sound's place in the text most at its begin."""
    return next(
        (at for at, word in enumerate(words) if word.end > sound.start and word.start < sound.end), None
    )


def _first_word(sounds: Sequence[Sound], words: Sequence[TextWord]) -> int:
    owners = (_word_at(sound, words) for sound in sounds if sound.end > sound.start)
    return next((owner for owner in owners if owner is not None), len(words))


def load(settings: dict[str, Any]) -> Engine:
    """Load the model and the dictionaries."""
    return Engine({"speak": Kokoro(settings).speak})


if __name__ == "__main__":
    serve(load)

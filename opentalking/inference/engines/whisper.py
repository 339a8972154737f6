"""Whisper as a child process, by CTranslate2.

Operation `transcribe`: data is one stretch of speech, mono int16 at 16 kHz, at most `MOST_SECONDS`; payload
`languages` (codes; one fixes the language, of several the likeliest is taken). The one part's header: `text`
("" when nothing was said) and `language`.

Settings: `model` (folder with `model.bin` and `tokenizer.json`), `threads`.

Whisper was trained on windows of 30 s. Only the speech and a little silence are encoded here, a third of
the work and less for short utterances; with less silence than that it is prone to loop.
"""

import math
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
import tokenizers

from opentalking.audio.log_mel import FRAMES_PER_SECOND, RATE, log_mel
from opentalking.audio.silence import is_silent
from opentalking.core.media import Samples
from opentalking.inference.child import Cancelled, Engine, EngineError, Request, serve
from opentalking.inference.framing import Json, Part
from opentalking.text.loops import without_loops

MOST_SECONDS = 28.0
_PADDING_SECONDS = 2.0
_TOKENS_PER_SECOND = 12
_LEAST_TOKENS = 20
_REPETITION_PENALTY = 1.1
_SIMPLIFIED = "以下是普通话的句子。"  # what was "said before" has it write simplified characters

# Measured: of speech from 0.4 s on, also with noise 10 dB below it, the mean log probability of a token is
# above −2, or the share of "no speech" below 0.3. Noise, hum, clicks, coughs and music miss one or the other.
_DOUBTFUL_NO_SPEECH, _DOUBTFUL_SCORE = 0.4, -1.1
_HOPELESS_SCORE = -2.1


class Whisper:
    """The model and its tokenizer."""

    def __init__(self, settings: Json) -> None:
        folder = Path(settings["model"])
        try:
            self._model = ctranslate2.models.Whisper(
                str(folder), device="cpu", compute_type="int8", intra_threads=settings["threads"]
            )
            self._tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:  # tokenizers raises nothing narrower
            raise EngineError(f"Whisper cannot be loaded from {folder}: {error}") from error
        self._earlier = self._tokenizer.encode(_SIMPLIFIED, add_special_tokens=False).ids

    def transcribe(self, request: Request) -> Generator[Part, None, None]:
        """Handler of `transcribe`."""
        pcm = np.frombuffer(request.data, np.int16)
        languages = request.payload["languages"]
        for language in languages:
            self._token(language)  # refuses what the model does not know, also in silence
        if is_silent(pcm, RATE):
            yield Part({"text": "", "language": languages[0]})
            return
        encoded = self._encode(pcm)
        _heed(request)
        language = languages[0] if len(languages) == 1 else self._likeliest(encoded, languages)
        _heed(request)
        yield Part({"text": self._decode(encoded, language, len(pcm) / RATE), "language": language})

    def _encode(self, pcm: Samples) -> Any:
        seconds = min(len(pcm) / RATE, MOST_SECONDS) + _PADDING_SECONDS
        mel = log_mel(pcm, int(seconds * FRAMES_PER_SECOND) // 2 * 2)
        return self._model.encode(ctranslate2.StorageView.from_array(mel[None]))

    def _likeliest(self, encoded: Any, languages: Sequence[str]) -> str:
        [found] = self._model.detect_language(encoded)
        shares = dict(found)
        return max(languages, key=lambda language: shares.get(f"<|{language}|>", 0.0))

    def _decode(self, encoded: Any, language: str, seconds: float) -> str:
        prompt = [
            self._token("startoftranscript"),
            self._token(language),
            self._token("transcribe"),
            self._token("notimestamps"),
        ]
        if language == "zh":
            prompt = [self._token("startofprev"), *self._earlier, *prompt]
        [result] = self._model.generate(
            encoded,
            [prompt],
            beam_size=1,
            max_length=min(448, len(prompt) + _LEAST_TOKENS + math.ceil(seconds * _TOKENS_PER_SECOND)),
            repetition_penalty=_REPETITION_PENALTY,
            return_scores=True,
            return_no_speech_prob=True,
        )
        if is_no_speech(result.no_speech_prob, result.scores[0]):
            return ""
        text = str(self._tokenizer.decode(result.sequences_ids[0], skip_special_tokens=True))
        return without_loops(text.strip())

    def _token(self, name: str) -> int:
        token = self._tokenizer.token_to_id(f"<|{name}|>")
        if token is None:
            raise EngineError(f"Whisper knows no language {name!r}; set OPENTALKING_STT_LANGUAGE_HINTS")
        return int(token)


def is_no_speech(no_speech: float, score: float) -> bool:
    """Whether Whisper made up words, by its share of "no speech" and its tokens' mean log probability."""
    return score < _HOPELESS_SCORE or (no_speech > _DOUBTFUL_NO_SPEECH and score < _DOUBTFUL_SCORE)


def _heed(request: Request) -> None:
    if request.cancelled:
        raise Cancelled


def load(settings: Json) -> Engine:
    """Load the model."""
    return Engine({"transcribe": Whisper(settings).transcribe})


if __name__ == "__main__":
    serve(load)

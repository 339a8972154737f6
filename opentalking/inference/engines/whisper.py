"""Whisper as a child process, by CTranslate2.

Operation `transcribe`: data is one stretch of sound, mono int16 at 16 kHz; of speech in it at most
`MOST_SECONDS` are heard. Payload: `languages` (codes; one fixes the language, of several the likeliest is
taken) and `known_samples` (the words of so much of its beginning are known from an earlier request; 0 or left
out: nothing is). The one part's header:

* `is_new`: False when nobody speaks after what is known; nothing is decoded then, and nothing else is told.
* `text`: "" when nothing was said.
* `language`, and `share`: how sure that is among `languages`, 0..1.
* `speech_seconds`: how much of the sound is speech.

Settings: `model` (folder with `model.bin` and `tokenizer.json`; English alone or many languages), `threads`.

What is not speech for Silero VAD is cut out first. Whisper was trained on windows of 30 s; only the speech
and a little silence are encoded here, a third of the work and less for short utterances; with less silence
than that it is prone to loop.

Operation `warm`: no data; one part without content, after each network was used once. What the engine tells
about itself: `languages`, the codes that it knows.
"""

import math
import re
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
import tokenizers
from numpy.typing import NDArray

from opentalking.audio.log_mel import FRAMES_PER_SECOND, RATE, log_mel
from opentalking.audio.silence import is_silent
from opentalking.audio.speech_spans import GO_ON, cut_to, speech_spans
from opentalking.core.media import Samples
from opentalking.core.providers import VAD_FRAME_SAMPLES
from opentalking.inference.child import Cancelled, Engine, EngineError, Request, serve
from opentalking.inference.framing import Json, Part
from opentalking.inference.silero import Silero
from opentalking.text.loops import said_once, without_loops

MOST_SECONDS = 28.0
_PADDING_SECONDS = 2.0
_TOKENS_PER_SECOND = 12
_LEAST_TOKENS = 20
_REPETITION_PENALTY = 1.02  # with 1.1 it drops what is said twice in a long sentence
_SIMPLIFIED = "以下是普通话的句子。"  # what was "said before" has it write simplified characters
_LANGUAGE = re.compile(r"<\|([a-z]{2,3})\|>")

_LEAST_PEAK, _MOST_GAIN = 6000, 16.0
"""Sound from far away is made that loud for Silero, up to that gain."""
_KNOWN_PAUSE_FRAMES = 3
"""What is known ends with a pause of at least this many frames, or else perhaps in the middle of a word."""

# Measured: in words, short and noisy ones too, three frames are almost always this clearly speech; in a tune
# or a cough with a voice in it they seldom are, and then Whisper rarely believes what it makes up.
_CLEAR_SPEECH, _LEAST_CLARITY = 0.9, 0.6
_CLEAR_FRAMES = 3
_DOUBTFUL_NO_SPEECH, _DOUBTFUL_SCORE = 0.5, -1.5
_HOPELESS_SCORE = -4.5


@dataclass(frozen=True, slots=True)
class _Encoded:
    """Speech as the decoder takes it, and how long it is."""

    features: Any
    seconds: float


class Whisper:
    """The model and its tokenizer, and the network that finds the speech."""

    def __init__(self, settings: Json) -> None:
        folder = Path(settings["model"])
        try:
            self._model = ctranslate2.models.Whisper(
                str(folder), device="cpu", compute_type="int8", intra_threads=settings["threads"]
            )
            self._tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:  # tokenizers raises nothing narrower
            raise EngineError(f"Whisper cannot be loaded from {folder}: {error}") from error
        self._silero = Silero()
        self.languages = self._known_languages()
        """The codes of the languages it was trained on."""
        self._earlier = self._tokenizer.encode(_SIMPLIFIED, add_special_tokens=False).ids

    def _known_languages(self) -> list[str]:
        if not self._model.is_multilingual:
            return ["en"]
        return sorted(found[1] for found in map(_LANGUAGE.fullmatch, self._tokenizer.get_vocab()) if found)

    def transcribe(self, request: Request) -> Generator[Part, None, None]:
        """Handler of `transcribe`."""
        pcm = np.frombuffer(request.data, np.int16)
        languages = request.payload["languages"]
        if unknown := set(languages) - set(self.languages):
            raise EngineError(f"this Whisper does not know {', '.join(sorted(unknown))}")
        speech = self._probabilities(pcm)
        known = request.payload.get("known_samples", 0)
        if known and not _goes_on(speech, known):
            yield Part({"is_new": False})
            return
        said = cut_to(pcm, speech_spans(speech, len(pcm)))
        found = {"is_new": True, "text": "", "language": languages[0], "share": 0.0}
        clarity = _clarity(speech)
        if len(said) and clarity >= _LEAST_CLARITY:
            found |= self._hear(said, clarity, languages, request)
        yield Part({**found, "speech_seconds": len(said) / RATE})

    def warm(self, _request: Request) -> Generator[Part, None, None]:
        """Handler of `warm`."""
        hum = (3000 * np.sin(2 * np.pi * 50 / RATE * np.arange(RATE))).astype(np.int16)
        self._probabilities(hum)
        self._decode(self._encode(hum), "en")
        yield Part({})

    def _hear(self, said: Samples, clarity: float, languages: Sequence[str], request: Request) -> Json:
        encoded = self._encode(said)
        _heed(request)
        language, share = self._likeliest(encoded, languages)
        _heed(request)
        text, no_speech, score = self._decode(encoded, language)
        if is_no_speech(clarity, no_speech, score):
            text = ""
        return {"text": text, "language": language, "share": share}

    def _probabilities(self, pcm: Samples) -> NDArray[np.float32]:
        """Of speech, per frame; the last frame may be filled up with silence."""
        if is_silent(pcm, RATE):
            return np.zeros(0, np.float32)
        loudest = int(np.abs(pcm.astype(np.int32)).max())
        gain = min(_MOST_GAIN, max(1.0, _LEAST_PEAK / loudest))
        louder = (gain * np.pad(pcm, (0, -len(pcm) % VAD_FRAME_SAMPLES))).astype(np.int16)
        return self._silero.probabilities(louder)[0]

    def _encode(self, said: Samples) -> _Encoded:
        seconds = min(len(said) / RATE, MOST_SECONDS)
        mel = log_mel(said, int((seconds + _PADDING_SECONDS) * FRAMES_PER_SECOND) // 2 * 2)
        return _Encoded(self._model.encode(ctranslate2.StorageView.from_array(mel[None])), seconds)

    def _likeliest(self, encoded: _Encoded, languages: Sequence[str]) -> tuple[str, float]:
        if len(languages) == 1:
            return languages[0], 1.0
        [found] = self._model.detect_language(encoded.features)
        told = dict(found)
        shares = {language: told.get(f"<|{language}|>", 0.0) for language in languages}
        likeliest = max(languages, key=shares.__getitem__)
        return likeliest, shares[likeliest] / (sum(shares.values()) or 1.0)

    def _decode(self, encoded: _Encoded, language: str) -> tuple[str, float, float]:
        """The words, the share of "no speech" and the tokens' mean log probability."""
        prompt = self._prompt(language)
        [result] = self._model.generate(
            encoded.features,
            [prompt],
            beam_size=1,
            max_length=min(
                448, len(prompt) + _LEAST_TOKENS + math.ceil(encoded.seconds * _TOKENS_PER_SECOND)
            ),
            repetition_penalty=_REPETITION_PENALTY,
            return_scores=True,
            return_no_speech_prob=True,
        )
        text = str(self._tokenizer.decode(result.sequences_ids[0], skip_special_tokens=True))
        return (
            said_once(without_loops(text.strip()), encoded.seconds),
            result.no_speech_prob,
            result.scores[0],
        )

    def _prompt(self, language: str) -> list[int]:
        if not self._model.is_multilingual:
            return [self._token("startoftranscript"), self._token("notimestamps")]
        names = ("startoftranscript", language, "transcribe", "notimestamps")
        prompt = [self._token(name) for name in names]
        return [self._token("startofprev"), *self._earlier, *prompt] if language == "zh" else prompt

    def _token(self, name: str) -> int:
        token = self._tokenizer.token_to_id(f"<|{name}|>")
        if token is None:
            raise EngineError(f"the tokenizer does not know <|{name}|>")
        return int(token)


def _goes_on(speech: NDArray[np.float32], known_samples: int) -> bool:
    """Whether somebody speaks after what is known, or until its very end."""
    first = max(0, known_samples // VAD_FRAME_SAMPLES - _KNOWN_PAUSE_FRAMES)
    return bool(np.any(speech[first:] >= GO_ON))


def is_no_speech(clarity: float, no_speech: float, score: float) -> bool:
    """Whether Whisper made up words.

    `clarity` is the probability of speech in the clearest frames, `no_speech` the one that Whisper gives to
    "no speech", `score` the mean log probability of its tokens.
    """
    if clarity >= _CLEAR_SPEECH:
        return score < _HOPELESS_SCORE
    return no_speech > _DOUBTFUL_NO_SPEECH or score < _DOUBTFUL_SCORE


def _clarity(speech: NDArray[np.float32]) -> float:
    return float(np.sort(speech)[-_CLEAR_FRAMES:].min(initial=1.0))


def _heed(request: Request) -> None:
    if request.cancelled:
        raise Cancelled


def load(settings: Json) -> Engine:
    """Load the model."""
    whisper = Whisper(settings)
    return Engine(
        {"transcribe": whisper.transcribe, "warm": whisper.warm}, info={"languages": whisper.languages}
    )


if __name__ == "__main__":
    serve(load)

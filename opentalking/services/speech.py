"""Speaking a text outside any session: `/tts/preview`."""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass

import numpy as np

from opentalking.audio.resample import resample
from opentalking.audio.wav import wav_bytes
from opentalking.core.commands import VoiceChoice
from opentalking.core.errors import InvalidInput, ProviderError, TooMany
from opentalking.core.media import Samples, Speech
from opentalking.core.providers import TextToSpeech
from opentalking.services.voice_choice import VoiceChoices
from opentalking.text.sanitize import SpeakableStream, has_speech
from opentalking.text.splitter import SentenceSplitter

_MAX_SECONDS_PER_CHARACTER = 2.0
"""No voice is that slow: an engine that goes on for longer is out of order."""


@dataclass(frozen=True, slots=True)
class SpeechLimits:
    """Limits of previews. `waiting` counts previews beyond the `at_once` that run."""

    characters: int = 500
    sample_rate: int = 16_000
    timeout_seconds: float = 30.0
    at_once: int = 2
    waiting: int = 8


class SpeechService:
    """Speaks short texts with a provider of the caller's choice; never with another in its place."""

    def __init__(
        self,
        speakers: Mapping[str, TextToSpeech],
        choices: VoiceChoices,
        default_provider: str,
        limits: SpeechLimits | None = None,
    ) -> None:
        self._speakers = speakers
        self._choices = choices
        self._default_provider = default_provider
        self._limits = limits or SpeechLimits()
        self._places = asyncio.Semaphore(self._limits.at_once)
        self._callers = 0

    async def preview(
        self, text: str, voice: str | None = None, provider: str | None = None, model: str | None = None
    ) -> bytes:
        """A WAV file (PCM16, mono, `sample_rate`) of `text`.

        Raises `InvalidInput` (blank, too long, nothing to speak, unknown provider or voice,
        or parts that do not go together),
        `ProviderError` (the provider cannot or did not speak in time), `TooMany`.
        """
        words = self._checked(text)
        choice = self._choices.checked(VoiceChoice(voice=voice, tts_provider=provider, tts_model=model))
        name = choice.tts_provider or self._default_provider
        speaker = self._speaker(name)
        if self._callers >= self._limits.at_once + self._limits.waiting:
            raise TooMany("too many previews at once; try again in a moment")
        self._callers += 1
        try:
            async with asyncio.timeout(self._limits.timeout_seconds), self._places:
                pieces = await self._speak(speaker, words, choice.voice, choice.tts_model)
        except TimeoutError as error:
            limit = self._limits.timeout_seconds
            raise ProviderError(
                f"{name} did not finish within {limit:g} s", stage="tts", provider=name, retryable=True
            ) from error
        finally:
            self._callers -= 1
        return await asyncio.to_thread(self._wav, name, pieces)

    def _checked(self, text: str) -> str:
        if not text.strip():
            raise InvalidInput("text is blank; send at least one character")
        if len(text) > self._limits.characters:
            raise InvalidInput(f"text is longer than {self._limits.characters} characters; shorten it")
        if not has_speech(text):
            raise InvalidInput("text has nothing that can be spoken; send at least one word")
        return text

    def _speaker(self, name: str) -> TextToSpeech:
        speaker = self._speakers.get(name)
        trouble = "it is not installed" if speaker is None else speaker.ready()
        if speaker is None or trouble:
            raise ProviderError(f"{name} cannot speak: {trouble}", stage="tts", provider=name)
        return speaker

    async def _speak(
        self, speaker: TextToSpeech, text: str, voice: str | None, model: str | None
    ) -> list[Speech]:
        splitter, sanitiser = SentenceSplitter(), SpeakableStream()
        sentences = [sentence.text for sentence in [*splitter.feed(text), *splitter.flush()]]
        most_seconds = 5.0 + _MAX_SECONDS_PER_CHARACTER * len(text)
        pieces: list[Speech] = []
        seconds = 0.0
        for words in filter(None, map(sanitiser.feed, sentences)):
            async with aclosing(speaker.speak(words, voice, model)) as spoken:
                async for piece in spoken:
                    pieces.append(piece)
                    seconds += piece.seconds
                    if seconds > most_seconds:
                        raise ProviderError(
                            f"{speaker.name} sent sound without end", stage="tts", provider=speaker.name
                        )
        return pieces

    def _wav(self, name: str, pieces: list[Speech]) -> bytes:
        runs: list[tuple[int, list[Samples]]] = []
        for piece in pieces:
            if not runs or runs[-1][0] != piece.sample_rate:
                runs.append((piece.sample_rate, []))
            runs[-1][1].append(piece.pcm)
        rate = self._limits.sample_rate
        sound = [resample(np.concatenate(parts), from_rate, rate) for from_rate, parts in runs]
        pcm = np.concatenate(sound) if sound else np.zeros(0, np.int16)
        if not len(pcm):
            raise ProviderError(f"{name} sent no sound", stage="tts", provider=name, retryable=True)
        return wav_bytes(pcm, rate)

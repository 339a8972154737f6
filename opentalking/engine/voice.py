"""The voice of a turn: the chosen engine, and the one that steps in for it."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass

import structlog

from opentalking.core.errors import ProviderError, provider_errors
from opentalking.core.media import Speech
from opentalking.core.providers import TextToSpeech
from opentalking.text.language import language_of

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class VoiceTimeouts:
    """Longest waits for a sentence's first sound and for each further piece, in seconds."""

    first_seconds: float
    next_seconds: float


@dataclass(frozen=True, slots=True)
class TurnVoice:
    """Engine, voice and model of one turn; `fallback` is an engine's name or None.

    Without a `voice`, the avatar's `own_voices` (by language) speak where the engine has them.
    """

    speakers: Mapping[str, TextToSpeech]
    provider: str
    voice: str | None
    model: str | None
    own_voices: Mapping[str, str]
    fallback: str | None
    timeouts: VoiceTimeouts

    async def speak(self, text: str) -> AsyncGenerator[Speech, None]:
        """Speak one sentence; a failure before the first sound is retried once with the fallback."""
        heard = False
        try:
            voice = self.voice or self._own_voice(self.provider, text)
            async with aclosing(self._pieces(self.provider, text, voice, self.model)) as pieces:
                async for piece in pieces:
                    heard = True
                    yield piece
                return
        except ProviderError as error:
            if heard or self.fallback in (None, self.provider) or self.fallback not in self.speakers:
                raise
            log.warning(
                "tts fallback", provider=self.provider, fallback=self.fallback, error=error.log_message
            )
        voice = self._own_voice(self.fallback, text)
        async with aclosing(self._pieces(self.fallback, text, voice, None)) as pieces:
            async for piece in pieces:
                yield piece

    def _own_voice(self, provider: str, text: str) -> str | None:
        """The avatar's voice for the language of `text`, if that engine has it."""
        name = self.own_voices.get(language_of(text))
        speaker = self.speakers.get(provider)
        if name is None or speaker is None:
            return None
        if any(voice.voice_id == name for voice in speaker.voices()):
            return name
        log.info("avatar's voice not there", provider=provider, voice=name)
        return None

    async def _pieces(
        self, provider: str, text: str, voice: str | None, model: str | None
    ) -> AsyncGenerator[Speech, None]:
        speaker = self.speakers.get(provider)
        if speaker is None:
            raise ProviderError(f"no voice engine named {provider}", stage="tts", provider=provider)
        limit = self.timeouts.first_seconds
        async with aclosing(speaker.speak(text, voice, model)) as pieces:
            while True:
                with provider_errors("tts", provider):
                    try:
                        async with asyncio.timeout(limit):
                            piece = await anext(pieces)
                    except StopAsyncIteration:
                        return
                yield piece
                limit = self.timeouts.next_seconds

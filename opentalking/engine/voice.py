"""The voice of a turn: the chosen engine, and the one that steps in for it."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass

import structlog

from opentalking.core.errors import ProviderError, provider_errors
from opentalking.core.media import Speech
from opentalking.core.providers import TextToSpeech

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class VoiceTimeouts:
    """Longest waits for a sentence's first sound and for each further piece, in seconds."""

    first_seconds: float
    next_seconds: float


@dataclass(frozen=True, slots=True)
class TurnVoice:
    """Engine, voice and model of one turn; `fallback` is an engine's name or None."""

    speakers: Mapping[str, TextToSpeech]
    provider: str
    voice: str | None
    model: str | None
    fallback: str | None
    timeouts: VoiceTimeouts

    async def speak(self, text: str) -> AsyncGenerator[Speech, None]:
        """Speak one sentence; a failure before the first sound is retried once with the fallback."""
        heard = False
        try:
            async with aclosing(self._pieces(self.provider, text, self.voice, self.model)) as pieces:
                async for piece in pieces:
                    heard = True
                    yield piece
                return
        except ProviderError as error:
            if heard or self.fallback in (None, self.provider) or self.fallback not in self.speakers:
                raise
            log.warning("tts fallback", provider=self.provider, fallback=self.fallback, error=error.message)
        async with aclosing(self._pieces(self.fallback, text, None, None)) as pieces:
            async for piece in pieces:
                yield piece

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

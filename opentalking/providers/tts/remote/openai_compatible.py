"""Any service with OpenAI's `POST {base}/audio/speech`."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

import httpx2

from opentalking.core.conversation import Voice
from opentalking.core.media import Speech
from opentalking.providers.tts.remote.http import posted
from opentalking.providers.tts.remote.service import CONNECT_SECONDS, SILENCE_SECONDS, VoiceService, spoken
from opentalking.providers.tts.remote.sound import AnySound, SoundFormat

PCM_RATE = 24_000
"""Of `response_format: pcm`, as OpenAI documents it."""


@dataclass(frozen=True, slots=True)
class OpenAISpeechConfig:
    """Where to ask, and with which voice; `base_url` ends before `/audio/speech`."""

    base_url: str = ""
    api_key: str = field(default="", repr=False)
    model: str = "gpt-4o-mini-tts"
    voice: str = "alloy"
    response_format: SoundFormat = "wav"


class OpenAISpeech:
    """`TextToSpeech` by an OpenAI-compatible endpoint; the key is optional, as for servers at home."""

    name = "openai_compatible"

    def __init__(self, config: OpenAISpeechConfig) -> None:
        self._config = config
        self._service = VoiceService(self.name, config.api_key)
        self._client = httpx2.AsyncClient(timeout=httpx2.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS))

    def ready(self) -> str:
        """ "" when there is an endpoint to ask."""
        return "" if self._config.base_url else "set OPENTALKING_TTS_OPENAI_BASE_URL"

    def voices(self) -> Sequence[Voice]:
        """The configured voice: an endpoint cannot be asked for its voices."""
        voice = self._config.voice
        return [Voice(voice, voice, self.name, self._config.model)] if voice and not self.ready() else []

    async def speak(
        self, text: str, voice: str | None = None, model: str | None = None
    ) -> AsyncGenerator[Speech, None]:
        """Speak `text` while it arrives, at the service's rate; raises `ProviderError`."""
        config = self._config
        if trouble := self.ready():
            raise self._service.error(trouble, retryable=False)
        body = {
            "model": model or config.model,
            "voice": voice or config.voice,
            "input": text,
            "response_format": config.response_format,
        }
        headers = {"Authorization": f"Bearer {config.api_key}"} if config.api_key else {}
        url = f"{config.base_url.rstrip('/')}/audio/speech"
        decoder = AnySound(PCM_RATE if config.response_format == "pcm" else 0)
        with self._service.errors():
            sound = posted(self._client, self._service, url, body, headers)
            async with aclosing(spoken(text, sound, decoder)) as pieces:
                async for piece in pieces:
                    yield piece

    async def warm(self, voices: Sequence[str] = ()) -> None:
        """Nothing to prepare: each sentence is a request of its own."""

    async def aclose(self) -> None:
        """Close the connections; idempotent."""
        await self._client.aclose()

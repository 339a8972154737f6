"""ElevenLabs: `POST {base}/v1/text-to-speech/{voice}/stream`."""

import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from urllib.parse import quote

import httpx2

from opentalking.core.conversation import Voice
from opentalking.core.errors import InvalidInput
from opentalking.core.media import Speech
from opentalking.providers.tts.remote.http import posted
from opentalking.providers.tts.remote.service import CONNECT_SECONDS, SILENCE_SECONDS, VoiceService, spoken
from opentalking.providers.tts.remote.sound import AnySound

_PCM_FORMAT = re.compile(r"pcm_(\d{4,5})")
_MP3_FORMAT = re.compile(r"mp3_\d{4,5}_\d{2,3}")


@dataclass(frozen=True, slots=True)
class ElevenLabsConfig:
    """Where to ask, and with which voice; `output_format` is one of the service's `mp3_*` or `pcm_*`."""

    api_key: str = field(default="", repr=False)
    base_url: str = "https://api.elevenlabs.io"
    model: str = "eleven_flash_v2_5"
    voice: str = ""
    output_format: str = "mp3_22050_32"


class ElevenLabs:
    """`TextToSpeech` by ElevenLabs."""

    name = "elevenlabs"

    def __init__(self, config: ElevenLabsConfig) -> None:
        self._config = config
        self._service = VoiceService(self.name, config.api_key)
        self._client = httpx2.AsyncClient(timeout=httpx2.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS))

    def ready(self) -> str:
        """ "" when key and format are usable."""
        if not self._config.api_key:
            return "set OPENTALKING_TTS_ELEVENLABS_API_KEY"
        form = self._config.output_format
        if not (_PCM_FORMAT.fullmatch(form) or _MP3_FORMAT.fullmatch(form)):
            return "OPENTALKING_TTS_ELEVENLABS_OUTPUT_FORMAT must be one of the service's mp3_… or pcm_…"
        return ""

    def voices(self) -> Sequence[Voice]:
        """The configured voice; further ones are named by their ids."""
        voice = self._config.voice
        return [Voice(voice, voice, self.name)] if voice and not self.ready() else []

    async def speak(
        self, text: str, voice: str | None = None, model: str | None = None
    ) -> AsyncGenerator[Speech, None]:
        """Speak `text` while it arrives; raises `InvalidInput` without a voice, `ProviderError`."""
        config = self._config
        if trouble := self.ready():
            raise self._service.error(trouble, retryable=False)
        name = voice or config.voice
        if not name:
            raise InvalidInput(
                "elevenlabs needs a voice; name one or set OPENTALKING_TTS_ELEVENLABS_VOICE_ID"
            )
        url = (
            f"{config.base_url.rstrip('/')}/v1/text-to-speech/{quote(name, safe='')}/stream"
            f"?output_format={config.output_format}"
        )
        body = {"text": text, "model_id": model or config.model}
        pcm = _PCM_FORMAT.fullmatch(config.output_format)
        with self._service.errors():
            sound = posted(self._client, self._service, url, body, {"xi-api-key": config.api_key})
            async with aclosing(spoken(text, sound, AnySound(int(pcm[1]) if pcm else 0))) as pieces:
                async for piece in pieces:
                    yield piece

    async def warm(self, voices: Sequence[str] = ()) -> None:
        """Nothing to prepare: each sentence is a request of its own."""

    async def aclose(self) -> None:
        """Close the connections; idempotent."""
        await self._client.aclose()

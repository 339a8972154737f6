"""Any endpoint that speaks OpenAI's transcription protocol (`POST {base}/audio/transcriptions`)."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
import openai

from opentalking.audio.silence import is_silent
from opentalking.audio.wav import wav_bytes
from opentalking.core.conversation import Transcript
from opentalking.core.errors import ProviderError
from opentalking.core.media import Samples
from opentalking.core.providers import RECOGNITION_RATE
from opentalking.providers.llm.failures import Upstream
from opentalking.providers.openai_client import openai_client

PROVIDER = "openai_compatible"
_CLOSE_TIMEOUT_SECONDS = 1.0
_MAX_CHARACTERS = 20_000


@dataclass(frozen=True, slots=True)
class OpenAIRecognitionConfig:
    """An endpoint and how it is used.

    `language` is a code such as "en" for utterances that name none; "" lets the endpoint find out.
    """

    base_url: str = ""
    api_key: str = field(default="", repr=False)
    model: str = "whisper-1"
    language: str = ""
    timeout_seconds: float = 45.0


class OpenAISpeechToText:
    """`SpeechToText` behind an HTTP endpoint: the whole utterance at once, no partial transcripts.

    Every failure is a `ProviderError(stage="stt")` that tells what the endpoint said and never its key.
    """

    name = PROVIDER

    def __init__(self, config: OpenAIRecognitionConfig) -> None:
        self._config = config
        self._upstream = Upstream(
            PROVIDER, config.base_url, config.api_key, stage="stt", answer="a transcription"
        )
        self._client: openai.AsyncOpenAI | None = None
        self._closed = False

    def ready(self) -> str:
        """ "" when an endpoint is named; that it is reachable is not checked here."""
        return "" if self._config.base_url else "set OPENTALKING_STT_OPENAI_BASE_URL"

    async def transcribe(
        self, audio: AsyncIterator[Samples], language: str | None = None
    ) -> AsyncGenerator[Transcript, None]:
        """Recognise one utterance (mono int16 at 16 kHz); one final transcript. Silence is not sent.

        A pause prepares nothing: what is asked for is paid for, and perhaps the speaker goes on.
        """
        if reason := self.ready():
            raise ProviderError(f"{PROVIDER}: {reason}", stage="stt", provider=PROVIDER)
        pieces = [pcm async for pcm in audio]
        wav = await asyncio.to_thread(_wav_of, pieces)
        yield Transcript(
            await self._ask(wav, language or self._config.language) if wav else "", is_final=True
        )

    async def warm(self) -> None:
        """Nothing: a hosted endpoint is paid per request."""

    async def aclose(self) -> None:
        """Close the connections; what is in flight fails. Idempotent."""
        self._closed = True
        client, self._client = self._client, None
        if client is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_TIMEOUT_SECONDS):
                    await client.close()

    async def _ask(self, wav: bytes, language: str) -> str:
        config = self._config
        if self._closed:
            raise self._upstream.error("closed", retryable=False)
        if self._client is None:
            self._client = openai_client(config.base_url, config.api_key, config.timeout_seconds)
        with self._upstream.errors("transcription"):
            async with asyncio.timeout(config.timeout_seconds):
                answer = await self._client.audio.transcriptions.create(
                    model=config.model,
                    file=("utterance.wav", wav, "audio/wav"),
                    language=language or openai.omit,
                    response_format="json",
                )
            text = answer.text
            if not isinstance(text, str):
                raise ValueError("it has no text")
        return text.strip()[:_MAX_CHARACTERS]


def _wav_of(pieces: list[Samples]) -> bytes:
    """The utterance as a WAV file, b"" when it is silent; blocking, 0.3 s for ten minutes."""
    pcm = np.concatenate([*pieces, np.zeros(0, np.int16)])
    return b"" if is_silent(pcm, RECOGNITION_RATE) else wav_bytes(pcm, RECOGNITION_RATE)

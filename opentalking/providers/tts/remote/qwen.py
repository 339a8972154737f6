"""Qwen TTS realtime of DashScope: one WebSocket a sentence, base64 PCM in JSON events.

Protocol: https://help.aliyun.com/zh/model-studio/qwen-tts-realtime-api-reference
"""

import base64
import json
import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from websockets.asyncio.client import ClientConnection

from opentalking.core.conversation import Voice
from opentalking.core.media import Speech
from opentalking.providers.tts.presets import QWEN_VOICES
from opentalking.providers.tts.remote.service import VoiceService, received, socket_to, spoken, text_of
from opentalking.providers.tts.remote.sound import PcmDecoder

RATE = 24_000


@dataclass(frozen=True, slots=True)
class QwenConfig:
    """Where to ask, and with which voice."""

    api_key: str = field(default="", repr=False)
    model: str = "qwen3-tts-flash-realtime"
    voice: str = "Cherry"
    service_url: str = "wss://dashscope.aliyuncs.com/api-ws/v1/realtime"
    language: str = "Auto"


class QwenSpeech:
    """`TextToSpeech` by DashScope's Qwen voices, also cloned ones (their model is the clone's)."""

    name = "dashscope"

    def __init__(self, config: QwenConfig) -> None:
        self._config = config
        self._service = VoiceService(self.name, config.api_key)

    def ready(self) -> str:
        """ "" when there is a key."""
        return "" if self._config.api_key else "set OPENTALKING_TTS_DASHSCOPE_API_KEY"

    def voices(self) -> Sequence[Voice]:
        """The service's own voices."""
        return [] if self.ready() else QWEN_VOICES

    async def speak(
        self, text: str, voice: str | None = None, model: str | None = None
    ) -> AsyncGenerator[Speech, None]:
        """Speak `text` in pieces at 24 kHz; raises `ProviderError`."""
        config = self._config
        if trouble := self.ready():
            raise self._service.error(trouble, retryable=False)
        url = f"{config.service_url}?model={quote(model or config.model)}"
        with self._service.errors():
            async with socket_to(url, {"Authorization": f"Bearer {config.api_key}"}) as socket:
                await self._ask(socket, text, voice or config.voice)
                sound = self._sound(socket)
                async with aclosing(spoken(text, sound, PcmDecoder(RATE))) as pieces:
                    async for piece in pieces:
                        yield piece

    async def _ask(self, socket: ClientConnection, text: str, voice: str) -> None:
        session = {
            "voice": voice,
            "mode": "commit",
            "response_format": "pcm",
            "sample_rate": RATE,
            "language_type": self._config.language,
        }
        await _send(socket, "session.update", session=session)
        await _send(socket, "input_text_buffer.append", text=text)
        await _send(socket, "input_text_buffer.commit")
        await _send(socket, "session.finish")

    async def _sound(self, socket: ClientConnection) -> AsyncGenerator[bytes, None]:
        async with aclosing(received(socket)) as messages:
            async for message in messages:
                event: dict[str, Any] = json.loads(message)
                match event.get("type"):
                    case "response.audio.delta":
                        yield base64.b64decode(event["delta"], validate=True)
                    case "error":
                        raise self._service.error("it reported an error", said=text_of(event, ""))
                    case "session.finished":
                        return
        raise self._service.error("it closed the connection before the end of the sentence")

    async def warm(self, voices: Sequence[str] = ()) -> None:
        """Nothing to prepare: each sentence has a connection of its own."""

    async def aclose(self) -> None:
        """Nothing is kept open."""


async def _send(socket: ClientConnection, kind: str, **fields: Any) -> None:
    await socket.send(json.dumps({"event_id": f"event_{uuid.uuid4().hex}", "type": kind, **fields}))

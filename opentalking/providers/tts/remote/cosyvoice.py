"""CosyVoice and Sambert of DashScope: task messages in JSON, sound in binary frames.

Protocol: https://help.aliyun.com/zh/model-studio/cosyvoice-websocket-api
"""

import json
import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Literal

from websockets.asyncio.client import ClientConnection

from opentalking.core.conversation import Voice
from opentalking.core.media import Speech
from opentalking.providers.tts.presets import COSYVOICE_VOICES
from opentalking.providers.tts.remote.service import VoiceService, received, socket_to, spoken
from opentalking.providers.tts.remote.sound import PcmDecoder

RATE = 24_000
SAMBERT_RATE = 16_000
_DEFAULT_URL = "wss://dashscope.aliyuncs.com/api-ws/v1/inference"
Streaming = Literal["duplex", "out"]


@dataclass(frozen=True, slots=True)
class TaskConfig:
    """Where to ask; a Sambert `model` is its voice, so that `voice` stays empty there."""

    api_key: str = field(default="", repr=False)
    model: str = "cosyvoice-v3-flash"
    voice: str = "longanyang"
    service_url: str = _DEFAULT_URL


class _Task:
    """One synthesis over one connection."""

    def __init__(
        self, socket: ClientConnection, service: VoiceService, streaming: Streaming, order: dict[str, Any]
    ) -> None:
        self._socket = socket
        self._service = service
        self._streaming = streaming
        self._order = order
        self._id = uuid.uuid4().hex

    async def run(self) -> None:
        """Ask for the synthesis."""
        await self._send("run-task", self._order)

    async def _send(self, action: str, payload: dict[str, Any]) -> None:
        header = {"action": action, "task_id": self._id, "streaming": self._streaming}
        await self._socket.send(json.dumps({"header": header, "payload": payload}))

    async def sound(self, text: str) -> AsyncGenerator[bytes, None]:
        """The task's sound to its end; the text is sent once the task has started."""
        async with aclosing(received(self._socket)) as messages:
            async for message in messages:
                if isinstance(message, bytes):
                    yield message
                    continue
                header = json.loads(message)["header"]
                match header.get("event"):
                    case "task-started" if self._streaming == "duplex":
                        further = {k: v for k, v in self._order.items() if k != "parameters"}
                        await self._send("continue-task", {**further, "input": {"text": text}})
                        await self._send("finish-task", {"input": {}})
                    case "task-finished":
                        return
                    case "task-failed":
                        raise self._service.task_failed(header)
        raise self._service.error("it closed the connection before the end of the sentence")


class CosyVoice:
    """`TextToSpeech` by DashScope's CosyVoice, also with cloned voices."""

    name = "cosyvoice"
    streaming: Streaming = "duplex"
    rate = RATE

    def __init__(self, config: TaskConfig) -> None:
        self._config = config
        self._service = VoiceService(self.name, config.api_key)

    def ready(self) -> str:
        """ "" when there is a key."""
        return "" if self._config.api_key else "set OPENTALKING_TTS_DASHSCOPE_API_KEY"

    def voices(self) -> Sequence[Voice]:
        """The service's own voices."""
        return [] if self.ready() else COSYVOICE_VOICES

    async def speak(
        self, text: str, voice: str | None = None, model: str | None = None
    ) -> AsyncGenerator[Speech, None]:
        """Speak `text` in pieces; raises `ProviderError`."""
        if trouble := self.ready():
            raise self._service.error(trouble, retryable=False)
        headers = {"Authorization": f"Bearer {self._config.api_key}"}
        with self._service.errors():
            async with socket_to(self._config.service_url or _DEFAULT_URL, headers) as socket:
                task = _Task(socket, self._service, self.streaming, self._order(text, voice, model))
                await task.run()
                sound = task.sound(text)
                async with aclosing(spoken(text, sound, PcmDecoder(self.rate))) as pieces:
                    async for piece in pieces:
                        yield piece

    def _order(self, text: str, voice: str | None, model: str | None) -> dict[str, Any]:
        return {
            "model": model or self._config.model,
            "task_group": "audio",
            "task": "tts",
            "function": "SpeechSynthesizer",
            "input": {},
            "parameters": {
                "voice": voice or self._config.voice,
                "text_type": "PlainText",
                "format": "pcm",
                "sample_rate": self.rate,
                "volume": 50,
                "rate": 1.0,
                "pitch": 1.0,
            },
        }

    async def warm(self, voices: Sequence[str] = ()) -> None:
        """Nothing to prepare: each sentence has a connection of its own."""

    async def aclose(self) -> None:
        """Nothing is kept open."""


class Sambert(CosyVoice):
    """`TextToSpeech` by DashScope's Sambert: each of its models is one voice."""

    name = "sambert"
    streaming: Streaming = "out"
    rate = SAMBERT_RATE

    def voices(self) -> Sequence[Voice]:
        """The configured model, as a voice."""
        model = self._config.model
        return [] if self.ready() else [Voice(model, model, self.name, model, language="zh-CN")]

    def _order(self, text: str, voice: str | None, model: str | None) -> dict[str, Any]:
        return {
            "model": model or voice or self._config.model,
            "task_group": "audio",
            "task": "tts",
            "function": "SpeechSynthesizer",
            "input": {"text": text},
            "parameters": {
                "format": "pcm",
                "sample_rate": self.rate,
                "volume": 50,
                "rate": 1.0,
                "pitch": 1.0,
            },
        }

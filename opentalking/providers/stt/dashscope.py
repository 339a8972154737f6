"""Paraformer, DashScope's real-time recogniser: task messages in JSON, sound in binary frames.

Protocol: https://help.aliyun.com/zh/model-studio/websocket-for-paraformer-real-time-service
"""

import asyncio
import json
import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection

from opentalking.core.conversation import Transcript
from opentalking.core.media import Samples
from opentalking.core.providers import RECOGNITION_RATE
from opentalking.providers.tts.remote.service import SILENCE_SECONDS, VoiceService, socket_to

PROVIDER = "dashscope"
_DEFAULT_URL = "wss://dashscope.aliyuncs.com/api-ws/v1/inference"
_FRAME_SAMPLES = RECOGNITION_RATE // 10


@dataclass(frozen=True, slots=True)
class ParaformerConfig:
    """An account, a model and the languages it is told to expect."""

    api_key: str = field(default="", repr=False)
    model: str = "paraformer-realtime-v2"
    languages: tuple[str, ...] = ("zh", "en")
    service_url: str = _DEFAULT_URL


class Paraformer:
    """`SpeechToText` with partial transcripts; one connection per utterance."""

    name = PROVIDER

    def __init__(self, config: ParaformerConfig) -> None:
        self._config = config
        self._service = VoiceService(self.name, config.api_key, stage="stt")

    def ready(self) -> str:
        """ "" when there is a key; that it is accepted is not checked here."""
        return "" if self._config.api_key else "set OPENTALKING_STT_DASHSCOPE_API_KEY"

    async def transcribe(
        self, audio: AsyncIterator[Samples], language: str | None = None
    ) -> AsyncGenerator[Transcript, None]:
        """Recognise one utterance (mono int16 at 16 kHz) while it comes in; it hears pauses by itself."""
        if trouble := self.ready():
            raise self._service.error(trouble, retryable=False)
        headers = {"Authorization": f"Bearer {self._config.api_key}"}
        languages = (language,) if language else self._config.languages
        words = _Words()
        with self._service.errors():
            async with (
                socket_to(self._config.service_url, headers) as socket,
                self._sending(socket, audio, languages) as sending,
            ):
                while (output := await self._result(socket, sending)) is not None:
                    words.hear(output["sentence"])
                    yield Transcript(words.text, is_final=False)
        yield Transcript(words.text, is_final=True)

    async def warm(self) -> None:
        """Nothing to prepare: each utterance has a connection of its own."""

    async def aclose(self) -> None:
        """Nothing is kept open."""

    @asynccontextmanager
    async def _sending(
        self, socket: ClientConnection, audio: AsyncIterator[Samples], languages: tuple[str, ...]
    ) -> AsyncIterator["asyncio.Task[None]"]:
        """Begin the task, then send the sound while inside."""
        task_id = uuid.uuid4().hex
        await socket.send(_message("run-task", task_id, self._order(languages)))
        async with asyncio.timeout(SILENCE_SECONDS):
            self._event(await socket.recv(), "task-started")
        sending = asyncio.create_task(_send(socket, audio, task_id), name="sound for dashscope")
        try:
            yield sending
        finally:
            sending.cancel()
            await asyncio.wait({sending})

    async def _result(self, socket: ClientConnection, sending: "asyncio.Task[None]") -> Any:
        """The service's next result, None at the end.

        While sound is sent it may be silent, then for `SILENCE_SECONDS`. Raises what sending fails with.
        """
        loop = asyncio.get_running_loop()
        is_waiting = True
        try:
            async with asyncio.timeout(None) as limit:

                def restrict(sent: "asyncio.Task[None]") -> None:
                    if not is_waiting or limit.expired():
                        return  # the result was there before this was called
                    failed = not sent.cancelled() and sent.exception() is not None
                    limit.reschedule(loop.time() + (0 if failed else SILENCE_SECONDS))

                sending.add_done_callback(restrict)
                try:
                    message = await socket.recv()
                finally:
                    is_waiting = False
                    sending.remove_done_callback(restrict)
        except TimeoutError:
            if sending.done():
                sending.result()
            raise
        body = self._event(message, "result-generated", "task-finished")
        return body["payload"]["output"] if body["header"]["event"] == "result-generated" else None

    def _event(self, message: str | bytes, *expected: str) -> Any:
        body = json.loads(message)
        header = body["header"]
        if header["event"] == "task-failed":
            raise self._service.task_failed(header)
        if header["event"] not in expected:
            raise ValueError(f"the event {header['event']}")
        return body

    def _order(self, languages: tuple[str, ...]) -> dict[str, Any]:
        return {
            "task_group": "audio",
            "task": "asr",
            "function": "recognition",
            "model": self._config.model,
            "parameters": {
                "format": "pcm",
                "sample_rate": RECOGNITION_RATE,
                "language_hints": list(languages),
            },
            "input": {},
        }


class _Words:
    """The sentences so far, the last one perhaps not complete."""

    def __init__(self) -> None:
        self._complete: list[str] = []
        self._partial = ""

    def hear(self, sentence: dict[str, Any]) -> None:
        """Take a result of the service."""
        text = str(sentence["text"])
        if sentence.get("sentence_end"):
            self._complete.append(text)
            self._partial = ""
        else:
            self._partial = text

    @property
    def text(self) -> str:
        """All of them, with spaces between those in Latin letters."""
        joined = ""
        for text in filter(None, map(str.strip, (*self._complete, self._partial))):
            needs_space = joined and joined[-1].isascii() and text[0].isascii()
            joined += f" {text}" if needs_space else text
        return joined


def _message(action: str, task_id: str, payload: dict[str, Any]) -> str:
    header = {"action": action, "task_id": task_id, "streaming": "duplex"}
    return json.dumps({"header": header, "payload": payload})


async def _send(socket: ClientConnection, audio: AsyncIterator[Samples], task_id: str) -> None:
    async for pcm in audio:
        for start in range(0, len(pcm), _FRAME_SAMPLES):
            await socket.send(pcm[start : start + _FRAME_SAMPLES].astype("<i2").tobytes())
    await socket.send(_message("finish-task", task_id, {"input": {}}))

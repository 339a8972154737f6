"""Local servers that speak the protocols of voice services, well or badly, as a test asks.

    async with SpeechServices() as services:
        ... services.http_url, services.ws_url ...
        services.mode = "refuse"

What they say is a tone of 440 Hz, 50 ms a character. Modes: "normal"; "refuse" (the service's own error,
with the text in it); "drop" (the connection breaks in the middle of the sound); "stall" (silence in the
middle); "junk"; "empty".
"""

import asyncio
import base64
import io
import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Self

import av
import numpy as np
from aiohttp import WSMsgType, web

KEY = "sk-vendor-0123456789"
TONE_HZ = 440
SECONDS_PER_CHARACTER = 0.05
_CHUNK_BYTES = 800
Mode = Literal["normal", "refuse", "drop", "stall", "junk", "empty"]


def tone(text: str, rate: int) -> bytes:
    """What every service says of `text`: s16le mono."""
    times = np.arange(round(len(text) * SECONDS_PER_CHARACTER * rate)) / rate
    return (8000 * np.sin(2 * np.pi * TONE_HZ * times)).astype("<i2").tobytes()


def encoded(pcm: bytes, rate: int, form: str) -> bytes:
    """`pcm` as a file of format "wav" or "mp3"."""
    target = io.BytesIO()
    with av.open(target, "w", format=form) as container:
        stream = container.add_stream("mp3" if form == "mp3" else "pcm_s16le", rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.frombuffer(pcm, np.int16)[None, :], "s16", "mono")
        frame.sample_rate = rate
        for part in (frame, None):
            container.mux(stream.encode(part))
    return target.getvalue()


@dataclass
class _Listening:
    """A server on a free loopback port, and how it misbehaves."""

    mode: Mode = "normal"
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    disconnected: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0
    _runner: web.AppRunner | None = None

    @property
    def http_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        app = web.Application()
        self._add_routes(app.router)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    def _add_routes(self, router: web.UrlDispatcher) -> None:
        raise NotImplementedError

    def _note(self, request: web.Request, asked: dict[str, Any]) -> None:
        self.asked.append(asked)
        self.headers.append(dict(request.headers))

    async def _chunks(self, sound: bytes) -> AsyncIterator[bytes]:
        """The sound as it leaves; raises `ConnectionResetError` where it is to break."""
        if self.mode == "empty":
            return
        if self.mode == "junk":
            sound = b"<html>this is no sound at all</html>" * 40
        for start in range(0, len(sound), _CHUNK_BYTES):
            if start >= len(sound) // 2 and self.mode in ("drop", "stall"):
                if self.mode == "drop":
                    raise ConnectionResetError
                await self._until_gone()
            yield sound[start : start + _CHUNK_BYTES]

    async def _until_gone(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.disconnected.set()


@dataclass
class SpeechServices(_Listening):
    """OpenAI's and ElevenLabs' HTTP, DashScope's two WebSockets and Edge's, on one port."""

    def _add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_post("/v1/audio/speech", self._openai)
        router.add_post("/v1/text-to-speech/{voice}/stream", self._elevenlabs)
        router.add_get("/api-ws/v1/realtime", self._qwen)
        router.add_get("/api-ws/v1/inference", self._tasks)
        router.add_get("/edge/v1", self._edge)

    # -- HTTP

    async def _openai(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self._note(request, body)
        if self.mode == "refuse" or request.headers.get("Authorization") != f"Bearer {KEY}":
            told = f"Incorrect API key provided: {KEY}; not said: {body['input']}"
            return web.json_response({"error": {"message": told}}, status=401)
        pcm = tone(body["input"], 24_000)
        form = body["response_format"]
        return await self._sent(request, pcm if form == "pcm" else encoded(pcm, 24_000, form))

    async def _elevenlabs(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        form = request.query["output_format"]
        self._note(request, body | {"voice": request.match_info["voice"], "output_format": form})
        if self.mode == "refuse" or request.headers.get("xi-api-key") != KEY:
            detail = {"status": "invalid_api_key", "message": f"Invalid API key; not said: {body['text']}"}
            return web.json_response({"detail": detail}, status=401)
        kind, rate = form.split("_")[:2]
        pcm = tone(body["text"], int(rate))
        return await self._sent(request, pcm if kind == "pcm" else encoded(pcm, int(rate), "mp3"))

    async def _sent(self, request: web.Request, sound: bytes) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        try:
            async for chunk in self._chunks(sound):
                await answer.write(chunk)
        except ConnectionResetError:
            assert request.transport is not None
            request.transport.abort()
            return answer
        await answer.write_eof()
        return answer

    # -- Qwen realtime

    async def _qwen(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return web.json_response({"code": "InvalidApiKey", "message": "Invalid API-key."}, status=401)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await _event(socket, "session.created", session={})
        texts: list[str] = []
        asked: dict[str, Any] = {"model": request.query["model"]}
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            event = json.loads(message.data)
            match event["type"]:
                case "session.update":
                    asked |= event["session"]
                    await _event(socket, "session.updated", session=event["session"])
                case "input_text_buffer.append":
                    texts.append(event["text"])
                case "input_text_buffer.commit":
                    self._note(request, asked | {"text": "".join(texts)})
                    await _event(socket, "input_text_buffer.committed")
                    await self._qwen_response(socket, "".join(texts), asked["sample_rate"])
                case "session.finish":
                    await _event(socket, "session.finished")
                    break
        await socket.close()
        return socket

    async def _qwen_response(self, socket: web.WebSocketResponse, text: str, rate: int) -> None:
        if self.mode == "refuse":
            told = {"code": "invalid_value", "message": f"Voice is not supported; not said: {text}"}
            await _event(socket, "error", error=told)
            return
        await _event(socket, "response.created", response={})
        try:
            async for chunk in self._chunks(tone(text, rate)):
                delta = "!!!" if self.mode == "junk" else base64.b64encode(chunk).decode()
                await _event(socket, "response.audio.delta", delta=delta)
        except ConnectionResetError:
            await socket.close(code=1011)
            return
        await _event(socket, "response.audio.done")
        await _event(socket, "response.done", response={})

    # -- CosyVoice, Sambert

    async def _tasks(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization", "").lower() != f"bearer {KEY}":
            return web.json_response({"code": "InvalidApiKey", "message": "Invalid API-key."}, status=401)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        texts: list[str] = []
        order: dict[str, Any] = {}
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            told = json.loads(message.data)
            header, payload = told["header"], told["payload"]
            texts.append(payload["input"].get("text", ""))
            if header["action"] == "run-task":
                order = payload
                await _task_event(socket, header["task_id"], "task-started")
            if header["action"] == "finish-task" or header["streaming"] == "out":
                self._note(request, order | {"text": "".join(texts)})
                await self._task_sound(socket, header["task_id"], "".join(texts), order)
                break
        await socket.close()
        return socket

    async def _task_sound(
        self, socket: web.WebSocketResponse, task_id: str, text: str, order: dict[str, Any]
    ) -> None:
        if self.mode == "refuse":
            why = f"Engine return error code: 418; not said: {text}"
            told = {"error_code": "InvalidParameter", "error_message": why}
            await _task_event(socket, task_id, "task-failed", **told)
            return
        try:
            async for chunk in self._chunks(tone(text, order["parameters"]["sample_rate"])):
                if self.mode == "junk":
                    await socket.send_str("{}")
                else:
                    await socket.send_bytes(chunk)
        except ConnectionResetError:
            await socket.close(code=1011)
            return
        await _task_event(socket, task_id, "task-finished")

    # -- Edge

    async def _edge(self, request: web.Request) -> web.StreamResponse:
        if self.mode == "refuse":
            return web.Response(status=403)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive_str()
        ssml = await socket.receive_str()
        self._note(request, {"ssml": ssml})
        words = ssml.rsplit("</prosody>", 1)[0].rsplit(">", 1)[1]
        head = b"X-RequestId:1\r\nContent-Type:audio/mpeg\r\nPath:audio\r\n"
        try:
            async for chunk in self._chunks(encoded(tone(words, 24_000), 24_000, "mp3")):
                await socket.send_bytes(len(head).to_bytes(2, "big") + head + chunk)
        except ConnectionResetError:
            await socket.close(code=1011)
            return socket
        await socket.send_str("X-RequestId:1\r\nPath:turn.end\r\n\r\n{}")
        await socket.close()
        return socket


async def _event(socket: web.WebSocketResponse, kind: str, **fields: Any) -> None:
    await socket.send_json({"event_id": f"event_{uuid.uuid4().hex}", "type": kind, **fields})


async def _task_event(socket: web.WebSocketResponse, task_id: str, event: str, **fields: Any) -> None:
    header = {"task_id": task_id, "event": event, "attributes": {}, **fields}
    await socket.send_json({"header": header, "payload": {"output": None, "usage": None}})

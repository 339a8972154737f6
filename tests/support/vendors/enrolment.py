"""A local server that makes voices the way DashScope does, well or badly, as a test asks.

    async with EnrolmentService() as service:
        ... service.base_url ...
        service.mode = "refuse"

Both families are behind one address, as at the vendor: `qwen-voice-enrollment` (actions create, list, query,
delete; the sample is a data URL) and `voice-enrollment` (create_voice, list_voice, query_voice, update_voice,
delete_voice; the sample is fetched before the answer). `voices` is what the account has.

Modes: "normal"; "refuse" (the vendor's own error); "hold" (waits for `release`); "drop" (the connection
breaks); "garbage"; "flood" (an answer without end); "no_voice" (200 without the id); "echo" (an error that
repeats the key and the request).
"""

import asyncio
import base64
import binascii
import io
import json
import uuid
import wave
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp import web

KEY = "sk-enrol-9876543210"
QWEN, COSYVOICE = "qwen-voice-enrollment", "voice-enrollment"


class Refusal(Exception):
    """An error as the vendor words it."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"code": code, "message": message, "request_id": uuid.uuid4().hex}


@dataclass
class EnrolmentService:
    """Listens on a free loopback port while it is entered."""

    mode: str = "normal"
    requests: list[dict[str, Any]] = field(default_factory=list)
    samples: list[bytes] = field(default_factory=list)
    voices: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    disconnected: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0
    _runner: web.AppRunner | None = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/v1"

    @property
    def actions(self) -> list[str]:
        return [request["input"]["action"] for request in self.requests]

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=16 << 20)
        app.router.add_post("/api/v1/services/audio/tts/customization", self._answer)
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

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.requests.append(body)
        self.asked.set()
        try:
            if request.headers.get("Authorization") != f"Bearer {KEY}":
                raise Refusal("InvalidApiKey", "Invalid API-key provided.", 401)
            odd = await self._misbehave(request, body)
            output = await self._act(body["model"], body["input"]) if odd is None else {}
        except Refusal as refusal:
            return web.json_response(refusal.body, status=refusal.status)
        except asyncio.CancelledError:
            self.disconnected.set()
            raise
        return odd or web.json_response(
            {"output": output, "usage": {"count": 1}, "request_id": uuid.uuid4().hex}
        )

    async def _misbehave(self, request: web.Request, body: dict[str, Any]) -> web.StreamResponse | None:
        match self.mode:
            case "refuse":
                raise Refusal("Audio.PreprocessError", "No segments meet minimum duration requirement")
            case "echo":
                key = request.headers["Authorization"]
                return web.Response(status=500, text=f"crashed: {key} {json.dumps(body)}")
            case "drop":
                assert request.transport is not None
                request.transport.abort()
                return web.Response()
            case "garbage":
                return web.Response(text="<html>\x00 not json", content_type="text/html")
            case "flood":
                return web.Response(body=b" " * (3 << 20))
            case "no_voice":
                return web.json_response({"output": {}, "request_id": "r"})
            case "hold":
                await self.release.wait()
        return None

    async def _act(self, model: str, asked: dict[str, Any]) -> dict[str, Any]:
        actions = {
            (QWEN, "create"): self._create_qwen,
            (QWEN, "list"): self._list,
            (QWEN, "query"): self._query,
            (QWEN, "delete"): self._delete,
            (COSYVOICE, "create_voice"): self._create_cosyvoice,
            (COSYVOICE, "list_voice"): self._list,
            (COSYVOICE, "query_voice"): self._query,
            (COSYVOICE, "update_voice"): self._update,
            (COSYVOICE, "delete_voice"): self._delete,
        }
        act = actions.get((model, asked["action"]))
        if act is None:
            raise Refusal("InvalidParameter", f"unknown action {asked['action']} of {model}")
        return await act(asked)

    async def _list(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {"voice_list": list(self.voices.values()), "page_index": asked["page_index"]}

    async def _query(self, asked: dict[str, Any]) -> dict[str, Any]:
        return self.voices[self._known(asked)]

    async def _update(self, asked: dict[str, Any]) -> dict[str, Any]:
        self._known(asked)
        self.samples.append(_checked_wav(await _fetch(asked["url"])))
        return {}

    async def _delete(self, asked: dict[str, Any]) -> dict[str, Any]:
        gone = self.voices.pop(self._known(asked))
        return {"voice": gone["voice"]} if "voice" in asked else {}

    def _known(self, asked: dict[str, Any]) -> str:
        """The voice that is meant: a `voice` of Qwen or a `voice_id` of CosyVoice."""
        voice: str = asked.get("voice") or asked.get("voice_id", "")
        if voice not in self.voices:
            code = "VoiceNotFound" if "voice" in asked else "ResourceNotExist"
            raise Refusal(f"BadRequest.{code}", f"Voice '{voice}' not found.")
        return voice

    async def _create_qwen(self, asked: dict[str, Any]) -> dict[str, Any]:
        kind, _, data = asked["audio"]["data"].partition(";base64,")
        try:
            if kind != "data:audio/wav":
                raise ValueError(kind)
            self.samples.append(_checked_wav(base64.b64decode(data, validate=True)))
        except (ValueError, binascii.Error):
            raise Refusal("Audio.DecoderError", "Decoder audio file failed.") from None
        voice = f"qwen-tts-vc-{asked['preferred_name']}-voice-20261126{uuid.uuid4().hex[:8]}"
        self.voices[voice] = {"voice": voice, "target_model": asked["target_model"]}
        return dict(self.voices[voice])

    async def _create_cosyvoice(self, asked: dict[str, Any]) -> dict[str, Any]:
        if not asked["prefix"].isalnum() or len(asked["prefix"]) >= 10:
            raise Refusal("InvalidParameter", "prefix must be less than 10 digits and lower-case letters")
        self.samples.append(_checked_wav(await _fetch(asked["url"])))
        voice = f"{asked['target_model']}-{asked['prefix']}-{uuid.uuid4().hex}"
        self.voices[voice] = {"voice_id": voice, "target_model": asked["target_model"], "status": "OK"}
        return {"voice_id": voice}


async def _fetch(url: str) -> bytes:
    try:
        async with aiohttp.ClientSession() as client, client.get(url) as response:
            if response.status != 200 or response.content_type != "audio/wav":
                raise Refusal("BadRequest.InputDownloadFailed", f"download answered {response.status}")
            return await response.read()
    except aiohttp.ClientError as error:
        raise Refusal("BadRequest.InputDownloadFailed", f"download failed: {error}") from error


def _checked_wav(data: bytes) -> bytes:
    with wave.open(io.BytesIO(data)) as sound:
        kind = (sound.getframerate(), sound.getnchannels(), sound.getsampwidth())
    if kind != (24_000, 1, 2):
        raise Refusal("Audio.AudioRateError", f"File sample rate unsupported: {kind}")
    return data

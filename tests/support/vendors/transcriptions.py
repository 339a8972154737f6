"""Local servers that speak the protocols of recognisers, well or badly, as a test asks.

async with TranscriptionServer("what time is it") as server:
    ... server.base_url ...
    server.mode = "stall"
"""

import asyncio
import json
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from aiohttp import WSMessage, WSMsgType, web

KEY = "sk-test-stt-1234567890"


@dataclass
class Asked:
    """One request: its fields, the uploaded file and the headers."""

    fields: dict[str, str]
    file: bytes
    file_name: str
    headers: dict[str, str]


@dataclass
class TranscriptionServer:
    """OpenAI's transcription protocol, on a free loopback port while it is entered.

    Its modes are the methods called `_mode_*`. What it was asked is in `requests`; `disconnected` is set
    when a client goes away before the answer.
    """

    text: str = "what time is it"
    mode: str = "normal"
    requests: list[Asked] = field(default_factory=list)
    started: asyncio.Event = field(default_factory=asyncio.Event)
    disconnected: asyncio.Event = field(default_factory=asyncio.Event)
    base_url: str = ""
    _runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=32 * 2**20)
        app.router.add_post("/v1/audio/transcriptions", self._transcribe)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _transcribe(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        upload = form["file"]
        assert isinstance(upload, web.FileField)
        fields = {name: str(value) for name, value in form.items() if name != "file"}
        with upload.file as file:
            self.requests.append(Asked(fields, file.read(), upload.filename, dict(request.headers)))
        self.started.set()
        try:
            response: web.StreamResponse = await getattr(self, f"_mode_{self.mode}")()
        except asyncio.CancelledError:
            self.disconnected.set()
            raise
        return response

    async def _mode_normal(self) -> web.StreamResponse:
        return web.json_response({"text": self.text})

    async def _mode_stall(self) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    async def _mode_unauthorized(self) -> web.StreamResponse:
        return web.json_response({"error": {"message": f"Incorrect API key provided: {KEY}"}}, status=401)

    async def _mode_unknown_model(self) -> web.StreamResponse:
        return web.json_response({"error": {"message": "no model whisper-9"}}, status=404)

    async def _mode_bad_gateway(self) -> web.StreamResponse:
        return web.Response(status=502, text="<html>Bad Gateway</html>", content_type="text/html")

    async def _mode_html(self) -> web.StreamResponse:
        return web.Response(text="<html>Welcome</html>", content_type="text/html")

    async def _mode_no_text(self) -> web.StreamResponse:
        return web.json_response({"segments": []})

    async def _mode_list(self) -> web.StreamResponse:
        return web.json_response(["what"])

    async def _mode_broken_json(self) -> web.StreamResponse:
        return web.Response(text='{"text": "wha', content_type="application/json")


@dataclass
class ParaformerServer:
    """DashScope's recognition task over a WebSocket: each of `sentences` comes in halves, then whole.

    Modes: "normal"; "refuse" (a failed task); "drop" (the connection breaks in the middle); "stall" (no end);
    "junk".
    """

    sentences: tuple[str, ...] = ("what time is it", "now")
    mode: str = "normal"
    orders: list[dict[str, Any]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    sound: bytearray = field(default_factory=bytearray)
    frame_lengths: list[int] = field(default_factory=list)
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    disconnected: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""
    _runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/inference", self._serve)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"ws://127.0.0.1:{self._runner.addresses[0][1]}/inference"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.headers = dict(request.headers)
        if self.headers.get("Authorization") != f"Bearer {KEY}":
            return web.Response(status=401, text="InvalidApiKey")
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        try:
            async for message in socket:
                await self._take(request, socket, message)
        finally:
            self.disconnected.set()
        return socket

    async def _take(self, request: web.Request, socket: web.WebSocketResponse, message: WSMessage) -> None:
        if message.type is not WSMsgType.BINARY:
            order = json.loads(message.data)
            self.orders.append(order)
            await self._heed(socket, order["header"])
            return
        self.sound += message.data
        self.frame_lengths.append(len(message.data))
        self.heard.set()
        if self.mode == "drop":
            assert request.transport is not None
            request.transport.abort()

    async def _heed(self, socket: web.WebSocketResponse, header: dict[str, Any]) -> None:
        if header["action"] == "run-task":
            refused = {"error_code": "ModelNotFound", "error_message": "no such model"}
            if self.mode == "refuse":
                await self._say(socket, header, "task-failed", **refused)
            elif self.mode == "junk":
                await socket.send_str("<html>")
            else:
                await self._say(socket, header, "task-started")
        elif self.mode != "stall":
            for text in self.sentences:
                for part, is_end in ((text[: len(text) // 2], False), (text, True)):
                    sentence = {"text": part, "begin_time": 0, "sentence_end": is_end}
                    await self._say(socket, header, "result-generated", output={"sentence": sentence})
            await self._say(socket, header, "task-finished")

    async def _say(
        self, socket: web.WebSocketResponse, header: dict[str, Any], event: str, **more: Any
    ) -> None:
        output = {"payload": {"output": more.pop("output")}} if "output" in more else {"payload": {}}
        await socket.send_json({"header": {"task_id": header["task_id"], "event": event, **more}, **output})

"""A local server that speaks the chat completions protocol of OpenAI, well or badly, as a test asks.

    async with FakeLlm("Hello there.") as llm:
        ... llm.base_url ...
        llm.mode = "stall"

Its modes are the methods called `_mode_*`. What it was asked is in `requests`; `disconnected` is set when a
client goes away in the middle of an answer.
"""

import asyncio
import json
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from aiohttp import web

KEY = "sk-test-1234567890"


@dataclass
class Asked:
    """One request for an answer: its parsed body and its headers."""

    body: dict[str, Any]
    headers: dict[str, str]

    @property
    def messages(self) -> list[tuple[str, str]]:
        return [(message["role"], message["content"]) for message in self.body["messages"]]


@dataclass
class FakeLlm:
    """Listens on a free loopback port (or `port`) while it is entered."""

    answer: str = "Hello there. How are you?"
    mode: str = "normal"
    models: tuple[str, ...] = ("tiny-1", "tiny-2")
    port: int = 0
    event: object = None  # what mode "event" streams
    finish_reason: str = "stop"
    requests: list[Asked] = field(default_factory=list)
    model_lists: int = 0
    started: asyncio.Event = field(default_factory=asyncio.Event)
    disconnected: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    _runner: web.AppRunner | None = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/v1/models", self._list_models)
        app.router.add_post("/v1/chat/completions", self._complete)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _list_models(self, _request: web.Request) -> web.StreamResponse:
        self.model_lists += 1
        if self.mode == "garbage_models":
            return web.Response(text="<html>", content_type="text/html")
        if self.mode == "slow_models":
            await self.release.wait()
        models = [{"id": name, "object": "model"} for name in self.models]
        return web.json_response({"object": "list", "data": models})

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(Asked(await request.json(), dict(request.headers)))
        self.started.set()
        try:
            response: web.StreamResponse = await getattr(self, f"_mode_{self.mode}")(request)
        except (asyncio.CancelledError, ConnectionError):
            self.disconnected.set()
            raise
        return response

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        return response

    async def _send_words(self, response: web.StreamResponse, text: str) -> None:
        await send(response, delta(role="assistant", content=""))
        for number, word in enumerate(text.split(" ")):
            await send(response, delta(content=f" {word}" if number else word))

    async def _send_end(self, response: web.StreamResponse) -> None:
        await send(response, delta(finish=self.finish_reason))
        await send(response, {"object": "chat.completion.chunk", "choices": [], "usage": {"total_tokens": 3}})
        await response.write(b"data: [DONE]\n\n")

    async def _mode_normal(self, request: web.Request) -> web.StreamResponse:
        response = await self._stream(request)
        await self._send_words(response, self.answer)
        await self._send_end(response)
        return response

    async def _mode_echo(self, request: web.Request) -> web.StreamResponse:
        response = await self._stream(request)
        await self._send_words(response, f"You asked: {self.requests[-1].messages[-1][1]}")
        await self._send_end(response)
        return response

    async def _mode_slow_first_token(self, request: web.Request) -> web.StreamResponse:
        await self.release.wait()
        return await self._mode_normal(request)

    async def _mode_stall(self, request: web.Request) -> web.StreamResponse:
        response = await self._stream(request)
        await self._send_words(response, self.answer)
        await self.release.wait()
        await self._send_end(response)
        return response

    async def _mode_cut(self, request: web.Request) -> web.StreamResponse:
        response = await self._stream(request)
        await self._send_words(response, self.answer)
        assert request.transport is not None
        request.transport.close()
        return response

    async def _mode_silent_end(self, request: web.Request) -> web.StreamResponse:
        response = await self._stream(request)
        await self._send_words(response, self.answer)
        return response

    async def _mode_not_json(self, request: web.Request) -> web.StreamResponse:
        response = await self._stream(request)
        await response.write(b"data: {this is not json\n\n")
        return response

    async def _mode_binary(self, request: web.Request) -> web.StreamResponse:
        response = await self._stream(request)
        await response.write(bytes(range(256)) * 20 + b"\n\n")
        return response

    async def _mode_event(self, request: web.Request) -> web.StreamResponse:
        response = await self._stream(request)
        await send(response, self.event)
        return response

    async def _mode_error_event(self, request: web.Request) -> web.StreamResponse:
        response = await self._stream(request)
        await self._send_words(response, self.answer)
        await send(response, {"error": {"message": f"out of memory, key {KEY}"}})
        return response

    async def _mode_html(self, request: web.Request) -> web.StreamResponse:
        return web.Response(text="<html><h1>Welcome to nginx</h1></html>", content_type="text/html")

    async def _mode_bad_gateway(self, request: web.Request) -> web.StreamResponse:
        return web.Response(status=502, text="<html>Bad Gateway</html>", content_type="text/html")

    async def _mode_whole(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"choices": [{"message": {"role": "assistant", "content": self.answer}}]})

    async def _mode_json_error(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"error": {"message": "model is loading"}})

    async def _mode_unauthorized(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"error": {"message": f"Incorrect API key provided: {KEY}"}}, status=401)

    async def _mode_repeating_refusal(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"error": {"message": self._not_allowed()}}, status=400)

    async def _mode_repeating_whole(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"error": {"message": self._not_allowed()}})

    async def _mode_repeating_event(self, request: web.Request) -> web.StreamResponse:
        response = await self._stream(request)
        await send(response, {"error": {"message": self._not_allowed()}})
        return response

    async def _mode_repeating_junk(self, request: web.Request) -> web.StreamResponse:
        return web.Response(text=self._not_allowed())

    def _not_allowed(self) -> str:
        return f"this is not allowed here: {self.requests[-1].messages[-1][1]}"

    async def _mode_not_found(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"error": "model 'tiny-9' not found"}, status=404)

    async def _mode_invalid(self, request: web.Request) -> web.StreamResponse:
        """As servers made with FastAPI do, repeating what they were sent."""
        asked = (await request.json())["messages"]
        told = {"type": "extra_forbidden", "loc": ["body", "messages"], "msg": "Extra inputs", "input": asked}
        return web.json_response({"detail": [told]}, status=422)

    async def _mode_rate_limited(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"error": {"message": "slow down"}}, status=429)

    async def _mode_empty(self, request: web.Request) -> web.StreamResponse:
        response = await self._stream(request)
        await self._send_end(response)
        return response

    async def _mode_endless(self, request: web.Request) -> web.StreamResponse:
        response = await self._stream(request)
        while True:
            await send(response, delta(content="and on "))
            await asyncio.sleep(0.001)

    async def _mode_reasoning(self, request: web.Request) -> web.StreamResponse:
        response = await self._stream(request)
        for word in ("Let ", "me ", "see."):
            await send(response, delta(reasoning_content=word))
        for part in ("<th", "ink>secret < ", "plan</th", "ink>", "\n\n"):
            await send(response, delta(content=part))
        await self._send_words(response, self.answer)
        await self._send_end(response)
        return response


def delta(finish: str | None = None, **fields: str) -> dict[str, Any]:
    choice = {"index": 0, "delta": fields, "finish_reason": finish}
    return {"id": "c1", "object": "chat.completion.chunk", "created": 1, "choices": [choice]}


async def send(response: web.StreamResponse, event: object) -> None:
    await response.write(f"data: {json.dumps(event)}\n\n".encode())

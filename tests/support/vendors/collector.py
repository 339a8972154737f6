"""A local OpenTelemetry collector: takes traces by OTLP over HTTP, well or badly, as a test asks.

async with TraceCollector() as collector:
    ... collector.base_url ...
    await collector.until(1)
"""

import asyncio
import gzip
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span

KEY = "trace-key-1234567890"


@dataclass
class TraceCollector:
    """Keeps the spans it gets, and of each request the raw body and headers.

    `mode`: "normal", "refuse" (503), or "stall" (no answer while it is entered).
    """

    mode: str = "normal"
    spans: list[Span] = field(default_factory=list)
    services: set[str] = field(default_factory=set)
    bodies: list[bytes] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    base_url: str = ""
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)
    _runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=32 * 2**20)
        app.router.add_post("/v1/traces", self._take)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def until(self, count: int, seconds: float = 20.0) -> list[Span]:
        """Wait for so many spans."""
        async with asyncio.timeout(seconds), self._news:
            await self._news.wait_for(lambda: len(self.spans) >= count)
        return self.spans

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.asked.set()
        if self.mode == "stall":
            await asyncio.Event().wait()
        if self.mode == "refuse":
            return web.Response(status=503, headers={"Retry-After": "30"})
        if request.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.bodies.append(body)
        self.keys.append(request.headers.get("x-api-key", ""))
        sent = ExportTraceServiceRequest.FromString(body)
        async with self._news:
            for resource in sent.resource_spans:
                named = {one.key: one.value.string_value for one in resource.resource.attributes}
                self.services.add(named.get("service.name", ""))
                self.spans += [span for scope in resource.scope_spans for span in scope.spans]
            self._news.notify_all()
        answer = ExportTraceServiceResponse().SerializeToString()
        return web.Response(body=answer, content_type="application/x-protobuf")

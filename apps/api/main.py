"""Composes the API: services, routes, error handlers, middleware, the page."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.middleware import Middleware

from apps.api.access import Access
from apps.api.client_limits import LimitedClients
from apps.api.cors import Cors
from apps.api.deps import ApiServices
from apps.api.errors import InternalErrors, install_error_handlers
from apps.api.heads import Heads
from apps.api.openapi import TITLE, document
from apps.api.page import install_page
from apps.api.request_log import RequestLog
from apps.api.routes import (
    audio,
    audio_handshake,
    audio_stream,
    auth,
    avatars,
    customize,
    events,
    exports,
    health,
    listening,
    metrics,
    models,
    playout,
    recordings,
    sessions,
    transcribe,
    tts_preview,
    voices,
)

_ROUTERS = tuple(
    module.router
    for module in (
        auth,
        health,
        metrics,
        models,
        avatars,
        customize,
        sessions,
        listening,
        audio,
        audio_stream,
        recordings,
        transcribe,
        playout,
        audio_handshake,
        exports,
        events,
        tts_preview,
        voices,
    )
)
_EXPOSED_HEADERS = ("Content-Disposition", "ETag", "Retry-After", "WWW-Authenticate", "X-Request-ID")


def create_app(services: ApiServices) -> FastAPI:
    """The API over `services`, with the page at `/`."""
    app = _bare_app(lifespan=_lifespan, middleware=_middleware(services))
    app.state.services = services
    install_page(app, services.web_dist, services.guard.frame_ancestors)
    return app


def write_document(path: Path) -> None:
    """Write the OpenAPI document (JSON, keys in order); needs no services."""
    text = json.dumps(document(_bare_app()), ensure_ascii=False, indent=2)
    path.write_text(text + "\n", encoding="utf-8")


def _bare_app(**options: Any) -> FastAPI:
    app = FastAPI(
        title=TITLE,
        docs_url=None,  # these pages load scripts from a CDN
        redoc_url=None,
        redirect_slashes=False,  # a redirect would repeat the Host header
        **options,
    )
    for router in _ROUTERS:
        app.include_router(router)
    for router in _ROUTERS:
        app.include_router(router, prefix="/api", include_in_schema=False)
    install_error_handlers(app)
    made: dict[str, Any] = {}

    def openapi() -> dict[str, Any]:
        if not made:
            made.update(document(app))
        return made

    app.openapi = openapi  # type: ignore[method-assign]
    return app


def _middleware(services: ApiServices) -> list[Middleware]:
    """Outermost first."""
    origins = services.cors_origins
    cors = Middleware(
        Cors,
        allow_origins=["*"] if "*" in origins else list(origins),
        allow_credentials="*" not in origins,
        allow_methods=["*"],
        allow_headers=["*"],
        expose_headers=_EXPOSED_HEADERS,
    )
    guard = services.guard
    return [
        Middleware(Heads),
        Middleware(RequestLog),
        cors,
        Middleware(InternalErrors),
        Middleware(Access, guard.ring, guard.peers, origins),
        Middleware(LimitedClients, guard.places),
    ]


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    services: ApiServices = app.state.services
    async with AsyncExitStack() as stack:
        if services.lifespan is not None:
            await stack.enter_async_context(services.lifespan())
        await stack.enter_async_context(services.models.running())
        await stack.enter_async_context(services.playing.running())
        await stack.enter_async_context(services.exports.running())
        stack.callback(services.closing.set)
        yield

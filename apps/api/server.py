"""Running the API under uvicorn."""

import asyncio
import socket

import uvicorn
from fastapi import FastAPI

from apps.api.deps import ApiServices


class ApiServer(uvicorn.Server):
    """A server that ends the event streams before it waits for open connections."""

    def __init__(self, config: uvicorn.Config, closing: asyncio.Event) -> None:
        super().__init__(config)
        self._closing = closing

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to shut down: uvicorn would wait for streams that nobody ends."""
        self._closing.set()
        await super().shutdown(sockets)


def make_server(app: FastAPI, host: str, port: int, grace_seconds: int = 5) -> ApiServer:
    """A server of `app` that logs nothing itself (the application does); await its `serve()`."""
    services: ApiServices = app.state.services
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="on",
        timeout_graceful_shutdown=grace_seconds,
    )
    return ApiServer(config, services.closing)

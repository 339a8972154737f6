"""Running the API under uvicorn."""

import asyncio
import socket

import uvicorn
from fastapi import FastAPI

from apps.api.audio_socket import FRAME_BYTES
from apps.api.connections import ConnectionLimits, http_protocol, websocket_protocol
from apps.api.deps import ApiServices

WEBSOCKET_MESSAGE_BYTES = FRAME_BYTES + 64 * 1024
"""Frames a little too large get our own refusal; what is larger is cut off by the protocol (1009)."""


class ApiServer(uvicorn.Server):
    """A server that ends the event streams before it waits for open connections.

    `ready` is set when it answers.
    """

    def __init__(self, config: uvicorn.Config, closing: asyncio.Event) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()
        self._closing = closing

    @property
    def port(self) -> int:
        """The port it listens on, also when that was left to the system; after `ready`."""
        port: int = self.servers[0].sockets[0].getsockname()[1]
        return port

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        if self.started:
            self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to shut down: uvicorn would wait for streams that nobody ends."""
        self._closing.set()
        await super().shutdown(sockets)


def make_server(
    app: FastAPI, host: str, port: int, grace_seconds: int = 5, connections: ConnectionLimits | None = None
) -> ApiServer:
    """A server of `app` that logs nothing itself (the application does); await its `serve()`."""
    services: ApiServices = app.state.services
    limits = connections or ConnectionLimits(connections=services.guard.max_connections)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=http_protocol(limits),
        ws=websocket_protocol(limits),
        timeout_keep_alive=limits.idle_seconds,
        ws_max_size=WEBSOCKET_MESSAGE_BYTES,
        ws_per_message_deflate=False,  # sound does not shrink, and bombs do not unpack
        ws_ping_timeout=None,  # a pong waits behind sound that waits for its turn to be played
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="on",
        timeout_graceful_shutdown=grace_seconds,
    )
    return ApiServer(config, services.closing)

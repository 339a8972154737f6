"""`opentalking serve`: API and worker in one process."""

import asyncio
import ipaddress
import socket
import sys
from collections.abc import Coroutine
from typing import Any

import structlog

from apps.api.main import create_app
from apps.api.server import ApiServer, make_server
from apps.unified.container import build
from opentalking.settings import Environment

log = structlog.get_logger(__name__)


def serve(environment: Environment, host: str, port: int) -> None:
    """Serve until a signal; raises `ValueError` for settings that cannot work."""
    listener = _listen(host, port)
    server = build(environment, host)
    grace = max(1, round(environment.settings.shutdown_timeout_sec))
    api = make_server(create_app(server.services), host, port, grace)
    if not _is_loopback(host) and server.services.guard.ring is None:
        log.warning(
            "listening beyond this machine without authentication; set OPENTALKING_API_KEYS, "
            "or put a gateway in front",
            host=host,
        )
    _run(_serve(api, host, listener))
    if not api.started:
        raise ValueError("the server could not start; the log says why")


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise ValueError(
            f"cannot listen on {host}:{port} ({error.strerror}); free it, or choose another with --port"
        ) from error


async def _serve(api: ApiServer, host: str, listener: socket.socket) -> None:
    serving = asyncio.create_task(api.serve([listener]), name="api")
    ready = asyncio.create_task(api.ready.wait(), name="ready")
    await asyncio.wait({serving, ready}, return_when=asyncio.FIRST_COMPLETED)
    if ready.done():
        shown = "localhost" if host in ("0.0.0.0", "::", "127.0.0.1", "localhost") else host  # noqa: S104
        print(f"OpenTalking is ready: http://{shown}:{api.port}", flush=True)
    ready.cancel()
    await serving


def _run(main: Coroutine[Any, Any, None]) -> None:
    if sys.platform == "linux":
        import uvloop  # noqa: PLC0415 - exists on Linux only

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main)
    else:
        asyncio.run(main)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

"""One structured log line per request, with ids and without anything that a user said."""

import time
import uuid

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_log = structlog.get_logger("opentalking.access")
_QUIET = frozenset({"/health", "/healthz", "/metrics", "/queue/status"})
_ID_MAX_CHARACTERS = 64


class RequestLog:
    """ASGI middleware: gives each request an id (`X-Request-ID`) and logs how it ended.

    The id is bound to the log context of everything below. Logged are the route's template
    and the session's id, never bodies, queries or other parts of the path.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and log when the response is over."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = uuid.uuid4().hex
        status = 0
        began = time.monotonic()

        async def stamped_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "no-referrer"
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, stamped_send)
            finally:
                self._log(scope, status, round((time.monotonic() - began) * 1000))

    def _log(self, scope: Scope, status: int, milliseconds: int) -> None:
        route = getattr(scope.get("route"), "path", None)
        write = _log.debug if route in _QUIET else _log.info
        session_id = scope.get("path_params", {}).get("session_id")
        ids = {} if session_id is None else {"session_id": str(session_id)[:_ID_MAX_CHARACTERS]}
        write(
            "request",
            method=scope["method"],
            route=route or "(none)",
            status=status,
            duration_ms=milliseconds,
            **ids,
        )

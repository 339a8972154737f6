"""THE tables from errors to HTTP statuses and WebSocket close codes, and the handlers that use them."""

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from opentalking.core.audio_stream import CloseCode
from opentalking.core.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    OpenTalkingError,
    ProviderError,
    TooLarge,
    TooMany,
    Unavailable,
)

_log = structlog.get_logger(__name__)
STATUS_BY_ERROR: dict[type[OpenTalkingError], int] = {
    InvalidInput: 400,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    TooLarge: 413,
    TooMany: 429,
    ProviderError: 502,
    Unavailable: 503,
    OpenTalkingError: 500,
}
CLOSE_BY_ERROR: dict[type[OpenTalkingError], CloseCode] = {
    InvalidInput: CloseCode.BAD_INPUT,
    TooLarge: CloseCode.BAD_INPUT,
    NotFound: CloseCode.NO_SESSION,
    OpenTalkingError: CloseCode.FAILED,
}
CLOSE_BY_CODE = {"interrupted": CloseCode.TAKEN_OVER, "stt_timeout": CloseCode.TOO_SLOW}
"""Failures whose code tells more than their class."""
_READING = ("GET", "HEAD")
_METHODS = (*_READING, "POST", "PUT", "PATCH", "DELETE")
INTERNAL = "Internal Server Error"
STOPPING = "the server is stopping and could not wait for this; ask again later"
_RETRY_SECONDS = 10
_NAME_MAX_CHARACTERS = 60


def status_of(error: OpenTalkingError) -> int:
    """The HTTP status of an error: that of its nearest class in the table."""
    return next(STATUS_BY_ERROR[base] for base in type(error).__mro__ if base in STATUS_BY_ERROR)


def close_code_of(error: OpenTalkingError) -> CloseCode:
    """Why a WebSocket is closed after an error."""
    by_class = next(CLOSE_BY_ERROR[base] for base in type(error).__mro__ if base in CLOSE_BY_ERROR)
    return CLOSE_BY_CODE.get(error.code, by_class)


def install_error_handlers(app: FastAPI) -> None:
    """Answer every error as `{"detail": str}`."""
    app.add_exception_handler(OpenTalkingError, _answer_error)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(HTTPException, _answer_http)


async def _answer_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, OpenTalkingError)  # noqa: S101 - registered for this class only
    status = status_of(error)
    if status >= 500:
        _log.warning(
            "request.failed", status=status, code=error.code, exc_info=error if status == 500 else None
        )
    headers = {}
    if isinstance(error, TooMany | Unavailable):
        headers["Retry-After"] = str(error.retry_after_seconds)
    detail = INTERNAL if status == 500 else error.message
    return JSONResponse({"detail": detail}, status, headers)


async def _answer_invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class only
    return JSONResponse({"detail": sentence(error.errors())}, 400)


async def _answer_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(_allowed(request) if "Allow" in headers else _READING)
    return JSONResponse({"detail": str(error.detail)}, error.status_code, headers)


def _allowed(request: Request) -> list[str]:
    """The methods of a path: the framework's own list has those of one route only."""
    routes = request.app.routes
    return [
        method
        for method in _METHODS
        if any(
            # HEAD is answered as GET is (`apps/api/heads.py`).
            route.matches({**request.scope, "method": "GET" if method == "HEAD" else method})[0] is Match.FULL
            for route in routes
        )
    ]


def sentence(errors: Sequence[Any]) -> str:
    """One sentence about the first of pydantic's errors: the field, and what it must be."""
    first = errors[0]
    kind, location, context = first["type"], first.get("loc", ()), first.get("ctx") or {}
    names = [str(part)[:_NAME_MAX_CHARACTERS] for part in location[1:]]
    if kind == "json_invalid":
        return f"the body is not valid JSON: {context.get('error', 'syntax error')}"
    if kind == "value_error" and "UploadFile" in str(first.get("msg", "")):  # the framework's own words
        return f"{'.'.join(names)} must be a file; send it in a multipart form, with a file name"
    if kind == "value_error" and "error" in context:
        return str(context["error"])
    if not names:
        missing = kind == "missing"
        what = "a body is required" if missing else "the body cannot be read"
        return f"{what}; send a JSON object with Content-Type: application/json"
    return f"{'.'.join(names)} {_remedy(kind, str(first.get('msg', '')), context)}"


def _remedy(kind: str, message: str, context: dict[str, Any]) -> str:
    remedies = {
        "missing": "is required; send it in the body",
        "string_type": "must be a string",
        "string_unicode": "must be valid Unicode text",
        "bool_parsing": "must be true or false",
        "bool_type": "must be true or false",
        "int_parsing": "must be a whole number",
    }
    if kind == "literal_error":
        return f"must be {context.get('expected', 'one of the documented values')}"
    return remedies.get(kind, f"is not valid: {message[:1].lower()}{message[1:]}")


class InternalErrors:
    """ASGI middleware: whatever nothing else caught becomes a plain 500, and a line in the log.

    It stands inside the CORS middleware, so that browsers can read the answer.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; answer an exception with 500 (a WebSocket: 1011) unless the response has begun."""
        has_begun = False

        async def watched_send(message: Message) -> None:
            nonlocal has_begun
            has_begun = has_begun or message["type"] in ("http.response.start", "websocket.close")
            await send(message)

        try:
            await self._app(scope, receive, watched_send)
        except asyncio.CancelledError:
            # The server stops and waits no longer. The connection still takes an answer.
            if has_begun or scope["type"] != "http" or not scope["app"].state.services.closing.is_set():
                raise
            _log.warning("request.given_up", method=scope["method"])
            await JSONResponse({"detail": STOPPING}, 503, {"Retry-After": str(_RETRY_SECONDS)})(
                scope, receive, send
            )
        except Exception:  # the outermost handler: it must not let anything through
            if scope["type"] == "lifespan":
                raise
            _log.exception("request.crashed", method=scope.get("method", scope["type"]))
            if has_begun:
                raise
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": int(CloseCode.FAILED)})
            else:
                await JSONResponse({"detail": INTERNAL}, 500)(scope, receive, send)

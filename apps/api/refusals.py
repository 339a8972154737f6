"""Answers of middleware that lets a request no further, over HTTP and to WebSocket handshakes."""

from collections.abc import Mapping

from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket


async def refuse(
    scope: Scope, receive: Receive, send: Send, answer: tuple[int, str], headers: Mapping[str, str]
) -> None:
    """Answer with a status and `{"detail": str}`; a body that would follow is not read.

    A WebSocket handshake gets the same answer in place of 101; from a server that cannot do
    that, it is closed with 4000 + status.
    """
    status, detail = answer
    if scope["type"] == "http":
        await JSONResponse({"detail": detail}, status, dict(headers))(scope, receive, send)
        return
    websocket = WebSocket(scope, receive, send)
    if "websocket.http.response" in scope.get("extensions", {}):
        await websocket.send_denial_response(JSONResponse({"detail": detail}, status, dict(headers)))
    else:
        await websocket.close(4000 + status, detail)

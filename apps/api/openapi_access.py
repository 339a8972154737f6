"""What the OpenAPI document says about keys and limits, the same for every route."""

from typing import Any

from apps.api.access import TOKEN_PARAMETER, is_open

_SCHEMES = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key, or a token of `POST /auth/token`. Needed only where the server "
        "has `OPENTALKING_API_KEYS`.",
    },
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "An API key."},
    "queryToken": {
        "type": "apiKey",
        "in": "query",
        "name": TOKEN_PARAMETER,
        "description": "A token (never a key), for what cannot set headers: EventSource, WebSocket, `<img>`, "
        "downloads.",
    },
}
_ERROR = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorBody"}}}
_CHALLENGE = {"WWW-Authenticate": {"description": "`Bearer`.", "schema": {"type": "string"}}}
_RETRY = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}}
_ANSWERS: dict[str, dict[str, Any]] = {
    "401": {
        "description": "The server asks for an API key, and the request has no valid one.",
        "headers": _CHALLENGE,
        "content": _ERROR,
    },
    "403": {
        "description": "The token is for another session, or the page that asks is of another site.",
        "content": _ERROR,
    },
    "429": {
        "description": "A limit is reached; see `Retry-After` (seconds).",
        "headers": _RETRY,
        "content": _ERROR,
    },
}


def add_access(document: dict[str, Any]) -> None:
    """Add the security schemes, all of them optional, and the answers that come before any route."""
    document["components"]["securitySchemes"] = _SCHEMES
    for path, item in document["paths"].items():
        for operation in item.values():
            if not is_open(path):
                operation["security"] = [{}, *({name: []} for name in _SCHEMES)]
                for status in ("401", "403"):
                    operation["responses"].setdefault(status, _ANSWERS[status])
            operation["responses"].setdefault("429", _ANSWERS["429"])

"""What the OpenAPI document says about keys and limits, the same for every route."""

from typing import Any

from apps.api.access import TOKEN_PARAMETER, is_open
from apps.api.responses import RETRY_AFTER_HEADERS, TEXTS

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
_ANSWERS: dict[str, dict[str, Any]] = {
    "401": {"description": TEXTS[401], "headers": _CHALLENGE, "content": _ERROR},
    "403": {"description": TEXTS[403], "content": _ERROR},
    "429": {"description": TEXTS[429], "headers": RETRY_AFTER_HEADERS, "content": _ERROR},
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

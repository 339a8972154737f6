"""What the OpenAPI document says about answers that have no model of their own."""

from typing import Any

from apps.api.schemas.base import ErrorBody

Responses = dict[int | str, dict[str, Any]]
_TEXTS = {
    400: "The request is malformed, or its content is not acceptable.",
    403: "This is not allowed for this asset, or switched off on this server.",
    404: "There is no such thing.",
    409: "The state of the session does not allow this.",
    413: "The body is too large.",
    416: "The range lies beyond the end of the file.",
    429: "A limit is reached; see `Retry-After` (seconds).",
    502: "A service behind the server failed; the text is its own.",
    503: "The server is full, or no worker answers; see `Retry-After` (seconds).",
}
_RETRY_AFTER = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}
}


def errors(*statuses: int) -> Responses:
    """Documentation of these error statuses, and of 500, which is always possible."""
    documented: Responses = {
        status: {"model": ErrorBody, "description": _TEXTS[status]}
        | ({"headers": _RETRY_AFTER} if status in (429, 503) else {})
        for status in statuses
    }
    documented[500] = {"model": ErrorBody, "description": "The server failed; its log has the reason."}
    return documented


def binary(media_type: str, description: str, headers: dict[str, Any] | None = None) -> Responses:
    """Documentation of a 200 answer that is a file."""
    content = {media_type: {"schema": {"type": "string", "format": "binary"}}}
    return {200: {"description": description, "content": content, "headers": headers or {}}}

"""What can go wrong between a client and a server, as exceptions."""

from collections.abc import Mapping


class ClientError(Exception):
    """Whatever the client raises itself is one of these."""


class ConnectionFailed(ClientError):
    """The server cannot be reached, or the connection broke."""


class TimedOut(ConnectionFailed):
    """The server did not answer in time."""


class ProtocolError(ClientError):
    """The server answered something that its API does not have."""


class StreamClosed(ClientError):
    """The server closed an audio stream before its end: `close_code` says why, `code` names the failure."""

    def __init__(self, close_code: int, code: str, detail: str) -> None:
        super().__init__(f"{close_code} {detail}")
        self.close_code = close_code
        self.code = code
        self.detail = detail


class ApiError(ClientError):
    """The server refused: `status`, one sentence in `detail`, `retry_after` in seconds where it is named."""

    def __init__(self, status: int, detail: str, retry_after: float | None = None) -> None:
        super().__init__(f"{status} {detail}")
        self.status = status
        self.detail = detail
        self.retry_after = retry_after


class BadRequest(ApiError):
    """The request is malformed, or its content is not acceptable (400)."""


class Unauthorized(ApiError):
    """An API key is required (401)."""


class Forbidden(ApiError):
    """The asset exists, but this is not allowed on it (403)."""


class NotFound(ApiError):
    """There is no such thing (404)."""


class Conflict(ApiError):
    """The state of the session or job does not allow this (409)."""


class TooLarge(ApiError):
    """The body is too large (413)."""


class RangeNotSatisfiable(ApiError):
    """The file is shorter than the range that was asked for (416)."""


class TooManyRequests(ApiError):
    """A limit is reached; try again after `retry_after` seconds (429)."""


class UpstreamFailed(ApiError):
    """A service behind the server failed; the detail is its own (502)."""


class Unavailable(ApiError):
    """The server is full, or no worker answers; try again after `retry_after` seconds (503)."""


_BY_STATUS: dict[int, type[ApiError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: TooLarge,
    416: RangeNotSatisfiable,
    429: TooManyRequests,
    502: UpstreamFailed,
    503: Unavailable,
}


def api_error(status: int, detail: str, headers: Mapping[str, str]) -> ApiError:
    """The exception of a status; `headers` in lower case."""
    wait = headers.get("retry-after", "")
    retry_after = float(wait) if wait.isascii() and wait.isdigit() else None
    return _BY_STATUS.get(status, ApiError)(status, detail, retry_after)

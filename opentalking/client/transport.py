"""What both clients tell their HTTP and WebSocket libraries, and what those libraries' failures mean."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx2
from websockets.exceptions import InvalidHandshake, InvalidStatus, WebSocketException

from opentalking.client.errors import ConnectionFailed, ProtocolError, TimedOut
from opentalking.client.events import SILENCE_SECONDS
from opentalking.client.wire import Call, Reply, opened, refusal

DEFAULT_URL = "http://127.0.0.1:8000"
CONNECT_SECONDS = 10.0
WRITE_SECONDS = 60.0
DOWNLOAD_BYTES = 256 * 1024
_LARGEST_MESSAGE_BYTES = 2**20


def authorization(api_key: str) -> dict[str, str]:
    """The header that carries an API key or a session token."""
    return {"Authorization": f"Bearer {api_key}"} if api_key else {}


def timeouts(read_seconds: float) -> httpx2.Timeout:
    """Every wait of a request has an end."""
    return httpx2.Timeout(CONNECT_SECONDS, read=read_seconds, write=WRITE_SECONDS)


STREAM_TIMEOUTS = timeouts(SILENCE_SECONDS)
DOWNLOAD_TIMEOUTS = timeouts(30.0)


@contextmanager
def request_of(call: Call[Any]) -> Iterator[dict[str, Any]]:
    """The arguments of a call's request; its files are open inside the block."""
    with opened(call.files) as files:
        # Without a file name a part is a plain field; so there is always a multipart body.
        parts = {name: (None, value) for name, value in call.form.items()} | files
        yield {
            "method": call.method,
            "url": call.path,
            "params": dict(call.query) or None,
            "headers": dict(call.headers),
            "json": call.json,
            "files": parts or None,
            "timeout": timeouts(call.read_seconds),
        }


def lower_case(headers: httpx2.Headers) -> Mapping[str, str]:
    """Header names in lower case."""
    return {name.lower(): value for name, value in headers.items()}


def reply_of(response: httpx2.Response) -> Reply:
    """An answer whose body has been read."""
    return Reply(response.status_code, lower_case(response.headers), response.content)


@contextmanager
def http_failures() -> Iterator[None]:
    """Failures of the HTTP library as those of the client."""
    try:
        yield
    except httpx2.TimeoutException as error:
        raise TimedOut(f"the server did not answer in time ({type(error).__name__})") from error
    except httpx2.TransportError as error:
        raise ConnectionFailed(f"the connection failed: {error or type(error).__name__}") from error
    except httpx2.DecodingError as error:
        raise ProtocolError(f"the answer cannot be decoded: {error}") from error


@contextmanager
def websocket_failures() -> Iterator[None]:
    """Failures of a WebSocket's beginning as those of the client."""
    try:
        yield
    except InvalidStatus as error:
        answer = error.response
        headers = {name.lower(): value for name, value in answer.headers.raw_items()}
        raise refusal(Reply(answer.status_code, headers, bytes(answer.body or b""))) from error
    except TimeoutError as error:
        raise TimedOut("the server did not answer in time") from error
    except (OSError, InvalidHandshake, WebSocketException) as error:
        raise ConnectionFailed(f"the connection failed: {error or type(error).__name__}") from error


def websocket_options(api_key: str) -> dict[str, Any]:
    """The arguments of a WebSocket's connection.

    No pings of our own: the server does not answer them while it waits for its player. No compression: it
    costs more than it saves with sound.
    """
    return {
        "additional_headers": authorization(api_key),
        "open_timeout": CONNECT_SECONDS,
        "close_timeout": CONNECT_SECONDS,
        "ping_interval": None,
        "compression": None,
        "max_size": _LARGEST_MESSAGE_BYTES,
    }

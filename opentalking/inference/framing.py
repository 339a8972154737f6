"""The wire between the server and its inference processes.

One frame is `header length (uint32) | data length (uint32) | header | data`, lengths in network
byte order; the header is a JSON object in UTF-8, the data are opaque bytes (PCM, pictures).

Server to child, header field `kind`:

* `start`: first frame. `settings` (object for the engine), `threads`, `niceness`.
* `request`: `id`, `op`, `payload` (object), `window` (parts that may be under way unread); data.
* `more`: `id`: the reader has taken one part; one further part may be sent.
* `cancel`: `id`: nobody reads this request any more.

Child to server:

* `ready`: the engine is loaded. `info` (object).
* `failed`: the engine cannot be loaded. `message`, `retryable`. The child exits.
* `part`: `id`, `header` (object); data.
* `end`: `id`: the request is complete, or its cancellation was heeded.
* `error`: `id`, `message`, `retryable`.

The child ends when its stdin does. This module imports only the standard library, so that a
child starts fast.
"""

import json
import struct
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

PREFIX = struct.Struct("!II")
HEADER_MAX_BYTES = 4 << 20
DATA_MAX_BYTES = 64 << 20


class FrameError(Exception):
    """The other side sent something that is not a frame."""


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of a streamed reply: a JSON object and raw bytes."""

    header: Json
    data: bytes = b""


def pack(header: Json, data: bytes = b"") -> bytes:
    """One whole frame as bytes; raises `FrameError` if it is too large to be read again."""
    head = json.dumps(header, separators=(",", ":")).encode()
    if len(head) > HEADER_MAX_BYTES or len(data) > DATA_MAX_BYTES:
        raise FrameError(f"frame too large: header {len(head)} bytes, data {len(data)} bytes")
    return PREFIX.pack(len(head), len(data)) + head + data


def unpack_prefix(prefix: bytes) -> tuple[int, int]:
    """Lengths of header and data in bytes; raises `FrameError` beyond the limits."""
    header_length, data_length = PREFIX.unpack(prefix)
    if header_length > HEADER_MAX_BYTES or data_length > DATA_MAX_BYTES:
        raise FrameError(f"frame too large: header {header_length} bytes, data {data_length} bytes")
    return header_length, data_length


def unpack_header(raw: bytes) -> Json:
    """The header object; raises `FrameError` if it is not a JSON object."""
    try:
        header = json.loads(raw)
    except ValueError as error:
        raise FrameError(f"header is not JSON: {error}") from error
    if not isinstance(header, dict):
        raise FrameError("header is not an object")
    return header

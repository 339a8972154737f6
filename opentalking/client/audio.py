"""The audio WebSocket from the client's side, without any I/O: what to send, and what the answers mean."""

import json
from collections.abc import Iterator
from urllib.parse import urlsplit

from pydantic import BaseModel

from opentalking.client.errors import ProtocolError, StreamClosed
from opentalking.client.wire import place
from opentalking.core.audio_stream import (
    CloseCode,
    ConfigMessage,
    EndMessage,
    EosMessage,
    ErrorMessage,
    MetaMessage,
    QueuedMessage,
)

FRAME_BYTES = 32_000
"""Longer pieces are cut: one second of the default rate."""
SEND_SECONDS = 60.0
"""The server reads no further while 10 s of sound wait to be played."""
FINISH_SECONDS = 120.0
Pcm = bytes | bytearray | memoryview
"""Signed 16-bit little-endian mono samples."""


def websocket_url(base_url: str, path: str) -> str:
    """The address of a WebSocket of the API at `base_url` (http or https, with or without a path)."""
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https"):
        raise ValueError("base_url must begin with http:// or https://")
    scheme = "wss" if parts.scheme == "https" else "ws"
    return f"{scheme}://{parts.netloc}{parts.path.rstrip('/')}{path}"


def audio_path(session_id: str) -> str:
    """The address of a session's audio WebSocket below the API's."""
    return place("/sessions/{session_id}/speak_audio_stream", session_id=session_id)


def frames(pcm: Pcm) -> Iterator[bytes]:
    """The samples in frames of at most one second."""
    view = memoryview(pcm).cast("B")
    for start in range(0, len(view), FRAME_BYTES):
        yield bytes(view[start : start + FRAME_BYTES])


class AudioExchange:
    """One dialogue: `opening` is sent first; `closing` after the last sound.

    Every text frame of the server goes to `take`; `result` says what it all came to when the server has
    closed.
    """

    def __init__(self, opening: ConfigMessage | MetaMessage) -> None:
        self.opening = opening.model_dump_json(exclude_none=True)
        self.waits_for_ack = isinstance(opening, ConfigMessage)
        closing: BaseModel = EosMessage() if self.waits_for_ack else EndMessage()
        self.closing = closing.model_dump_json()
        self._queued: QueuedMessage | None = None
        self._error: ErrorMessage | None = None

    def take(self, frame: str | bytes) -> None:
        """Note what the server says; raises `ProtocolError` for what is none of its messages."""
        try:
            message = json.loads(frame)
            match message.get("type"):
                case "ack":
                    self.waits_for_ack = False
                case "error":
                    self._error = ErrorMessage.model_validate(message)
                case None:
                    self._queued = QueuedMessage.model_validate(message)
        except (ValueError, AttributeError) as error:
            raise ProtocolError("the audio stream answered something that its API does not have") from error

    def result(self, close_code: int | None, reason: str = "") -> QueuedMessage | None:
        """The queued answer, None for sound that was played; raises `StreamClosed` for any other end."""
        if self._error is not None:
            code = CloseCode.FAILED if close_code is None else close_code
            raise StreamClosed(code, self._error.code, self._error.message)
        if close_code != CloseCode.DONE:
            raise StreamClosed(close_code or 1006, "connection_lost", reason or "the connection broke")
        return self._queued

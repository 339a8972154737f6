"""One client's audio WebSocket: its frames, checked and within limits, and its one end."""

import asyncio

import numpy as np
import structlog
from pydantic import BaseModel
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from apps.api.errors import close_code_of
from opentalking.core.audio_stream import ClientMessage, CloseCode, ErrorMessage, parse_client_message
from opentalking.core.errors import InvalidInput, OpenTalkingError, TooLarge
from opentalking.core.media import Samples

FRAME_BYTES = 2**20
SEND_SECONDS = 10.0

_log = structlog.get_logger(__name__)


class ClientGone(Exception):
    """The client has closed the socket, or its connection is lost."""


class AudioSocket:
    """Reads what the client sends, as samples and messages; writes messages, and closes once."""

    def __init__(self, websocket: WebSocket, most_bytes: int) -> None:
        self.received_bytes = 0
        """Of sound, so far."""
        self.turns = 0
        """How many turns its sound was."""
        self.close_code: CloseCode | None = None
        """Why the server closed it."""
        self._websocket = websocket
        self._most_bytes = most_bytes
        self._odd = b""

    async def frame(self) -> Samples | ClientMessage:
        """The next frame: mono int16 samples (an odd byte waits for the next ones), or a message.

        Raises `ClientGone`, and `InvalidInput` or `TooLarge` for what no client should send. Cancel-safe.
        """
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise ClientGone
        text, data = message.get("text"), message.get("bytes")
        if len(text or data or b"") > FRAME_BYTES:
            raise TooLarge(f"a frame is larger than {FRAME_BYTES} bytes; send smaller ones")
        return self._samples(data or b"") if text is None else parse_client_message(text)

    def _samples(self, data: bytes) -> Samples:
        self.received_bytes += len(data)
        if self.received_bytes > self._most_bytes:
            raise TooLarge(f"more than {self._most_bytes} bytes came by this socket; open another one")
        data = self._odd + data
        even = len(data) // 2 * 2
        self._odd = data[even:]
        return np.frombuffer(data[:even], "<i2").astype(np.int16)

    async def send(self, message: BaseModel) -> None:
        """Send a message; raises `ClientGone`."""
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self._websocket.send_text(message.model_dump_json())
        except (WebSocketDisconnect, RuntimeError, TimeoutError) as error:
            raise ClientGone from error

    async def close(self, code: CloseCode = CloseCode.DONE) -> None:
        """Close, unless that is done already."""
        if self._websocket.application_state is WebSocketState.CONNECTED:
            self.close_code = code
            try:
                async with asyncio.timeout(SEND_SECONDS):
                    await self._websocket.close(int(code))
            except (WebSocketDisconnect, RuntimeError, TimeoutError):
                _log.debug("audio_socket.gone")

    async def fail(self, error: OpenTalkingError) -> None:
        """Tell what is wrong, and close."""
        message = ErrorMessage(type="error", code=error.code, message=error.message, error=error.message)
        try:
            await self.send(message)
        except ClientGone:
            return
        await self.close(close_code_of(error))


def unexpected(message: ClientMessage) -> InvalidInput:
    """The refusal of a message that has no place where it came."""
    return InvalidInput(f"{message.type} has no place here; see the dialects of this socket")

"""What voice services have in common: told failures, and sound as the pieces of a sentence."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import numpy as np
import websockets
from websockets.asyncio.client import ClientConnection

from opentalking.core.errors import OpenTalkingError, ProviderError
from opentalking.core.media import Samples, Speech
from opentalking.providers.tts.remote.sound import SoundDecoder, UnreadableSound

CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 20.0
"""Longest wait for the next message."""
MAX_MESSAGE_BYTES = 4 * 2**20
_MAX_UPSTREAM_CHARACTERS = 800
_PIECE_SECONDS = 0.04
_OBJECT = re.compile(r"<[^<>]* object at 0x[0-9a-f]+>")
"""How Python shows an object that has no words for people; some libraries put it into their errors."""
_HINTS = {
    401: "refused the API key",
    403: "does not allow this request",
    404: "does not know this voice, model or path",
    429: "is over its limit",
}


@dataclass(frozen=True, slots=True)
class VoiceService:
    """Whom a failure is about; the key is known only to be kept out of messages."""

    name: str
    key: str = field(default="", repr=False)
    stage: str = "tts"

    def error(self, message: str, *, retryable: bool = True, said: str = "") -> ProviderError:
        """A failure of this service, and what the service `said` of it."""
        return ProviderError(
            f"{self.name}: {self._clean(message)}",
            stage=self.stage,
            provider=self.name,
            retryable=retryable,
            said=self._clean(said),
        )

    def _clean(self, text: str) -> str:
        if self.key:
            text = text.replace(self.key, "***")
        return " ".join(_OBJECT.sub("…", text).split())[:_MAX_UPSTREAM_CHARACTERS]

    def status_error(self, status: int, text: str) -> ProviderError:
        """The answer has an error status; `text` is what the service says of it."""
        hint = _HINTS.get(status, "failed" if status >= 500 else "refused the request")
        return self.error(f"{hint} ({status})", retryable=status >= 500 or status == 429, said=text)

    def task_failed(self, header: Mapping[str, Any]) -> ProviderError:
        """The failure that the header of a DashScope message tells."""
        code = f" ({header['error_code']})" if header.get("error_code") else ""
        return self.error(f"the task failed{code}", said=str(header.get("error_message") or ""))

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Translate what goes wrong on the way to and from the service."""
        try:
            yield
        except OpenTalkingError:
            raise
        except TimeoutError as error:
            raise self.error("it did not answer in time") from error
        except UnreadableSound as error:
            raise self.error(f"it sent {error}", retryable=False) from error
        except websockets.InvalidStatus as error:
            body = bytes(error.response.body or b"").decode(errors="replace")
            raise self.status_error(error.response.status_code, body) from error
        except websockets.ConnectionClosed as error:
            raise self.error("it closed the connection", said=str(error)) from error
        except (httpx2.HTTPError, httpx2.InvalidURL, websockets.WebSocketException, OSError) as error:
            raise self.error(str(error) or type(error).__name__) from error
        except (ValueError, KeyError, TypeError) as error:
            raise self.error("it sent what it should not", retryable=False, said=str(error)) from error


@asynccontextmanager
async def socket_to(url: str, headers: dict[str, str]) -> AsyncIterator[ClientConnection]:
    """A WebSocket that is dropped at once, without a farewell, when the work on it is cut short."""
    socket = await websockets.connect(
        url,
        additional_headers=headers,
        open_timeout=CONNECT_SECONDS,
        close_timeout=1.0,
        max_size=MAX_MESSAGE_BYTES,
    )
    try:
        yield socket
    except BaseException:
        socket.transport.abort()
        raise
    await socket.close()


async def received(socket: ClientConnection) -> AsyncGenerator[str | bytes, None]:
    """Messages until the service closes; raises `TimeoutError` when it falls silent."""
    while True:
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                message = await socket.recv()
        except websockets.ConnectionClosedOK:
            return
        yield message


async def spoken(
    text: str, chunks: AsyncGenerator[bytes, None], decoder: SoundDecoder
) -> AsyncGenerator[Speech, None]:
    """Pieces of one sentence from the bytes of its sound; the first carries the text, the last ends it.

    Raises `UnreadableSound`, also when there is no sound at all.
    """
    waiting: list[Samples] = []
    is_first = True
    async with aclosing(chunks):
        async for chunk in chunks:
            waiting.append(decoder.feed(chunk))
            size = sum(map(len, waiting))
            if size and size >= _PIECE_SECONDS * decoder.rate:
                yield _piece(waiting, decoder.rate, text if is_first else "")
                waiting, is_first = [], False
    waiting.append(decoder.flush())
    if is_first and not sum(map(len, waiting)):
        raise UnreadableSound("no sound")
    yield _piece(waiting, decoder.rate, text if is_first else "", ends_sentence=True)


def _piece(parts: list[Samples], rate: int, text: str, *, ends_sentence: bool = False) -> Speech:
    return Speech(np.concatenate(parts), rate, text, ends_sentence=ends_sentence)


def text_of(body: Any, otherwise: str) -> str:
    """The message inside an error body, wherever the service has put it."""
    if isinstance(body, str) and body.strip():
        return body
    if isinstance(body, dict):
        for name in ("message", "error", "detail", "error_message"):
            if body.get(name):
                return text_of(body[name], str(body[name]))
    return otherwise

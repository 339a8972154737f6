"""Bytes to a server and back, without the good manners of an HTTP client."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

ANSWER_SECONDS = 15.0


class Wire:
    """One TCP connection to the server of a URL."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname, parts.port)
        self.reader: asyncio.StreamReader
        self.writer: asyncio.StreamWriter

    async def __aenter__(self) -> Self:
        self.reader, self.writer = await asyncio.open_connection(*self._address)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.writer.transport.abort()

    async def send(self, data: bytes) -> None:
        """Send, unless the server has closed."""
        try:
            self.writer.write(data)
            await self.writer.drain()
        except ConnectionError:
            pass

    async def all(self) -> bytes:
        """Everything up to the end, which the server must bring about."""
        received = bytearray()
        async with asyncio.timeout(ANSWER_SECONDS):
            try:
                while chunk := await self.reader.read(65536):
                    received += chunk
            except ConnectionError:
                pass
        return bytes(received)

    async def answer(self) -> tuple[int, bytes]:
        """Status and body of one answer with a Content-Length."""
        async with asyncio.timeout(ANSWER_SECONDS):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = next(
                (
                    int(line[15:])
                    for line in head.lower().split(b"\r\n")
                    if line.startswith(b"content-length:")
                ),
                0,
            )
            body = await self.reader.readexactly(length)
        return status_of(head), body


def status_of(answer: bytes) -> int:
    """The status of an answer; 0 when there is none."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


@asynccontextmanager
async def trickle(wire: Wire, piece: bytes, pause_seconds: float) -> AsyncIterator[None]:
    """Keep sending a piece while inside."""

    async def send() -> None:
        while True:
            await wire.send(piece)
            await asyncio.sleep(pause_seconds)

    task = asyncio.create_task(send())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

"""A TCP proxy on loopback that can cut, stall or refuse its connections.

async with FlakyProxy(port) as proxy:
    ... proxy.url ...
    proxy.cut()
"""

import asyncio
from types import TracebackType
from typing import Self


class FlakyProxy:
    """Passes bytes to a port of 127.0.0.1 and back; after `cut_after_bytes` of an answer it hangs up once."""

    def __init__(self, target_port: int) -> None:
        self.connections = 0
        self.requests: list[bytes] = []
        self.cut_after_bytes: list[int] = []
        self.refusing = False
        self._target_port = target_port
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def cut(self) -> None:
        """End every connection without a goodbye."""
        for writer in self._writers:
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refusing:
            writer.transport.abort()
            return
        self.connections += 1
        upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        self._writers |= {writer, upstream_writer}
        most = self.cut_after_bytes.pop(0) if self.cut_after_bytes else None
        for work in (self._ask(reader, upstream_writer), self._answer(upstream_reader, writer, most)):
            task = asyncio.create_task(work)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while piece := await reader.read(65_536):
                self.requests.append(piece)
                writer.write(piece)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.transport.abort()

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, most: int | None
    ) -> None:
        try:
            while piece := await reader.read(65_536 if most is None else min(most, 65_536)):
                writer.write(piece)
                await writer.drain()
                if most is not None and (most := most - len(piece)) <= 0:
                    return
        except OSError:
            pass
        finally:
            # What was passed on arrives before the end, as from a server that crashes.
            writer.close()

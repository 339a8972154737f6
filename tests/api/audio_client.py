"""A client of the audio WebSocket over a real connection, and the worker's end of what it sends."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from opentalking.core.commands import StartPlay
from opentalking.core.media import Samples
from opentalking.core.ports import AudioOutlet
from tests.api.harness import Api
from tests.support.server import eventually

CONFIG = json.dumps({"type": "config"})
EOS = json.dumps({"type": "eos"})
INTERRUPT = json.dumps({"type": "interrupt"})
SECONDS = 10.0


def pcm(seconds: float = 0.02, rate: int = 16_000, level: int = 1000) -> bytes:
    return np.full(round(seconds * rate), level, "<i2").tobytes()


class Client:
    """A session, and a client of its audio socket."""

    def __init__(self, api: Api, session_id: str, socket: ClientConnection) -> None:
        self.api = api
        self.session_id = session_id
        self.socket = socket

    async def send(self, *frames: str | bytes) -> None:
        for frame in frames:
            await self.socket.send(frame)

    async def message(self) -> dict[str, Any]:
        raw = await asyncio.wait_for(self.socket.recv(), SECONDS)
        message = json.loads(raw)
        assert isinstance(message, dict)
        return message

    async def close_code(self) -> int | None:
        """The code with which the server closes; nothing may come before."""
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(self.socket.recv(), SECONDS)
        return self.socket.close_code

    async def error(self) -> tuple[str, int | None]:
        """Code of the error message and of the close that follows it."""
        message = await self.message()
        assert message["type"] == "error"
        assert message["error"] == message["message"] != ""
        assert set(message) == {"type", "code", "message", "error"}
        return message["code"], await self.close_code()

    @property
    def turns(self) -> list[str]:
        """The turns that were started, in order."""
        return [command.turn_id for command in self.api.worker.seen if isinstance(command, StartPlay)]

    async def sound(self, turn: int = 0) -> AudioOutlet:
        """The worker's end of the sound of the nth turn."""
        await eventually(lambda: len(self.api.worker.sounds) > turn, f"turn {turn}")
        return self.api.worker.sounds[self.turns[turn]]


@asynccontextmanager
async def client_of(api: Api, url: str, session_id: str, prefix: str = "") -> AsyncIterator[Client]:
    address = f"{url.replace('http', 'ws', 1)}{prefix}/sessions/{session_id}/speak_audio_stream"
    async with connect(address, sock=_connection(address)) as connection:
        yield Client(api, session_id, connection)


def _connection(address: str) -> socket.socket:
    """A connection that takes little on its way, so that a client soon feels when nobody reads."""
    place = urlsplit(address)
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 32 * 1024)
    made.connect((place.hostname, place.port))
    return made


@asynccontextmanager
async def connected(api: Api) -> AsyncIterator[Client]:
    async with api.served() as url:
        session_id = await api.new_session()
        async with client_of(api, url, session_id) as client:
            yield client


async def read(outlet: AudioOutlet, samples: int) -> Samples:
    """So many samples of a sound, and no more than have come."""
    parts = [np.zeros(0, np.int16)]
    async with asyncio.timeout(SECONDS):
        while sum(map(len, parts)) < samples:
            piece = await outlet.next()
            assert piece is not None, "the sound ended"
            parts.append(piece)
    return np.concatenate(parts)


async def ended(outlet: AudioOutlet) -> bool:
    """Read to the end; whether it was finished."""
    async with asyncio.timeout(SECONDS):
        while await outlet.next() is not None:
            pass
    return outlet.completed

"""Frames that no client should send to the audio WebSocket, below what a WebSocket library lets pass."""

import asyncio
import logging
import os
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from apps.api.client_limits import ClientLimits, ClientPlaces
from apps.api.connections import FRAGMENTS_MAX, ConnectionLimits
from tests.api.harness import Api, new_session
from tests.hostile.raw import Wire
from tests.support.server import eventually

QUICK = ConnectionLimits(head_seconds=0.5, idle_seconds=1, drain_seconds=0.2, write_seconds=0.5)
CONT, TEXT, BINARY, CLOSE, PING = 0x0, 0x1, 0x2, 0x8, 0x9
MIB = 2**20
MEMORY_MAX = 60 * MIB
HANDSHAKE = (
    "GET /sessions/{}/speak_audio_stream HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


def frame(kind: int, payload: bytes = b"", *, end: bool = True, said: int = -1, first: int = 0) -> bytes:
    """A frame with a mask of zeros; `said` is the length it claims, `first` more bits of its first byte."""
    length = len(payload) if said < 0 else said
    if length < 126:
        size = bytes((0x80 | length,))
    elif length < 65536:
        size = b"\xfe" + struct.pack(">H", length)
    else:
        size = b"\xff" + struct.pack(">Q", length)
    return bytes(((0x80 if end else 0) | kind | first,)) + size + bytes(4) + payload


PROTOCOL_ERRORS: dict[str, tuple[bytes, int]] = {
    "no mask": (b"\x81\x02{}", 1002),
    "a reserved opcode": (frame(0x3, b"x"), 1002),
    "a reserved control opcode": (frame(0xB), 1002),
    "reserved bits": (frame(TEXT, b"{}", first=0x40), 1002),
    "a long ping": (frame(PING, bytes(126)), 1002),
    "a ping in pieces": (frame(PING, b"x", end=False), 1002),
    "a continuation of nothing": (frame(CONT, b"x"), 1002),
    "a message within another": (frame(TEXT, b"{", end=False) + frame(TEXT, b"}"), 1002),
    "no utf-8": (frame(TEXT, b'{"type":"\xff"}'), 1007),
    "a surrogate in utf-8": (frame(TEXT, b'"\xed\xa0\x80"'), 1007),
    "a close without a whole code": (frame(CLOSE, b"\x03"), 1002),
    "a close with a code that is none": (frame(CLOSE, struct.pack(">H", 1005)), 1002),
    "a close whose reason is no utf-8": (frame(CLOSE, struct.pack(">H", 1000) + b"\xff"), 1007),
    "10 MB in one frame": (frame(BINARY, bytes(10 * MIB)), 1009),
    "10 MB in pieces": (
        frame(BINARY, bytes(MIB), end=False) + frame(CONT, bytes(MIB), end=False) * 9,
        1009,
    ),
    "a frame of 2^62": (frame(BINARY, b"x", said=2**62), 1009),
    "a frame of 2^63": (frame(BINARY, b"x", said=2**63), 1009),
    "endless pieces of nothing": (
        frame(BINARY, end=False) + frame(CONT, end=False) * FRAGMENTS_MAX * 3,
        1009,
    ),
}
BAD_MESSAGES: dict[str, bytes] = {
    "nothing": b"",
    "not json": b"hello",
    "a list": b"[]",
    "null": b"null",
    "a number": b"1e999",
    "a string": b'"config"',
    "no type": b"{}",
    "another type": b'{"type": "shutdown"}',
    "a type that is none": b'{"type": ["config"]}',
    "deep": b"[" * 100_000,
    "a wide number": b'{"type": "config", "sample_rate": ' + b"9" * 5000 + b"}",
    "a rate of 0": b'{"type": "config", "sample_rate": 0}',
    "a negative rate": b'{"type": "config", "sample_rate": -16000}',
    "a rate of text": b'{"type": "config", "sample_rate": "fast"}',
    "not a number": b'{"type": "config", "sample_rate": NaN}',
    "a surrogate": b'{"type": "config", "x": "\\ud800"}',
    "utf-16": '{"type": "config"}'.encode("utf-16-le"),
    "a bom": b'\xef\xbb\xbf{"type": "shutdown"}',
    "large": b'{"type": "' + b"x" * 900_000 + b'"}',
    "many": b'{"type": "shutdown"}',
}


@pytest.fixture
def api(tmp_path: Path) -> Api:
    api = Api(tmp_path)
    api.services.guard.places = ClientPlaces(ClientLimits(requests=1000))
    return api


@asynccontextmanager
async def served(api: Api, caplog: pytest.LogCaptureFixture) -> AsyncIterator[tuple[str, str]]:
    """URL and session; afterwards nothing is in work, others are served, and the log has no error."""
    async with api.served(QUICK) as url, httpx.AsyncClient(base_url=url) as client:
        session_id = await new_session(client)
        yield url, session_id
        requests = api.services.guard.places.requests
        await eventually(lambda: requests.clients == 0, "no request is in work")
        assert (await client.get(f"/sessions/{session_id}")).status_code == 200
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@asynccontextmanager
async def connected(url: str, session_id: str) -> AsyncIterator[Wire]:
    async with Wire(url) as wire:
        await wire.send(HANDSHAKE.format(session_id).encode())
        head = await asyncio.wait_for(wire.reader.readuntil(b"\r\n\r\n"), 10)
        assert head.startswith(b"HTTP/1.1 101 ")
        yield wire


def close_code(received: bytes) -> int | None:
    """The code of the last frame, which must be a close."""
    at, code = 0, None
    while at + 2 <= len(received):
        kind, length = received[at] & 0x0F, received[at + 1]
        at += 2
        if length == 126:
            length, at = int.from_bytes(received[at : at + 2]), at + 2
        code = int.from_bytes(received[at : at + 2]) if kind == CLOSE and length >= 2 else None
        at += length
    return code


async def test_breaches_of_the_protocol_are_the_end(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    async with served(api, caplog) as (url, session_id):
        for name, (data, code) in PROTOCOL_ERRORS.items():
            async with connected(url, session_id) as wire:
                await wire.send(data)
                # A connection that is closed with bytes unread loses what was sent last.
                assert close_code(await wire.all()) in (code, None), name


async def test_a_websocket_is_no_request_that_stalls(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    time = asyncio.get_running_loop().time
    async with served(api, caplog) as (url, session_id), connected(url, session_id) as wire:
        until = time() + 2 * max(QUICK.head_seconds, QUICK.idle_seconds)
        while time() < until:
            await asyncio.sleep(0.1)
            await wire.send(frame(PING, b"still there?"))
            assert (await wire.reader.readexactly(14))[2:] == b"still there?"


async def test_messages_that_are_none_are_4400(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    async with served(api, caplog) as (url, session_id):
        for name, text in BAD_MESSAGES.items():
            async with connected(url, session_id) as wire:
                await wire.send(frame(TEXT, text) * (2000 if name == "many" else 1))
                received = await wire.all()  # the client never closes, and still it ends
                assert close_code(received) == 4400, (name, received[-200:])
                assert received.count(b'"type":"error"') == 1, name
        assert not api.worker.commands()[1:], "no turn was started"


async def test_who_pings_and_reads_nothing_is_cut_off(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    pings = frame(PING, os.urandom(100)) * 5000
    async with served(api, caplog) as (url, session_id):
        before = psutil.Process().memory_info().rss
        async with connected(url, session_id) as wire:
            wire.writer.transport.pause_reading()  # type: ignore[attr-defined]
            requests = api.services.guard.places.requests
            most = before
            while requests.clients:
                try:
                    async with asyncio.timeout(0.2):
                        await wire.send(pings)
                except TimeoutError:
                    pass
                most = max(most, psutil.Process().memory_info().rss)
        assert most - before < MEMORY_MAX


async def test_large_frames_do_not_add_up(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    async with served(api, caplog) as (url, session_id):
        before = 0
        for number in range(15):
            async with connected(url, session_id) as wire:
                await wire.send(frame(BINARY, b"x" * 100, said=10 * MIB))
                await wire.send(bytes(10 * MIB))
                await wire.all()
            if number == 4:  # all buffers have been made once
                before = psutil.Process().memory_info().rss
        assert psutil.Process().memory_info().rss - before < MEMORY_MAX

"""Connections that stall, dribble, never read, or do not speak HTTP: all end, and harm nobody."""

import asyncio
import json
import logging
from pathlib import Path

import aiohttp
import httpx
import pytest

from apps.api.client_limits import ClientLimits, ClientPlaces
from apps.api.connections import ConnectionLimits
from opentalking.core.events import SpeechStartedEvent
from tests.api.harness import Api, follow, new_session
from tests.hostile.raw import Wire, status_of, trickle
from tests.support.server import eventually

QUICK = ConnectionLimits(head_seconds=0.4, drain_seconds=0.4, idle_seconds=1, write_seconds=0.4)
POST = b"POST /sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def api(tmp_path: Path) -> Api:
    api = Api(tmp_path)
    api.services.guard.places = ClientPlaces(ClientLimits(requests=1000))
    return api


async def assert_well(url: str, api: Api) -> None:
    """Others are served, and nothing is in work."""
    await eventually(lambda: api.services.guard.places.requests.clients == 0, "no request is in work")
    async with httpx.AsyncClient(base_url=url) as client:
        assert (await client.get("/healthz")).json() == {"status": "ok"}


async def test_a_head_that_does_not_come_is_408(api: Api) -> None:
    async with api.served(QUICK) as url, Wire(url) as wire:
        await wire.send(GET[:20])
        answer = await wire.all()
        assert status_of(answer) == 408
        assert "in time" in json.loads(answer.partition(b"\r\n\r\n")[2])["detail"]
        await assert_well(url, api)


async def test_a_head_that_dribbles_is_408_too(api: Api) -> None:
    async with api.served(QUICK) as url, Wire(url) as wire:
        await wire.send(GET[:-2])
        async with trickle(wire, b"X-A: b\r\n", 0.05):
            assert status_of(await wire.all()) == 408


async def test_a_second_head_that_dribbles_is_408_too(api: Api) -> None:
    async with api.served(QUICK) as url, Wire(url) as wire:
        await wire.send(GET)
        assert (await wire.answer())[0] == 200
        await wire.send(GET[:-2])
        async with trickle(wire, b"X-A: b\r\n", 0.05):
            assert status_of(await wire.all()) == 408


async def test_a_silent_connection_is_closed(api: Api) -> None:
    async with api.served(QUICK) as url, Wire(url) as wire:
        assert await wire.all() == b""


async def test_requests_one_after_another_and_pipelined_are_no_stall(api: Api) -> None:
    async with api.served(QUICK) as url, Wire(url) as wire:
        for _ in range(4):
            await wire.send(GET)
            assert (await wire.answer())[0] == 200
            await asyncio.sleep(0.2)
        await wire.send(GET * 5)
        assert [(await wire.answer())[0] for _ in range(5)] == [200] * 5


@pytest.mark.parametrize("framing", [b"Transfer-Encoding: chunked", b"Content-Length: 1073741824"])
async def test_a_body_that_nobody_reads_is_not_waited_for(api: Api, framing: bytes) -> None:
    async with api.served(QUICK) as url, Wire(url) as wire:
        await wire.send(b"POST /nothing HTTP/1.1\r\nHost: x\r\n" + framing + b"\r\n\r\n")
        async with trickle(wire, b"1\r\nx\r\n", 0.05):
            assert status_of(await wire.all()) == 404
        await assert_well(url, api)


async def test_a_refused_body_can_be_sent_to_its_end_and_the_answer_read(api: Api) -> None:
    size = 8 * 2**20
    async with api.served() as url, Wire(url) as wire:
        await wire.send(POST + f"Content-Length: {size}\r\n\r\n".encode() + b" " * size)
        assert (await wire.answer())[0] == 413
        await wire.send(GET)
        assert (await wire.answer())[0] == 200, "the connection is good for more"


async def test_a_body_that_dribbles_is_400(api: Api) -> None:
    api.services.limits = type(api.services.limits)(body_idle_seconds=0.2, body_seconds=0.5)
    async with api.served(QUICK) as url:
        for body in (b"", b'{"avatar_id": "'):
            async with Wire(url) as wire:
                await wire.send(b"POST /sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n" + body)
                async with trickle(wire, body[:1], 0.05):
                    assert status_of(await wire.all()) == 400
        await assert_well(url, api)


async def test_a_body_cut_short_ends_its_request(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    async with api.served(QUICK) as url:
        async with Wire(url) as wire:
            await wire.send(b"POST /sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{")
            requests = api.services.guard.places.requests
            await eventually(lambda: requests.clients == 1, "the request is in work")
        await assert_well(url, api)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_who_reads_no_answer_is_cut_off(api: Api) -> None:
    (api.avatars_root / "demo-avatar" / "preview.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"x" * 10 * 2**20)
    async with api.served(QUICK) as url, Wire(url) as wire:
        wire.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await wire.send(b"GET /avatars/demo-avatar/preview HTTP/1.1\r\nHost: x\r\n\r\n" * 3)
        requests = api.services.guard.places.requests
        await eventually(lambda: requests.clients == 1, "the request is in work")
        await assert_well(url, api)


async def test_who_follows_events_and_reads_none_is_cut_off_and_nobody_else(api: Api) -> None:
    requests, peer = api.services.guard.places.requests, "peer:127.0.0.1"
    async with api.served(QUICK) as url, httpx.AsyncClient(base_url=url) as client:
        session_id = await new_session(client)
        async with Wire(url) as stalled, follow(url, session_id) as healthy:
            stalled.writer.transport.pause_reading()  # type: ignore[attr-defined]
            await stalled.send(f"GET /sessions/{session_id}/events HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            await eventually(lambda: requests.taken(peer) == 2, "both follow")
            event = SpeechStartedEvent(session_id=session_id, turn_id="t", text="x" * 100_000)
            for _ in range(100):  # more than all buffers on the way hold
                await api.events.publish(event)
                assert (await healthy.until("speech.started"))[-1].data["text"] == event.text
            await eventually(lambda: requests.taken(peer) == 1, "the stalled one is cut off")
            await api.events.publish(event)
            await healthy.until("speech.started")
        await assert_well(url, api)


async def test_one_connection_too_many_is_503_and_room_comes_back(api: Api) -> None:
    async with api.served(ConnectionLimits(head_seconds=0.4, connections=3)) as url:
        async with Wire(url), Wire(url), Wire(url), Wire(url) as fourth:
            answer = await fourth.all()
            assert status_of(answer) == 503
            assert b"Retry-After: 5" in answer
            assert "too many connections" in json.loads(answer.partition(b"\r\n\r\n")[2])["detail"]
        await assert_well(url, api)


async def test_hundreds_of_idle_connections_are_gone_after_a_while(api: Api) -> None:
    async with api.served(QUICK) as url:
        wires = [Wire(url) for _ in range(300)]
        await asyncio.gather(*(wire.__aenter__() for wire in wires))
        await assert_well(url, api)
        assert set(await asyncio.gather(*(wire.all() for wire in wires))) == {b""}
        for wire in wires:
            await wire.__aexit__(None, None, None)


NOT_HTTP = {
    "nonsense": b"hello\r\n\r\n",
    "zeros": b"\0" * 100,
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x55" * 100,
    "http/0.9": b"GET /healthz\r\n\r\n",
    "no host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    "space in the target": b"GET /health z HTTP/1.1\r\nHost: x\r\n\r\n",
    "umlaut in the target": "GET /hälth HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
    "NUL in a header": b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: a\0b\r\n\r\n",
    "no name of a header": b"GET /healthz HTTP/1.1\r\nHost: x\r\n: a\r\n\r\n",
    "space in a name": b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length : 0\r\n\r\n",
    "a long target": b"GET /" + b"x" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "a long header": b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: " + b"x" * 200_000 + b"\r\n\r\n",
    "many headers": b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"X-A: b\r\n" * 20_000 + b"\r\n",
    "two lengths": POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} ",
    "lengths in a list": POST + b"Content-Length: 2, 3\r\n\r\n{} ",
    "a negative length": POST + b"Content-Length: -1\r\n\r\n{}",
    "a signed length": POST + b"Content-Length: +2\r\n\r\n{}",
    "a hexadecimal length": POST + b"Content-Length: 0x2\r\n\r\n{}",
    "a length beyond all numbers": POST + b"Content-Length: " + b"9" * 40 + b"\r\n\r\n{}",
    "another encoding": POST + b"Transfer-Encoding: gzip\r\n\r\n{}",
    "two encodings": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a hidden encoding": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "length and encoding": POST
    + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "no number of a chunk": POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "a negative chunk": POST + b"Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n",
    "an endless chunk size": POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"0" * 100_000,
    "an endless chunk extension": POST + b"Transfer-Encoding: chunked\r\n\r\n2;" + b"x" * 100_000,
    "a chunk of the wrong size": POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}}}\r\n0\r\n\r\n",
}


async def test_what_is_no_sound_http_is_400_and_the_connection_over(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    async with api.served(QUICK) as url:

        async def answer_to(data: bytes) -> bytes:
            async with Wire(url) as wire:
                await wire.send(data)
                return await wire.all()

        answers = await asyncio.gather(*map(answer_to, NOT_HTTP.values()))
        await assert_well(url, api)
    for name, answer in zip(NOT_HTTP, answers, strict=True):
        assert status_of(answer) in (0, 400, 408), (name, answer[:300])
        assert answer.count(b"HTTP/1.1 ") <= 1, f"{name}: one request, one answer"
        if answer:
            assert list(json.loads(answer.partition(b"\r\n\r\n")[2])) == ["detail"], name
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert not await api.store.all(), "no session was made of it"


async def test_a_fault_in_the_body_after_the_answer_is_no_error(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    async with api.served(QUICK) as url, Wire(url) as wire:
        await wire.send(b"POST /nothing HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert (await wire.answer())[0] == 404
        await wire.send(b"zz\r\n")
        assert b"HTTP" not in await wire.all()
        await assert_well(url, api)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("upgrade", [b"h2c", b"websocket", b"TLS/1.0, HTTP/1.1"])
async def test_upgrades_to_nowhere(api: Api, upgrade: bytes) -> None:
    async with api.served(QUICK) as url, Wire(url) as wire:
        await wire.send(
            b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: " + upgrade + b"\r\n\r\n"
        )
        assert status_of(await wire.all()) in (200, 400, 403, 404, 426)
        await assert_well(url, api)


async def test_a_websocket_to_no_route_is_refused(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    async with api.served(QUICK) as url, aiohttp.ClientSession(url) as browser:
        for path in ("/nothing", "/healthz", "/", "/assets/x", "/sessions/x/events"):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await browser.ws_connect(path)
            assert refused.value.status in (403, 404), path
        await assert_well(url, api)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]

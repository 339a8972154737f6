"""The audio WebSocket: what it refuses, and where it holds a client back."""

import asyncio

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from opentalking.services.playing import PlayLimits
from tests.api.audio_client import CONFIG, EOS, client_of, connected, pcm, read
from tests.api.harness import Api
from tests.support.server import eventually


async def test_a_takeover_reaches_a_client_that_is_held_back(api: Api) -> None:
    async with connected(api) as client:
        flood = asyncio.create_task(client.send(*[pcm(1.0)] * 400))
        outlet = await client.sound()
        await asyncio.sleep(0.3)
        assert not flood.done(), "400 s of sound do not fit on the way"
        await outlet.aclose("interrupted")
        assert await client.error() == ("interrupted", 4409)
        await asyncio.gather(flood, return_exceptions=True)


async def test_a_client_that_says_nothing_is_told_4400(api: Api) -> None:
    api.services.playing.limits = PlayLimits(first_frame_seconds=0.2)
    async with connected(api) as client:
        assert await client.error() == ("invalid_input", 4400)


NONSENSE = (
    "",
    "{",
    "null",
    "[]",
    '"config"',
    "1",
    "{}",
    '{"type":null}',
    '{"type":"hello"}',
    '{"type":["config"]}',
    '{"type":"config","sample_rate":7999}',
    '{"type":"config","sample_rate":48001}',
    '{"type":"config","sample_rate":"fast"}',
    '{"type":"config","sample_rate":1e400}',
    '{"type":"config","sample_rate":NaN}',
    "[" * 10_000,
    "😀",
)


@pytest.mark.parametrize("first", [None, CONFIG, pcm()])
async def test_what_no_dialect_knows_closes_with_4400(api: Api, first: str | bytes | None) -> None:
    async with api.served() as url:
        session_id = await api.new_session()
        for frame in NONSENSE:
            async with client_of(api, url, session_id) as client:
                if first is not None:
                    await client.send(first)
                if first == CONFIG:
                    assert await client.message() == {"type": "ack"}
                await client.send(frame)
                assert await client.error() == ("invalid_input", 4400), frame
            for outlet in api.worker.sounds.values():
                await outlet.aclose()


@pytest.mark.parametrize("frame", [CONFIG, '{"type":"meta"}', '{"type":"end"}'])
async def test_messages_of_another_place_close_with_4400(api: Api, frame: str) -> None:
    async with connected(api) as client:
        await client.send(CONFIG)
        assert await client.message() == {"type": "ack"}
        await client.send(frame)
        assert await client.error() == ("invalid_input", 4400)


async def test_sound_after_eos_closes_with_4400(api: Api) -> None:
    async with connected(api) as client:
        await client.send(pcm(), EOS, pcm())
        assert await client.error() == ("invalid_input", 4400)


async def test_a_frame_of_1_mib_is_taken_and_a_larger_one_is_not(api: Api) -> None:
    async with connected(api) as client:
        await client.send(bytes(2**20))
        outlet = await client.sound()
        await read(outlet, 2**19)
        await client.send(bytes(2**20 + 1))
        assert await client.error() == ("too_large", 4400)


@pytest.mark.parametrize("frame", [bytes(10 * 2**20), "x" * 10 * 2**20])
async def test_a_huge_frame_closes_the_socket(api: Api, frame: str | bytes) -> None:
    async with connected(api) as client:
        try:
            await client.send(frame)
            code = await client.close_code()
        except ConnectionClosed:
            code = client.socket.close_code
        assert code == 1009


async def test_a_socket_takes_a_bounded_amount_of_sound(api: Api) -> None:
    assert api.services.playing.limits.socket_bytes == 15 * 2**20
    api.services.playing.limits = PlayLimits(socket_bytes=3000)
    async with connected(api) as client:
        await client.send(bytes(1000), bytes(1000), bytes(1000))
        assert len(await read(await client.sound(), 1500)) == 1500
        await client.send(b"\0")
        assert await client.error() == ("too_large", 4400)


async def test_reading_stops_at_ten_seconds_unplayed(api: Api) -> None:
    frame = pcm(0.1)
    async with connected(api) as client:
        sent = 0

        async def flood() -> None:
            nonlocal sent
            while True:
                await client.send(frame)
                sent += 1

        flooding = asyncio.create_task(flood())
        outlet = await client.sound()
        last = -1
        while sent != last:
            last = sent
            await asyncio.sleep(0.3)
        assert 100 <= sent < 2_000, "10 s of sound, and what lies in the buffers of both systems"
        await read(outlet, 160_000)
        before = sent
        await eventually(lambda: sent > before, "room for more")
        flooding.cancel()
        await asyncio.gather(flooding, return_exceptions=True)
        api.services.closing.set()
        await eventually(
            lambda: client.socket.state is not State.OPEN, "a held-back socket ends with the server"
        )


async def test_a_session_has_two_sockets(api: Api) -> None:
    async with api.served() as url:
        session_id = await api.new_session()
        async with client_of(api, url, session_id) as first, client_of(api, url, session_id) as second:
            for client in (first, second):
                await client.send(CONFIG)
                assert await client.message() == {"type": "ack"}
            async with client_of(api, url, session_id) as third:
                assert await third.error() == ("too_many", 1011)
            await first.socket.close()
            async with client_of(api, url, session_id) as fourth:
                await fourth.send(CONFIG)
                assert await fourth.message() == {"type": "ack"}

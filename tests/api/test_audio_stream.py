"""The audio WebSocket over a real connection: the `config` dialect, sentence by sentence of the contract."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from opentalking.core.commands import Interrupt, StartPlay
from opentalking.core.errors import Unavailable
from opentalking.core.media import Samples
from opentalking.core.ports import SESSION_ENDED, AudioOutlet
from opentalking.core.sessions import SessionState
from opentalking.services.playing import PlayLimits
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


async def test_config_is_acknowledged_and_sound_starts_a_turn_at_its_rate(api: Api) -> None:
    async with connected(api) as client:
        await client.send(json.dumps({"type": "config", "sample_rate": 24_000}))
        assert await client.message() == {"type": "ack"}
        assert client.turns == []
        await client.send(pcm(level=1), pcm(level=2))
        outlet = await client.sound()
        assert outlet.sample_rate == 24_000
        assert list(await read(outlet, 640)) == [1] * 320 + [2] * 320
        assert len(client.turns) == 1


@pytest.mark.parametrize("config", ['{"type":"config"}', '{"type":"config","sample_rate":"","more":[1]}'])
async def test_the_default_rate_is_16_khz(api: Api, config: str) -> None:
    async with connected(api) as client:
        await client.send(config, pcm())
        assert await client.message() == {"type": "ack"}
        assert (await client.sound()).sample_rate == 16_000


async def test_sound_at_once_needs_no_config_and_gets_no_ack(api: Api) -> None:
    async with connected(api) as client:
        await client.send(pcm())
        outlet = await client.sound()
        assert outlet.sample_rate == 16_000
        await client.send(EOS)
        assert await ended(outlet)
        await outlet.aclose("completed")
        assert await client.close_code() == 1000


async def test_eos_flushes_and_the_server_closes_when_all_was_played(api: Api) -> None:
    async with connected(api) as client:
        await client.send(CONFIG, pcm(), EOS)
        assert await client.message() == {"type": "ack"}
        outlet = await client.sound()
        assert await ended(outlet)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.socket.recv(), 0.3)
        await outlet.aclose("completed")
        assert await client.close_code() == 1000


@pytest.mark.parametrize("frames", [[EOS], [CONFIG, EOS], [INTERRUPT, EOS], [b"", EOS], [b"\x01", EOS]])
async def test_eos_without_sound_closes_at_once_and_starts_nothing(
    api: Api, frames: list[str | bytes]
) -> None:
    async with connected(api) as client:
        await client.send(*frames)
        if frames[0] == CONFIG:
            assert await client.message() == {"type": "ack"}
        assert await client.close_code() == 1000
        assert client.turns == []


async def test_an_odd_byte_is_carried_over(api: Api) -> None:
    data = np.arange(300, dtype="<i2").tobytes()
    async with connected(api) as client:
        await client.send(CONFIG, data[:101], data[101:102], data[102:105], data[105:], b"\x07")
        outlet = await client.sound()
        assert list(await read(outlet, 300)) == list(range(300))


async def test_an_interrupt_cancels_the_turn_and_the_next_sound_starts_another(api: Api) -> None:
    async with connected(api) as client:
        await client.send(CONFIG, pcm(level=1))
        assert await client.message() == {"type": "ack"}
        first = await client.sound()
        await client.send(INTERRUPT)
        await eventually(
            lambda: any(isinstance(command, Interrupt) for command in api.worker.seen), "the interrupt"
        )
        interrupt = next(command for command in api.worker.seen if isinstance(command, Interrupt))
        assert interrupt.turn_id == client.turns[0]
        await first.aclose("interrupted")
        await client.send(pcm(level=2))
        second = await client.sound(1)
        assert list(await read(second, 320)) == [2] * 320
        assert len(set(client.turns)) == 2
        await client.send(EOS)
        assert await ended(second)
        await second.aclose("completed")
        assert await client.close_code() == 1000


async def test_an_interrupt_after_eos_ends_it(api: Api) -> None:
    async with connected(api) as client:
        await client.send(CONFIG, pcm(), EOS)
        assert await client.message() == {"type": "ack"}
        assert await ended(await client.sound())
        await client.send(INTERRUPT)
        assert await client.close_code() == 1000


async def test_an_interrupt_without_a_turn_does_nothing(api: Api) -> None:
    async with connected(api) as client:
        await client.send(INTERRUPT, pcm())
        await client.sound()
        assert not any(isinstance(command, Interrupt) for command in api.worker.seen)


async def test_another_turn_that_takes_over_closes_with_4409(api: Api) -> None:
    async with connected(api) as client:
        await client.send(CONFIG, pcm())
        assert await client.message() == {"type": "ack"}
        await (await client.sound()).aclose("interrupted")
        assert await client.error() == ("interrupted", 4409)


async def test_a_takeover_reaches_a_client_that_is_held_back(api: Api) -> None:
    async with connected(api) as client:
        flood = asyncio.create_task(client.send(*[pcm(1.0)] * 400))
        outlet = await client.sound()
        await asyncio.sleep(0.3)
        assert not flood.done(), "400 s of sound do not fit on the way"
        await outlet.aclose("interrupted")
        assert await client.error() == ("interrupted", 4409)
        await asyncio.gather(flood, return_exceptions=True)


async def test_a_turn_that_fails_closes_with_1011(api: Api) -> None:
    async with connected(api) as client:
        await client.send(pcm())
        await (await client.sound()).aclose("failed")
        assert await client.error() == ("playback_failed", 1011)


async def test_a_long_pause_ends_the_turn_and_more_sound_starts_another(api: Api) -> None:
    api.services.playing.limits = PlayLimits(quiet_seconds=0.2)
    async with connected(api) as client:
        await client.send(CONFIG)
        assert await client.message() == {"type": "ack"}
        await asyncio.sleep(0.4)
        await client.send(pcm(level=1))
        first = await client.sound()
        assert await ended(first), "nothing more is waited for"
        await client.send(pcm(level=2))
        second = await client.sound(1)
        await first.aclose("interrupted")
        await client.send(EOS)
        assert await ended(second)
        await second.aclose("completed")
        assert await client.close_code() == 1000


async def test_a_client_that_says_nothing_is_told_4400(api: Api) -> None:
    api.services.playing.limits = PlayLimits(first_frame_seconds=0.2)
    async with connected(api) as client:
        assert await client.error() == ("invalid_input", 4400)


async def test_dropped_without_eos_what_came_is_played(api: Api) -> None:
    async with connected(api) as client:
        await client.send(CONFIG, pcm(0.5))
        outlet = await client.sound()
        await client.socket.close()
        assert len(await read(outlet, 8_000)) == 8_000
        assert not await ended(outlet)


async def test_a_lost_connection_is_a_drop(api: Api) -> None:
    async with connected(api) as client:
        await client.send(CONFIG, pcm(0.5))
        outlet = await client.sound()
        client.socket.transport.abort()
        assert not await ended(outlet)


@pytest.mark.parametrize("frames", [[], [CONFIG], [CONFIG, pcm()], [pcm(), INTERRUPT]])
async def test_the_end_of_the_session_closes_with_4004(api: Api, frames: list[str | bytes]) -> None:
    async with connected(api) as client:
        await client.send(*frames)
        if frames[:1] == [CONFIG]:
            assert await client.message() == {"type": "ack"}
        if len(frames) > 1:
            outlet = await client.sound()
            if INTERRUPT in frames:
                await eventually(lambda: api.worker.seen[-1].type == "interrupt", "the interrupt")
            await outlet.aclose(SESSION_ENDED if INTERRUPT not in frames else "interrupted")
        await api.worker.close(client.session_id)
        if not frames:
            await client.send(CONFIG)
        code, close = await client.error()
        assert close == 4004
        assert code in ("session_ended", "not_found")


async def test_an_unknown_session_is_accepted_and_told_4004(api: Api) -> None:
    async with api.served() as url, client_of(api, url, "00000000-0000-4000-8000-000000000000") as client:
        assert await client.error() == ("not_found", 4004)


async def test_a_session_that_cannot_talk_is_refused(api: Api) -> None:
    async with api.served() as url:
        session_id = await api.new_session()
        await api.worker.move(session_id, SessionState.ERROR)
        async with client_of(api, url, session_id) as client:
            assert await client.error() == ("conflict", 1011)


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


async def test_a_socket_takes_15_mib(api: Api) -> None:
    async with connected(api) as client:

        async def send() -> None:
            await client.send(*[bytes(2**20)] * 15, bytes(1))

        sending = asyncio.create_task(send())
        outlet = await client.sound()
        await read(outlet, 15 * 2**19)
        await sending
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


async def test_the_same_under_api(api: Api) -> None:
    async with api.served() as url:
        session_id = await api.new_session()
        async with client_of(api, url, session_id, "/api") as client:
            await client.send(CONFIG)
            assert await client.message() == {"type": "ack"}


async def test_frames_count_as_use_of_the_session(api: Api) -> None:
    async with connected(api) as client:
        await client.send(CONFIG, pcm(), pcm(), pcm())
        await client.sound()
        assert [command.type for command in api.worker.seen].count("touch") == 1, "not one for each frame"


async def test_a_worker_that_refuses_is_told(api: Api) -> None:
    api.worker.refuse["play"] = Unavailable("try again")
    async with connected(api) as client:
        await client.send(CONFIG, pcm())
        assert await client.message() == {"type": "ack"}
        assert await client.error() == ("unavailable", 1011)


async def test_a_fault_of_the_server_closes_with_1011(api: Api) -> None:
    api.worker.refuse["play"] = ZeroDivisionError("a bug")
    async with connected(api) as client:
        await client.send(CONFIG, pcm())
        assert await client.message() == {"type": "ack"}
        assert await client.error() == ("internal_error", 1011)


async def test_a_server_that_stops_closes_the_sockets(api: Api) -> None:
    async with AsyncExitStack() as stack, AsyncExitStack() as serving:
        url = await serving.enter_async_context(api.served())
        client = await stack.enter_async_context(client_of(api, url, await api.new_session()))
        await client.send(CONFIG, pcm())
        assert await client.message() == {"type": "ack"}
        await client.sound()
        await serving.aclose()
        assert await client.close_code() == 1012

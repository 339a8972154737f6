"""The audio WebSocket: the `config` dialect, sentence by sentence of the contract."""

import asyncio
import json
import re
from contextlib import AsyncExitStack
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from opentalking.audio.wav import wav_bytes
from opentalking.core.commands import Interrupt
from opentalking.core.errors import Unavailable
from opentalking.core.ports import SESSION_ENDED
from opentalking.core.sessions import SessionState
from opentalking.services.playing import PlayLimits
from tests.api.audio_client import CONFIG, EOS, INTERRUPT, SECONDS, client_of, connected, ended, pcm, read
from tests.api.harness import Api
from tests.support.server import eventually

GUIDE = Path(__file__).parents[2] / "docs" / "audio.md"


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


async def test_the_example_of_the_guide_plays_a_file(api: Api, tmp_path: Path) -> None:
    found = re.search(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert found, "the guide shows no Python"
    guide = ModuleType("guide")
    exec(compile(found[1], str(GUIDE), "exec"), vars(guide))  # noqa: S102 - our own guide
    sound = np.arange(9_600, dtype=np.int16)
    path = tmp_path / "speech.wav"
    path.write_bytes(wav_bytes(sound, 24_000))
    async with api.served() as url:
        session_id = await api.new_session()
        speaking = asyncio.create_task(guide.speak(url.replace("http", "ws", 1), session_id, str(path)))
        await eventually(lambda: bool(api.worker.sounds), "a turn")
        [outlet] = api.worker.sounds.values()
        assert outlet.sample_rate == 24_000
        assert np.array_equal(await read(outlet, len(sound)), sound)
        assert await ended(outlet)
        await outlet.aclose("completed")
        await asyncio.wait_for(speaking, SECONDS)

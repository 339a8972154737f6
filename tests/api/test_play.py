"""Uploaded sound that is played: what is accepted, what is refused, and what becomes of it."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from opentalking.audio.wav import wav_bytes
from opentalking.core.commands import StartPlay
from opentalking.core.errors import Conflict, InvalidInput
from opentalking.core.media import MEDIA_RATE, Samples
from opentalking.core.ports import AudioOutlet
from opentalking.core.sessions import SessionState
from tests.api.harness import Api, new_session
from tests.support.audio_files import KINDS, encode, sine
from tests.support.server import eventually

TONE = sine(440, 1.0, 44_100)
WAV = wav_bytes(TONE, 44_100)
RAW = sine(440, 1.0, 16_000).astype("<i2").tobytes()
Part = tuple[str, bytes, str]


async def everything(outlet: AudioOutlet) -> Samples:
    parts = [np.zeros(0, np.int16)]
    async with asyncio.timeout(10):
        while (piece := await outlet.next()) is not None:
            parts.append(piece)
    return np.concatenate(parts)


async def post(
    client: httpx.AsyncClient, session_id: str, route: str = "speak_flashtalk_audio", **fields: Any
) -> httpx.Response:
    files = {name: value for name, value in fields.items() if isinstance(value, tuple)}
    data = {name: value for name, value in fields.items() if not isinstance(value, tuple)}
    return await client.post(f"/sessions/{session_id}/{route}", files=files or None, data=data)


def part(data: bytes, media_type: str = "audio/wav", name: str = "sound") -> Part:
    return (name, data, media_type)


def open_temporary_files() -> int:
    """Files of this process that have no name."""
    targets = [_target(link) for link in Path("/proc/self/fd").iterdir()]
    return sum(1 for target in targets if target.startswith("/") and target.endswith("(deleted)"))


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""


@pytest.mark.parametrize("kind", list(KINDS))
async def test_any_common_file_is_played(api: Api, kind: str) -> None:
    async with api.client() as client:
        session_id = await new_session(client)
        data = encode(TONE, 44_100, KINDS[kind])
        answer = await post(client, session_id, file=part(data, "application/octet-stream"))
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert body == {"session_id": session_id, "status": "queued", "turn_id": body["turn_id"]}
        outlet = api.worker.sounds[body["turn_id"]]
        assert outlet.sample_rate == MEDIA_RATE
        assert len(await everything(outlet)) == pytest.approx(MEDIA_RATE, abs=3_500)
        assert outlet.completed


@pytest.mark.parametrize(
    ("fields", "rate"),
    [
        ({"audio": part(RAW, "text/plain"), "sample_rate": "16000"}, 16_000),
        ({"audio": part(RAW, "text/plain"), "sample_rate": "48000"}, 48_000),
        ({"audio": part(RAW, "application/octet-stream")}, 16_000),
        ({"audio": part(RAW, "audio/pcm")}, 16_000),
        ({"audio": part(RAW, "audio/L16")}, 16_000),
        ({"audio": part(RAW, "audio/L16; rate=8000")}, 8_000),
        ({"audio": part(RAW, "audio/L16; rate=8000"), "sample_rate": "32000"}, 32_000),
        ({"audio": part(RAW, "application/octet-stream"), "sample_rate": ""}, 16_000),
    ],
)
async def test_raw_samples_are_played_at_their_rate(api: Api, fields: dict[str, Any], rate: int) -> None:
    async with api.client() as client:
        session_id = await new_session(client)
        answer = await post(client, session_id, "speak_audio", **fields)
        assert answer.status_code == 200, answer.text
        pcm = await everything(api.worker.sounds[answer.json()["turn_id"]])
        assert len(pcm) == pytest.approx(16_000 * MEDIA_RATE / rate, abs=100)


REFUSED: tuple[dict[str, Any], ...] = (
    {"audio": part(RAW, "text/plain")},
    {"audio": part(RAW, "audio/wav")},
    {"audio": part(RAW, "audio/L16; rate=4000")},
    {"file": part(RAW, "application/octet-stream")},
    {"file": part(RAW, "audio/pcm"), "sample_rate": "16000"},
    {"audio": part(RAW, "audio/pcm"), "sample_rate": "7999"},
    {"audio": part(RAW, "audio/pcm"), "sample_rate": "48001"},
    {"audio": part(RAW, "audio/pcm"), "sample_rate": "fast"},
    {"audio": part(b"", "audio/pcm"), "sample_rate": "16000"},
    {"file": part(b"")},
    {"file": part(b"", name="")},
    {"file": part(b"#EXTM3U\nhttp://127.0.0.1/a.mp3\n", "audio/mpegurl")},
    {"file": part(wav_bytes(TONE[:0], 44_100))},
    {"file": part(WAV[:30])},
    {},
    {"sample_rate": "16000"},
    {"file": "words"},
)


@pytest.mark.parametrize("route", ["speak_flashtalk_audio", "speak_audio"])
async def test_what_cannot_be_played_is_refused(api: Api, route: str) -> None:
    async with api.client() as client:
        session_id = await new_session(client)
        for fields in REFUSED:
            answer = await post(client, session_id, route, **fields, mode="play")
            assert answer.status_code == 400, (fields, answer.text)
            assert isinstance(answer.json()["detail"], str)
        assert not api.worker.sounds


async def test_a_body_that_is_no_form_is_refused(api: Api) -> None:
    async with api.client() as client:
        session_id = await new_session(client)
        url = f"/sessions/{session_id}/speak_audio"
        assert (await client.post(url, json={"file": "a.wav"})).status_code == 400
        assert (await client.post(url, content=WAV)).status_code == 400


async def test_too_much_is_413(api: Api) -> None:
    long = encode(np.zeros(601 * 8_000, np.int16), 8_000, KINDS["flac"])
    raw = bytes(2 * 8_000 * 601)
    async with api.client() as client:
        session_id = await new_session(client)
        for fields in (
            {"file": part(bytes(15 * 2**20 + 300_000))},
            {"file": part(wav_bytes(np.zeros(15 * 2**19, np.int16), 48_000))},
            {"file": part(long, "audio/flac")},
            {"audio": part(raw, "audio/pcm"), "sample_rate": "8000"},
        ):
            answer = await post(client, session_id, **fields)
            assert answer.status_code == 413, answer.text
        assert not api.worker.sounds


async def test_the_checks_come_in_the_order_of_the_contract(api: Api) -> None:
    async with api.client() as client:
        session_id = await new_session(client)
        missing = "/sessions/00000000-0000-4000-8000-000000000000/speak_audio"
        assert (await client.post(missing, data={"sample_rate": "x"})).status_code == 400
        assert (await client.post(missing, files={"audio": part(b"junk")})).status_code == 404
        await api.worker.move(session_id, SessionState.ERROR)
        answer = await post(client, session_id, "speak_audio", audio=part(b"junk"))
        assert answer.status_code == 409
        assert (await post(client, session_id, "speak_audio", file=part(b"junk"))).status_code == 409


async def test_mode_and_field_decide_who_gets_it(api: Api) -> None:
    async with api.client() as client:
        session_id = await new_session(client)
        for fields, plays in (
            ({"audio": part(WAV)}, True),
            ({"file": part(WAV)}, False),
            ({"audio": part(WAV), "file": part(WAV)}, False),
            ({"file": part(WAV), "mode": "play"}, True),
            ({"audio": part(WAV), "mode": "converse"}, False),
            ({"audio": part(WAV), "mode": ""}, True),
            ({"audio": part(WAV), "file": part(b"", name="")}, True),
        ):
            before = len(api.worker.sounds)
            answer = await post(client, session_id, "speak_audio", **fields)
            assert (len(api.worker.sounds) == before + 1) is plays, fields
            assert (answer.status_code == 200) or not plays
        assert (
            await post(client, session_id, "speak_audio", audio=part(WAV), mode="sing")
        ).status_code == 400


async def test_the_same_under_api(api: Api) -> None:
    async with api.client() as client:
        session_id = await new_session(client)
        answer = await client.post(
            f"/api/sessions/{session_id}/speak_flashtalk_audio", files={"file": part(WAV)}
        )
        assert answer.status_code == 200


async def test_a_refusal_of_the_worker_is_the_answer_and_nothing_is_left(api: Api) -> None:
    async with api.client() as client:
        session_id = await new_session(client)
        before = open_temporary_files()
        api.worker.refuse["play"] = Conflict("not now")
        answer = await post(client, session_id, file=part(WAV))
        assert answer.status_code == 409
        assert open_temporary_files() == before


async def test_a_long_file_streams_as_it_is_played(api: Api) -> None:
    data = encode(np.tile(TONE, 40), 44_100, KINDS["mp3"])
    async with api.client() as client:
        session_id = await new_session(client)
        before = open_temporary_files()
        answer = await post(client, session_id, file=part(data, "audio/mpeg"))
        outlet = api.worker.sounds[answer.json()["turn_id"]]
        assert open_temporary_files() == before + 1, "it goes on reading its own copy"
        pcm = await everything(outlet)
        assert len(pcm) == pytest.approx(40 * MEDIA_RATE, rel=0.01)
        assert outlet.completed
        await eventually(lambda: open_temporary_files() == before, "the file is closed")


async def test_the_file_goes_when_the_turn_is_interrupted(api: Api) -> None:
    data = encode(np.tile(TONE, 60), 44_100, KINDS["mp3"])
    async with api.client() as client:
        session_id = await new_session(client)
        before = open_temporary_files()
        answer = await post(client, session_id, file=part(data, "audio/mpeg"))
        outlet = api.worker.sounds[answer.json()["turn_id"]]
        await outlet.next()
        await outlet.aclose("interrupted")
        await eventually(lambda: open_temporary_files() == before, "the file is closed")


async def test_the_file_goes_when_the_session_or_the_server_ends(api: Api) -> None:
    data = encode(np.tile(TONE, 60), 44_100, KINDS["mp3"])
    before = open_temporary_files()
    async with api.client() as client:
        session_id, other = await new_session(client), await new_session(client)
        await post(client, session_id, file=part(data, "audio/mpeg"))
        await client.delete(f"/sessions/{session_id}")
        await eventually(lambda: open_temporary_files() == before, "the file is closed")
        await post(client, other, file=part(data, "audio/mpeg"))
        assert open_temporary_files() == before + 1
    assert open_temporary_files() == before


async def test_damage_that_shows_later_reaches_the_worker(api: Api) -> None:
    whole = encode(np.tile(TONE, 20), 44_100, KINDS["aac"])
    noise = np.random.default_rng(3).bytes(len(whole) // 2)
    async with api.client() as client:
        session_id = await new_session(client)
        answer = await post(client, session_id, file=part(whole[: len(whole) // 2] + noise, "audio/aac"))
        assert answer.status_code == 200
        outlet = api.worker.sounds[answer.json()["turn_id"]]
        with pytest.raises(InvalidInput, match="cannot be decoded"):
            await everything(outlet)
        assert not outlet.completed


async def test_it_counts_as_use_of_the_session(api: Api) -> None:
    async with api.client() as client:
        session_id = await new_session(client)
        api.worker.seen.clear()
        await post(client, session_id, file=part(WAV))
        # Whatever reaches a worker counts, and the first word comes before the sound is decoded.
        assert [command.type for command in api.worker.seen] == ["expect_sound", "play"]
        assert isinstance(api.worker.seen[-1], StartPlay)

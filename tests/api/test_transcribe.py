"""`POST /sessions/{id}/transcribe`: what is recognised, what is refused, what cancels it."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import numpy as np
import pytest

from opentalking.audio.wav import wav_bytes
from opentalking.engine.config import EngineConfig
from opentalking.providers.fake import ScriptedListener
from tests.api.harness import follow, new_session
from tests.api.live import LiveApi
from tests.support.server import eventually

SECOND = (3000 * np.sin(np.arange(16_000) / 7)).astype(np.int16)
WAV = wav_bytes(SECOND, 16_000)


@pytest.fixture
def listener() -> ScriptedListener:
    return ScriptedListener("what time is it", name="local")


@asynccontextmanager
async def session(
    folder: Path, listener: ScriptedListener, **fields: Any
) -> AsyncIterator[tuple[httpx.AsyncClient, str]]:
    config = EngineConfig(stt_fallback=None, recognition_seconds=0.5)
    async with LiveApi(folder, {"local": listener}, config).client() as client:
        yield client, f"/sessions/{await new_session(client, **fields)}/transcribe"


def sound(name: str = "file", data: bytes = WAV, kind: str = "audio/wav") -> dict[str, Any]:
    return {name: ("utterance", io.BytesIO(data), kind)}


@pytest.mark.parametrize(
    ("files", "data"),
    [
        (sound(), {}),
        (sound("audio"), {}),
        (sound("audio", SECOND.tobytes(), "audio/pcm"), {"stt_provider": "", "sample_rate": ""}),
        (sound("audio", SECOND[::2].tobytes(), "text/plain"), {"sample_rate": "8000"}),
        (sound() | sound("audio", b"not read"), {}),
    ],
)
async def test_what_was_said_comes_back(
    tmp_path: Path, listener: ScriptedListener, files: dict[str, Any], data: dict[str, str]
) -> None:
    async with session(tmp_path, listener) as (client, url):
        answer = await client.post(url, files=files, data=data)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert (body["text"], body["transcript"]) == ("what time is it",) * 2
        assert set(body) == {"session_id", "text", "transcript"}
        assert listener.heard[0] == pytest.approx(16_000, abs=200)


async def test_nothing_recognised_is_an_empty_text_and_no_turn(
    tmp_path: Path, listener: ScriptedListener
) -> None:
    listener.text = ""
    async with session(tmp_path, listener) as (client, url):
        body = (await client.post(url, files=sound(), data={"trigger_chat": "true"})).json()
        assert (body["text"], body["transcript"]) == ("", "")
        assert "turn_id" not in body
        state = (await client.get(url.removesuffix("/transcribe"))).json()["state"]
        assert state == "worker_ready"


async def test_trigger_chat_starts_a_turn(tmp_path: Path, listener: ScriptedListener) -> None:
    api = LiveApi(tmp_path, {"local": listener})
    async with api.served() as base, httpx.AsyncClient(base_url=base) as client:
        session_id = await new_session(client)
        async with follow(base, session_id) as events:
            await events.event()
            answer = await client.post(
                f"/sessions/{session_id}/transcribe", files=sound(), data={"trigger_chat": "true"}
            )
            told = await events.until("speech.ended")
        turn_id = answer.json()["turn_id"]
        of_turn = [e for e in told if e.data.get("turn_id") == turn_id and e.event != "frame"]
        assert [e.event for e in of_turn[:3]] == ["transcript", "speech.started", "status"]
        assert of_turn[0].data["is_final"] is True
        assert of_turn[1].data["text"] == "what time is it"
        assert of_turn[-1].data["reason"] == "completed"


@pytest.mark.parametrize(
    ("files", "data", "message"),
    [
        ({}, {"stt_provider": "local"}, "file or audio is required"),
        (sound(data=b""), {}, "empty"),
        (sound(data=b"no sound at all" * 99), {}, "cannot be decoded"),
        (sound("audio", SECOND.tobytes(), "text/plain"), {}, "cannot be decoded"),
        (sound("audio", SECOND.tobytes(), "audio/pcm"), {"sample_rate": "7999"}, "sample_rate"),
        (sound(), {"stt_provider": "psychic"}, "stt_provider is not known"),
        (sound(), {"trigger_chat": "perhaps"}, "trigger_chat must be true or false"),
        (sound(data=WAV[:44]), {}, "sound"),
    ],
)
async def test_what_cannot_be_heard_is_refused(
    tmp_path: Path, listener: ScriptedListener, files: dict[str, Any], data: dict[str, str], message: str
) -> None:
    async with session(tmp_path, listener) as (client, url):
        answer = await client.post(url, files=files, data=data)
        assert (answer.status_code, message in answer.json()["detail"]) == (400, True), answer.text
        assert not listener.heard


async def test_the_session_is_looked_for_before_the_sound(tmp_path: Path, listener: ScriptedListener) -> None:
    async with session(tmp_path, listener) as (client, _):
        answer = await client.post("/sessions/none/transcribe", files=sound(data=b"?"))
        assert (answer.status_code, answer.json()["detail"]) == (404, "session not found")


async def test_more_than_fits_is_refused(tmp_path: Path, listener: ScriptedListener) -> None:
    async with session(tmp_path, listener) as (client, url):
        too_large = await client.post(url, files=sound(data=WAV + bytes(15 * 2**20)))
        assert too_large.status_code == 413
        too_long = await client.post(
            url, files=sound("audio", bytes(8000 * 2 * 601), "audio/pcm"), data={"sample_rate": "8000"}
        )
        assert too_long.status_code == 413, too_long.text


async def test_failures_of_the_recogniser_are_told(tmp_path: Path, listener: ScriptedListener) -> None:
    async with session(tmp_path, listener) as (client, url):
        listener.fails = True
        answer = await client.post(url, files=sound())
        assert (answer.status_code, answer.json()["detail"]) == (502, "told to fail")
        unusable = await client.post(url, files=sound(), data={"stt_provider": "dashscope"})
        assert (unusable.status_code, "dashscope" in unusable.json()["detail"]) == (502, True)
        listener.fails, listener.delay_seconds = False, 60.0
        late = await client.post(url, files=sound())
        assert (late.status_code, "within 0.5 s" in late.json()["detail"]) == (502, True)
        assert listener.cancelled == 1


async def test_an_interrupt_cancels_it(tmp_path: Path, listener: ScriptedListener) -> None:
    listener.delay_seconds = 60
    api = LiveApi(tmp_path, {"local": listener})
    async with api.client() as client:
        url = f"/sessions/{await new_session(client)}"
        waiting = [asyncio.create_task(client.post(f"{url}/transcribe", files=sound())) for _ in range(4)]
        await eventually(lambda: listener.begun == 4, "four recognitions run")
        fifth = await client.post(f"{url}/transcribe", files=sound())
        assert (fifth.status_code, fifth.headers["retry-after"]) == (429, "5")
        assert (await client.post(f"{url}/interrupt")).status_code == 200
        for answer in await asyncio.gather(*waiting):
            assert (answer.status_code, "interrupted" in answer.json()["detail"]) == (409, True)
        assert listener.cancelled == 4


async def test_a_client_that_goes_away_cancels_it(tmp_path: Path, listener: ScriptedListener) -> None:
    listener.delay_seconds = 60
    api = LiveApi(tmp_path, {"local": listener})
    async with api.served() as base, httpx.AsyncClient(base_url=base) as client:
        session_id = await new_session(client)
        form = aiohttp.FormData({"trigger_chat": "true"})
        form.add_field("file", WAV, filename="a.wav")
        async with aiohttp.ClientSession() as leaving:
            request = asyncio.create_task(leaving.post(f"{base}/sessions/{session_id}/transcribe", data=form))
            await eventually(lambda: listener.begun == 1, "the recognition runs")
            request.cancel()
            await asyncio.wait({request})
        await eventually(lambda: listener.cancelled == 1, "the recognition is cancelled")
        listener.delay_seconds = 0
        answer = await client.post(f"/sessions/{session_id}/transcribe", files=sound())
        assert answer.json()["text"] == "what time is it"
        assert (await client.get(f"/sessions/{session_id}")).json()["state"] == "worker_ready"

import asyncio
import io
import wave
from typing import Any

import httpx
import numpy as np
import pytest

from opentalking.services.speech import SpeechLimits, SpeechService
from tests.api.harness import Api


async def test_voices_of_all_one_and_no_provider(client: httpx.AsyncClient, api: Api) -> None:
    everything = (await client.get("/voices")).json()["items"]
    local = (await client.get("/voices?provider=local")).json()["items"]
    assert sorted(item["provider"] for item in everything) == ["edge", "edge", "local", "local"]
    assert local == [item for item in everything if item["provider"] == "local"]
    by_name = sorted(local, key=lambda item: str(item["voice_id"]))
    joe, mei = ({key: value for key, value in item.items() if key != "id"} for item in by_name)
    assert joe == {
        "user_id": 1,
        "provider": "local",
        "voice_id": "joe",
        "display_label": "Joe",
        "target_model": None,
        "source": "system",
        "language": "en-US",
        "gender": "male",
        "engine": "hum",
        "licence": "CC0-1.0",
        "consent": None,
        "created_at": None,
    }
    assert mei["target_model"] == "big"
    ids = [item["id"] for item in everything]
    assert len(set(ids)) == 4
    assert ids == sorted(ids)
    assert all(0 < number < 2**53 for number in ids)
    assert (await client.get("/voices?provider=nobody")).json() == {"items": []}
    assert (await client.get("/voices?provider=")).json()["items"] == everything
    api.speakers["dashscope"] = api.speakers["edge"]
    assert len((await client.get("/voices?provider=qwen_tts")).json()["items"]) == 2


async def test_preview_is_a_wav_of_the_whole_text(client: httpx.AsyncClient, api: Api) -> None:
    text = "Hello **there**. How are you? 😀 Fine."
    answer = await client.post("/tts/preview", json={"text": text, "voice": "joe", "model": "m"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "audio/wav"
    assert answer.headers["cache-control"] == "no-store"
    with wave.open(io.BytesIO(answer.content)) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (16000, 1, 2)
        pcm = np.frombuffer(sound.readframes(sound.getnframes()), np.int16)
    said = " ".join(words for words, _, _ in api.speakers["local"].said)
    assert said == "Hello there. How are you? Fine."
    assert {(voice, model) for _, voice, model in api.speakers["local"].said} == {("joe", "m")}
    assert len(pcm) / 16000 == pytest.approx(0.05 * len(said), abs=0.15)
    spectrum = np.abs(np.fft.rfft(pcm[:8000] / 32768))
    assert np.argmax(spectrum) * 2 == pytest.approx(220, abs=4), "the tone kept its pitch"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"text": ""}, 400),
        ({"text": "  "}, 400),
        ({"text": 5}, 400),
        ({"text": "x" * 501}, 400),
        ({"text": "😀 ```x```"}, 400),
        ({"text": "hi", "tts_provider": "nonsense"}, 400),
        ({"text": "hi", "provider": "nonsense"}, 400),
        ({"text": "hi", "voice": "nobody"}, 400),
        ({"text": "hi", "tts_provider": "edge"}, 502),
        ({"text": "hi", "tts_provider": "qwen_tts"}, 502),
        ({"text": "x" * 500}, 200),
        ({"text": "hi", "tts_provider": "local", "provider": "edge"}, 200),
    ],
)
async def test_preview_checks(client: httpx.AsyncClient, body: dict[str, Any], status: int) -> None:
    answer = await client.post("/tts/preview", json=body)
    assert answer.status_code == status, answer.text
    if status != 200:
        assert isinstance(answer.json()["detail"], str)


async def test_an_unusable_provider_says_what_to_do(client: httpx.AsyncClient) -> None:
    answer = await client.post("/tts/preview", json={"text": "hi", "provider": "edge"})
    assert "edge-tts is missing" in answer.json()["detail"]


async def test_a_provider_that_fails_or_stalls_is_502(client: httpx.AsyncClient, api: Api) -> None:
    api.speakers["local"].fails = True
    answer = await client.post("/tts/preview", json={"text": "hi"})
    assert (answer.status_code, answer.json()) == (502, {"detail": "the voice broke"})
    limits = SpeechLimits(timeout_seconds=0.05)
    api.services.speech = SpeechService(api.speakers, api.choices, "local", limits)
    api.speakers["local"].stalls = True
    assert (await client.post("/tts/preview", json={"text": "hi"})).status_code == 502


async def test_previews_are_bounded(client: httpx.AsyncClient, api: Api) -> None:
    limits = SpeechLimits(timeout_seconds=0.3, at_once=1, waiting=1)
    api.services.speech = SpeechService(api.speakers, api.choices, "local", limits)
    api.speakers["local"].stalls = True
    answers = await asyncio.gather(*(client.post("/tts/preview", json={"text": "hi"}) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [429, 502, 502]
    [refused] = [answer for answer in answers if answer.status_code == 429]
    assert int(refused.headers["retry-after"]) >= 1
    api.speakers["local"].stalls = False
    assert (await client.post("/tts/preview", json={"text": "hi"})).status_code == 200

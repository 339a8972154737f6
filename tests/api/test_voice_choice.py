"""A voice, an engine and a model of one request must go together."""

import asyncio
from typing import Any

import httpx
import pytest

from opentalking.catalog.voices import NewClone
from opentalking.core.commands import StartChat, StartSpeak, VoiceChoice
from opentalking.core.conversation import Voice
from opentalking.services.voices import clone_entry
from tests.api.harness import Api, ToneSpeaker, new_session


class Foreign(ToneSpeaker):
    """Another engine, with voices of its own."""

    def voices(self) -> list[Voice]:
        return [Voice("xiaoxiao", "Xiaoxiao", self.name)]


@pytest.fixture
async def session_id(api: Api, client: httpx.AsyncClient) -> str:
    api.speakers["edge"] = Foreign("edge")
    return await new_session(client)


async def cloned(api: Api, voice_id: str = "amy-1", model: str = "vc-1") -> None:
    clone = await asyncio.to_thread(
        api.voice_catalog.add, NewClone("dashscope", voice_id, "Amy", model, "stated")
    )
    api.services.voices.remember(clone_entry(clone))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"voice": "xiaoxiao"}, "voice belongs to edge, not to local; send tts_provider=edge"),
        ({"voice": "joe", "tts_provider": "edge"}, "voice belongs to local, not to edge"),
        ({"voice": "amy-1"}, "voice belongs to dashscope, not to local"),
        ({"voice": "nobody-at-all"}, "is not known to local; take one from GET /voices?provider=local"),
        ({"voice": "amy-1", "tts_provider": "qwen_tts", "tts_model": "m"}, "send vc-1 or leave it out"),
        ({"tts_provider": "morse"}, "tts_provider is not known"),
    ],
)
@pytest.mark.parametrize("route", ["speak", "chat", "preview"])
async def test_what_does_not_go_together(
    api: Api, client: httpx.AsyncClient, session_id: str, route: str, fields: dict[str, str], words: str
) -> None:
    await cloned(api)
    path = "/tts/preview" if route == "preview" else f"/sessions/{session_id}/{route}"
    answer = await client.post(path, json={"text": "hello", **fields})
    assert answer.status_code == 400
    assert words in answer.json()["detail"]
    assert not [c for c in api.worker.commands() if isinstance(c, StartSpeak | StartChat)]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"voice": "joe"}, VoiceChoice(voice="joe")),
        ({"voice": "xiaoxiao", "tts_provider": "edge"}, VoiceChoice(voice="xiaoxiao", tts_provider="edge")),
        # an engine may have voices that nobody has listed
        ({"voice": "unlisted", "tts_provider": "edge"}, VoiceChoice(voice="unlisted", tts_provider="edge")),
        (
            {"voice": "amy-1", "tts_provider": "qwen_tts"},
            VoiceChoice(voice="amy-1", tts_provider="dashscope", tts_model="vc-1"),
        ),
        ({"tts_provider": "edge", "tts_model": "m"}, VoiceChoice(tts_provider="edge", tts_model="m")),
    ],
)
async def test_what_goes_together(
    api: Api, client: httpx.AsyncClient, session_id: str, fields: dict[str, Any], expected: VoiceChoice
) -> None:
    await cloned(api)
    answer = await client.post(f"/sessions/{session_id}/speak", json={"text": "hello", **fields})
    assert answer.status_code == 200, answer.text
    command = api.worker.commands()[-1]
    assert isinstance(command, StartSpeak)
    assert command.voice == expected


async def test_the_sessions_engine_counts(api: Api, client: httpx.AsyncClient) -> None:
    api.speakers["edge"] = Foreign("edge")
    session_id = await new_session(client, tts_provider="edge")
    path = f"/sessions/{session_id}/speak"
    assert (await client.post(path, json={"text": "hello", "voice": "xiaoxiao"})).status_code == 200
    assert (await client.post(path, json={"text": "hello", "voice": "joe"})).status_code == 400


async def test_a_session_with_a_cloned_voice_has_its_model(api: Api, client: httpx.AsyncClient) -> None:
    await cloned(api)
    session_id = await new_session(client, tts_provider="dashscope", tts_voice="amy-1")
    assert (await client.get(f"/sessions/{session_id}")).json()["tts_model"] == "vc-1"
    named = await new_session(client, tts_provider="dashscope", tts_voice="amy-1", tts_model="mine")
    assert (await client.get(f"/sessions/{named}")).json()["tts_model"] == "mine"


async def test_a_deleted_clone_is_forgotten_and_one_in_the_catalogue_is_learnt(
    api: Api, client: httpx.AsyncClient, session_id: str
) -> None:
    await cloned(api)
    [entry] = (await client.get("/voices?provider=dashscope")).json()["items"]
    api.services.voices.forget(entry["id"])
    body = {"text": "hello", "voice": "amy-1", "tts_provider": "dashscope"}
    await client.post(f"/sessions/{session_id}/speak", json=body)
    assert api.worker.commands()[-1].voice.tts_model is None  # type: ignore[union-attr]
    await api.services.voices.load()
    await client.post(f"/sessions/{session_id}/speak", json=body)
    assert api.worker.commands()[-1].voice.tts_model == "vc-1"  # type: ignore[union-attr]

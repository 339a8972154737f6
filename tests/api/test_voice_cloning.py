"""Cloning voices, at a server that makes them as DashScope does."""

import asyncio
import io
import re
import wave
from pathlib import Path
from typing import Any

import httpx
import pytest

from opentalking.catalog.voices import VoiceCatalog
from opentalking.core.commands import StartSpeak
from opentalking.core.errors import Unavailable
from opentalking.services.voice_clones import CloneForm
from tests.api.cloning import COSYVOICE, FORM, HUMAN, clones, equip, file, reachable, sound
from tests.api.harness import Api, new_session
from tests.support.server import eventually
from tests.support.vendors.enrolment import KEY, EnrolmentService


async def test_qwen_gets_the_sample_in_the_call(
    client: httpx.AsyncClient, api: Api, vendor: EnrolmentService
) -> None:
    equip(api, vendor)
    more = {"preferred_name": "amy_2", "prompt_text": "Hello.", "consent": "true"}
    answer = await client.post("/voices/clone", data=FORM | more, files=file())
    assert answer.status_code == 200, answer.text
    [voice_id] = vendor.voices
    assert answer.json() == {
        "ok": True,
        "entry_id": 310,
        "voice_id": voice_id,
        "display_label": "Amy",
        "provider": "dashscope",
        "target_model": "qwen3-tts-vc",
        "message": "the voice was made",
    }
    asked = vendor.requests[0]
    assert asked["model"] == "qwen-voice-enrollment"
    assert {key: value for key, value in asked["input"].items() if key != "audio"} == {
        "action": "create",
        "target_model": "qwen3-tts-vc",
        "preferred_name": "amy_2",
        "text": "Hello.",
    }
    with wave.open(io.BytesIO(HUMAN)) as sent, wave.open(io.BytesIO(vendor.samples[0])) as heard:
        seconds = sent.getnframes() / sent.getframerate()
        assert heard.getnframes() / heard.getframerate() == pytest.approx(seconds, abs=0.05)
    [listed] = await clones(client)
    assert (listed["id"], listed["voice_id"], listed["consent"]) == (310, voice_id, "stated")
    assert (await client.get("/voices?provider=qwen_tts")).json()["items"] == [listed]
    assert (await client.get("/voices?provider=cosyvoice")).json() == {"items": []}
    body = {"text": "hello", "voice": voice_id, "tts_provider": "dashscope"}
    session_id = await new_session(client)
    assert (await client.post(f"/sessions/{session_id}/speak", json=body)).status_code == 200
    spoken = api.worker.commands()[-1]
    assert isinstance(spoken, StartSpeak)
    assert spoken.voice.tts_model == "qwen3-tts-vc", "a clone speaks with its own model from the start"
    assert (await client.delete("/voices/310")).status_code == 200
    await client.post(f"/sessions/{session_id}/speak", json=body)
    spoken = api.worker.commands()[-1]
    assert isinstance(spoken, StartSpeak)
    assert spoken.voice.tts_model is None, "a deleted one is forgotten"


async def test_cosyvoice_fetches_the_sample_while_the_call_waits(api: Api, vendor: EnrolmentService) -> None:
    async with reachable(api, vendor) as client:
        answer = await client.post("/voices/clone", data=COSYVOICE | {"prefix": "amy"}, files=file())
        assert answer.status_code == 200, answer.text
        assert answer.json()["voice_id"].startswith("cosyvoice-v3-flash-amy-")
        asked = vendor.requests[0]["input"]
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/voice-uploads/[0-9a-f]{32}", asked["url"])
        fetched = await client.get(asked["url"])
        assert fetched.status_code == 200, "it may come back for it"
        assert fetched.headers["content-type"] == "audio/wav"
        assert fetched.headers["cache-control"] == "no-store"
        assert fetched.content == vendor.samples[0]


async def test_the_sample_of_a_failed_clone_is_gone_at_once(api: Api, vendor: EnrolmentService) -> None:
    async with reachable(api, vendor) as client:
        vendor.mode = "refuse"
        answer = await client.post("/voices/clone", data=COSYVOICE, files=file())
        assert answer.status_code == 502
        url = vendor.requests[0]["input"]["url"]
        assert (await client.get(url)).status_code == 404
        assert not list((api.avatars_root.parent / "uploads").iterdir())
        assert await clones(client) == []


async def test_cosyvoice_needs_a_public_address(
    client: httpx.AsyncClient, api: Api, vendor: EnrolmentService
) -> None:
    for url in ("", "voices.example.org"):
        equip(api, vendor, url, key="")  # which is asked for first
        answer = await client.post("/voices/clone", data=COSYVOICE, files=file())
        assert answer.status_code == 400
        assert "OPENTALKING_PUBLIC_BASE_URL" in answer.json()["detail"]
    assert vendor.requests == []


BAD: list[tuple[dict[str, str], bytes, str]] = [
    ({"provider": "elevenlabs"}, HUMAN, "cosyvoice, dashscope, local"),
    ({"provider": ""}, HUMAN, "provider"),
    ({"display_label": ""}, HUMAN, "display_label"),
    ({"display_label": "  "}, HUMAN, "display_label"),
    ({"display_label": "x" * 101}, HUMAN, "display_label"),
    ({"display_label": "a\x00b"}, HUMAN, "display_label"),
    ({"target_model": " "}, HUMAN, "target_model"),
    ({"prompt_text": "x" * 10_001}, HUMAN, "prompt_text"),
    ({"consent": "perhaps"}, HUMAN, "consent"),
    ({"preferred_name": "2amy"}, HUMAN, "preferred_name"),
    ({"preferred_name": "Amy"}, HUMAN, "preferred_name"),
    ({"preferred_name": "a" * 21}, HUMAN, "preferred_name"),
    ({"preferred_name": "amy\n"}, HUMAN, "preferred_name"),
    ({"provider": "cosyvoice", "prefix": "amy_2"}, HUMAN, "prefix"),
    ({"provider": "cosyvoice", "prefix": "a" * 10}, HUMAN, "prefix"),
    ({}, b"", "audio"),
    ({}, HUMAN[:255], "256"),
    ({}, b"\x00" * 5000, "decoded"),
    ({}, b"RIFF\x00\x00\x00\x00WAVE" + b"\xff" * 500, "decoded"),
    ({}, sound(0.5), "0.5 s of sound"),
    ({}, sound(5, level=0.0005), "0.0 s of sound"),
    ({}, sound(61, rate=8000), "longer than 60 s"),
    ({"provider": "local"}, HUMAN, "pip install 'pocket-tts"),
    ({"provider": "local"}, b"\x00" * 5000, "decoded"),
]


@pytest.mark.parametrize(("changes", "data", "says"), BAD, ids=[f"{i}-{b[2]}" for i, b in enumerate(BAD)])
async def test_what_cannot_become_a_voice_is_400_before_the_key_is_asked_for(
    client: httpx.AsyncClient,
    api: Api,
    vendor: EnrolmentService,
    changes: dict[str, str],
    data: bytes,
    says: str,
) -> None:
    equip(api, vendor, "http://127.0.0.1:9", key="")
    answer = await client.post("/voices/clone", data=FORM | changes, files=file(data))
    assert answer.status_code == 400, answer.text
    assert says in answer.json()["detail"]
    assert vendor.requests == []
    assert await clones(client) == []


@pytest.mark.parametrize("missing", ["provider", "target_model", "display_label", "audio"])
async def test_a_missing_field_is_named(client: httpx.AsyncClient, missing: str) -> None:
    form = {key: value for key, value in FORM.items() if key != missing}
    files = {} if missing == "audio" else file()
    answer = await client.post("/voices/clone", data=form, files=files)
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith(missing)


async def test_a_sample_beyond_12_mib_is_400(
    client: httpx.AsyncClient, api: Api, vendor: EnrolmentService
) -> None:
    equip(api, vendor)
    for size in (12 * 2**20 + 1, 13 * 2**20):
        answer = await client.post("/voices/clone", data=FORM, files=file(HUMAN + bytes(size - len(HUMAN))))
        assert answer.status_code == 400, "by the file's limit, and by that of the body"


async def test_empty_optional_fields_are_not_sent(
    client: httpx.AsyncClient, api: Api, vendor: EnrolmentService
) -> None:
    equip(api, vendor)
    empty = dict.fromkeys(("prefix", "preferred_name", "prompt_text", "consent"), "")
    assert (await client.post("/voices/clone", data=FORM | empty, files=file())).status_code == 200
    asked = vendor.requests[0]["input"]
    assert asked["preferred_name"].startswith("u")
    assert len(asked["preferred_name"]) == 9
    assert "text" not in asked
    [listed] = await clones(client)
    assert listed["consent"] == "not stated"


async def test_consent_can_be_made_mandatory(
    client: httpx.AsyncClient, api: Api, vendor: EnrolmentService
) -> None:
    equip(api, vendor, require_consent=True)
    answer = await client.post("/voices/clone", data=FORM, files=file())
    assert (answer.status_code, "consent=true" in answer.text) == (400, True)
    answer = await client.post("/voices/clone", data=FORM | {"consent": "true"}, files=file())
    assert answer.status_code == 200


async def test_without_a_key_the_answer_names_the_setting(
    client: httpx.AsyncClient, api: Api, vendor: EnrolmentService
) -> None:
    equip(api, vendor, key="")
    answer = await client.post("/voices/clone", data=FORM, files=file())
    assert (answer.status_code, "OPENTALKING_TTS_DASHSCOPE_API_KEY" in answer.text) == (502, True)


@pytest.mark.parametrize(
    ("mode", "says"),
    [
        ("refuse", "400: Audio.PreprocessError: No segments meet minimum duration requirement (request "),
        ("drop", "dashscope"),
        ("garbage", "no JSON object"),
        ("flood", "more than can be read"),
        ("no_voice", "without the id of a voice"),
        ("echo", "answered 500: crashed: Bearer ***"),
        ("hold", "in time"),
    ],
)
async def test_what_the_vendor_says_is_passed_on_without_secrets(
    client: httpx.AsyncClient, api: Api, vendor: EnrolmentService, mode: str, says: str
) -> None:
    equip(api, vendor, timeout_seconds=0.3 if mode == "hold" else 10.0)
    vendor.mode = mode
    answer = await client.post("/voices/clone", data=FORM, files=file())
    assert answer.status_code == 502
    detail = answer.json()["detail"]
    assert says in detail
    assert KEY not in detail
    assert len(detail) <= 850
    assert detail.isprintable()
    assert await clones(client) == []


async def test_a_wrong_key_and_an_unreachable_vendor(
    client: httpx.AsyncClient, api: Api, vendor: EnrolmentService
) -> None:
    equip(api, vendor, key="sk-wrong-key")
    answer = await client.post("/voices/clone", data=FORM, files=file())
    assert (answer.status_code, "Invalid API-key provided" in answer.text) == (502, True)
    assert "sk-wrong-key" not in answer.text
    vendor.port = 9
    equip(api, vendor)
    assert (await client.post("/voices/clone", data=FORM, files=file())).status_code == 502


async def test_a_taken_label_gets_the_time(
    client: httpx.AsyncClient, api: Api, vendor: EnrolmentService
) -> None:
    equip(api, vendor)
    answers = await asyncio.gather(*(client.post("/voices/clone", data=FORM, files=file()) for _ in range(3)))
    labels = {answer.json()["display_label"] for answer in answers}
    assert len(labels) == 3
    assert "Amy" in labels
    assert all(label == "Amy" or label.startswith("Amy-20") for label in labels)
    assert "suffix" in next(a.json() for a in answers if a.json()["display_label"] != "Amy")["message"]


async def test_voices_made_at_once_are_bounded(
    client: httpx.AsyncClient, api: Api, vendor: EnrolmentService
) -> None:
    equip(api, vendor, at_once=1)
    vendor.mode = "hold"
    first = asyncio.create_task(client.post("/voices/clone", data=FORM, files=file()))
    await asyncio.wait_for(vendor.asked.wait(), 10)
    refused = await client.post("/voices/clone", data=FORM, files=file())
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) >= 1
    vendor.release.set()
    assert (await first).status_code == 200
    vendor.mode = "normal"
    bad = await client.post("/voices/clone", data=FORM, files=file(b"\x00" * 999))
    assert bad.status_code == 400, "which gives its place back"
    assert (await client.post("/voices/clone", data=FORM, files=file())).status_code == 200


class FullCatalog(VoiceCatalog):
    """A catalogue on a disk that is full."""

    def add(self, new: Any) -> Any:
        raise Unavailable("the voice catalogue cannot be used now")


async def test_a_voice_that_cannot_be_remembered_is_deleted_again(
    client: httpx.AsyncClient, api: Api, vendor: EnrolmentService, tmp_path: Path
) -> None:
    equip(api, vendor, catalog=FullCatalog(tmp_path / "full"))
    answer = await client.post("/voices/clone", data=FORM, files=file())
    assert answer.status_code == 503
    assert vendor.actions == ["create", "delete"]
    assert vendor.voices == {}


async def test_a_client_that_goes_away_leaves_a_voice_that_is_listed(
    api: Api, vendor: EnrolmentService
) -> None:
    vendor.mode = "hold"
    async with reachable(api, vendor) as client:
        async with httpx.AsyncClient(base_url=client.base_url) as leaving:
            request = asyncio.create_task(leaving.post("/voices/clone", data=FORM, files=file()))
            await asyncio.wait_for(vendor.asked.wait(), 10)
            request.cancel()
            await asyncio.gather(request, return_exceptions=True)
        vendor.release.set()
        await eventually(lambda: len(api.voice_catalog.clones()) == 1, "the voice is listed")
        assert [item["voice_id"] for item in await clones(client)] == list(vendor.voices)


async def test_a_cancelled_request_does_not_stop_the_making(api: Api, vendor: EnrolmentService) -> None:
    service = equip(api, vendor)
    vendor.mode = "hold"
    plan = service.plan(CloneForm(**FORM))
    request = asyncio.create_task(service.clone(plan, HUMAN))
    await asyncio.wait_for(vendor.asked.wait(), 10)
    request.cancel()
    await asyncio.gather(request, return_exceptions=True)
    vendor.release.set()
    await eventually(lambda: len(api.voice_catalog.clones()) == 1, "the voice is listed")
    await service.aclose()


async def test_a_server_that_stops_ends_the_call_and_leaves_nothing(
    api: Api, vendor: EnrolmentService
) -> None:
    vendor.mode = "hold"
    async with reachable(api, vendor, closing_seconds=0.1) as client:
        request = asyncio.create_task(client.post("/voices/clone", data=COSYVOICE, files=file()))
        await asyncio.wait_for(vendor.asked.wait(), 10)
        await api.services.clones.aclose()
        assert (await request).status_code == 503
        await asyncio.wait_for(vendor.disconnected.wait(), 10)
        assert await clones(client) == []
        assert not list((api.avatars_root.parent / "uploads").iterdir())

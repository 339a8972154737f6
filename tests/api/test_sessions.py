import asyncio
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest

from opentalking.core.commands import (
    ConnectPeer,
    Created,
    CreateSession,
    Interrupt,
    StartChat,
    StartSpeak,
)
from opentalking.core.errors import Conflict, Unavailable
from opentalking.core.sessions import SessionState
from opentalking.services.sessions import SessionLimits
from tests.api.harness import ANSWER_SDP, NAMES, Api, new_session

OFFER = {"sdp": "v=0\r\n", "type": "offer"}
CREATE = {"avatar_id": "demo-avatar", "model": "portrait"}


async def test_create_makes_a_session_that_can_be_read_back(client: httpx.AsyncClient, api: Api) -> None:
    wanted = CREATE | {
        "tts_provider": "qwen_tts",
        "tts_voice": "joe",
        "stt_provider": "",
        "llm_system_prompt": "secret words",
        "wav2lip_postprocess_mode": "whatever",
        "not_a_field": [1],
    }
    answer = await client.post("/sessions", json=wanted)
    assert answer.status_code == 200
    body = answer.json()
    assert body == {"session_id": str(uuid.UUID(body["session_id"], version=4)), "status": "created"}
    shown = (await client.get(f"/sessions/{body['session_id']}")).json()
    created_at = shown.pop("created_at")
    assert "T" in created_at
    assert created_at.endswith("Z")
    assert shown == {
        "session_id": body["session_id"],
        "avatar_id": "demo-avatar",
        "model": "portrait",
        "state": "worker_ready",
        "tts_provider": "dashscope",
        "tts_voice": "joe",
        "wav2lip_postprocess_mode": "whatever",
        "llm_system_prompt_set": True,
    }
    [create] = api.worker.commands()
    assert isinstance(create, CreateSession)
    assert create.record.settings.llm_system_prompt == "secret words"
    assert create.record.settings.stt_provider is None


@pytest.mark.parametrize("status", ["created", "initializing", "queued"])
async def test_create_says_how_far_the_session_came(client: httpx.AsyncClient, api: Api, status: Any) -> None:
    api.worker.created = Created(status=status)
    answer = await client.post("/sessions", json=CREATE)
    assert answer.json()["status"] == status


@pytest.mark.parametrize(
    ("changes", "status", "says"),
    [
        ({"avatar_id": None}, 400, "avatar_id"),
        ({"avatar_id": 7}, 400, "avatar_id must be a string"),
        ({"avatar_id": ""}, 400, "avatar_id"),
        ({"avatar_id": "."}, 400, "avatar_id"),
        ({"avatar_id": "../demo-avatar"}, 400, "avatar_id"),
        ({"avatar_id": "/etc"}, 400, "avatar_id"),
        ({"avatar_id": "demo-avatar\0"}, 400, "avatar_id"),
        ({"avatar_id": "x" * 97}, 400, "avatar_id"),
        ({"avatar_id": "é"}, 400, "avatar_id"),
        ({"avatar_id": "nobody"}, 404, "avatar not found"),
        ({"avatar_id": "nobody", "model": "nothing"}, 404, "avatar not found"),
        ({"model": "nothing"}, 400, "portrait, mock"),
        ({"model": "wav2lip"}, 400, "not connected"),
        ({"model": ""}, 400, "portrait, mock"),
        ({"model": ["portrait"]}, 400, "model must be a string"),
        ({"tts_provider": "nonsense"}, 400, "tts_provider"),
        ({"stt_provider": "edge"}, 400, "stt_provider"),
        ({"llm_system_prompt": "x" * 20_001}, 400, "20000"),
    ],
)
async def test_create_refuses(
    client: httpx.AsyncClient, api: Api, changes: dict[str, Any], status: int, says: str
) -> None:
    answer = await client.post("/sessions", json=CREATE | changes)
    assert answer.status_code == status
    assert list(answer.json()) == ["detail"]
    assert says in answer.json()["detail"]
    assert await api.store.all() == []
    assert api.worker.commands() == []


async def test_a_missing_field_is_named(client: httpx.AsyncClient) -> None:
    answer = await client.post("/sessions", json={"model": "portrait"})
    assert answer.status_code == 400
    assert answer.json() == {"detail": "avatar_id is required; send it in the body"}


async def test_a_full_server_answers_503_and_keeps_nothing(client: httpx.AsyncClient, api: Api) -> None:
    api.worker.refuse["create"] = Unavailable("the server is full", retry_after_seconds=7)
    answer = await client.post("/sessions", json=CREATE)
    assert (answer.status_code, answer.json()) == (503, {"detail": "the server is full"})
    assert answer.headers["retry-after"] == "7"
    assert await api.store.all() == []


async def test_without_a_worker_create_is_503(tmp_path: Path) -> None:
    api = Api(tmp_path)
    app = api.app()
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client,
    ):
        answer = await client.post("/sessions", json=CREATE)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1
    assert await api.store.all() == []


async def test_a_worker_that_never_answers_create_is_told_to_stop(tmp_path: Path) -> None:
    api = Api(tmp_path, SessionLimits(create_seconds=0.05))
    api.worker.silent.add("create")
    async with api.client() as client:
        answer = await client.post("/sessions", json=CREATE)
        assert answer.status_code == 503
        await asyncio.wait_for(api.worker.told_to_close.wait(), 5)
    assert await api.store.all() == []


async def test_start_once_then_conflict(client: httpx.AsyncClient) -> None:
    session_id = await new_session(client)
    for body, expected in ((b"", 200), (b"{}", 409)):
        answer = await client.post(
            f"/sessions/{session_id}/start", content=body, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == expected
    other = await new_session(client)
    answer = await client.post(f"/sessions/{other}/start")
    assert answer.json() == {"session_id": other, "status": "running"}


async def test_chat_and_speak_are_queued_with_a_turn(client: httpx.AsyncClient, api: Api) -> None:
    session_id = await new_session(client)
    requests = [
        ("chat", {"prompt": "one", "voice": "cherry", "tts_provider": "qwen_tts", "tts_model": "m"}),
        ("chat", {"text": "two", "voice": "", "tts_provider": None}),
        ("chat", {"prompt": "", "text": "three"}),
        ("speak", {"text": "four\0 é 美 😀"}),
    ]
    turn_ids = []
    for action, body in requests:
        answer = await client.post(f"/sessions/{session_id}/{action}", json=body)
        assert answer.status_code == 200, answer.text
        turn_ids.append(answer.json()["turn_id"])
        assert answer.json() == {"session_id": session_id, "status": "queued", "turn_id": turn_ids[-1]}
    one, two, three, four = api.worker.commands()[1:]
    assert isinstance(one, StartChat)
    assert isinstance(two, StartChat)
    assert isinstance(three, StartChat)
    assert isinstance(four, StartSpeak)
    assert [one.turn_id, two.turn_id, three.turn_id, four.turn_id] == turn_ids
    assert [one.prompt, two.prompt, three.prompt, four.text] == ["one", "two", "three", "four\0 é 美 😀"]
    assert one.voice.model_dump() == {"voice": "cherry", "tts_provider": "dashscope", "tts_model": "m"}
    assert two.voice.model_dump() == {"voice": None, "tts_provider": None, "tts_model": None}


@pytest.mark.parametrize(
    ("action", "body", "status"),
    [
        ("chat", {}, 400),
        ("chat", {"prompt": 5}, 400),
        ("chat", {"prompt": "  \n"}, 400),
        ("chat", {"prompt": ""}, 400),
        ("chat", {"prompt": "x" * 10_001}, 400),
        ("chat", {"prompt": "hi", "tts_provider": "nonsense"}, 400),
        ("chat", {"prompt": "hi", "voice": {}}, 400),
        ("speak", {}, 400),
        ("speak", {"text": ""}, 400),
        ("speak", {"text": "x" * 10_001}, 400),
        ("speak", {"prompt": "hi"}, 400),
        ("interrupt", {"turn_id": 3}, 400),
        ("webrtc/offer", {"sdp": "v=0"}, 400),
        ("webrtc/offer", {"type": "offer"}, 400),
        ("webrtc/offer", {"sdp": "v=0", "type": "answer"}, 400),
        ("webrtc/offer", {"sdp": "", "type": "offer"}, 400),
        ("webrtc/offer", {"sdp": "x" * 65_537, "type": "offer"}, 413),
    ],
)
async def test_content_is_checked(
    client: httpx.AsyncClient, api: Api, action: str, body: dict[str, Any], status: int
) -> None:
    session_id = await new_session(client)
    answer = await client.post(f"/sessions/{session_id}/{action}", json=body)
    assert answer.status_code == status
    assert isinstance(answer.json()["detail"], str)
    assert len(api.worker.commands()) == 1


async def test_the_longest_texts_are_taken(client: httpx.AsyncClient) -> None:
    session_id = await new_session(client)
    assert (
        await client.post(f"/sessions/{session_id}/speak", json={"text": "美" * 10_000})
    ).status_code == 200
    assert (
        await client.post("/sessions", json=CREATE | {"llm_system_prompt": "x" * 20_000})
    ).status_code == 200


async def test_speak_mode_chat_answers(tmp_path: Path) -> None:
    api = Api(tmp_path, SessionLimits(speak_as_chat=True))
    async with api.client() as client:
        session_id = await new_session(client)
        answer = await client.post(f"/sessions/{session_id}/speak", json={"text": "what the user says"})
        assert answer.status_code == 200
    chat = api.worker.commands()[-1]
    assert isinstance(chat, StartChat)
    assert chat.prompt == "what the user says"


async def test_interrupt_with_and_without_a_turn(client: httpx.AsyncClient, api: Api) -> None:
    session_id = await new_session(client)
    url = f"/sessions/{session_id}/interrupt"
    for answer in (
        await client.post(url),
        await client.post(url, json={}),
        await client.post(url, json={"turn_id": ""}),
        await client.post(url, json={"turn_id": "t"}),
        await client.post(url, content=b"", headers={"Content-Type": "application/json"}),
    ):
        assert (answer.status_code, answer.json()) == (
            200,
            {"session_id": session_id, "status": "interrupted", "interrupted": True},
        )
    turns = [command.turn_id for command in api.worker.commands() if isinstance(command, Interrupt)]
    assert turns == [None, None, None, "t", None]


async def test_offer_is_answered(client: httpx.AsyncClient, api: Api) -> None:
    session_id = await new_session(client)
    answer = await client.post(f"/sessions/{session_id}/webrtc/offer", json=OFFER)
    assert (answer.status_code, answer.json()) == (200, {"sdp": ANSWER_SDP, "type": "answer"})
    connect = api.worker.commands()[-1]
    assert isinstance(connect, ConnectPeer)
    assert connect.sdp == OFFER["sdp"]


async def test_an_offer_that_is_never_answered_is_503(tmp_path: Path) -> None:
    api = Api(tmp_path, SessionLimits(offer_seconds=0.05))
    api.worker.silent.add("connect")
    async with api.client() as client:
        session_id = await new_session(client)
        answer = await client.post(f"/sessions/{session_id}/webrtc/offer", json=OFFER)
    assert answer.status_code == 503
    assert "retry-after" in answer.headers


async def test_delete_then_everything_is_404(client: httpx.AsyncClient) -> None:
    session_id = await new_session(client)
    answer = await client.delete(f"/sessions/{session_id}")
    assert (answer.status_code, answer.json()) == (200, {"session_id": session_id, "status": "terminated"})
    await _assert_unknown(client, session_id)


@pytest.mark.parametrize(
    "session_id", ["nobody", "%00", "..%20", "x" * 3000, "美", "%ff", "7d444840-9dc0-41d1-b245-5ffdce74fad2"]
)
async def test_an_unknown_session_is_404_everywhere(client: httpx.AsyncClient, session_id: str) -> None:
    await _assert_unknown(client, session_id)


async def _assert_unknown(client: httpx.AsyncClient, session_id: str) -> None:
    url = f"/sessions/{session_id}"
    answers = [
        await client.get(url),
        await client.delete(url),
        await client.get(f"{url}/events"),
        await client.post(f"{url}/start"),
        await client.post(f"{url}/chat", json={"prompt": "  "}),
        await client.post(f"{url}/speak", json={"text": "x" * 10_001}),
        await client.post(f"{url}/interrupt"),
        await client.post(f"{url}/webrtc/offer", json={"sdp": "x" * 70_000, "type": "offer"}),
    ]
    assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert all(answer.json() == {"detail": "session not found"} for answer in answers)
    broken = await client.post(f"{url}/chat", json={})
    assert broken.status_code == 400, "the shape is checked before the session"


async def test_a_queued_session_cannot_talk_yet(client: httpx.AsyncClient, api: Api) -> None:
    api.worker.created = Created(status="queued")
    session_id = await new_session(client)
    url = f"/sessions/{session_id}"
    for action, body in (("chat", {"prompt": " "}), ("speak", {"text": "hi"}), ("start", {})):
        assert (await client.post(f"{url}/{action}", json=body)).status_code == 409
    answer = await client.post(f"{url}/webrtc/offer", json={"sdp": "", "type": "offer"})
    assert (answer.status_code, answer.json()) == (409, {"detail": "session is queued"})
    assert (await client.post(f"{url}/interrupt")).status_code == 200
    assert not any(isinstance(command, Interrupt) for command in api.worker.commands())
    assert (await client.get(url)).json()["state"] == "queued"


async def test_a_loading_session_takes_offers_but_no_talk(client: httpx.AsyncClient, api: Api) -> None:
    api.worker.created = Created(status="initializing")
    session_id = await new_session(client)
    assert (await client.post(f"/sessions/{session_id}/chat", json={"prompt": "hi"})).status_code == 409
    assert (await client.post(f"/sessions/{session_id}/webrtc/offer", json=OFFER)).status_code == 200


async def test_a_closing_session_is_gone_for_talk_and_409_for_offers(
    client: httpx.AsyncClient, api: Api
) -> None:
    session_id = await new_session(client)
    await api.worker.move(session_id, SessionState.CLOSING)
    url = f"/sessions/{session_id}"
    assert (await client.post(f"{url}/chat", json={"prompt": "hi"})).status_code == 404
    assert (await client.post(f"{url}/interrupt")).status_code == 404
    assert (await client.post(f"{url}/start")).status_code == 404
    assert (await client.post(f"{url}/webrtc/offer", json=OFFER)).status_code == 409


async def test_a_session_that_failed_to_start_says_so(client: httpx.AsyncClient, api: Api) -> None:
    session_id = await new_session(client)
    await api.worker.move(session_id, SessionState.ERROR)
    for action, body in (("chat", {"prompt": "hi"}), ("start", {}), ("webrtc/offer", OFFER)):
        answer = await client.post(f"/sessions/{session_id}/{action}", json=body)
        assert (answer.status_code, "failed to start" in answer.json()["detail"]) == (409, True)


async def test_errors_of_the_worker_reach_the_client(client: httpx.AsyncClient, api: Api) -> None:
    session_id = await new_session(client)
    api.worker.refuse["chat"] = Conflict("not now")
    api.worker.refuse["speak"] = ZeroDivisionError("secret")
    answer = await client.post(f"/sessions/{session_id}/chat", json={"prompt": "hi"})
    assert (answer.status_code, answer.json()) == (409, {"detail": "not now"})
    answer = await client.post(f"/sessions/{session_id}/speak", json={"text": "hi"})
    assert (answer.status_code, answer.json()) == (500, {"detail": "Internal Server Error"})


async def test_a_session_whose_worker_died_is_503_and_can_be_deleted(tmp_path: Path) -> None:
    api = Api(tmp_path)
    async with api.client() as client:
        session_id = await new_session(client)
    app = api.app()
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.post(f"/sessions/{session_id}/chat", json={"prompt": "hi"})
        assert answer.status_code == 503
        async with api.events.subscribe(session_id) as subscription:
            assert (await client.delete(f"/sessions/{session_id}")).status_code == 200
            assert (await subscription.next()).event.type == "session.terminated"
        assert (await client.get(f"/sessions/{session_id}")).status_code == 404


async def test_every_request_counts_as_use(client: httpx.AsyncClient, api: Api) -> None:
    session_id = await new_session(client)
    await client.get(f"/sessions/{session_id}")
    await client.post(f"/sessions/{session_id}/start")
    await client.post(f"/sessions/{session_id}/chat", json={"prompt": "hi"})
    kinds = [command.type for command in api.worker.commands(with_touch=True)]
    assert kinds == ["create", "touch", "touch", "start", "touch", "chat"]


async def test_commands_keep_the_order_of_their_requests(client: httpx.AsyncClient, api: Api) -> None:
    session_id = await new_session(client)
    speak, stop = f"/sessions/{session_id}/speak", f"/sessions/{session_id}/interrupt"
    async with asyncio.TaskGroup() as group:
        for number in range(50):
            group.create_task(client.post(speak, json={"text": str(number)}))
            group.create_task(client.post(stop, json={"turn_id": str(number)}))
    told = [
        command.text if isinstance(command, StartSpeak) else command.turn_id
        for command in api.worker.commands()
        if isinstance(command, StartSpeak | Interrupt)
    ]
    assert told == [str(number) for number in range(50) for _ in range(2)]


async def test_names_of_unknown_providers_are_listed(client: httpx.AsyncClient) -> None:
    answer = await client.post("/sessions", json=CREATE | {"tts_provider": "nope"})
    assert all(name in answer.json()["detail"] for name in NAMES.tts)

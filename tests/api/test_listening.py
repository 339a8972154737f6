"""How a session's microphone is listened to: the settings of a session, and `/listening`."""

import httpx
import pytest

from opentalking.client import AsyncClient, BadRequest, Conflict, NotFound
from opentalking.core.commands import CreateSession, Listen
from opentalking.core.ids import new_id
from opentalking.core.sessions import SessionState
from tests.api.harness import Api, new_session

MODES = ("auto", "push_to_talk", "off")


@pytest.mark.parametrize("mode", MODES)
async def test_a_session_remembers_how_it_shall_listen(
    client: httpx.AsyncClient, api: Api, mode: str
) -> None:
    session_id = await new_session(client, turn_taking=mode, stt_language="zh")
    shown = (await client.get(f"/sessions/{session_id}")).json()
    assert (shown["turn_taking"], shown["stt_language"]) == (mode, "zh")
    [made] = [command for command in api.worker.commands() if isinstance(command, CreateSession)]
    assert (made.record.settings.turn_taking, made.record.settings.stt_language) == (mode, "zh")


@pytest.mark.parametrize("fields", [{}, {"turn_taking": "", "stt_language": None}])
async def test_what_was_not_asked_for_is_not_shown(
    client: httpx.AsyncClient, fields: dict[str, str | None]
) -> None:
    session_id = await new_session(client, **fields)
    shown = (await client.get(f"/sessions/{session_id}")).json()
    assert {"turn_taking", "stt_language"}.isdisjoint(shown)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"turn_taking": "always"}, ("turn_taking", *MODES)),
        ({"turn_taking": True}, ("turn_taking", *MODES)),
        ({"stt_language": "english"}, ("stt_language", "en", "zh")),
        ({"stt_language": "EN"}, ("stt_language", "small")),
        ({"stt_language": "zh\n"}, ("stt_language", "small")),
        ({"stt_language": 7}, ("stt_language", "string")),
    ],
)
async def test_a_session_that_cannot_listen_so_is_refused_with_the_choices(
    client: httpx.AsyncClient, fields: dict[str, object], words: tuple[str, ...]
) -> None:
    answer = await client.post("/sessions", json={"avatar_id": "demo-avatar", "model": "portrait"} | fields)
    assert answer.status_code == 400
    assert all(word in answer.json()["detail"] for word in words)


async def test_the_mode_is_changed_and_the_button_is_held(client: httpx.AsyncClient, api: Api) -> None:
    session_id = await new_session(client)
    url = f"/sessions/{session_id}/listening"
    for sent, expected in (
        ({}, ("auto", False)),
        ({"turn_taking": "push_to_talk"}, ("push_to_talk", False)),
        ({"talking": True}, ("push_to_talk", True)),
        ({"turn_taking": None, "talking": False, "more": 1}, ("push_to_talk", False)),
        ({"turn_taking": "off"}, ("off", False)),
    ):
        answer = await client.post(url, json=sent)
        assert answer.status_code == 200
        turn_taking, talking = expected
        assert answer.json() == {"session_id": session_id, "turn_taking": turn_taking, "talking": talking}
    heard = [command for command in api.worker.commands() if isinstance(command, Listen)]
    assert [(one.turn_taking, one.talking) for one in heard] == [
        (None, None),
        ("push_to_talk", None),
        (None, True),
        (None, False),
        ("off", None),
    ]


async def test_a_button_that_is_not_there_is_a_conflict(client: httpx.AsyncClient) -> None:
    session_id = await new_session(client)
    answer = await client.post(f"/sessions/{session_id}/listening", json={"talking": True})
    assert answer.status_code == 409
    assert "push_to_talk" in answer.json()["detail"]


@pytest.mark.parametrize(
    "body", [{"talking": "yes"}, {"talking": 1}, {"turn_taking": "on"}, {"turn_taking": ["auto"]}, [], None]
)
async def test_nonsense_is_refused_and_not_passed_on(
    client: httpx.AsyncClient, api: Api, body: object
) -> None:
    session_id = await new_session(client)
    answer = await client.post(f"/sessions/{session_id}/listening", json=body)
    assert answer.status_code == 400
    assert not [command for command in api.worker.commands() if isinstance(command, Listen)]


async def test_only_a_session_that_can_talk_listens(client: httpx.AsyncClient, api: Api) -> None:
    unknown = await client.post(f"/sessions/{new_id()}/listening", json={})
    assert unknown.status_code == 404
    session_id = await new_session(client)
    await api.worker.move(session_id, SessionState.CLOSING)
    closing = await client.post(f"/sessions/{session_id}/listening", json={})
    assert closing.status_code == 404


@pytest.mark.parametrize("state", ["queued", "initializing"])
async def test_before_it_can_talk_it_cannot_listen(client: httpx.AsyncClient, api: Api, state: str) -> None:
    api.worker.created.status = state  # type: ignore[assignment]
    session_id = await new_session(client)
    answer = await client.post(f"/sessions/{session_id}/listening", json={"turn_taking": "off"})
    assert answer.status_code == 409
    assert state in answer.json()["detail"]


async def test_the_client_listens(api: Api) -> None:
    async with api.served() as url, AsyncClient(url) as server:
        made = await server.create_session(
            "demo-avatar", "portrait", turn_taking="push_to_talk", stt_language="en"
        )
        session = await server.get_session(made.session_id)
        assert (session.turn_taking, session.stt_language) == ("push_to_talk", "en")
        now = await server.set_listening(made.session_id, turn_taking="push_to_talk", talking=True)
        assert (now.turn_taking, now.talking) == ("push_to_talk", True)
        with pytest.raises(Conflict):
            await server.set_listening(made.session_id, turn_taking="auto", talking=True)
        with pytest.raises(NotFound):
            await server.set_listening(new_id())
        with pytest.raises(BadRequest):
            await server.create_session("demo-avatar", "portrait", stt_language="german")

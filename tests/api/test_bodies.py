"""Bodies that are no JSON object, too large, or meant to hurt."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.api.harness import Api, new_session

JSON = {"Content-Type": "application/json"}
MIB = 2**20


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"",
        b"null",
        b"[]",
        b'"prompt"',
        b"17",
        b"{'prompt': 'hi'}",
        b'{"prompt": "hi"} trailing',
        b'{"prompt": "hi", "x": NaN}',
        b'{"prompt": "hi", "x": -Infinity}',
        b'{"prompt": "\\ud800"}',
        b'{"prompt": "hi", "x": "\\uDFFF"}',
        b'{"prompt": "hi\xff"}',
        b'{"prompt": ' + b"9" * 5000 + b"}",
        b'{"prompt": "hi", "x": ' + b"9" * 5000 + b"}",
        b'{"prompt": "hi", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"prompt": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"}",
        '{"prompt": "hi"}'.encode("utf-16"),
        b'{"prompt": "a\nb"}',
        b"\x00",
    ],
    ids=lambda body: repr(body[:30]),
)
async def test_what_is_no_json_object_is_400(client: httpx.AsyncClient, api: Api, body: bytes) -> None:
    session_id = await new_session(client)
    answer = await client.post(f"/sessions/{session_id}/chat", content=body, headers=JSON)
    assert answer.status_code == 400
    assert list(answer.json()) == ["detail"]
    assert 10 < len(answer.json()["detail"]) < 200
    assert len(api.worker.commands()) == 1


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "nonsense"],
)
async def test_another_content_type_is_400(client: httpx.AsyncClient, content_type: str) -> None:
    session_id = await new_session(client)
    for action in ("chat", "interrupt", "start"):
        answer = await client.post(
            f"/sessions/{session_id}/{action}",
            content=b'{"prompt": "hi"}',
            headers={"Content-Type": content_type},
        )
        assert answer.status_code == 400
        assert "application/json" in answer.json()["detail"]


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "Application/JSON", "application/vnd.api+json"]
)
async def test_json_by_its_other_names_is_fine(client: httpx.AsyncClient, content_type: str) -> None:
    session_id = await new_session(client)
    answer = await client.post(
        f"/sessions/{session_id}/chat",
        content=b'\xef\xbb\xbf{"prompt": "\\ud83d\\ude00 \\u00e9"}',
        headers={"Content-Type": content_type},
    )
    assert answer.status_code == 200


async def test_a_body_too_large_is_refused_by_its_declared_length(client: httpx.AsyncClient) -> None:
    body = b'{"prompt": "' + b"x" * MIB + b'"}'
    answer = await client.post("/sessions/any/chat", content=body, headers=JSON)
    assert answer.status_code == 413
    assert str(MIB) in answer.json()["detail"]


async def test_an_endless_body_is_refused_while_it_is_read(api: Api) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 64 * 1024
            yield b" " * (64 * 1024)

    async with api.served() as url, httpx.AsyncClient(base_url=url, timeout=10) as client:
        try:
            answer = await client.post("/sessions/any/chat", content=endless(), headers=JSON)
            assert answer.status_code == 413
        except httpx.NetworkError:
            pass  # the server may close the connection before the client has read its answer
    assert sent < 64 * MIB


async def test_a_large_body_within_the_limit_is_read(client: httpx.AsyncClient) -> None:
    session_id = await new_session(client)
    body = b'{"prompt": "hi", "ignored": "' + b"x" * (MIB - 100) + b'"}'
    answer = await client.post(f"/sessions/{session_id}/chat", content=body, headers=JSON)
    assert answer.status_code == 200


async def test_the_input_is_not_echoed(client: httpx.AsyncClient) -> None:
    answer = await client.post("/sessions", json={"avatar_id": ["<script>"], "model": "portrait"})
    assert answer.status_code == 400
    assert "script" not in answer.text


ODD_VALUES: list[Any] = [
    None,
    True,
    0,
    -1.5,
    10**400,
    1e308,
    "",
    " ",
    "\0",
    "../../etc/passwd",
    "\u202e\u200b\ufeff",
    "x" * 30_000,
    [],
    [[]],
    {},
    {"text": "nested"},
    "demo-avatar",
    "portrait",
    "local",
    "offer",
]
FIELDS: dict[str, dict[str, Any]] = {
    "/sessions": {
        "avatar_id": "demo-avatar",
        "model": "portrait",
        "tts_provider": "local",
        "tts_voice": "joe",
        "tts_model": "m",
        "stt_provider": "local",
        "stt_language": "en",
        "turn_taking": "auto",
        "llm_system_prompt": "p",
        "wav2lip_postprocess_mode": "auto",
    },
    "/sessions/{id}/chat": {"prompt": "hi", "text": "hi", "voice": "joe", "tts_provider": "local"},
    "/sessions/{id}/speak": {"text": "hi", "voice": "joe", "tts_provider": "local", "tts_model": "m"},
    "/sessions/{id}/interrupt": {"turn_id": "t"},
    "/sessions/{id}/listening": {"turn_taking": "push_to_talk", "talking": True},
    "/sessions/{id}/playout": {"turn_id": "t", "silent_after_ms": 80},
    "/sessions/{id}/start": {"nothing": 1},
    "/sessions/{id}/webrtc/offer": {"sdp": "v=0", "type": "offer"},
    "/tts/preview": {"text": "hi", "voice": "joe", "provider": "local", "model": "m"},
}


@pytest.mark.parametrize("path", FIELDS)
async def test_odd_values_never_break_the_server(client: httpx.AsyncClient, path: str) -> None:
    url = path.format(id=await new_session(client))
    for field in FIELDS[path]:
        for value in ODD_VALUES:
            answer = await client.post(url, json=FIELDS[path] | {field: value})
            assert answer.status_code in (200, 400, 404, 409, 413, 502), (field, value, answer.text)
            if answer.status_code != 200:
                detail = answer.json()["detail"]
                assert isinstance(detail, str)
                assert 5 < len(detail) < 300

"""API keys and tokens: what needs one, what counts as one, and what the answers say."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.api.access_tokens import KeyRing, parse_keys, parse_secret
from apps.unified.container import build
from opentalking.settings import Environment, Settings
from tests.api.harness import Api, new_session

KEY, OTHER_KEY = "k" * 16, "a-second-key-of-somebody-else"
SECRET = b"s" * 32


class Clock:
    """Seconds, as a test sets them."""

    seconds = 1_000_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def api(tmp_path: Path, clock: Clock) -> Api:
    """An API that asks for keys."""
    api = Api(tmp_path)
    api.services.guard.ring = KeyRing([KEY, OTHER_KEY], SECRET, 900, clock)
    return api


def bearer(credential: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {credential}"}


async def token_of(client: httpx.AsyncClient, **body: Any) -> str:
    answer = await client.post("/auth/token", json=body, headers=bearer(KEY))
    assert answer.status_code == 200, answer.text
    token = answer.json()["access_token"]
    assert isinstance(token, str)
    return token


@pytest.mark.parametrize(
    "path",
    [
        "/health",
        "/avatars",
        "/models",
        "/voices",
        "/sessions/x",
        "/nothing",
        "/api/health",
        "/api",
        "/assets",
    ],
)
async def test_without_a_key_it_is_401(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 401
    assert list(answer.json()) == ["detail"]
    assert "X-API-Key" in answer.json()["detail"]
    assert answer.headers["www-authenticate"] == 'Bearer realm="OpenTalking"'


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/healthz", 200),
        ("GET", "/api/healthz", 200),
        ("GET", "/", 200),
        ("GET", "/openapi.json", 200),
        ("HEAD", "/healthz", 200),
    ],
)
async def test_what_is_open_to_everybody(
    client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    assert (await client.request(method, path)).status_code == status


@pytest.mark.parametrize(
    "path", [f"/voice-uploads/{'0' * 32}", "/assets/nothing.js", "/assets/%2e%2e/health"]
)
async def test_secret_addresses_and_assets_need_no_key(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code not in (200, 401)


@pytest.mark.parametrize("path", ["/voice-uploads/a/b", "/healthz/", "/openapi.json/x", "/HEALTHZ"])
async def test_what_only_looks_open_is_not(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        bearer(KEY),
        {"Authorization": f"bearer  {OTHER_KEY} "},
        {"X-API-Key": KEY},
        {"X-API-Key": OTHER_KEY, "Authorization": "Basic dXNlcjpwYXNz"},
        {"X-API-Key": KEY, "Authorization": "Bearer of-something-else"},
    ],
)
async def test_every_key_opens(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    assert (await client.get("/avatars", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        bearer("wrong-key-wrong-key"),
        bearer(KEY[:-1]),
        bearer(KEY + "k"),
        bearer(f"{KEY},{OTHER_KEY}"),
        bearer("x." * 600),
        bearer("\u00e9" * 16),
        bearer(".".join("..")),
        {"X-API-Key": "\xff\x80"},
    ],
)
async def test_every_wrong_key_is_401_and_not_repeated(
    client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    raw = {name: value.encode("latin-1") for name, value in headers.items()}
    answer = await client.get("/avatars", headers=raw)  # type: ignore[arg-type]
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert "wrong-key" not in answer.text


async def test_a_key_in_the_query_is_no_key(client: httpx.AsyncClient) -> None:
    assert (await client.get("/avatars", params={"access_token": KEY})).status_code == 401


async def test_a_token_opens_by_header_and_query_until_its_time(
    client: httpx.AsyncClient, clock: Clock
) -> None:
    answer = await client.post("/auth/token", headers={"X-API-Key": KEY})
    made = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert (made["token_type"], made["expires_in"], made["session_id"]) == ("bearer", 900, None)
    token = made["access_token"]
    assert KEY not in token
    by_header = await client.get("/avatars", headers=bearer(token))
    by_query = await client.get("/avatars/demo-avatar/preview", params={"access_token": token})
    assert (by_header.status_code, by_query.status_code) == (200, 200)
    clock.seconds += 899
    assert (await client.get("/avatars", headers=bearer(token))).status_code == 200
    clock.seconds += 1
    assert (await client.get("/avatars", headers=bearer(token))).status_code == 401


async def test_a_token_makes_no_further_token(client: httpx.AsyncClient) -> None:
    answer = await client.post("/auth/token", headers=bearer(await token_of(client)))
    assert answer.status_code == 403
    assert "API key" in answer.json()["detail"]


async def test_a_token_for_one_session_opens_that_session_only(client: httpx.AsyncClient) -> None:
    client.headers["X-API-Key"] = KEY
    own, foreign = await new_session(client), await new_session(client)
    headers = bearer(await token_of(client, session_id=own))
    del client.headers["X-API-Key"]
    allowed = [f"/sessions/{own}", f"/api/sessions/{own}"]
    refused = [f"/sessions/{foreign}", f"/sessions/{own}x", "/avatars", "/sessions", "/nothing"]
    statuses = [(await client.get(path, headers=headers)).status_code for path in (*allowed, *refused)]
    assert statuses == [200, 200, 403, 403, 403, 403, 403]
    said = await client.post(f"/sessions/{own}/chat", json={"prompt": "hi"}, headers=headers)
    assert said.status_code == 200


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_no_changed_token_opens(data: st.DataObject) -> None:
    ring = KeyRing([KEY], SECRET, 900, Clock())
    token = ring.issue(ring.check_key(KEY).key_name)  # type: ignore[union-attr]
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters(codec="utf-8"))
    changed = token[:at] + other + token[at + 1 :]
    assert (ring.check_token(changed) is None) == (changed != token)


@given(st.text(max_size=2000))
def test_no_text_is_a_token(text: str) -> None:
    assert KeyRing([KEY], SECRET).check_token(text) is None


def test_a_token_ends_with_its_key_and_with_the_secret() -> None:
    ring = KeyRing([KEY, OTHER_KEY], SECRET)
    shown = ring.check_key(OTHER_KEY)
    assert shown is not None
    token = ring.issue(shown.key_name)
    assert KeyRing([OTHER_KEY], SECRET).check_token(token) is not None
    assert KeyRing([KEY], SECRET).check_token(token) is None
    assert KeyRing([OTHER_KEY], b"t" * 32).check_token(token) is None


async def test_without_keys_no_token_is_made(tmp_path: Path) -> None:
    async with Api(tmp_path).client() as client:
        answer = await client.post("/auth/token", headers=bearer(KEY))
        anything = await client.get("/avatars", headers=bearer("whatever"))
    assert answer.status_code == 409
    assert anything.status_code == 200


async def test_browsers_of_known_origins_can_ask_and_read_the_refusal(client: httpx.AsyncClient) -> None:
    origin = {"Origin": "http://localhost:5173"}
    asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    assert (await client.options("/avatars", headers=origin | asked)).status_code == 200
    answer = await client.get("/avatars", headers=origin)
    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == origin["Origin"]


async def test_pages_of_other_sites_change_nothing(tmp_path: Path) -> None:
    cross = {"Sec-Fetch-Site": "cross-site"}
    known = {**cross, "Origin": "http://localhost:5173"}
    foreign = {**cross, "Origin": "https://evil.example"}
    async with Api(tmp_path).client() as client:
        body = {"avatar_id": "demo-avatar", "model": "portrait"}
        refused = [
            await client.post("/sessions", json=body, headers=foreign),
            await client.post("/sessions/customize", files={"reference_image": b"x"}, headers=foreign),
            await client.delete("/sessions/x", headers=cross),
        ]
        read = await client.get("/avatars", headers=foreign)
        made = await client.post("/sessions", json=body, headers=known)
    assert [answer.status_code for answer in refused] == [403] * 3
    assert "OPENTALKING_CORS_ORIGINS" in refused[0].json()["detail"]
    assert (read.status_code, made.status_code) == (200, 200)


async def test_event_streams_and_websockets_take_the_token_from_the_query(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    async with api.served() as url, aiohttp.ClientSession(url) as browser:
        async with httpx.AsyncClient(base_url=url, headers=bearer(KEY)) as client:
            session_id = await new_session(client)
            token = await token_of(client, session_id=session_id)
        query = {"access_token": token, "last_event_id": "none"}
        async with browser.get(f"/sessions/{session_id}/events", params=query) as stream:
            assert stream.status == 200
            assert await stream.content.readline() == b": connected\n"
        async with browser.get(f"/sessions/{session_id}/events") as stream:
            assert stream.status == 401
        path = f"/sessions/{session_id}/speak_audio_stream"
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await browser.ws_connect(path)
        assert refused.value.status == 401
        assert refused.value.headers is not None
        assert refused.value.headers["WWW-Authenticate"].startswith("Bearer")
        assert await _opens(browser, f"{path}?access_token={token}")
    assert "Exception" not in caplog.text
    assert "ASGI callable" not in caplog.text
    assert token not in caplog.text


async def _opens(browser: aiohttp.ClientSession, path: str) -> bool:
    """Whether a WebSocket is refused for no key."""
    try:
        async with asyncio.timeout(10), browser.ws_connect(path):
            return True
    except aiohttp.WSServerHandshakeError as error:
        return error.status not in (401, 403)


@pytest.mark.parametrize(("extensions", "code"), [({}, 4401)])
async def test_a_server_without_denials_closes_the_handshake(
    api: Api, extensions: dict[str, Any], code: int
) -> None:
    sent: list[Any] = []

    async def receive() -> dict[str, str]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    path = "/sessions/s/speak_audio_stream"
    scope = {"type": "websocket", "path": path, "headers": [], "query_string": b"", "extensions": extensions}
    await api.app()(scope, receive, send)
    assert [(message["type"], message["code"]) for message in sent] == [("websocket.close", code)]


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"API_KEYS": "fifteen-letters"}, "key number 1 must have 16"),
        ({"API_KEYS": f"{KEY}, {'x' * 8} {'y' * 8}"}, "key number 2"),
        ({"API_KEYS": "schl\u00fcssel-schl\u00fcssel"}, "printable ASCII"),
        ({"API_KEYS": KEY, "API_TOKEN_SECRET": "short"}, "API_TOKEN_SECRET must have 32"),
        ({"TRUSTED_PROXIES": "10.0.0.1/8"}, "OPENTALKING_TRUSTED_PROXIES"),
        ({"FRAME_ANCESTORS": "https://a; script-src *"}, "OPENTALKING_FRAME_ANCESTORS"),
    ],
)
def test_settings_that_cannot_work_are_refused_without_showing_keys(
    tmp_path: Path, variables: dict[str, str], message: str
) -> None:
    fixed = {"OPENTALKING_ENV_FILE": "/nonexistent", "OPENTALKING_DATA_DIR": str(tmp_path)}
    chosen = {f"OPENTALKING_{name}": value for name, value in variables.items()}
    with pytest.raises(ValueError, match=message) as refused:
        build(Environment(fixed | chosen))
    assert not any(value in str(refused.value) for name, value in variables.items() if "API" in name)


def test_keys_and_secrets_do_not_show() -> None:
    settings = Settings(api_keys=f"{KEY},{OTHER_KEY}", api_token_secret="t" * 32)
    shown = f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    assert KEY not in shown
    assert "t" * 32 not in shown
    assert parse_keys(f" {KEY} ,, {OTHER_KEY}") == (KEY, OTHER_KEY)
    assert parse_secret("") != parse_secret("")

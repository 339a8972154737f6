"""What holds for every route: errors, CORS, prefixes, the page."""

import asyncio
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from apps.api.errors import STATUS_BY_ERROR, status_of
from opentalking.core import errors
from tests.api.harness import Api, new_session
from tests.support.server import eventually

ORIGIN = "http://localhost:5173"
NOT_FOUND = {"detail": "Not Found"}


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/api",
        "/api/",
        "/api/nothing",
        "/api/assets/x.js",
        "/api/openapi.json",
        "/sessions/s/nothing",
        "/avatars/a/b/c",
        "/avatars/../../etc/passwd",
        "/avatars/%2e%2e/%2e%2e/etc/passwd",
        "/avatars/",
        "/docs",
        "/redoc",
        "/index.html",
    ],
)
async def test_unknown_routes_are_a_plain_404(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.json()) == (404, NOT_FOUND)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/sessions"),
        ("GET", "/sessions"),
        ("POST", "/health"),
        ("DELETE", "/models"),
        ("POST", "/avatars"),
        ("PATCH", "/sessions/s"),
        ("GET", "/sessions/s/chat"),
        ("GET", "/tts/preview"),
        ("POST", "/voices"),
        ("PUT", "/avatars/a"),
        ("GET", "/api/sessions/s/speak"),
        ("OPTIONS", "/health"),
        ("GET", "/voices/clone"),
        ("POST", "/"),
    ],
)
async def test_the_wrong_method_is_405(client: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"]


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/health", "GET, HEAD"),
        ("/sessions", "POST"),
        ("/sessions/x", "GET, HEAD, DELETE"),
        ("/api/sessions/x", "GET, HEAD, DELETE"),
        ("/", "GET, HEAD"),
    ],
)
async def test_a_405_names_every_method_of_the_path(
    client: httpx.AsyncClient, path: str, methods: str
) -> None:
    answer = await client.put(path)
    assert (answer.status_code, answer.headers["allow"]) == (405, methods)


async def test_head_is_get_without_a_body(client: httpx.AsyncClient, api: Api) -> None:
    session_id = await new_session(client)
    paths = (
        "/health",
        "/api/healthz",
        "/",
        f"/sessions/{session_id}",
        "/avatars/demo-avatar/preview",
        "/nothing",
    )
    for path in paths:
        head, get = await client.head(path), await client.get(path)
        assert (head.status_code, head.content) == (get.status_code, b""), path
        assert head.headers["content-length"] == str(len(get.content)), path
    async with api.served() as url, httpx.AsyncClient(base_url=url, timeout=5) as other:
        assert (await other.head(f"/sessions/{session_id}/events")).status_code == 200
        assert (await other.head("/sessions")).status_code == 405


async def test_the_same_routes_live_under_api(client: httpx.AsyncClient) -> None:
    created = await client.post("/api/sessions", json={"avatar_id": "demo-avatar", "model": "portrait"})
    session_id = created.json()["session_id"]
    assert (await client.get(f"/sessions/{session_id}")).status_code == 200
    assert (await client.post(f"/api/sessions/{session_id}/chat", json={"prompt": "hi"})).status_code == 200
    assert (await client.get("/api/healthz")).json() == {"status": "ok"}


async def test_a_crash_is_a_plain_500_with_cors_and_a_log_line(client: httpx.AsyncClient, api: Api) -> None:
    def crash() -> None:
        raise ZeroDivisionError("the secret reason")

    api.services.health = crash  # type: ignore[assignment]
    with capture_logs() as logs:
        answer = await client.get("/health", headers={"Origin": ORIGIN})
    assert (answer.status_code, answer.json()) == (500, {"detail": "Internal Server Error"})
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert any(line["event"] == "request.crashed" and line["exc_info"] for line in logs)


@pytest.mark.parametrize(
    ("path", "status"), [("/health", 200), ("/nothing", 404), ("/sessions/x", 404), ("/voices/clone", 405)]
)
async def test_known_origins_may_read_every_answer(client: httpx.AsyncClient, path: str, status: int) -> None:
    answer = await client.get(path, headers={"Origin": ORIGIN})
    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert (
        "access-control-allow-origin" not in (await client.get(path, headers={"Origin": "http://x"})).headers
    )


async def test_preflight(client: httpx.AsyncClient) -> None:
    answer = await client.options(
        "/sessions/x/chat",
        headers={
            "Origin": ORIGIN,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type,last-event-id",
        },
    )
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert "last-event-id" in answer.headers["access-control-allow-headers"].lower()


async def test_a_refused_preflight_is_an_error_like_any_other(client: httpx.AsyncClient) -> None:
    asked = {"Origin": "http://x", "Access-Control-Request-Method": "POST"}
    answer = await client.options("/sessions", headers=asked)
    assert (answer.status_code, answer.json()) == (400, {"detail": "Disallowed CORS origin"})
    assert "access-control-allow-origin" not in answer.headers


async def test_any_origin_goes_without_credentials(tmp_path: Path) -> None:
    api = Api(tmp_path)
    api.services.cors_origins = ("*",)
    async with api.client() as client:
        answer = await client.get("/nothing", headers={"Origin": "http://anywhere"})
    assert answer.status_code == 404
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers


def test_every_error_has_its_status_and_subclasses_inherit_it() -> None:
    class Special(errors.Conflict):
        pass

    made = [
        errors.InvalidInput("x"),
        errors.Forbidden("x"),
        errors.NotFound("x"),
        errors.Conflict("x"),
        Special("x"),
        errors.TooLarge("x"),
        errors.TooMany("x"),
        errors.ProviderError("x", stage="tts", provider="p"),
        errors.Unavailable("x"),
        errors.OpenTalkingError("x"),
    ]
    assert [status_of(error) for error in made] == [400, 403, 404, 409, 409, 413, 429, 502, 503, 500]
    assert len(STATUS_BY_ERROR) == 9


async def test_the_page_is_served_with_its_assets(tmp_path: Path) -> None:
    dist = tmp_path / "dist"
    (dist / "assets").mkdir(parents=True)
    (dist / "index.html").write_text("<!doctype html><title>page</title>")
    (dist / "assets" / "index-1a2b.js").write_text("let x = 1")
    (dist / "secret.txt").write_text("not for the world")
    api = Api(tmp_path)
    api.services.web_dist = dist
    async with api.client() as client:
        page = await client.get("/")
        asset = await client.get("/assets/index-1a2b.js")
        others = [
            await client.get(path)
            for path in (
                "/assets/nothing.js",
                "/assets/%2e%2e/secret.txt",
                "/assets/%00",
                "/secret.txt",
                "/api/",
                "/assets/" + "x" * 5000,
            )
        ]
    assert "<title>page</title>" in page.text
    assert page.headers["cache-control"] == "no-cache"
    assert "script-src 'self';" in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"]
    assert asset.text == "let x = 1"
    assert "immutable" in asset.headers["cache-control"]
    assert "javascript" in asset.headers["content-type"]
    assert [(answer.status_code, answer.json()) for answer in others] == [(404, NOT_FOUND)] * len(others)


async def test_without_a_built_page_the_root_says_how_to_build_it(client: httpx.AsyncClient) -> None:
    answer = await client.get("/")
    assert answer.status_code == 200
    assert "text/html" in answer.headers["content-type"]
    assert "make run" in answer.text


async def test_the_log_names_request_and_session_but_not_what_was_said(client: httpx.AsyncClient) -> None:
    session_id = await new_session(client)
    with capture_logs() as logs:
        answer = await client.post(f"/sessions/{session_id}/chat", json={"prompt": "my secret words"})
    [line] = [line for line in logs if line["event"] == "request"]
    assert line["session_id"] == session_id
    assert line["status"] == 200
    assert line["route"] == "/sessions/{session_id}/chat"
    assert len(answer.headers["x-request-id"]) == 32
    assert "secret" not in str(logs)


async def test_who_still_waits_when_the_server_stops_is_told_so(api: Api) -> None:
    """As uvicorn does, whose patience ends: it cancels the request, and the connection is still there."""
    api.worker.silent.add("start")
    async with api.client() as client:
        session_id = await new_session(client)
        asking = asyncio.create_task(client.post(f"/sessions/{session_id}/start"))
        await eventually(lambda: api.worker.seen[-1].type == "start", "the command")
        api.services.closing.set()
        asking.cancel()
        answer = await asking
    assert (answer.status_code, "stopping" in answer.json()["detail"]) == (503, True)
    assert answer.headers["retry-after"] == "10"

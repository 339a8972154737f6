"""Hostile ids in every place that takes one: refused by name, and nothing on disk is touched."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from tests.api.harness import Api, new_session, write_bundle
from tests.hostile.corpus import IDS, TEXTS, picture, wav
from tests.hostile.document import FORM, JSON, Route, routes
from tests.hostile.raw import Wire
from tests.hostile.tree import snapshot

REFUSED = (400, 404, 405)
WITH_PARAMETERS = [route for route in routes() if route.parameters]
WITH_IDS_INSIDE = [route for route in routes() if any(name.endswith("_id") for name, _ in route.body)]


@pytest.fixture
def api(tmp_path: Path) -> Api:
    """An API beside things that it must not touch."""
    write_bundle(tmp_path, "secret", name="Secret")
    (tmp_path / "secret" / "preview.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return Api(tmp_path)


def assert_refused(status: int, body: bytes, what: str, root: Path) -> None:
    assert status in REFUSED, (what, status, body[:300])
    detail = json.loads(body)["detail"]
    assert 5 < len(detail) < 400, what
    assert str(root) not in detail, "a path of the server"
    assert not set(detail) & set("\r\n\0\u202e"), what


@pytest.mark.parametrize("route", WITH_PARAMETERS, ids=str)
async def test_in_the_path(api: Api, route: Route, tmp_path: Path) -> None:
    before = snapshot(tmp_path)
    async with api.served() as url, Wire(url) as wire:
        for parameter in route.parameters:
            for hostile in IDS:
                if _is_plausible(parameter, hostile):
                    continue
                target = route.filled(**{parameter: hostile})
                head = f"{route.method} {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
                await wire.send(head.encode())
                assert_refused(*await wire.answer(), f"{route.method} {target[:200]}", tmp_path)
    assert snapshot(tmp_path) == before
    assert not await api.store.all()


def _is_plausible(parameter: str, text: str) -> bool:
    """Numbers that a catalogue may well have."""
    return parameter == "entry_id" and unquote(text).strip().lstrip("+").isdecimal() and len(text) < 15


@pytest.mark.parametrize("route", WITH_IDS_INSIDE, ids=str)
async def test_in_the_body(api: Api, route: Route, tmp_path: Path) -> None:
    async with api.client() as client:
        session_id = await new_session(client)
        path = route.filled(session_id=session_id)
        before = snapshot(tmp_path)
        for field in (name for name, _ in route.body if name.endswith("_id")):
            for hostile in (*(unquote(text) for text in IDS), *TEXTS):
                answer = await client.request(route.method, path, **_body(route, field, hostile))
                if field in ("turn_id", "session_id"):  # a plain word that limits what is done
                    assert answer.status_code in (200, 409, *REFUSED), (field, hostile[:50])
                else:
                    what = f"{field} {hostile[:50]!r}"
                    assert_refused(answer.status_code, answer.content, what, tmp_path)
        assert snapshot(tmp_path) == before


def _body(route: Route, field: str, hostile: str) -> dict[str, Any]:
    """A body that is acceptable but for one field."""
    fields = {name: _plausible(name) for name, _ in route.body if name not in route.files} | {field: hostile}
    if route.media == JSON:
        return {"json": fields}
    assert route.media == FORM
    made = {name: wav() if "audio" in name else picture() for name in route.files}
    return {"data": fields, "files": made}


def _plausible(name: str) -> str:
    words = {
        "avatar_id": "demo-avatar",
        "base_avatar_id": "demo-avatar",
        "model": "portrait",
        "type": "offer",
    }
    return words.get(name, "x")


async def test_in_headers_and_queries(api: Api, tmp_path: Path) -> None:
    before = snapshot(tmp_path)
    async with api.client() as client:
        session_id = await new_session(client)
        for hostile in IDS:
            raw = hostile.encode()
            names = ("provider", "format", "artifact", "access_token", "last_event_id", "x")
            query = "&".join(f"{name}={hostile}" for name in names)
            for path in ("/voices", "/avatars", f"/sessions/{session_id}", "/health"):
                answer = await client.get(f"{path}?{query}", headers=[(b"X-API-Key", raw)])
                assert answer.status_code == 200, (path, hostile)
            for name in (
                b"Accept",
                b"Range",
                b"If-Range",
                b"If-None-Match",
                b"Cookie",
                b"Origin",
                b"Referer",
            ):
                answer = await client.get("/avatars/demo-avatar/preview", headers=[(name, raw)])
                assert answer.status_code in (200, 206, 304, 400, 416), (name, hostile)
                assert "set-cookie" not in answer.headers
    assert snapshot(tmp_path) == before

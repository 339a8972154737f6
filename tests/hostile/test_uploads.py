"""Hostile uploads to every form of the API: refused while they arrive, and nothing is left behind."""

import asyncio
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from apps.api.connections import ConnectionLimits
from apps.api.deps import ApiLimits
from tests.api.harness import Api, new_session
from tests.hostile.corpus import IMAGES, SOUNDS, TEXTS, form, picture, wav
from tests.hostile.document import FORM, Route, routes
from tests.hostile.raw import Wire, status_of, trickle
from tests.hostile.tree import snapshot
from tests.support.server import eventually

MIB = 2**20
FORMS = [route for route in routes() if route.media == FORM]
WITH_FILES = [route for route in FORMS if route.files]
REFUSED = (400, 403, 404, 409, 413)
QUICK = ConnectionLimits(head_seconds=0.4, idle_seconds=1, drain_seconds=0.4, write_seconds=0.4)
TYPE = "multipart/form-data; boundary=x-boundary"
MEMORY_MAX = 200 * MIB


@pytest.fixture
def api(tmp_path: Path) -> Api:
    api = Api(tmp_path)
    (tmp_path / "recordings").mkdir(exist_ok=True)
    api.services.limits = ApiLimits(body_idle_seconds=0.3, body_seconds=1.0)
    return api


@contextmanager
def nothing_left(api: Api, root: Path) -> Iterator[None]:
    """No file, no open file, no memory, no place of a client is left when the block ends."""
    process = psutil.Process()
    gc.collect()
    before, files, memory = snapshot(root), len(process.open_files()), process.memory_info().rss
    yield
    gc.collect()
    assert snapshot(root) == before
    assert len(process.open_files()) <= files
    assert process.memory_info().rss - memory < MEMORY_MAX
    places = api.services.guard.places
    assert places.uploads.clients == places.requests.clients == 0


def assert_refused(answer: httpx.Response, what: str, root: Path) -> None:
    assert answer.status_code in REFUSED, (what, answer.status_code, answer.text[:300])
    detail = answer.json()["detail"]
    assert 5 < len(detail) < 400, what
    assert str(root) not in detail, "a path of the server"


def plausible(route: Route) -> dict[str, str]:
    """Values of the other fields with which the file is looked at."""
    known = {
        "avatar_id": "demo-avatar",
        "base_avatar_id": "demo-avatar",
        "name": "A name",
        "provider": "dashscope",
    }
    fields = {name for name, _ in route.body} - set(route.files)
    return {name: value for name, value in known.items() if name in fields}


def _corpus(route: Route) -> dict[str, Callable[[], bytes]]:
    return IMAGES if any("image" in name for name in route.files) else SOUNDS


@pytest.mark.parametrize("route", WITH_FILES, ids=str)
async def test_files_that_are_not_what_they_should_be(api: Api, route: Route, tmp_path: Path) -> None:
    async with api.client() as client:
        path = route.filled(session_id=await new_session(client))
        for field in route.files:
            with nothing_left(api, tmp_path):
                for name, made in _corpus(route).items():
                    files = {field: ("../../" + name, made(), "image/png")}
                    answer = await client.post(path, data=plausible(route), files=files)
                    assert_refused(answer, f"{field}: {name}", tmp_path)


@pytest.mark.parametrize("route", FORMS, ids=str)
async def test_forms_that_are_none(api: Api, route: Route, tmp_path: Path) -> None:
    whole = form([("name", None, b"x"), (route.files[0] if route.files else "f", "a.png", picture())])
    bodies: dict[str, tuple[str, bytes]] = {
        "no boundary": ("multipart/form-data", whole),
        "an empty boundary": ("multipart/form-data; boundary=", whole),
        "another boundary": ("multipart/form-data; boundary=other", whole),
        "a long boundary": (f"multipart/form-data; boundary={'b' * 5000}", whole),
        "no end": (TYPE, whole[:-20]),
        "nothing": (TYPE, b""),
        "only an end": (TYPE, b"--x-boundary--\r\n"),
        "junk before": (TYPE, b"junk" * 1000 + whole),
        "no headers of a part": (TYPE, b"--x-boundary\r\n\r\nx\r\n--x-boundary--\r\n"),
        "a header without an end": (TYPE, b"--x-boundary\r\nContent-Disposition: " + b"x" * 100_000),
        "many headers": (TYPE, b"--x-boundary\r\n" + b"X-A: b\r\n" * 20_000 + b"\r\nx\r\n--x-boundary--\r\n"),
        "a long name": (TYPE, form([("n" * 100_000, None, b"x")])),
        "many fields": (TYPE, form([(f"f{number}", None, b"x") for number in range(4000)])),
        "many files": (TYPE, form([(f"f{number}", "a", b"x") for number in range(2000)])),
        "json": ("application/json", b'{"avatar_id": "demo-avatar"}'),
        "no type": ("", whole),
        "bytes": ("application/octet-stream", bytes(1000)),
        "an unknown encoding": (
            TYPE + "; charset=none",
            form([("_charset_", None, b"none"), ("f", None, b"\xff")]),
        ),
    }
    async with api.client() as client:
        path = route.filled(session_id=await new_session(client))
        with nothing_left(api, tmp_path):
            for what, (kind, body) in bodies.items():
                answer = await client.post(path, content=body, headers={"Content-Type": kind})
                assert_refused(answer, what, tmp_path)


@pytest.mark.parametrize("route", FORMS, ids=str)
async def test_texts_in_forms(api: Api, route: Route, tmp_path: Path) -> None:
    """Hostile texts are refused, or taken for text: no server error, nothing outside is touched."""
    async with api.client() as client:
        path = route.filled(session_id=await new_session(client))
        for field in (name for name, _ in route.body if name not in route.files):
            for text in TEXTS:
                fields = [
                    (name, None, value.encode()) for name, value in plausible(route).items() if name != field
                ]
                files = [(name, text[:300], b"not a file") for name in route.files]
                body = form([*fields, (field, None, text.encode()), *files])
                answer = await client.post(path, content=body, headers={"Content-Type": TYPE})
                assert answer.status_code in (200, *REFUSED), (field, text[:50], answer.text[:300])
                assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("route", WITH_FILES, ids=str)
async def test_lengths_that_lie(api: Api, route: Route, tmp_path: Path) -> None:
    file = picture() if _corpus(route) is IMAGES else wav()
    body = form([*((n, None, v.encode()) for n, v in plausible(route).items()), (route.files[0], "a", file)])
    async with api.served(QUICK) as url, httpx.AsyncClient(base_url=url) as client:
        path = route.filled(session_id=await new_session(client))
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {TYPE}\r\n".encode()
        await client.aclose()
        with nothing_left(api, tmp_path):
            lies = {
                f"Content-Length: {len(body) // 2}": body,
                f"Content-Length: {len(body) * 2}": body,
                f"Content-Length: {2**30}": body,
                f"Content-Length: {2**62}": b"",
                "Content-Length: 0": body,
                "Transfer-Encoding: chunked": b"10000\r\n" + body,
            }
            sent = (_sent(url, head + lie.encode() + b"\r\n\r\n" + data) for lie, data in lies.items())
            for lie, answer in zip(lies, await asyncio.gather(*sent), strict=True):
                assert status_of(answer) in REFUSED, (lie, answer[:300])


async def _sent(url: str, data: bytes, piece: bytes = b"", pause_seconds: float = 1.0) -> bytes:
    """The answer to these bytes, followed by pieces until it comes."""
    async with Wire(url) as wire:
        await wire.send(data)
        async with trickle(wire, piece, pause_seconds):
            return await wire.all()


@pytest.mark.parametrize("route", WITH_FILES, ids=str)
async def test_bodies_that_do_not_end(api: Api, route: Route, tmp_path: Path) -> None:
    begin = form([(route.files[0], "a", b"")])[: -len("\r\n--x-boundary--\r\n")]
    async with api.served(QUICK) as url, httpx.AsyncClient(base_url=url) as client:
        path = route.filled(session_id=await new_session(client))
        head = (
            f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {TYPE}\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        first = f"{len(begin):x}\r\n".encode() + begin + b"\r\n"
        await client.aclose()
        with nothing_left(api, tmp_path):
            dribbled, flooded = await asyncio.gather(
                _sent(url, head.encode() + first, b"1\r\nx\r\n", 0.1),
                _sent(url, head.encode() + first, b"40000\r\n" + bytes(0x40000) + b"\r\n", 0.0),
            )
            assert status_of(dribbled) == 400
            assert status_of(flooded) in (400, 413)
            async with Wire(url) as wire:
                await wire.send(head.encode() + first)
            requests = api.services.guard.places.requests
            await eventually(lambda: requests.clients == 0, "no request is in work")

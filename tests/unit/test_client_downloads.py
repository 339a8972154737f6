"""Files arrive whole or not at all, also when connections break, stall or bring another file."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from opentalking.client import Conflict, ConnectionFailed, ProtocolError
from opentalking.client.downloads import Download
from tests.support.either_client import KINDS, EitherClient
from tests.support.flaky_proxy import FlakyProxy

CONTENT = bytes(range(256)) * 8192  # 2 MiB
REST = 1_000_000


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[int]:
    """A server with one recording, one bundle that is not finished, and ranges."""
    film = tmp_path / "film.bin"
    film.write_bytes(CONTENT)

    async def recording(request: web.Request) -> web.StreamResponse:
        assert request.query["format"] in ("mp4", "vtt")
        return web.FileResponse(film)

    async def bundle(_request: web.Request) -> web.StreamResponse:
        return web.json_response({"detail": "the bundle is not finished; ask for its status"}, status=409)

    app = web.Application()
    app.router.add_get("/sessions/s/flashtalk-recording", recording)
    app.router.add_get("/sessions/s/flashtalk-offline-bundle/j/download", bundle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield runner.addresses[0][1]
    await runner.cleanup()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "downloads"
    folder.mkdir()
    return folder / "film.mp4"


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def ranges(proxy: FlakyProxy) -> list[str]:
    asked = b"".join(proxy.requests).decode().lower().split("\r\n")
    return [line.removeprefix("range: bytes=") for line in asked if line.startswith("range: ")]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_file_goes_on_where_the_connection_broke(kind: str, port: int, target: Path) -> None:
    async with FlakyProxy(port) as proxy, EitherClient(kind, proxy.url) as client:
        proxy.cut_after_bytes = [REST, REST]
        assert await client.download_recording("s", target) == target
        assert proxy.connections == 3
        starts = [int(one.removesuffix("-")) for one in ranges(proxy)]
        assert len(starts) == 2
        assert 0 < starts[0] < REST < starts[1]
    assert digest(target) == hashlib.sha256(CONTENT).hexdigest()
    assert [path.name for path in target.parent.iterdir()] == [target.name]


@pytest.mark.parametrize("kind", KINDS)
async def test_nothing_stays_behind_when_it_is_refused(kind: str, port: int, target: Path) -> None:
    async with EitherClient(kind, f"http://127.0.0.1:{port}") as client:
        with pytest.raises(Conflict, match="not finished"):
            await client.download_bundle("s", "j", target, artifact="zip")
    assert list(target.parent.iterdir()) == []


def test_it_gives_up_after_five_failures_without_progress(target: Path) -> None:
    failure = ConnectionFailed("reset")
    with Download(target) as download, pytest.raises(ConnectionFailed, match="reset"):
        download.broke(failure)
    with Download(target) as download:
        download.begin(200, {"content-length": "10"})
        assert download.broke(failure) > 0
        download.write(b"01234")
        pauses = [download.broke(failure) for _ in range(4)]
        assert pauses == sorted(pauses)
        with pytest.raises(ConnectionFailed, match="reset"):
            download.broke(failure)
    assert list(target.parent.iterdir()) == []


def test_another_file_begins_anew(target: Path) -> None:
    with Download(target) as download:
        download.begin(200, {"content-length": "10", "etag": '"one"'})
        download.write(b"01234")
        assert not download.finish()
        assert download.headers()["Range"] == "bytes=5-"
        assert download.headers()["If-Range"] == '"one"'
        download.begin(200, {"content-length": "3", "etag": '"two"'})
        download.write(b"abc")
        assert download.finish()
    assert target.read_bytes() == b"abc"


@pytest.mark.parametrize("answer", ["", "bytes 4-9/10", "bytes */10", "items 5-9/10"])
def test_another_part_than_was_asked_for_is_refused(target: Path, answer: str) -> None:
    with Download(target) as download:
        download.begin(200, {"content-length": "10"})
        download.write(b"01234")
        with pytest.raises(ProtocolError, match="another part"):
            download.begin(206, {"content-range": answer})
    assert not target.exists()


async def test_an_existing_file_is_replaced_only_by_a_whole_one(port: int, target: Path) -> None:
    await asyncio.to_thread(target.write_bytes, b"old")
    async with EitherClient("asyncio", f"http://127.0.0.1:{port}") as client:
        with pytest.raises(Conflict):
            await client.download_bundle("s", "j", target)
        assert await asyncio.to_thread(target.read_bytes) == b"old"
        await client.download_recording("s", target)
    assert digest(target) == hashlib.sha256(CONTENT).hexdigest()

"""Files are sent as they are, with their names, in forms of known length; from disk, bytes or open files."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import BodyPartReader, web

from opentalking.client import Client
from tests.support.either_client import KINDS, EitherClient

Part = tuple[str, str | None, str | None, bytes]
SOUND = bytes(range(256)) * 12_000  # 3 MB
TURN = {"session_id": "s", "status": "queued", "turn_id": "t"}


class FormServer:
    """Answers every upload and remembers its form: name, file name, media type and content of each part."""

    def __init__(self) -> None:
        self.forms: list[list[Part]] = []
        self.lengths: list[int | None] = []
        self.port = 0

    async def take(self, request: web.Request) -> web.StreamResponse:
        self.lengths.append(request.content_length)
        parts: list[Part] = []
        if request.content_type == "multipart/form-data":
            async for part in await request.multipart():
                assert isinstance(part, BodyPartReader)
                content = bytes(await part.read())
                parts.append((part.name or "", part.filename, part.headers.get("Content-Type"), content))
        self.forms.append(parts)
        job = {"job_id": "j"} if "bundle" in request.path else {}
        return web.json_response(TURN | job)


@pytest.fixture
async def forms() -> AsyncIterator[FormServer]:
    server = FormServer()
    app = web.Application(client_max_size=2**24)
    app.router.add_post("/sessions/s/{kind}", server.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.port = runner.addresses[0][1]
    yield server
    await runner.cleanup()


@pytest.mark.parametrize("kind", KINDS)
async def test_files_and_fields(kind: str, forms: FormServer, tmp_path: Path) -> None:
    path = tmp_path / "speech.wav"
    await asyncio.to_thread(path.write_bytes, SOUND)
    async with EitherClient(kind, f"http://127.0.0.1:{forms.port}") as client:
        turn = await client.speak_audio("s", file=path, voice="joe", mode="converse")
        assert (turn.turn_id, turn.text) == ("t", None)
        with await asyncio.to_thread(path.open, "rb") as opened:
            await client.speak_flashtalk_audio("s", file=opened)
            assert not opened.closed
        await client.speak_flashtalk_audio("s", audio=b"\0\1" * 10, sample_rate=24_000)
        await client.create_bundle("s", file=str(path))
    assert forms.forms == [
        [
            ("voice", None, None, b"joe"),
            ("mode", None, None, b"converse"),
            ("file", "speech.wav", "audio/x-wav", SOUND),
        ],
        [("file", "speech.wav", "audio/x-wav", SOUND)],
        [
            ("sample_rate", None, None, b"24000"),
            ("audio", "audio", "application/octet-stream", b"\0\1" * 10),
        ],
        [("file", "speech.wav", "audio/x-wav", SOUND)],
    ]
    assert all(length is not None for length in forms.lengths)


@pytest.mark.parametrize("kind", KINDS)
async def test_without_a_file_there_is_no_form(kind: str, forms: FormServer) -> None:
    async with EitherClient(kind, f"http://127.0.0.1:{forms.port}") as client:
        assert (await client.create_bundle("s")).job_id == "j"
    assert (forms.forms, forms.lengths) == ([[]], [0])


def test_a_file_that_is_not_there_is_the_callers_error(tmp_path: Path) -> None:
    with Client("http://127.0.0.1:9") as client, pytest.raises(FileNotFoundError):
        client.speak_audio("s", file=tmp_path / "nothing.wav")

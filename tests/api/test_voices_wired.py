"""Voices in the whole server, as its settings make it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from apps.api.main import create_app
from apps.api.server import make_server
from apps.unified.container import build
from opentalking.core.providers import TextToSpeech
from opentalking.settings import Environment
from tests.api.cloning import COSYVOICE, FORM, file
from tests.support.server import eventually
from tests.support.vendors.enrolment import KEY, EnrolmentService

NOTHING_WARM = {"OPENTALKING_PREWARM_AVATARS": "nobody", "OPENTALKING_LLM_PROVIDER": "builtin"}


@asynccontextmanager
async def serving(tmp_path: Path, port: int = 0, **settings: str) -> AsyncIterator[httpx.AsyncClient]:
    """The server in this process, on a port of its own."""
    fixed = {"OPENTALKING_ENV_FILE": "/nonexistent", "OPENTALKING_DATA_DIR": str(tmp_path), **NOTHING_WARM}
    made = build(Environment({**fixed, **{f"OPENTALKING_{name}": text for name, text in settings.items()}}))
    assert all(isinstance(speaker, TextToSpeech) for speaker in made.toolbox.speakers.values())
    server = make_server(create_app(made.services), "127.0.0.1", port)
    running = asyncio.create_task(server.serve())
    await asyncio.wait_for(server.ready.wait(), 20)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=20) as client:
            yield client
    finally:
        server.should_exit = True
        await asyncio.wait_for(running, 20)


async def test_a_cloned_voice_outlives_the_server_and_expired_samples_do_not(
    tmp_path: Path, unused_tcp_port: int
) -> None:
    uploads = tmp_path / "voices" / "uploads"
    async with EnrolmentService() as vendor:
        settings = {
            "TTS_DASHSCOPE_API_KEY": KEY,
            "TTS_DASHSCOPE_HTTP_URL": vendor.base_url,
            "PUBLIC_BASE_URL": f"http://127.0.0.1:{unused_tcp_port}",
        }
        async with serving(tmp_path, unused_tcp_port, **settings) as client:
            made = await client.post("/voices/clone", data=COSYVOICE | {"consent": "true"}, files=file())
            assert made.status_code == 200, made.text
            assert len(list(uploads.iterdir())) == 1
        [kept] = uploads.iterdir()
        expired = kept.with_name(f"{kept.name.split('-')[0]}-1.wav")
        kept.rename(expired)
        async with serving(tmp_path, unused_tcp_port, **settings) as client:
            await eventually(lambda: not expired.exists(), "the expired sample is swept at start")
            items = (await client.get("/voices?provider=cosyvoice")).json()["items"]
            [listed] = [item for item in items if item["source"] == "clone"]
            assert items[-1] == listed
            assert (listed["id"], listed["consent"]) == (made.json()["entry_id"], "stated")
            answer = await client.delete(f"/voices/{listed['id']}")
            assert answer.json() == {"deleted": True, "ok": True}
            assert vendor.voices == {}


async def test_settings_reach_the_cloning(tmp_path: Path) -> None:
    async with serving(tmp_path, REQUIRE_CONSENT="true", VOICES_DIR=str(tmp_path / "elsewhere")) as client:
        answer = await client.post("/voices/clone", data=FORM, files=file())
        assert (answer.status_code, "consent=true" in answer.text) == (400, True)
        answer = await client.post(
            "/voices/clone", data=FORM | {"consent": "true", "provider": "local"}, files=file()
        )
        assert (answer.status_code, "pip install 'pocket-tts" in answer.text) == (400, True)
        answer = await client.post("/voices/clone", data=COSYVOICE | {"consent": "true"}, files=file())
        assert (answer.status_code, "OPENTALKING_PUBLIC_BASE_URL" in answer.text) == (400, True)
        answer = await client.post("/voices/clone", data=FORM | {"consent": "true"}, files=file())
        assert (answer.status_code, "OPENTALKING_TTS_DASHSCOPE_API_KEY" in answer.text) == (502, True)
    assert (tmp_path / "opentalking.sqlite3").is_file()


@pytest.fixture
async def unused_tcp_port() -> int:
    server = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return port

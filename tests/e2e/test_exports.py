"""Offline bundles of a real server: what was said becomes a film, whoever leaves or dies meanwhile."""

import asyncio
import io
import os
import signal
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
import pytest

from opentalking.core.media import SAMPLES_PER_FRAME
from tests.support.api_client import ApiSession
from tests.support.clicks import click_file, film_of, read_wav
from tests.support.figures import Measured
from tests.support.listen import Listener, word_error_rate
from tests.support.llm_server import FakeLlm
from tests.support.server import RunningServer, eventually

SENTENCES = (
    "The weather was too bad for flying.",
    "Please send me the report by Friday afternoon.",
)
SECONDS = 60.0


class Job:
    """One job of a session, seen from outside."""

    def __init__(self, http: httpx.AsyncClient, session_id: str, job_id: str) -> None:
        self._http = http
        self._path = f"/sessions/{session_id}/flashtalk-offline-bundle/{job_id}"

    async def status(self) -> dict[str, Any]:
        answer = await self._http.get(self._path)
        assert answer.status_code == 200, answer.text
        seen: dict[str, Any] = answer.json()
        return seen

    async def until(self, *statuses: str, progress: float = 0.0) -> dict[str, Any]:
        async with asyncio.timeout(SECONDS):
            while True:
                seen = await self.status()
                if seen["status"] in statuses and seen["progress"] >= progress:
                    return seen
                assert seen["status"] in ("queued", "processing"), seen
                await asyncio.sleep(0.05)

    async def download(self, artifact: str) -> bytes:
        answer = await self._http.get(f"{self._path}/download", params={"artifact": artifact})
        assert answer.status_code == 200, answer.text
        return answer.content


def has_ended(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


async def test_what_was_said_becomes_a_film_though_its_session_ends(
    server: RunningServer, listener: Listener, tmp_path: Path, measured: Measured
) -> None:
    async with httpx.AsyncClient(base_url=server.url, timeout=SECONDS) as http:
        async with ApiSession(server.url) as session:
            for text in SENTENCES:
                await session.ended(await session.speak(text))
            answer = await http.post(f"/sessions/{session.id}/flashtalk-offline-bundle")
            assert answer.status_code == 200, answer.text
            job = Job(http, session.id, answer.json()["job_id"])
            await job.until("processing")
        gone = await http.get(f"/sessions/{session.id}")
        assert gone.status_code == 404
        assert (await job.status())["status"] == "processing"
        await job.until("done")
        movie = film_of(await job.download("bundle"), tmp_path)
        silent = film_of(await job.download("video"), tmp_path)
        channels, width, rate, pcm = read_wav(await job.download("audio"))
        packed = await job.download("zip")
    assert (channels, width, rate) == (1, 2, 48_000)
    assert len(pcm) == len(movie.times) * SAMPLES_PER_FRAME
    assert abs(movie.duration - len(pcm) / rate) < 0.001
    assert (movie.codecs, silent.codecs) == (["h264", "aac"], ["h264"])
    assert len(silent.times) == len(movie.times)
    heard = await asyncio.to_thread(listener.transcribe, movie.sound, movie.rate)
    errors = word_error_rate([" ".join(SENTENCES)], [heard])
    measured("words wrong in an offline bundle", f"{errors:.0%}: {heard}")
    assert errors <= 0.15, heard
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        subtitles = archive.read("subtitles.vtt").decode()
    cues = [line for line in subtitles.splitlines()[1:] if line and "-->" not in line]
    assert " ".join(cues) == " ".join(SENTENCES)
    # The lips move while somebody speaks, and rest between.
    assert float(np.std(np.diff(movie.brightness))) > 0


@pytest.mark.timeout(240)  # it starts two servers
async def test_a_killed_server_takes_its_job_along_and_says_so_when_it_is_back(
    base_settings: Mapping[str, str], shared_llm: FakeLlm, tmp_path: Path
) -> None:
    settings = {
        **base_settings,
        "OPENTALKING_LLM_BASE_URL": shared_llm.base_url,
        "OPENTALKING_FLASHTALK_RECORDINGS_DIR": str(tmp_path / "recordings"),
    }
    async with RunningServer(settings, tmp_path) as server:
        async with httpx.AsyncClient(base_url=server.url, timeout=SECONDS) as http:
            made = await http.post("/sessions", json={"avatar_id": "demo-avatar", "model": "mock"})
            session_id = made.json()["session_id"]
            answer = await http.post(
                f"/sessions/{session_id}/flashtalk-offline-bundle", files={"file": click_file(120.0, 1.0)}
            )
            job_id = answer.json()["job_id"]
            await Job(http, session_id, job_id).until("processing", progress=0.01)
        rendering = psutil.Process(server.engine_pid("render"))
        os.kill(server.pid, signal.SIGKILL)
        await eventually(lambda: has_ended(rendering), "the job process has ended")
        await server.kill()
    async with (
        RunningServer(settings, tmp_path) as server,
        httpx.AsyncClient(base_url=server.url, timeout=SECONDS) as http,
    ):
        status = await Job(http, session_id, job_id).status()
        assert (status["status"], status["state"]) == ("error", "failed")
        assert "restarted" in status["error"]
        left = await asyncio.to_thread(
            lambda: [path.name for path in tmp_path.glob("recordings/*/bundles/*/*")]
        )
        assert left == ["job.json"]

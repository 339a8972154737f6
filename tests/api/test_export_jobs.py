"""Jobs of offline bundles: who waits for whom, what survives what, and what a failure leaves."""

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from opentalking.core.media import MEDIA_RATE
from opentalking.media import said
from opentalking.services.retention import Retention, RetentionLimits
from tests.api.harness import new_session
from tests.api.studio import Studio, says, studio, tone
from tests.support.clicks import click_file, film_of


@pytest.fixture
async def film(tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio(tmp_path) as made:
        yield made


def no_paths(text: str, folder: Path) -> bool:
    return str(folder) not in text and "/secret" not in text and ".wav" not in text and "/tmp" not in text  # noqa: S108


async def test_jobs_of_a_session_run_one_at_a_time_and_sessions_take_turns(film: Studio) -> None:
    busy, other = await new_session(film.client, model="mock"), await new_session(film.client, model="mock")
    sound = click_file(1.0)
    jobs = [await film.begin(busy, sound) for _ in range(5)]
    refused = await film.post(busy, sound)
    assert (refused.status_code, int(refused.headers["retry-after"]) > 0) == (503, True)
    guest = await film.begin(other, sound)
    await film.until(busy, jobs[0], "processing")
    waiting = await film.status(busy, jobs[1])
    assert (waiting["status"], waiting["state"], waiting["progress"]) == ("queued", "pending", 0)
    assert (await film.download(busy, jobs[1], "bundle")).status_code == 409
    film.go()
    await film.until(other, guest, "done")
    assert (await film.status(busy, jobs[4]))["status"] == "queued"
    for job in jobs:
        await film.until(busy, job, "done")
    assert (await film.post(busy, sound)).status_code == 200


async def test_all_sessions_together_fill_the_queue(tmp_path: Path) -> None:
    async with studio(tmp_path, waiting=1) as film:
        sessions = [await new_session(film.client, model="mock") for _ in range(3)]
        sound = click_file(1.0)
        first, second = await film.begin(sessions[0], sound), await film.begin(sessions[1], sound)
        refused = await film.post(sessions[2], sound)
        assert (refused.status_code, "too many jobs" in refused.text) == (503, True)
        bad = await film.post(sessions[2], b"junk" * 100)
        assert bad.status_code == 503  # state comes before content
        film.go()
        await film.until(sessions[1], second, "done")
        assert (await film.status(sessions[0], first))["status"] == "done"
        assert (await film.post(sessions[2], b"junk" * 100)).status_code == 400
        assert (await film.post(sessions[2], sound)).status_code == 200


async def test_a_job_outlives_its_session(film: Studio) -> None:
    session_id = await new_session(film.client, model="mock")
    film.api.worker.copy_said = says(film.recordings, (MEDIA_RATE, [tone(1.0, "Goodbye.")]))
    job_id = (await film.post(session_id)).json()["job_id"]
    waiting = (await film.post(session_id)).json()["job_id"]
    await film.until(session_id, job_id, "processing")
    assert (await film.client.delete(f"/sessions/{session_id}")).status_code == 200
    said.forget(said.session_folder(film.recordings, session_id))
    film.go()
    for job in (job_id, waiting):
        await film.until(session_id, job, "done")
        movie = film_of((await film.download(session_id, job, "bundle")).content, film.folder)
        assert np.abs(movie.sound).max() > 0.2
    assert (await film.post(session_id)).status_code == 404


@pytest.mark.parametrize(
    ("face", "reason"),
    [
        ("dies", "ended before its work did (code 3)"),
        ("stalls", "made no progress for 2 s"),
        ("refuses", "the face is tired"),
        ("stumbles", "No such file or directory"),
        ("breaks", "rendering failed"),
        ("absent", "absent is not installed"),
    ],
)
async def test_a_job_that_fails_says_why_and_leaves_nothing(tmp_path: Path, face: str, reason: str) -> None:
    async with studio(tmp_path, face, stall_seconds=2.0) as film:
        session_id = await new_session(film.client)
        job_id = await film.begin(session_id, click_file(3.0, 1.0))
        *_, last = await film.until(session_id, job_id, "done", "error")
        assert (last["status"], last["state"]) == ("error", "failed")
        assert reason in last["error"]
        assert last["message"] == last["error"]
        assert no_paths(json.dumps(last), tmp_path)
        missing = await film.download(session_id, job_id, "bundle")
        assert (missing.status_code, "failed" in missing.text) == (409, True)
        folder = said.job_folder(film.recordings, session_id, job_id)
        assert [path.name for path in folder.iterdir()] == ["job.json"]
        # The queue goes on.
        film.go()
        healthy = await new_session(film.client, model="mock")
        await film.until(healthy, await film.begin(healthy, click_file(0.5)), "done")


async def test_a_killed_job_process_fails_its_job_only(film: Studio) -> None:
    session_id = await new_session(film.client, model="mock")
    job_id, next_id = [await film.begin(session_id, click_file(1.0)) for _ in range(2)]
    await film.until(session_id, job_id, "processing")
    await film.moving(session_id, job_id)
    [child] = psutil.Process().children()
    child.kill()
    *_, last = await film.until(session_id, job_id, "error")
    assert "code -9" in last["error"]
    film.go()
    await film.until(session_id, next_id, "done")


async def test_a_job_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    async with studio(tmp_path, job_seconds=1.5) as film:
        session_id = await new_session(film.client, model="mock")
        job_id = await film.begin(session_id, click_file(1.0))
        *_, last = await film.until(session_id, job_id, "error")
        assert "longer than 1.5 s" in last["error"]
        assert not psutil.Process().children()


async def test_a_model_that_cannot_be_rendered_offline_says_so(tmp_path: Path) -> None:
    async with studio(tmp_path, plugins={}) as film:
        session_id = await new_session(film.client)
        job_id = await film.begin(session_id, click_file(0.5))
        *_, last = await film.until(session_id, job_id, "error")
        assert last["error"] == "model portrait cannot be rendered offline on this server"


async def test_a_restart_fails_what_was_unfinished_and_keeps_what_was_done(tmp_path: Path) -> None:
    async with studio(tmp_path) as film:
        session_id = await new_session(film.client)
        done = await film.begin(session_id, click_file(0.5))
        await film.until(session_id, done, "done")
        slow = await new_session(film.client, model="mock")
        running, waiting = await film.begin(slow, click_file(1.0)), await film.begin(slow, click_file(1.0))
        await film.until(slow, running, "processing")
        film.api.worker.copy_said = says(film.recordings, (MEDIA_RATE, [tone(1.0, "Gone.")]))
        await film.post(session_id)
        whole = (await film.download(session_id, done, "bundle")).content
    assert not psutil.Process().children()
    async with studio(tmp_path) as film:
        for job_id in (running, waiting):
            status = await film.status(slow, job_id)
            assert (status["status"], status["state"]) == ("error", "failed")
            assert "restarted" in status["error"]
            folder = said.job_folder(film.recordings, slow, job_id)
            assert [path.name for path in folder.iterdir()] == ["job.json"]
        assert (await film.download(session_id, done, "bundle")).content == whole
        assert (await film.status(session_id, done))["progress"] == 1
        assert not said.session_folder(film.recordings, session_id).exists()


async def test_retention_spares_jobs_that_run_and_takes_those_that_are_done(film: Studio) -> None:
    session_id = await new_session(film.client, model="mock")
    running, waiting = [await film.begin(session_id, click_file(1.0)) for _ in range(2)]
    await film.until(session_id, running, "processing")
    sweep = Retention(
        film.recordings,
        RetentionLimits(seconds=3600),
        in_use=film.api.services.exports.in_use,
        time=lambda: time.time() + 24 * 3600,
    ).sweep
    assert await sweep() == 0
    film.go()
    for job_id in (running, waiting):
        await film.until(session_id, job_id, "done")
    assert await sweep() == 2
    url = f"/sessions/{session_id}/flashtalk-offline-bundle/{running}"
    assert (await film.client.get(url)).status_code == 404
    assert (await film.client.get(f"{url}/download")).status_code == 404

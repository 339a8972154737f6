"""The routes of recordings: files and status by format and Accept, ranges, and every refusal."""

from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from apps.api.downloads import Download
from apps.api.errors import install_error_handlers
from opentalking.core.commands import GetRecording, Recorded, StartRecording, StopRecording
from opentalking.core.errors import Conflict, Unavailable
from opentalking.core.recordings import RecordingFiles
from tests.api.harness import Api, new_session

FILM = bytes(range(256)) * 40
COMPLETE = Recorded(state="complete", duration_ms=1234)
JSON = {"Accept": "application/json"}


def path_of(session_id: str) -> str:
    return f"/sessions/{session_id}/flashtalk-recording"


async def finished(client: httpx.AsyncClient, api: Api, folder: Path) -> str:
    """A session whose recording is complete; its id."""
    session_id = await new_session(client)
    files = RecordingFiles(folder / "recordings", session_id)
    files.folder.mkdir(parents=True)
    files.film.write_bytes(FILM)
    files.subtitles.write_text("WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n你好\n\n", encoding="utf-8")
    api.worker.recorded = COMPLETE
    return session_id


async def test_start_and_stop_go_to_the_worker(client: httpx.AsyncClient, api: Api) -> None:
    session_id = await new_session(client)
    started = await client.post(f"{path_of(session_id)}/start")
    assert (started.status_code, started.json()) == (200, {"session_id": session_id, "status": "recording"})
    for _ in range(2):
        stopped = await client.post(f"{path_of(session_id)}/stop")
        assert (stopped.status_code, stopped.json()) == (200, {"session_id": session_id, "status": "stopped"})
    assert api.worker.commands()[1:] == [
        StartRecording(session_id=session_id),
        StopRecording(session_id=session_id),
        StopRecording(session_id=session_id),
    ]


async def test_the_film_is_an_attachment_with_ranges(
    client: httpx.AsyncClient, api: Api, tmp_path: Path
) -> None:
    session_id = await finished(client, api, tmp_path)
    whole = await client.get(path_of(session_id))
    assert whole.status_code == 200
    assert whole.content == FILM
    assert whole.headers["content-type"] == "video/mp4"
    assert whole.headers["accept-ranges"] == "bytes"
    assert whole.headers["content-disposition"] == f'attachment; filename="{session_id}_recording.mp4"'
    part = await client.get(path_of(session_id), headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, FILM[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(FILM)}"
    end = await client.get(path_of(session_id), headers={"Range": "bytes=-10"})
    assert (end.status_code, end.content) == (206, FILM[-10:])
    beyond = await client.get(path_of(session_id), headers={"Range": f"bytes={len(FILM)}-"})
    assert beyond.status_code == 416
    assert beyond.headers["content-range"] == f"bytes */{len(FILM)}"
    assert isinstance(beyond.json()["detail"], str)
    for wanted in ("0-" + "9" * 5000, "9" * 5000 + "-" + "9" * 5000, "5-4", "-", "x"):
        ignored = await client.get(path_of(session_id), headers={"Range": f"bytes={wanted}"})
        assert (ignored.status_code, ignored.content) == (200, FILM)


async def test_a_file_that_is_deleted_as_it_is_asked_for_is_not_found(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(FILM)
    app = FastAPI()
    install_error_handlers(app)

    @app.get("/")
    async def race() -> Download:
        film.unlink()
        return Download(film, media_type="video/mp4")

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        answer = await client.get("/")
    assert answer.status_code == 404
    assert "deleted" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("query", "accept", "media_type"),
    [
        ("", "*/*", "video/mp4"),
        ("", "video/mp4, */*;q=0.5", "video/mp4"),
        ("", "application/json", "application/json"),
        ("", "text/html, Application/JSON; q=0.9", "application/json"),
        ("", "application/json;q=0, */*", "video/mp4"),
        ("", "application/*", "video/mp4"),
        ("?format=mp4", "application/json", "video/mp4"),
        ("?format=", "application/json", "application/json"),
        ("?format=json", "*/*", "application/json"),
        ("?format=vtt", "application/json", "text/vtt; charset=utf-8"),
    ],
)
async def test_format_beats_accept(
    client: httpx.AsyncClient, api: Api, tmp_path: Path, query: str, accept: str, media_type: str
) -> None:
    session_id = await finished(client, api, tmp_path)
    answer = await client.get(path_of(session_id) + query, headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == media_type
    if query == "?format=vtt":
        assert "你好" in answer.text


async def test_the_status_names_the_film_where_it_was_asked_for(
    client: httpx.AsyncClient, api: Api, tmp_path: Path
) -> None:
    session_id = await finished(client, api, tmp_path)
    for prefix in ("", "/api"):
        answer = await client.get(prefix + path_of(session_id), headers=JSON)
        url = f"{prefix}{path_of(session_id)}?format=mp4"
        assert answer.json() == {"state": "complete", "artifact_url": url, "duration_ms": 1234}
        assert (await client.get(url)).content == FILM


@pytest.mark.parametrize("state", ["idle", "recording"])
async def test_what_is_not_complete_cannot_be_downloaded(
    client: httpx.AsyncClient, api: Api, tmp_path: Path, state: str
) -> None:
    session_id = await finished(client, api, tmp_path)
    api.worker.recorded = Recorded.model_validate({"state": state, "duration_ms": 40})
    for query in ("", "?format=mp4", "?format=vtt"):
        answer = await client.get(path_of(session_id) + query)
        assert (answer.status_code, answer.json()) == (404, {"detail": "recording not ready"})
    status = await client.get(path_of(session_id), headers=JSON)
    assert status.json() == {"state": state, "artifact_url": None, "duration_ms": 40}
    assert GetRecording(session_id=session_id) in api.worker.commands()


async def test_a_film_that_retention_deleted_is_not_ready(
    client: httpx.AsyncClient, api: Api, tmp_path: Path
) -> None:
    session_id = await finished(client, api, tmp_path)
    RecordingFiles(tmp_path / "recordings", session_id).film.unlink()
    answer = await client.get(path_of(session_id))
    assert (answer.status_code, answer.json()) == (404, {"detail": "recording not ready"})


async def test_refusals(client: httpx.AsyncClient, api: Api) -> None:
    session_id = await new_session(client)
    unknown = await client.get(f"{path_of(session_id)}?format=avi")
    assert unknown.status_code == 400
    assert "format must be" in unknown.json()["detail"]
    assert (await client.post(f"{path_of('nobody')}/start")).status_code == 404
    assert (await client.post(f"{path_of('nobody')}/stop")).status_code == 404
    assert (await client.get(path_of("nobody"))).json() == {"detail": "session not found"}
    api.worker.refuse["start_recording"] = Conflict("the session is initializing")
    assert (await client.post(f"{path_of(session_id)}/start")).status_code == 409
    api.worker.refuse["start_recording"] = Unavailable(
        "the recording cannot be written (Disk quota exceeded)"
    )
    full = await client.post(f"{path_of(session_id)}/start")
    assert full.status_code == 503
    assert "Disk quota" in full.json()["detail"]
    await client.delete(f"/sessions/{session_id}")
    for answer in (
        await client.get(path_of(session_id), headers=JSON),
        await client.post(f"{path_of(session_id)}/stop"),
    ):
        assert (answer.status_code, answer.json()) == (404, {"detail": "session not found"})

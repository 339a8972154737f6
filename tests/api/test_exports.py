"""Offline bundles over the API: what comes out, and what is refused."""

import io
import json
import zipfile
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from apps.api.deps import ApiLimits
from opentalking.core.commands import Touch
from opentalking.core.media import MEDIA_RATE, SAMPLES_PER_FRAME, PhonemeTiming, WordTiming
from opentalking.core.sessions import SessionState
from tests.api.harness import new_session
from tests.api.studio import Studio, says, studio, tone
from tests.support.clicks import click_file, film_of, offsets, read_wav

AAC_SAMPLES = 1024
"""A decoder that does not trim the end plays the last AAC frame whole."""
GONE = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
async def film(tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio(tmp_path) as made:
        yield made


async def test_a_sound_file_becomes_a_film_with_everything_in_step(film: Studio) -> None:
    session_id = await new_session(film.client)
    job_id = await film.begin(session_id, click_file(3.0, 0.5, 1.3, 2.7))
    seen = await film.until(session_id, job_id, "done", "error")
    assert seen[-1] == {
        "session_id": session_id,
        "job_id": job_id,
        "status": "done",
        "state": "complete",
        "progress": 1.0,
        "error": None,
        "message": "ready to download",
    }
    bundle = await film.download(session_id, job_id, "bundle")
    assert bundle.headers["content-type"] == "video/mp4"
    assert bundle.headers["content-disposition"] == f'attachment; filename="{job_id}_bundle.mp4"'
    movie = film_of(bundle.content, film.folder)
    assert movie.codecs == ["h264", "aac"]
    assert (len(movie.times), movie.duration, movie.rate) == (75, 3.0, MEDIA_RATE)
    assert 0 <= len(movie.sound) - 3 * MEDIA_RATE < AAC_SAMPLES
    assert b"trainedAlgorithmicMedia" in bundle.content
    apart = offsets(movie)
    assert len(apart) == 3
    # A picture is shown from the beginning of its 40 ms of sound on; each click lies in the middle of some.
    assert [round(seconds, 3) for seconds in apart] == [-0.02] * 3

    sound = await film.download(session_id, job_id, "audio")
    assert sound.headers["content-type"] == "audio/wav"
    channels, width, rate, pcm = read_wav(sound.content)
    assert (channels, width, rate, len(pcm)) == (1, 2, 48_000, 3 * MEDIA_RATE)
    silent = await film.download(session_id, job_id, "video")
    assert b"trainedAlgorithmicMedia" in silent.content
    pictures = film_of(silent.content, film.folder)
    assert pictures.codecs == ["h264"]
    assert np.array_equal(pictures.brightness, movie.brightness)


async def test_the_zip_holds_everything_and_names_no_place(film: Studio) -> None:
    session_id = await new_session(film.client)
    job_id = await film.begin(session_id, click_file(1.0, 0.5))
    await film.until(session_id, job_id, "done")
    packed = await film.download(session_id, job_id, "zip")
    assert packed.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        assert archive.testzip() is None
        assert set(archive.namelist()) == {"bundle.mp4", "audio.wav", "video.mp4", "metadata.json"}
        metadata = json.loads(archive.read("metadata.json"))
        for name, artifact in (("bundle.mp4", "bundle"), ("audio.wav", "audio"), ("video.mp4", "video")):
            assert archive.read(name) == (await film.download(session_id, job_id, artifact)).content
    assert metadata["provenance"]["digital_source_type"].endswith("/trainedAlgorithmicMedia")
    assert (metadata["duration_ms"], metadata["frames"]) == (1000, 25)
    assert metadata["avatar_id"] == "demo-avatar"
    assert "/" not in json.dumps(metadata["files"])
    assert str(film.folder) not in json.dumps(metadata)


async def test_downloads_come_in_ranges(film: Studio) -> None:
    session_id = await new_session(film.client)
    job_id = await film.begin(session_id, click_file(1.0, 0.5))
    await film.until(session_id, job_id, "done")
    whole = (await film.download(session_id, job_id, "bundle")).content
    part = await film.download(session_id, job_id, "bundle", range="bytes=100-199")
    assert (part.status_code, part.content) == (206, whole[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(whole)}"
    end = await film.download(session_id, job_id, "bundle", range="bytes=-50")
    assert (end.status_code, end.content) == (206, whole[-50:])
    beyond = await film.download(session_id, job_id, "bundle", range=f"bytes={len(whole)}-")
    assert beyond.status_code == 416
    assert "beyond" in beyond.json()["detail"]
    assert beyond.headers["content-range"] == f"bytes */{len(whole)}"
    for nonsense in ("bytes=9-2", "lines=1-2", "bytes", "bytes=a-b"):
        ignored = await film.download(session_id, job_id, "bundle", range=nonsense)
        assert (ignored.status_code, ignored.content) == (200, whole), nonsense


async def test_progress_moves_and_never_falls(film: Studio) -> None:
    session_id = await new_session(film.client, model="mock")
    job_id = await film.begin(session_id, click_file(20.0, 1.0))
    halted = await film.until(session_id, job_id, "processing")
    now = await film.moving(session_id, job_id)
    assert now | {"progress": 0, "session_id": "", "job_id": ""} == {
        "session_id": "",
        "job_id": "",
        "status": "processing",
        "state": "running",
        "progress": 0,
        "error": None,
        "message": "rendering",
    }
    assert 0 < now["progress"] < 0.1
    early = await film.download(session_id, job_id, "bundle")
    assert early.status_code == 409
    film.go()
    seen = [*halted, now, *await film.until(session_id, job_id, "done")]
    assert len([command for command in film.api.worker.seen if isinstance(command, Touch)]) >= 3
    shares = [status["progress"] for status in seen]
    assert all(one <= two for one, two in pairwise(shares))
    assert {("queued", "pending"), ("processing", "running"), ("done", "complete")} >= {
        (status["status"], status["state"]) for status in seen
    }


async def test_a_form_without_sound_is_refused_and_leaves_nothing(film: Studio) -> None:
    session_id = await new_session(film.client)
    url = f"/sessions/{session_id}/flashtalk-offline-bundle"
    empty = await film.client.post(url, files={"other": ("a", b"x")})
    assert (empty.status_code, "file or audio is required" in empty.text) == (400, True)
    blank = await film.client.post(url, files={"file": ("a.wav", b"")})
    assert (blank.status_code, "is empty" in blank.text) == (400, True)
    junk = await film.client.post(url, files={"file": ("a.wav", b"this is no sound at all" * 100)})
    assert junk.status_code == 400
    text = await film.client.post(url, files={"audio": ("a.txt", b"this is no sound", "text/plain")})
    assert text.status_code == 400
    rate = await film.client.post(url, files={"audio": ("a", b"12" * 9000)}, data={"sample_rate": "7"})
    assert (rate.status_code, "sample_rate" in rate.text) == (400, True)
    assert not list(film.recordings.rglob("*"))


async def test_raw_sound_is_taken_in_the_field_audio(film: Studio) -> None:
    session_id = await new_session(film.client)
    url = f"/sessions/{session_id}/flashtalk-offline-bundle"
    pcm = np.zeros(16_000, "<i2").tobytes()
    for form, kind, seconds in (
        ({"sample_rate": "8000"}, "text/plain", 2),
        ({"sample_rate": ""}, "audio/pcm", 1),
    ):
        answer = await film.client.post(url, files={"audio": ("a", pcm, kind)}, data=form)
        assert answer.status_code == 200, answer.text
        job_id = answer.json()["job_id"]
        await film.until(session_id, job_id, "done")
        *_, heard = read_wav((await film.download(session_id, job_id, "audio")).content)
        assert len(heard) == pytest.approx(seconds * MEDIA_RATE, abs=SAMPLES_PER_FRAME)


async def test_too_large_and_too_long_sound_is_refused(tmp_path: Path) -> None:
    async with studio(tmp_path, sound_seconds=2.0) as film:
        session_id = await new_session(film.client)
        long = await film.post(session_id, click_file(2.5, 1.0))
        assert (long.status_code, "longer than 2 s" in long.text) == (413, True)
        film.api.services.limits = ApiLimits(audio_bytes=30_000)
        large = await film.post(session_id, click_file(1.5, 1.0))
        assert (large.status_code, "larger than 30000 bytes" in large.text) == (413, True)
        assert not list(film.recordings.rglob("*"))


async def test_who_is_not_there_has_no_jobs(film: Studio) -> None:
    session_id, other = await new_session(film.client), await new_session(film.client)
    job_id = await film.begin(session_id, click_file(0.5))
    await film.until(session_id, job_id, "done")
    assert (await film.post(GONE, click_file(0.5))).status_code == 404
    assert (await film.post(GONE)).status_code == 404
    closing = await new_session(film.client)
    await film.api.worker.move(closing, SessionState.CLOSING)
    assert (await film.post(closing, click_file(0.5))).status_code == 404
    pairs = [(other, job_id), (session_id, GONE), (GONE, job_id), ("x", job_id), (session_id, "x")]
    for session, job in [*pairs, (session_id, "%2e%2e"), ("%2e%2e", job_id), (session_id, "a%00")]:
        for path in ("", "/download", "/download?artifact=zip"):
            url = f"/sessions/{session}/flashtalk-offline-bundle/{job}{path}"
            assert (await film.client.get(url)).status_code == 404, url
    unnamed = await film.download(session_id, job_id, "")
    assert unnamed.headers["content-disposition"] == f'attachment; filename="{job_id}_bundle.mp4"'
    wrong = await film.download(session_id, job_id, "poster")
    assert (wrong.status_code, "artifact" in wrong.text) == (400, True)
    plain = await film.client.get(f"/api/sessions/{session_id}/flashtalk-offline-bundle/{job_id}/download")
    assert plain.headers["content-type"] == "video/mp4"


async def test_what_was_said_becomes_a_film_with_pauses_and_subtitles(film: Studio) -> None:
    session_id = await new_session(film.client)
    nothing = await film.post(session_id)
    assert (nothing.status_code, "said nothing" in nothing.text) == (409, True)
    url = f"/sessions/{session_id}/flashtalk-offline-bundle"
    no_forms: list[dict[str, Any]] = [
        {"json": {}},
        {"data": {}},
        {"content": b"", "headers": {"content-type": "text/plain"}},
    ]
    for empty in no_forms:
        assert (await film.client.post(url, **empty)).status_code == 409  # no form is no body
    words = (WordTiming("Well", 0, 4, 0.1, 0.4), WordTiming("then", 5, 9, 0.5, 0.9))
    film.api.worker.copy_said = says(
        film.recordings,
        (MEDIA_RATE, [tone(1.0, "Hello <you> & me. ", phonemes=(PhonemeTiming("a", 0, 1),))]),
        (MEDIA_RATE * 6 // 10, [tone(1.0, "Well then", words=words), tone(1.0, "never heard")]),
    )
    answer = await film.post(session_id)
    assert answer.status_code == 200, answer.text
    job_id = answer.json()["job_id"]
    await film.until(session_id, job_id, "done")
    movie = film_of((await film.download(session_id, job_id, "bundle")).content, film.folder)
    assert len(movie.times) == 25 + 15 + 15
    assert movie.duration == 2.2
    assert 0 <= len(movie.sound) - 55 * SAMPLES_PER_FRAME < AAC_SAMPLES
    *_, pcm = read_wav((await film.download(session_id, job_id, "audio")).content)
    loud = [bool(np.abs(second).max() > 5000) for second in np.array_split(pcm, 55)]
    assert loud == [True] * 25 + [False] * 15 + [True] * 15
    with zipfile.ZipFile(io.BytesIO((await film.download(session_id, job_id, "zip")).content)) as archive:
        subtitles = archive.read("subtitles.vtt").decode()
    assert subtitles.startswith("WEBVTT\n\n")
    assert "00:00:00.000 --> 00:00:01.000\nHello &lt;you&gt; &amp; me.\n" in subtitles
    assert "00:00:01.600 --> 00:00:02.200\nWell\n" in subtitles
    assert "never" not in subtitles

"""The Python client against a real server, from an uploaded sound to the finished video of it."""

import asyncio
import time
from pathlib import Path

import av
import pytest

from opentalking.client import BadRequest, Client, Conflict, NotFound
from opentalking.core.events import SpeechEndedEvent
from tests.support.server import RunningServer

SECONDS = 60


def ended(client: Client, session_id: str, turn_id: str, last_event_id: str) -> SpeechEndedEvent:
    """The end of a turn, read from an id before it."""
    with client.events(session_id, last_event_id=last_event_id, timeout_seconds=SECONDS) as events:
        return next(
            event for event in events if isinstance(event, SpeechEndedEvent) and event.turn_id == turn_id
        )


def bundle(client: Client, session_id: str, job_id: str, folder: Path) -> list[Path]:
    """Wait for a bundle's job; its files."""
    deadline = time.monotonic() + SECONDS
    with pytest.raises(Conflict, match="not"):
        client.download_bundle(session_id, job_id, folder / "early.mp4")
    while (job := client.get_bundle(session_id, job_id)).status not in ("done", "error"):
        assert time.monotonic() < deadline, job
        time.sleep(0.1)
    assert (job.status, job.progress, job.error) == ("done", 1.0, None)
    return [
        client.download_bundle(session_id, job_id, folder / f"{artifact}.bin", artifact=artifact)
        for artifact in ("bundle", "zip", "audio", "video")
    ]


def use_it(url: str, folder: Path) -> None:
    with Client(url) as client:
        speech = folder / "speech.wav"
        speech.write_bytes(client.preview_voice("Hello from a file."))
        session_id = client.create_session("demo-avatar", "mock").session_id
        with client.events(session_id) as events:
            events.wait_until_ready()
            before = events.last_event_id
        turn = client.speak_flashtalk_audio(session_id, file=speech)
        assert ended(client, session_id, turn.turn_id, before).reason == "completed"
        with pytest.raises(BadRequest):
            client.speak_audio(session_id, file=b"no sound", mode="play")

        job = client.create_bundle(session_id, file=speech)
        client.delete_session(session_id)
        film, archive, sound, silent = bundle(client, session_id, job.job_id, folder)
        with av.open(str(film)) as opened:
            assert {stream.type for stream in opened.streams} == {"video", "audio"}
        with av.open(str(silent)) as opened:
            assert {stream.type for stream in opened.streams} == {"video"}
        assert archive.read_bytes()[:2] == b"PK"
        assert sound.read_bytes()[:4] == b"RIFF"
        with pytest.raises(NotFound):
            client.get_session(session_id)


async def test_from_a_sound_to_its_video(server: RunningServer, tmp_path: Path) -> None:
    await asyncio.to_thread(use_it, server.url, tmp_path)
    left = await asyncio.to_thread(lambda: [path.name for path in tmp_path.glob("*.part")])
    assert left == []

"""Recordings of a real server: what the visitor saw and heard, in sync, across reconnects and a kill."""

import asyncio
import os
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import httpx
import numpy as np
from numpy.typing import NDArray

from opentalking.core.recordings import RecordingFiles
from tests.support.api_client import ApiSession
from tests.support.figures import Measured
from tests.support.films import Film, loud_spans, pictures_of, read_film, xmp_of
from tests.support.rtc_client import RtcClient, Sound
from tests.support.senses import DEMO_MOUTH
from tests.support.server import RunningServer

OPEN_TEXT = "Are all our apples over there? Mama, papa, banana."
"""It begins with an open mouth."""
LONG_TEXT = "The quick brown fox jumps over the lazy dog near the river bank, and then it runs away."
MOVED = 5.0
"""Change of a mouth pixel between two pictures, of 255; sway, breath and the codec make less than 3."""
KILL_LOSES_SECONDS = 1.5


async def begin(session: ApiSession) -> float:
    """Start recording; when that was."""
    answer = await session.post("flashtalk-recording/start")
    assert answer.status_code == 200, answer.text
    return time.monotonic()


async def end(session: ApiSession, folder: Path) -> tuple[float, Path]:
    """Stop, which takes at most 5 s, and download: when it was stopped, and the film."""
    at = time.monotonic()
    stopped = await session.post("flashtalk-recording/stop")
    assert (stopped.status_code, stopped.json()["status"]) == (200, "stopped")
    assert time.monotonic() - at < 5
    film = await session.http.get(f"/sessions/{session.id}/flashtalk-recording")
    assert film.status_code == 200, film.text
    path = folder / f"{session.id}.mp4"
    path.write_bytes(film.content)
    return at, path


def likeness(film: Film, sounds: Sequence[Sound]) -> float:
    """Correlation of the film's sound with what a peer received, at the shift where it is greatest."""
    received = np.concatenate([sound.samples for sound in sounds]).astype(np.float64)
    size = 1 << (len(received) + len(film.sound)).bit_length()
    products = np.fft.irfft(np.fft.rfft(received, size) * np.fft.rfft(film.sound, size).conj())
    return float(products.max() / np.linalg.norm(received) / np.linalg.norm(film.sound))


def first_move(pictures: Sequence[NDArray[np.uint8]], begin: int) -> int:
    """The first picture from number `begin` on in which the mouth moves."""
    height, width = pictures[0].shape[0] * 2 // 3, pictures[0].shape[1]
    x, y, w, h = DEMO_MOUTH
    rows = slice(round(y * height), round((y + h) * height))
    columns = slice(round(x * width), round((x + w) * width))
    mouths = np.array([picture[rows, columns] for picture in pictures[begin:]], np.float32)
    return begin + 1 + int(np.argmax(np.abs(np.diff(mouths, axis=0)).mean((1, 2)) > MOVED))


async def test_a_recording_is_what_the_visitor_saw_and_heard(
    server: RunningServer, measured: Measured, tmp_path: Path
) -> None:
    async with ApiSession(server.url) as session, RtcClient(keep_pictures=False) as client:
        await session.connect(client)
        first_heard = len(client.sound)
        began = await begin(session)
        await asyncio.sleep(1.0)
        await session.ended(await session.speak(OPEN_TEXT))
        await asyncio.sleep(0.6)
        cut = await session.speak(LONG_TEXT)
        await session.event("speech.media_started", cut)
        await asyncio.sleep(1.5)
        await session.post("interrupt")
        await asyncio.sleep(0.6)
        await session.ended(await session.speak("Thank you."))
        await asyncio.sleep(1.0)
        ended, path = await end(session, tmp_path)
        subtitles = (await session.http.get(f"/sessions/{session.id}/flashtalk-recording?format=vtt")).text
        heard = client.sound[first_heard:]
    film, pictures = read_film(path), pictures_of(path)
    assert abs(film.duration - (ended - began)) < 0.3
    assert len(pictures) == round(film.duration * 25)
    spans = loud_spans(film)
    assert len(spans) >= 3
    alike = likeness(film, heard)
    measured("recording, likeness of its sound with the peer's", round(alike, 3))
    assert alike > 0.9
    offset = first_move(pictures, 5) / 25 - spans[0][0]
    measured("recording, first move after first sound, ms", round(offset * 1000))
    assert abs(offset) <= 0.06
    cues = re.findall(r"^[\d:.]+ --> [\d:.]+\n(.+)$", subtitles, re.MULTILINE)
    assert " ".join(cues).startswith(OPEN_TEXT)
    assert cues[-1] == "Thank you."
    assert LONG_TEXT.startswith(cues[-2])
    assert len(cues[-2]) < len(LONG_TEXT) / 2
    assert "trainedAlgorithmicMedia" in xmp_of(path)


async def test_recordings_go_on_without_a_peer_and_do_not_mix(server: RunningServer, tmp_path: Path) -> None:
    async with ApiSession(server.url) as talker, ApiSession(server.url, "red-twin") as listener:
        await begin(listener)
        began = await begin(talker)
        async with RtcClient(keep_pictures=False, video_codecs=("vp8",)) as first:
            await talker.connect(first)
            await talker.ended(await talker.speak("One."))
        await talker.ended(await talker.speak("Two."))
        async with RtcClient(keep_pictures=False) as second:
            await talker.connect(second)
            await talker.ended(await talker.speak("Three."))
            ended, path = await end(talker, tmp_path)
        _, other = await end(listener, tmp_path)
    film = read_film(path)
    assert abs(film.duration - (ended - began)) < 0.3
    assert len(loud_spans(film, apart=0.2)) == 3
    assert np.abs(read_film(other).sound).max() < 0.001
    reds = [
        np.mean([picture[-len(picture) // 6 :].mean() for picture in pictures_of(p)]) for p in (path, other)
    ]
    assert reds[1] - reds[0] > 10, reds


async def test_a_killed_server_leaves_a_film_and_the_next_deletes_what_is_old(
    base_settings: dict[str, str], measured: Measured, tmp_path: Path
) -> None:
    recordings = tmp_path / "recordings"
    settings = {
        **base_settings,
        "OPENTALKING_LLM_BASE_URL": "http://127.0.0.1:9/v1",
        "OPENTALKING_FLASHTALK_RECORDINGS_DIR": str(recordings),
    }
    old = RecordingFiles(recordings, "of-last-week")
    old.folder.mkdir(parents=True)
    old.film.touch()
    os.utime(old.film, (time.time() - 7 * 86_400,) * 2)
    async with RunningServer(settings, tmp_path) as server:
        await server.logged("recording deleted", session_id="of-last-week")
        assert not old.folder.exists()
        session = ApiSession(server.url)
        # Nobody is there any more who could delete it.
        with suppress(httpx.ConnectError):
            async with session:
                began = await begin(session)
                await session.ended(await session.speak(OPEN_TEXT))
                await asyncio.sleep(2.0)
                killed = time.monotonic()
                await server.kill()
    path = RecordingFiles(recordings, session.id).film
    film = read_film(path)
    measured("recording of a killed server, lost at its end, s", round(killed - began - film.duration, 2))
    assert film.duration > killed - began - KILL_LOSES_SECONDS
    assert len(film.times) > (killed - began - KILL_LOSES_SECONDS) * 25
    assert loud_spans(film)
    assert "trainedAlgorithmicMedia" in xmp_of(path)

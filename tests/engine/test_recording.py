"""Recordings of real sessions on virtual time: everything that went out, when it went out, as it ended."""

import asyncio
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from opentalking.core.commands import GetRecording, Recorded, StartRecording, StopRecording
from opentalking.core.errors import Conflict, NotFound, Unavailable
from opentalking.core.recordings import RecordingFiles
from opentalking.engine.config import EngineConfig, RecordingConfig
from opentalking.providers.fake import FlatRenderer, ToneVoice
from tests.engine.harness import Engine, Parts, engine, virtual
from tests.support.films import full_disk, loud_spans, read_film, xmp_of

PACKET = 0.02


def recording_to(root: Path, *, config: EngineConfig | None = None, **limits: float) -> Parts:
    recordings = RecordingConfig(root, **limits)  # type: ignore[arg-type]
    return Parts(config=replace(config or EngineConfig(), recordings=recordings))


async def start(e: Engine, session: str) -> None:
    assert await e.call(StartRecording(session_id=session)) == Recorded(state="recording")


async def stop(e: Engine, session: str) -> int:
    reply = await e.call(StopRecording(session_id=session))
    assert isinstance(reply, Recorded)
    assert reply.state == "complete"
    return reply.duration_ms


async def status(e: Engine, session: str) -> Recorded:
    reply = await e.call(GetRecording(session_id=session))
    assert isinstance(reply, Recorded)
    return reply


def now() -> float:
    return asyncio.get_running_loop().time()


def cues(root: Path, session: str) -> list[tuple[float, float, str]]:
    """Subtitles as (start, end, text), in seconds."""
    text = RecordingFiles(root, session).subtitles.read_text(encoding="utf-8")
    assert text.startswith("WEBVTT\n\n")
    found = re.findall(r"^(\d+):(\d+):([\d.]+) --> (\d+):(\d+):([\d.]+)\n(.+)\n$", text, re.MULTILINE)
    return [
        (
            int(c[0]) * 3600 + int(c[1]) * 60 + float(c[2]),
            int(c[3]) * 3600 + int(c[4]) * 60 + float(c[5]),
            c[6],
        )
        for c in found
    ]


def loud(root: Path, session: str) -> list[tuple[float, float]]:
    """When there is sound, in seconds."""
    return loud_spans(read_film(RecordingFiles(root, session).film), above=0.05, apart=0.1)


@virtual
async def test_idle_speech_an_interrupt_and_silence_are_recorded_as_they_went_out(tmp_path: Path) -> None:
    async with engine(recording_to(tmp_path)) as e:
        session, _, log = await e.create()
        await start(e, session)
        began = now()
        await asyncio.sleep(1.5)
        await log.until("speech.ended", await e.speak(session, "Eins, <zwei> drei."))
        await asyncio.sleep(0.5)
        second = await e.speak(session, "One two three four five six seven eight.")
        await log.until("speech.media_started", second)
        await asyncio.sleep(1.0)
        await e.interrupt(session)
        await asyncio.sleep(1.0)
        seconds = now() - began
        assert (await status(e, session)).state == "recording"
        milliseconds = await stop(e, session)
        begins = [at - began for at, event in log.events if event.type == "speech.media_started"]
        ends = [at - began for at, event in log.events if event.type == "speech.ended"]
    film = read_film(RecordingFiles(tmp_path, session).film)
    assert film.duration == pytest.approx(seconds, abs=2 * PACKET)
    assert milliseconds == round(film.duration * 1000)
    assert len(film.times) == round(film.duration * 25)
    spans = loud(tmp_path, session)
    assert [a for a, _ in spans] == pytest.approx(begins, abs=2 * PACKET)
    assert [b for _, b in spans] == pytest.approx(ends, abs=2 * PACKET)
    # The face of the fakes is as bright as its sound is loud: what is seen belongs to what is heard.
    assert film.flashes(above=80) == pytest.approx([a for a, _ in spans], abs=0.003)
    shown = cues(tmp_path, session)
    assert [text for _, _, text in shown] == ["Eins, &lt;zwei&gt; drei.", "One two three four"]
    assert [a for a, _, _ in shown] == pytest.approx([a for a, _ in spans], abs=PACKET)
    assert [b for _, b, _ in shown] == pytest.approx([b for _, b in spans], abs=PACKET)
    facts = json.loads(RecordingFiles(tmp_path, session).facts.read_text(encoding="utf-8"))
    assert (facts["session_id"], facts["state"], facts["duration_ms"]) == (session, "complete", milliseconds)
    assert facts["provenance"]["digital_source_type"] in xmp_of(RecordingFiles(tmp_path, session).film)


@virtual
async def test_a_recording_can_be_stopped_twice_and_begun_anew(tmp_path: Path) -> None:
    async with engine(recording_to(tmp_path)) as e:
        session, _, _ = await e.create()
        assert await e.call(StopRecording(session_id=session)) == Recorded(state="idle")
        await start(e, session)
        await asyncio.sleep(3.0)
        assert await stop(e, session) == pytest.approx(3000, abs=60)
        await asyncio.sleep(5.0)
        assert await stop(e, session) == pytest.approx(3000, abs=60)
        await start(e, session)
        await asyncio.sleep(0.5)
        await start(e, session)
        await asyncio.sleep(1.0)
        assert await stop(e, session) == pytest.approx(1000, abs=60)
        assert read_film(RecordingFiles(tmp_path, session).film).duration == pytest.approx(1.0, abs=0.06)


@virtual
async def test_sessions_that_record_at_once_do_not_mix(tmp_path: Path) -> None:
    async with engine(recording_to(tmp_path)) as e:
        talker, _, log = await e.create()
        listener, _, _ = await e.create()
        await start(e, talker)
        await start(e, listener)
        await log.until("speech.ended", await e.speak(talker, "One two three."))
        await stop(e, talker)
        await stop(e, listener)
    assert len(loud(tmp_path, talker)) == 1
    assert abs(read_film(RecordingFiles(tmp_path, listener).film).sound).max() < 0.001
    assert cues(tmp_path, listener) == []


@virtual
async def test_a_session_that_is_not_ready_cannot_be_recorded(tmp_path: Path) -> None:
    parts = recording_to(tmp_path)
    parts.renderers = {"fake": FlatRenderer(open_seconds=20.0)}
    async with engine(parts) as e:
        session, created, _ = await e.create()
        assert created == "initializing"
        with pytest.raises(Conflict, match="initializing"):
            await e.call(StartRecording(session_id=session))
        assert (await status(e, session)).state == "idle"


@pytest.mark.parametrize("keep", [False, True])
@virtual
async def test_a_deleted_session_takes_its_recording_along_unless_that_is_kept(
    tmp_path: Path, keep: bool
) -> None:
    async with engine(recording_to(tmp_path, keep_deleted=keep)) as e:
        session, _, _ = await e.create()
        await start(e, session)
        await asyncio.sleep(2.0)
        await e.delete(session)
        files = RecordingFiles(tmp_path, session)
        assert files.folder.exists() == keep
        if keep:
            assert read_film(files.film).duration == pytest.approx(2.0, abs=0.06)


@virtual
async def test_a_session_deleted_while_it_begins_anew_leaves_no_recording(tmp_path: Path) -> None:
    async with engine(recording_to(tmp_path)) as e:
        for steps in range(8):
            session, _, _ = await e.create()
            await start(e, session)
            await asyncio.sleep(1)
            again = asyncio.create_task(e.call(StartRecording(session_id=session)))
            for _ in range(steps):
                await asyncio.sleep(0)
            await e.delete(session)
            await asyncio.gather(again, return_exceptions=True)
            assert not RecordingFiles(tmp_path, session).folder.exists(), f"after {steps} steps"


@virtual
async def test_commands_that_the_end_of_the_session_overtakes_are_answered_at_once(tmp_path: Path) -> None:
    async with engine(recording_to(tmp_path)) as e:
        for command in (StartRecording, StopRecording, GetRecording):
            session, _, _ = await e.create()
            reply, _ = await asyncio.gather(
                e.call(command(session_id=session)), e.delete(session), return_exceptions=True
            )
            assert isinstance(reply, Recorded | NotFound | Unavailable)
            assert now() < 1, "nobody waits for an answer that does not come"


@virtual
async def test_a_session_that_ends_otherwise_leaves_a_complete_recording(tmp_path: Path) -> None:
    async with engine(recording_to(tmp_path)) as e:
        session, _, log = await e.create()
        await start(e, session)
        await log.until("speech.media_started", await e.speak(session, "One two three four five six."))
        await asyncio.sleep(1.0)
    film = read_film(RecordingFiles(tmp_path, session).film)
    assert film.duration >= 1.0
    assert [text for _, _, text in cues(tmp_path, session)] == ["One two three four"]


@virtual
async def test_a_recording_keeps_its_session_alive_until_its_own_limit(tmp_path: Path) -> None:
    config = EngineConfig(idle_timeout_seconds=5.0, expiring_notice_seconds=1.0, connect_timeout_seconds=0)
    async with engine(recording_to(tmp_path, config=config, max_seconds=12.0)) as e:
        session, _, log = await e.create()
        await start(e, session)
        began = now()
        await asyncio.sleep(13.0)
        # Asking is use, too; so it is asked once only.
        assert await status(e, session) == Recorded(state="complete", duration_ms=12_000)
        await log.until("session.terminated")
        assert now() - began == pytest.approx(13.0 + 5.0, abs=0.5)
    assert read_film(RecordingFiles(tmp_path, session).film).duration == 12.0


@virtual
async def test_a_folder_that_cannot_be_written_is_said_and_the_session_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    async with engine(recording_to(tmp_path / "file")) as e:
        session, _, log = await e.create()
        with pytest.raises(Unavailable, match=r"Not a directory.*OPENTALKING_FLASHTALK_RECORDINGS_DIR"):
            await e.call(StartRecording(session_id=session))
        assert (await status(e, session)).state == "idle"
        await log.until("speech.ended", await e.speak(session, "One."))


@virtual
async def test_a_disk_that_fills_up_ends_the_recording_and_not_the_session(tmp_path: Path) -> None:
    async with engine(recording_to(tmp_path)) as e:
        session, _, log = await e.create()
        await start(e, session)
        with full_disk(30_000):
            error = await log.until("error")
        assert error.code == "recording_failed"
        assert "File too large" in error.message
        turn = await e.speak(session, "One.")
        await log.until("speech.ended", turn)
        assert (await status(e, session)).state == "complete"
        assert await stop(e, session) > 1000
    assert read_film(RecordingFiles(tmp_path, session).film).duration > 1.0


@virtual
async def test_what_a_slow_voice_leaves_open_is_silence(tmp_path: Path) -> None:
    parts = recording_to(tmp_path)
    parts.speakers = {"local": ToneVoice("local", delay_seconds=1.0)}
    async with engine(parts) as e:
        session, _, log = await e.create()
        await start(e, session)
        await log.until("speech.ended", await e.speak(session, "One two. Three four."))
        await stop(e, session)
    spans = loud(tmp_path, session)
    assert [round(b - a, 1) for a, b in spans] == [0.6, 0.6]
    assert [round(start - spans[n][0], 1) for n, (start, _, _) in enumerate(cues(tmp_path, session))] == [
        0,
        0,
    ]

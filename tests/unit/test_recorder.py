"""A recording is what a session put out: every tick of it, in sync, whatever the machine and the disk do."""

import asyncio
import gc
import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from opentalking.core.media import FPS, I420, SAMPLES_PER_FRAME, SAMPLES_PER_PACKET
from opentalking.core.recordings import RecordingFiles
from opentalking.media.encoder import VideoCodec
from opentalking.media.idle import IdlePicture
from opentalking.media.idle_decoder import IdleDecoder
from opentalking.media.movie import MovieWriter
from opentalking.media.provenance import Provenance
from opentalking.media.recorder import FilmLimits, FilmPlan, Recorder, recording_pool
from opentalking.media.tape import MAX_PENDING_PICTURES, MAX_PENDING_UNITS, Tape
from tests.support.films import pictures_of, read_film
from tests.support.media import (
    HEIGHT,
    WIDTH,
    HeldExecutor,
    RecordingSink,
    Stage,
    idle_loop,
    idle_picture,
    live_picture,
    psnr,
    run_virtual,
    segment,
    tone,
)
from tests.support.virtual_time import InlineExecutor

PROVENANCE = Provenance("A recording", datetime(2026, 11, 26, tzinfo=UTC))


class Recorded:
    """An output that is ticked by hand and recorded."""

    def __init__(self, root: Path, limits: FilmLimits | None = None) -> None:
        files = RecordingFiles(root, "session")
        self.path = files.film
        self.stage = Stage(InlineExecutor())
        self.ends: list[str] = []
        idle = idle_loop()
        plan = FilmPlan(files, (WIDTH, HEIGHT), idle, PROVENANCE)
        self.recorder = Recorder(plan, limits or FilmLimits(), InlineExecutor(), self.ends.append)
        self.idle = idle

    async def begin(self) -> None:
        await self.recorder.begin()
        self.stage.output.record(self.recorder.tape, self.idle)

    async def end(self) -> None:
        self.stage.output.record(None)
        await self.recorder.finish()
        await self.stage.output.aclose()


def recorded(root: Path, play: Callable[[Recorded], Awaitable[None]], **options: Any) -> Recorded:
    async def main() -> Recorded:
        made = Recorded(root, **options)
        await made.begin()
        await play(made)
        await made.end()
        return made

    return run_virtual(main())


async def speak(stage: Stage, frames: int, ticks: int) -> None:
    await stage.output.begin("t")
    await stage.output.put(segment("t", frames))
    stage.output.end("t")
    await stage.tick(ticks)


def test_without_a_peer_the_idle_loop_and_a_turn_are_recorded_in_step(tmp_path: Path) -> None:
    async def play(made: Recorded) -> None:
        await made.stage.tick(60)
        await speak(made.stage, 10, 20 + 40)

    made = recorded(tmp_path, play)
    film, pictures = read_film(made.path), pictures_of(made.path)
    assert film.duration == 60 / FPS
    start = made.stage.listener.of("started")[0][0] // 2
    assert start in (30, 31)
    assert all(psnr(pictures[index], idle_picture(index)) > 30 for index in range(start))
    assert all(psnr(pictures[start + index], live_picture(index)) > 30 for index in range(10))
    assert psnr(pictures[start + 10], live_picture(9)) < 25
    loud = np.flatnonzero(np.abs(film.sound) > 0.02)
    assert abs(loud[0] / SAMPLES_PER_FRAME - start) < 0.1
    assert abs(loud[-1] / SAMPLES_PER_FRAME - (start + 10)) < 0.1


def test_a_recording_that_is_stopped_at_once_is_one_picture(tmp_path: Path) -> None:
    async def play(made: Recorded) -> None:
        assert made.recorder.state == "recording"

    made = recorded(tmp_path, play)
    assert made.recorder.milliseconds == 40
    film, pictures = read_film(made.path), pictures_of(made.path)
    assert film.duration == 1 / FPS
    assert psnr(pictures[0], idle_picture(0)) > 30


def test_a_recording_that_is_over_keeps_no_encoder(tmp_path: Path) -> None:
    async def play(made: Recorded) -> None:
        await made.stage.tick(20)

    def held() -> int:
        return sum(type(thing) in (MovieWriter, IdleDecoder) for thing in gc.get_objects())

    gc.collect()
    before = held()
    # What only the collector of cycles frees lies there for long in a server with much else in memory.
    gc.disable()
    try:
        made = recorded(tmp_path, play)
        assert made.recorder.state == "complete"
        assert held() == before
    finally:
        gc.enable()
    assert made.recorder.milliseconds == 400


def test_an_interrupted_turn_ends_where_it_ended_for_the_client(tmp_path: Path) -> None:
    async def play(made: Recorded) -> None:
        sink = RecordingSink()
        await made.stage.output.attach(sink, idle_loop())
        await speak(made.stage, 14, 13)
        made.stage.output.drop("t")
        await made.stage.tick(27)
        made.heard = made.stage.output.heard_samples("t")  # type: ignore[attr-defined]

    made = recorded(tmp_path, play)
    start = made.stage.listener.of("started")[0][0]
    heard = made.heard  # type: ignore[attr-defined]
    film = read_film(made.path)
    loud = np.flatnonzero(np.abs(film.sound) > 0.02)
    assert abs(loud[0] - start * SAMPLES_PER_PACKET) < 100
    assert abs(loud[-1] - (start * SAMPLES_PER_PACKET + heard)) < 300
    pictures = pictures_of(made.path)
    first_idle = (start * SAMPLES_PER_PACKET + heard) // SAMPLES_PER_FRAME + 1
    assert all(psnr(picture, live_picture(0)) < 25 for picture in pictures[first_idle:])


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_a_peer_sees_the_same_with_and_without_a_recording(tmp_path: Path, codec: VideoCodec) -> None:
    async def sent(record: bool) -> RecordingSink:
        made, sink = Recorded(tmp_path), RecordingSink(codec)
        await made.stage.output.attach(sink, idle_loop(codec))
        await made.stage.tick(31)
        if record:
            await made.begin()
        await made.stage.tick(9)
        await speak(made.stage, 8, 40)
        if record:
            made.stage.output.record(None)
        await made.stage.tick(10)
        await made.end()
        return sink

    plain, watched = run_virtual(sent(False)), run_virtual(sent(True))
    assert [pts for _, pts in watched.video] == [pts for _, pts in plain.video]
    assert [frame.payload for frame, _ in watched.video] == [frame.payload for frame, _ in plain.video]
    assert watched.sound == plain.sound
    pictures = pictures_of(tmp_path / "session" / "recording.mp4")
    # It began in the middle of a second of the loop, whose key frame nobody had to send again.
    assert psnr(pictures[0], idle_picture(16)) > 30


def test_a_peer_that_comes_and_goes_leaves_no_gap(tmp_path: Path) -> None:
    async def play(made: Recorded) -> None:
        await made.stage.tick(20)
        await made.stage.output.attach(RecordingSink("vp8"), idle_loop("vp8"))
        await speak(made.stage, 10, 12)
        made.stage.output.detach()
        await made.stage.tick(28)
        await made.stage.output.attach(RecordingSink(None), None)
        await made.stage.tick(20)

    made = recorded(tmp_path, play)
    film, pictures = read_film(made.path), pictures_of(made.path)
    assert film.duration == 40 / FPS
    start = made.stage.listener.of("started")[0][0] // 2
    assert all(psnr(pictures[start + index], live_picture(index)) > 30 for index in range(10))
    assert all(psnr(picture, live_picture(9)) < 25 for picture in pictures[start + 11 :])


def test_a_look_is_recorded_without_a_peer(tmp_path: Path) -> None:
    async def looking(position: int) -> AsyncGenerator[I420, None]:
        while True:
            yield live_picture(0)

    async def play(made: Recorded) -> None:
        await made.stage.tick(20)
        made.stage.output.look(looking)
        await made.stage.tick(40)

    pictures = pictures_of(recorded(tmp_path, play).path)
    assert all(psnr(picture, idle_picture(index)) > 30 for index, picture in enumerate(pictures[:10]))
    assert all(psnr(picture, live_picture(0)) > 30 for picture in pictures[12:])


def test_skipped_ticks_are_silence_under_a_picture_that_stays(tmp_path: Path) -> None:
    async def play(made: Recorded) -> None:
        await made.stage.tick(20)
        made.stage.output.skip(50)
        await made.stage.tick(20)

    made = recorded(tmp_path, play)
    pictures = pictures_of(made.path)
    assert len(pictures) == 45
    assert all(psnr(picture, pictures[9]) > 38 for picture in pictures[10:34])


def test_a_recording_stops_by_itself_at_its_limit(tmp_path: Path) -> None:
    async def play(made: Recorded) -> None:
        await made.stage.tick(130)

    made = recorded(tmp_path, play, limits=FilmLimits(seconds=1.6))
    assert made.ends == [""]
    assert read_film(made.path).duration == 1.6
    assert made.recorder.milliseconds == 1600

    made = recorded(tmp_path, play, limits=FilmLimits(bytes=5000))
    assert made.ends == [""]
    assert 0.4 <= read_film(made.path).duration < 2.6


def test_a_busy_writer_loses_pictures_but_never_sound() -> None:
    tape = Tape(lambda: None)
    loop = idle_loop()
    sound = tone(200)
    for number in range(400):
        piece = sound[number * SAMPLES_PER_PACKET : (number + 1) * SAMPLES_PER_PACKET]
        tape.tick(number, piece, IdlePicture(loop, number // 2 % 100) if number % 2 == 0 else None)
    units = tape.take()
    assert np.array_equal(np.concatenate([unit.pcm for unit in units if unit.pcm is not None]), sound)
    assert sum(unit.shown is not None for unit in units) == MAX_PENDING_PICTURES
    assert tape.held_pictures == 200 - MAX_PENDING_PICTURES
    assert tape.milliseconds == 8000
    big = np.zeros((1920, 1280), np.uint8)
    for number in range(400, 420):
        tape.tick(number, None, big if number % 2 == 0 else None)
    assert sum(unit.shown is not None for unit in tape.take()) == 6


def test_a_writer_that_hangs_ends_the_recording_within_bounded_memory(tmp_path: Path) -> None:
    async def main() -> None:
        pool, ends = HeldExecutor(), list[str]()
        plan = FilmPlan(RecordingFiles(tmp_path, "session"), (WIDTH, HEIGHT), idle_loop(), PROVENANCE)
        recorder = Recorder(plan, FilmLimits(), pool, ends.append)
        work = asyncio.create_task(_run_held(pool))
        await recorder.begin()
        for number in range(3 * MAX_PENDING_UNITS):
            recorder.tape.tick(number, None, None)
        assert len(recorder.tape.take()) == MAX_PENDING_UNITS + 1
        await recorder.finish()
        work.cancel()
        assert recorder.tape.is_overrun

    run_virtual(main())


def test_what_waits_while_the_writer_is_busy_is_written_at_the_end(tmp_path: Path) -> None:
    async def main() -> None:
        pool, files = HeldExecutor(), RecordingFiles(tmp_path, "session")
        plan = FilmPlan(files, (WIDTH, HEIGHT), idle_loop(), PROVENANCE)
        recorder = Recorder(plan, FilmLimits(), pool, lambda _: None)
        work = asyncio.create_task(_run_held(pool))
        await recorder.begin()
        for number in range(20):
            recorder.tape.tick(number, None, None)
        work.cancel()
        await asyncio.sleep(0.1)
        assert pool.waiting, "the writer is busy"
        for number in range(20, 60):
            recorder.tape.tick(number, None, None)
        finishing = asyncio.create_task(recorder.finish())
        await asyncio.sleep(0.1)
        work = asyncio.create_task(_run_held(pool))
        await finishing
        work.cancel()
        assert read_film(files.film).duration == 30 / FPS

    run_virtual(main())


async def _run_held(pool: HeldExecutor) -> None:
    """Do the pool's work as it comes."""
    while True:
        while pool.waiting:
            pool.run_next()
        await asyncio.sleep(0.01)


async def test_what_cannot_be_written_ends_the_recording_and_says_why(tmp_path: Path) -> None:
    ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    pool = recording_pool()
    try:
        plan = FilmPlan(RecordingFiles(tmp_path, "session"), (WIDTH, HEIGHT), idle_loop(), PROVENANCE)
        recorder = Recorder(plan, FilmLimits(), pool, ended.set_result)
        await recorder.begin()
        recorder.tape.tick(0, None, np.zeros((2, 2), np.uint8))
        for number in range(1, 20):
            recorder.tape.tick(number, None, None)
        assert await asyncio.wait_for(ended, 10) == "ValueError"
        await recorder.finish()
        nowhere = FilmPlan(
            RecordingFiles(tmp_path / "file", "session"), (WIDTH, HEIGHT), idle_loop(), PROVENANCE
        )
        (tmp_path / "file").touch()
        with pytest.raises(NotADirectoryError):
            await Recorder(nowhere, FilmLimits(), pool, ended.set_result).begin()
    finally:
        pool.shutdown()


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_idle_pictures_are_decoded_wherever_the_loop_is_entered(codec: VideoCodec) -> None:
    loop, decoder = idle_loop(codec), IdleDecoder()
    for position in (37, 38, 39, 25, 99, 0, 1, 75, 10):
        picture = decoder.picture(IdlePicture(loop, position))
        assert picture is not None
        assert psnr(picture, idle_picture(position)) > 30, position


def test_writing_gives_way_to_everything_else() -> None:
    with recording_pool() as pool:
        assert isinstance(pool, ThreadPoolExecutor)
        assert pool.submit(_niceness).result() == min(19, _niceness() + 5)


def _niceness() -> int:
    return os.getpriority(os.PRIO_PROCESS, 0)

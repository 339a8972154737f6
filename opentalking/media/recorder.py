"""Writes what a session puts out into a film, while it goes on."""

import asyncio
import errno
import json
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import numpy as np
from av.error import FFmpegError

from opentalking.core.media import I420, SAMPLES_PER_FRAME
from opentalking.core.recordings import RecordingFiles, RecordingState
from opentalking.media.idle import IdleLoop, IdlePicture
from opentalking.media.idle_decoder import IdleDecoder
from opentalking.media.movie import MovieWriter
from opentalking.media.provenance import Provenance
from opentalking.media.tape import Tape, TapeUnit
from opentalking.media.webvtt import HEADER, Subtitles

logger = logging.getLogger(__name__)

RECORDING_THREADS = 2
_NICENESS = 5
_SILENCE = np.zeros(SAMPLES_PER_FRAME, np.int16)


@dataclass(frozen=True, slots=True)
class FilmPlan:
    """Which film: its files, `size` is width and height, `idle` what its pictures begin with."""

    files: RecordingFiles
    size: tuple[int, int]
    idle: IdleLoop
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class FilmLimits:
    """How long and how large a film may become."""

    seconds: float = 3600.0
    bytes: int = 2 * 2**30


def recording_pool() -> ThreadPoolExecutor:
    """Threads that write films and give way to everything else; the caller shuts them down."""
    return ThreadPoolExecutor(RECORDING_THREADS, thread_name_prefix="recording", initializer=_give_way)


def _give_way() -> None:
    if sys.platform == "linux":
        with suppress(OSError):
            # On Linux these are about the calling thread.
            os.setpriority(os.PRIO_PROCESS, 0, os.getpriority(os.PRIO_PROCESS, 0) + _NICENESS)


def drop_files(files: RecordingFiles) -> None:
    """Delete a recording, and the session's folder if nothing else is in it; raises `OSError`."""
    for path in files.all:
        path.unlink(missing_ok=True)
    with suppress(OSError):
        files.folder.rmdir()


@dataclass(slots=True)
class _Open:
    """What a film is made with, some megabytes of it, and the picture that it showed last."""

    movie: MovieWriter
    idle: IdleDecoder
    picture: I420 | None = None


class Film:
    """The writer's side: turns units into pictures and sound in the file; every method blocks.

    `seconds` and `bytes_written` say how long and how large it is. Making it drops the recording before it.
    Raises `OSError`, or `ValueError` for pictures of another size.
    """

    def __init__(self, plan: FilmPlan) -> None:
        self._plan = plan
        drop_files(plan.files)
        plan.files.folder.mkdir(parents=True, exist_ok=True)
        self._tell("recording", 0.0)
        plan.files.subtitles.write_text(HEADER, encoding="utf-8")
        self.seconds, self.bytes_written = 0.0, 0
        movie = MovieWriter(plan.files.film, plan.size, provenance=plan.provenance)
        self._open: _Open | None = _Open(movie, IdleDecoder())

    def write(self, units: Sequence[TapeUnit], subtitles: str, most_seconds: float) -> None:
        """Append units, as long as the film is shorter than `most_seconds`, and blocks of subtitles."""
        if self._open is None:
            raise ValueError("the film is closed")
        movie = self._open.movie
        for unit in units:
            picture = self._shown(self._open, unit)
            for _ in range(unit.count):
                if movie.seconds >= most_seconds:
                    break
                movie.write([picture], _SILENCE if unit.pcm is None else unit.pcm)
        self.seconds, self.bytes_written = movie.seconds, movie.bytes_written
        if subtitles:
            with self._plan.files.subtitles.open("a", encoding="utf-8") as file:
                file.write(subtitles)

    def close(self) -> None:
        """Finish the files. The encoders go at once, however long the closed film is kept."""
        opened, self._open = self._open, None
        if opened is not None:
            opened.movie.close()
            self.seconds, self.bytes_written = opened.movie.seconds, opened.movie.bytes_written
        self._tell("complete", self.seconds)

    def _shown(self, opened: "_Open", unit: TapeUnit) -> I420:
        shown = unit.shown
        if shown is None and opened.picture is None:
            shown = IdlePicture(self._plan.idle, 0)
        picture = opened.idle.picture(shown) if isinstance(shown, IdlePicture) else shown
        if picture is not None:
            opened.picture = picture
        if opened.picture is None:
            raise ValueError("the idle loop cannot be decoded")
        return opened.picture

    def _tell(self, state: RecordingState, seconds: float) -> None:
        facts = {
            "session_id": self._plan.files.session_id,
            "state": state,
            "duration_ms": round(seconds * 1000),
            "provenance": self._plan.provenance.as_json(),
        }
        text = json.dumps(facts, ensure_ascii=False, indent=2)
        self._plan.files.facts.write_text(text + "\n", encoding="utf-8")


class Recorder:
    """One recording: `tape` is the output's tap; a task writes what it collects, in the threads of `pool`.

    `on_end` is called once when it ends by itself: with "" at a limit, else with what went wrong. The file
    then is complete as far as it came. The owner calls `finish` or `abandon`.
    """

    def __init__(
        self, plan: FilmPlan, limits: FilmLimits, pool: Executor, on_end: Callable[[str], None]
    ) -> None:
        self.plan, self._limits, self._pool, self._on_end = plan, limits, pool, on_end
        self._news = asyncio.Event()
        self._is_over = False
        self._film: Film | None = None
        self._task: asyncio.Task[None] | None = None
        self.tape = Tape(self._news.set)
        self.subtitles = Subtitles()
        """What is said, on the tape's clock."""

    @property
    def state(self) -> RecordingState:
        """`complete` once the files are."""
        if self._task is None:
            return "idle"
        return "complete" if self._task.done() else "recording"

    @property
    def milliseconds(self) -> int:
        """How long the recording is so far."""
        if self._is_over:
            return round(self._film.seconds * 1000) if self._film is not None else 0
        return min(self.tape.milliseconds, round(self._limits.seconds * 1000))

    async def begin(self) -> None:
        """Make the file; raises `OSError`."""
        loop = asyncio.get_running_loop()
        self._film = await loop.run_in_executor(self._pool, Film, self.plan)
        self._task = asyncio.create_task(self._write_on(self._film), name="recorder")

    async def finish(self) -> None:
        """Write the rest and complete the file; the tap must be off. Failures are in the log."""
        if not self._is_over:
            self._is_over = True
            self.subtitles.end(self.tape.milliseconds, is_cut=True)
        self._news.set()
        if self._task is not None:
            await asyncio.shield(self._task)

    async def abandon(self) -> None:
        """Stop at once; the file stays as it is."""
        self._is_over = True
        self.tape.take()
        await self.finish()

    async def _write_on(self, film: Film) -> None:
        failure = await self._attempt(self._write_until_over, film) or await self._attempt(self._close, film)
        if self.tape.held_pictures:
            logger.warning("recording left out %d pictures, the machine was busy", self.tape.held_pictures)
        if not self._is_over:
            self._is_over = True
            self._on_end(failure)

    async def _write_until_over(self, film: Film) -> None:
        is_full = is_last = False
        while not (is_full or is_last):
            await self._news.wait()
            self._news.clear()
            is_last = self._is_over
            units, subtitles = self.tape.take(), self.subtitles.take()
            await self._in_thread(partial(film.write, units, subtitles, self._limits.seconds))
            if self.tape.is_overrun:
                raise OSError(errno.EIO, "the disk is too slow")
            is_full = film.seconds >= self._limits.seconds or film.bytes_written >= self._limits.bytes
        self.subtitles.end(round(film.seconds * 1000), is_cut=True)
        # A file without any picture is none that plays.
        last = [] if film.seconds else [TapeUnit(None, None)]
        await self._in_thread(partial(film.write, last, self.subtitles.take(), self._limits.seconds))

    async def _close(self, film: Film) -> None:
        await self._in_thread(film.close)

    async def _attempt(self, work: Callable[[Film], Awaitable[None]], film: Film) -> str:
        """Do it; returns what went wrong, after having closed the film, else ""."""
        try:
            await work(film)
        except (OSError, ValueError, FFmpegError, MemoryError) as error:
            logger.error("recording failed", exc_info=error)
            with suppress(OSError, FFmpegError):
                await self._in_thread(film.close)
            return _reason(error)
        return ""

    async def _in_thread(self, work: Callable[[], None]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._pool, work)


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__

"""A session's recording: begun and ended by command, told what is said, ended by its limits."""

import asyncio
from collections.abc import Callable

import structlog

from opentalking.core.avatars import AvatarBundle
from opentalking.core.commands import Recorded, RecordingCommand, StartRecording, StopRecording
from opentalking.core.errors import Conflict, NotFound, Unavailable
from opentalking.core.events import ErrorEvent, Event, SpeechEndedEvent, SubtitleEvent
from opentalking.core.providers import Face
from opentalking.core.recordings import RecordingFiles
from opentalking.core.sessions import CAN_TALK
from opentalking.engine.config import RecordingConfig, Toolbox
from opentalking.engine.on_air import OnAir
from opentalking.engine.report import Emit
from opentalking.engine.state import SessionLife
from opentalking.media.provenance import Provenance
from opentalking.media.recorder import FilmLimits, FilmPlan, Recorder, drop_files
from opentalking.media.webvtt import CueWord

FINISH_SECONDS = 4.5

log = structlog.get_logger(__name__)


class Recording:
    """Records what a session puts out, one recording at a time.

    `in_use` is told when it begins and ends, `emit` when it fails; the session goes on either way.
    Commands are carried out one after another.
    """

    def __init__(
        self,
        life: SessionLife,
        air: OnAir,
        toolbox: Toolbox,
        config: RecordingConfig,
        emit: Emit,
        in_use: Callable[[bool], None],
    ) -> None:
        self._life, self._air, self._tools, self._config = life, air, toolbox, config
        self._emit, self._in_use = emit, in_use
        self._id = life.record.session_id
        self._lock = asyncio.Lock()
        self._recorder: Recorder | None = None
        self._has_begun = self._is_taping = self._is_closed = self._is_unwanted = False

    async def carry_out(self, command: RecordingCommand) -> Recorded:
        """Raises `Conflict`, or `Unavailable` when the disk does not take it; only a question never waits."""
        if isinstance(command, StartRecording):
            await self._start()
        elif isinstance(command, StopRecording):
            await self._stop()
        recorder = self._recorder
        if recorder is None:
            return Recorded(state="idle")
        return Recorded(state=recorder.state, duration_ms=recorder.milliseconds)

    def told(self, event: Event) -> None:
        """The session tells its clients this, as it happens."""
        if self._recorder is None or not self._is_taping:
            return
        now = self._recorder.tape.milliseconds
        if isinstance(event, SubtitleEvent):
            start = event.start_ms
            words = [CueWord(w.text, w.start_ms - start, w.end_ms - start) for w in event.words or ()]
            self._recorder.subtitles.begin(now, event.text, event.end_ms - start, words)
        elif isinstance(event, SpeechEndedEvent):
            self._recorder.subtitles.end(now, is_cut=event.reason != "completed")

    def session_deleted(self) -> None:
        """A client deleted the session: its recording goes with it, unless the operator keeps those."""
        self._is_unwanted = not self._config.keep_deleted

    async def aclose(self) -> None:
        """Stop and complete the recording, or delete it."""
        self._is_closed = True
        self._tape_off()
        if self._has_begun:
            # Whoever waits may give up: what was deleted must go all the same.
            await asyncio.shield(asyncio.create_task(self._put_away(), name="end of a recording"))

    async def _put_away(self) -> None:
        async with self._lock:
            recorder, is_unwanted = self._recorder, self._is_unwanted
            if recorder is not None:
                await (recorder.abandon() if is_unwanted else recorder.finish())
            if is_unwanted:
                await self._delete()

    async def _delete(self) -> None:
        """Delete the files, also those of a recording that another one was just about to replace."""
        directory, pool = self._config.directory, self._tools.recording_pool
        if directory is None or pool is None:
            return
        files = RecordingFiles(directory, self._id)
        try:
            await asyncio.get_running_loop().run_in_executor(pool, drop_files, files)
        except OSError as error:
            log.error("recording cannot be deleted", session_id=self._id, error=error.strerror)

    async def _start(self) -> None:
        face, avatar = self._life.face, self._life.avatar
        if face is None or avatar is None or self._life.state not in CAN_TALK:
            raise Conflict(f"the session is {self._life.state}; it cannot be recorded now")
        async with self._lock:
            self._has_begun = True
            self._tape_off()
            if self._recorder is not None:
                await self._recorder.abandon()
                self._recorder = None
            recorder = await self._recorder_of(face, avatar)
            if self._is_closed:
                raise NotFound("session not found")
            try:
                await recorder.begin()
            except OSError as error:
                log.warning("recording cannot be written", session_id=self._id, exc_info=error)
                raise Unavailable(
                    f"the recording cannot be written ({error.strerror}); the operator's "
                    "OPENTALKING_FLASHTALK_RECORDINGS_DIR needs a folder with room that may be written",
                    code="recording_failed",
                ) from error
            self._recorder = recorder
            if not self._is_closed:
                self._is_taping = True
                self._in_use(True)
                self._air.record(recorder.tape, recorder.plan.idle)
        log.info("recording started", session_id=self._id)

    async def _recorder_of(self, face: Face, avatar: AvatarBundle) -> Recorder:
        if self._config.directory is None or self._tools.recording_pool is None:
            raise Unavailable("this worker has no folder for recordings")
        plan = FilmPlan(
            RecordingFiles(self._config.directory, self._id),
            (face.width, face.height),
            await self._tools.idle_cache.get(face.idle_key, "h264", face.idle_frames),
            Provenance(f"OpenTalking: {avatar.name}"),
        )
        limits = FilmLimits(self._config.max_seconds, self._config.max_bytes)
        return Recorder(plan, limits, self._tools.recording_pool, self._ended)

    async def _stop(self) -> None:
        """From the call on nothing more is recorded; the file is complete at the end."""
        self._tape_off()
        async with self._lock:
            self._tape_off()
            if self._recorder is None:
                return
            try:
                async with asyncio.timeout(FINISH_SECONDS):
                    await self._recorder.finish()
            except TimeoutError:
                raise Unavailable("the recording is still being written; stop it again") from None

    def _ended(self, failure: str) -> None:
        self._tape_off()
        if failure:
            message = f"the recording ended early: {failure}"
            self._emit(ErrorEvent(session_id=self._id, code="recording_failed", message=message))
            for observer in self._tools.observers:
                observer.stage_failed("recording", "recording_failed")
        log.info("recording ended by itself", session_id=self._id, failure=failure)

    def _tape_off(self) -> None:
        if self._is_taping:
            self._is_taping = False
            self._air.record(None)
            self._in_use(False)
            log.info("recording stopped", session_id=self._id)

"""Offline bundles: jobs are taken, wait, are rendered in a process of their own, and can be fetched."""

import asyncio
import re
import wave
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import structlog

from opentalking.audio.decode import decode_audio
from opentalking.core.avatars import AvatarBundle
from opentalking.core.commands import CopySaid, Touch
from opentalking.core.errors import Conflict, NotFound, OpenTalkingError, ProviderError, Unavailable
from opentalking.core.ids import new_id
from opentalking.core.media import MEDIA_RATE
from opentalking.core.sessions import SessionRecord, SessionState
from opentalking.inference.host import InferenceProcess, ProcessConfig
from opentalking.services.avatars import AvatarService
from opentalking.services.customised import CustomisedAvatars, pictured_in
from opentalking.services.exports.artifacts import FilmFacts
from opentalking.services.exports.queue import JobQueue
from opentalking.services.exports.records import ARTIFACT_FILES, Artifact, JobFiles, JobRecord
from opentalking.services.exports.render import RenderOrder, RenderPlugin
from opentalking.services.exports.scenes import SOUND_FILE
from opentalking.services.sessions import SessionPorts

JOB_MODULE = "opentalking.services.exports.render"
_PROVIDER = "offline bundle"
_TOUCH_SECONDS = 10.0
_COMMAND_SECONDS = 10.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ExportConfig:
    """How jobs are rendered. `plugins` tells by model what draws it; a model that is not there fails its job.

    `at_once` jobs run on the server, `waiting_per_session` more of one session and `waiting` of all may
    wait. A job is killed when it makes no progress for `stall_seconds`, and after `job_seconds` in all.
    """

    plugins: Mapping[str, RenderPlugin] = field(default_factory=dict)
    at_once: int = 1
    waiting_per_session: int = 4
    waiting: int = 32
    stall_seconds: float = 60.0
    job_seconds: float = 3600.0
    sound_seconds: float = 600.0
    niceness: int = 10
    module: str = JOB_MODULE


@dataclass(frozen=True, slots=True)
class UploadedSound:
    """A sound file as it was sent; `raw_rate` is the rate of bytes that are no known container."""

    file: BinaryIO
    raw_rate: int | None = None


@dataclass(frozen=True, slots=True)
class JobView:
    """How a job stands: its record, and the share of it that is done, 0 to 1."""

    record: JobRecord
    progress: float


@dataclass(slots=True)
class _Job:
    record: JobRecord
    avatar: AvatarBundle
    progress: float = 0.0


class ExportService:
    """Everything that clients ask of offline bundles; `running` must be entered for jobs to be rendered."""

    def __init__(
        self,
        root: Path,
        ports: SessionPorts,
        avatars: AvatarService | CustomisedAvatars,
        config: ExportConfig | None = None,
    ) -> None:
        self._config = config or ExportConfig()
        self._store, self._bus = ports.store, ports.commands
        self._avatars = avatars
        self._files = JobFiles(root)
        per_session = 1 + self._config.waiting_per_session
        self._queue: JobQueue[_Job] = JobQueue(per_session, self._config.at_once + self._config.waiting)
        self._jobs: dict[str, _Job] = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Render jobs while inside. First, those that an earlier server left behind are marked as failed."""
        lost = await asyncio.to_thread(self._files.recover)
        if lost:
            log.warning("jobs lost by the restart", jobs=lost)
        workers = [
            asyncio.create_task(self._work(), name="offline bundle") for _ in range(self._config.at_once)
        ]
        try:
            yield
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    async def request(self, session_id: str, sound: UploadedSound | None) -> str:
        """Let a film be made, of `sound` or of what the session has said; returns the job's id at once.

        Raises `NotFound` (session), `Conflict` (it has said nothing), `Unavailable` (too many jobs wait),
        `InvalidInput` and `TooLarge` for a sound that cannot be decoded or is too long.
        """
        session = await self._store.get(session_id)
        if session is None or session.state is SessionState.CLOSING:
            raise NotFound("session not found")
        self._queue.reserve(session_id)
        try:
            job = await self._prepared(session, sound)
        except BaseException:
            self._queue.release(session_id)
            raise
        self._jobs[job.record.job_id] = job
        self._queue.put(session_id, job)
        await self._bus.send(Touch(session_id=session_id))
        log.info("job queued", session_id=session_id, job_id=job.record.job_id, source=job.record.source)
        return job.record.job_id

    async def status(self, session_id: str, job_id: str) -> JobView:
        """How a job of this session stands, also after the session's end; raises `NotFound`."""
        job = self._jobs.get(job_id)
        if job is not None and job.record.session_id == session_id:
            return JobView(job.record, job.progress)
        record = await asyncio.to_thread(self._files.load, session_id, job_id)
        if record is None:
            raise NotFound("job not found")
        return JobView(record, 1.0 if record.status == "done" else 0.0)

    async def artifact(self, session_id: str, job_id: str, artifact: Artifact) -> Path:
        """The file of a finished job; raises `NotFound`, and `Conflict` when the job is not done."""
        record = (await self.status(session_id, job_id)).record
        if record.status == "error":
            raise Conflict("the job failed, there is nothing to download; its status says why")
        if record.status != "done":
            raise Conflict("the job is not finished; ask for its status until it is done")
        path = self._files.folder(record) / ARTIFACT_FILES[artifact]
        if not await asyncio.to_thread(path.is_file):
            raise NotFound("the files of this job were deleted; request it again")
        return path

    def in_use(self) -> list[Path]:
        """The folders of jobs that wait or run: nobody may delete them."""
        return [self._files.folder(job.record) for job in self._jobs.values()]

    # -- taking a job

    async def _prepared(self, session: SessionRecord, sound: UploadedSound | None) -> _Job:
        """A job whose sources lie in its folder; after a failure nothing of it is left."""
        settings = session.settings
        try:
            avatar = await self._avatars.bundle(settings.avatar_id)
        except NotFound as error:
            raise Conflict("the session's avatar was deleted; make a new session") from error
        record = JobRecord(
            session_id=session.session_id,
            job_id=new_id(),
            avatar_id=settings.avatar_id,
            model=settings.model,
            source="said" if sound is None else "upload",
        )
        try:
            if sound is None:
                command = CopySaid(session_id=session.session_id, job_id=record.job_id)
                await self._bus.call(command, _COMMAND_SECONDS)
            else:
                folder = self._files.work(record)
                await asyncio.to_thread(_keep, sound, folder, self._config.sound_seconds)
            await asyncio.to_thread(self._files.save, record)
        except OSError as error:
            await asyncio.to_thread(self._files.discard, record)
            raise Unavailable(f"the server cannot keep the job's files: {error.strerror}") from error
        except BaseException:
            await asyncio.to_thread(self._files.discard, record)
            raise
        return _Job(record, avatar)

    # -- rendering

    async def _work(self) -> None:
        while True:
            session_id, job = await self._queue.next()
            try:
                await self._run(job)
            finally:
                self._queue.done(session_id)

    async def _run(self, job: _Job) -> None:
        error: str | None = None
        try:
            await self._move(job, status="processing")
            async with asyncio.timeout(self._config.job_seconds):
                await self._render(job)
        except TimeoutError:
            error = f"rendering took longer than {self._config.job_seconds:g} s; request a shorter piece"
        except OpenTalkingError as failure:
            error = _in_words(failure)
        except OSError as failure:
            error = f"the server cannot keep the job's files: {failure.strerror}"
        except Exception:
            # One job's fault must not end the rendering of all others.
            log.exception("job crashed", job_id=job.record.job_id)
            error = "internal error; the log has details"
        await self._end(job, error)

    async def _move(self, job: _Job, **update: object) -> None:
        job.record = job.record.model_copy(update=update)
        await asyncio.to_thread(self._files.save, job.record)
        await self._bus.send(Touch(session_id=job.record.session_id))

    async def _render(self, job: _Job) -> None:
        record = job.record
        plugin = self._config.plugins.get(record.model)
        if plugin is None:
            raise Unavailable(f"model {record.model} cannot be rendered offline on this server")
        folder = self._files.work(record).resolve()
        order = RenderOrder(
            folder=folder,
            plugin=plugin,
            avatar=await asyncio.to_thread(pictured_in, job.avatar, folder),
            facts=FilmFacts(**record.model_dump(), avatar_name=job.avatar.name),
        )
        process = InferenceProcess(
            ProcessConfig(
                module=self._config.module,
                stage="render",
                provider=_PROVIDER,
                niceness=self._config.niceness,
                part_timeout_seconds=self._config.stall_seconds,
            )
        )
        touched = asyncio.get_running_loop().time()
        try:
            async with aclosing(process.request("render", order.model_dump(mode="json"))) as parts:
                async for part in parts:
                    job.progress = max(job.progress, min(0.99, float(part.header["progress"])))
                    if (now := asyncio.get_running_loop().time()) > touched + _TOUCH_SECONDS:
                        touched = now
                        await self._bus.send(Touch(session_id=record.session_id))
        finally:
            await process.aclose()

    async def _end(self, job: _Job, error: str | None) -> None:
        update = {"status": "error" if error else "done", "error": error, "ended_at": datetime.now(UTC)}
        record = job.record.model_copy(update=update)
        try:
            await asyncio.to_thread(self._files.settle, record)
        except OSError as failure:
            log.error("job cannot be settled", job_id=record.job_id, error=failure.strerror)
            text = f"the server cannot keep the job's files: {failure.strerror}"
            job.record = record.model_copy(update={"status": "error", "error": text})
            return  # known until the next start, which writes it down
        del self._jobs[record.job_id]
        seconds = (datetime.now(UTC) - record.created_at).total_seconds()
        log.info(
            "job ended", job_id=record.job_id, status=record.status, error=error, seconds=round(seconds, 1)
        )
        await self._bus.send(Touch(session_id=record.session_id))


def _keep(sound: UploadedSound, folder: Path, max_seconds: float) -> None:
    folder.mkdir(parents=True)
    pieces = decode_audio(sound.file, MEDIA_RATE, raw_rate=sound.raw_rate, max_seconds=max_seconds)
    with wave.open(str(folder / SOUND_FILE), "wb") as file:
        file.setparams((1, 2, MEDIA_RATE, 0, "NONE", "not compressed"))
        for piece in pieces:
            file.writeframesraw(piece.astype("<i2", copy=False).tobytes())


def _in_words(error: OpenTalkingError) -> str:
    """The error for a client: what became of the process, but nothing of what it last printed."""
    text = error.message.removeprefix(f"{_PROVIDER}: ")
    if not (isinstance(error, ProviderError) and error.retryable):
        return text
    if found := re.match(r"process ended with code (-?\d+)", text):
        return f"the rendering process ended before its work did (code {found[1]}); request it again"
    if found := re.match(r"silent for ([\d.]+) s", text):
        return f"rendering made no progress for {found[1]} s and was stopped; request it again"
    return f"rendering could not be started: {text}"

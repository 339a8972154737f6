"""Deletes recordings and bundles that are too old, or too large together."""

import asyncio
import shutil
import stat
import time as system_time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

RESTING_SECONDS = 300.0
"""What changed within this time may still be written, and stays."""
SWEEP_SECONDS = 3600.0
_BUNDLES = "bundles"
_RECORDING = "recording."

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RetentionLimits:
    """How old (seconds since the last change) and how large together; 0 switches a limit off."""

    seconds: float = 24 * 3600.0
    bytes: int = 10 * 2**30


@dataclass(frozen=True, slots=True)
class Kept:
    """A recording or a bundle on disk: its files or folder, when it changed last, and its size."""

    paths: tuple[Path, ...]
    changed: float
    bytes: int

    def delete(self) -> None:
        """Delete it, and the folders that are empty then; what is gone already is fine."""
        for path in self.paths:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        with suppress(OSError):
            self.paths[0].parent.rmdir()
            self.paths[0].parent.parent.rmdir()


class Retention:
    """Sweeps the folder of recordings (`<session>/recording.*` and `<session>/bundles/<job>/`).

    What changed within the last five minutes stays, and so does what `in_use` names: folders and
    files that somebody still writes or waits for. `also` is called with every sweep. `time` (seconds
    since the epoch) and `sleep` are injected in tests.
    """

    def __init__(
        self,
        root: Path,
        limits: RetentionLimits,
        *,
        in_use: Callable[[], Sequence[Path]] = tuple,
        also: Sequence[Callable[[], Awaitable[None]]] = (),
        time: Callable[[], float] = system_time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._root, self._limits, self._in_use, self._also = root, limits, in_use, also
        self._time, self._sleep = time, sleep

    async def run(self) -> None:
        """Sweep now and every hour, until cancelled."""
        while True:
            await self.sweep()
            await self._sleep(SWEEP_SECONDS)

    async def sweep(self) -> int:
        """Delete what is beyond the limits, oldest first; returns how many things went."""
        in_use = frozenset(self._in_use())
        try:
            deleted = await asyncio.to_thread(self._sweep, in_use)
        except OSError:
            log.exception("recordings cannot be swept")
            deleted = 0
        for sweep in self._also:
            await sweep()
        return deleted

    def _sweep(self, in_use: frozenset[Path]) -> int:
        now = self._time()
        found = sorted(_kept_in(self._root), key=lambda kept: kept.changed)
        total = sum(kept.bytes for kept in found)
        deleted = 0
        for kept in found:
            age = now - kept.changed
            is_old = 0 < self._limits.seconds < age
            is_too_much = 0 < self._limits.bytes < total
            if not (is_old or is_too_much) or age < RESTING_SECONDS or in_use.intersection(kept.paths):
                continue
            try:
                kept.delete()
            except OSError as error:
                log.error("recording cannot be deleted", path=str(kept.paths[0]), error=error.strerror)
                continue
            total -= kept.bytes
            deleted += 1
            log.info(
                "recording deleted" if kept.paths[0].name.startswith(_RECORDING) else "bundle deleted",
                session_id=kept.paths[0].relative_to(self._root).parts[0],
                age_hours=round(age / 3600, 1),
                bytes=kept.bytes,
                reason="age" if is_old else "size",
            )
        return deleted


def _kept_in(root: Path) -> Iterator[Kept]:
    """Everything below `root` that has a place in its layout; nothing else is touched."""
    if not root.is_dir():
        return
    for session in root.iterdir():
        try:
            yield from _kept_of(session)
        except OSError as error:  # one folder that cannot be read must not keep all others for ever
            log.error("recordings cannot be looked at", path=str(session), error=error.strerror)


def _kept_of(session: Path) -> list[Kept]:
    """What one session has made."""
    if not session.is_dir() or session.is_symlink():
        return []
    found = []
    recording = tuple(path for path in session.glob(f"{_RECORDING}*") if path.is_file())
    if recording:
        found.append(_measured(recording, recording))
    bundles = session / _BUNDLES
    for job in bundles.iterdir() if bundles.is_dir() and not bundles.is_symlink() else ():
        inside = tuple(path for path in (job, *job.rglob("*")) if not path.is_symlink())
        found.append(_measured((job,), inside))
    return found


def _measured(paths: tuple[Path, ...], inside: tuple[Path, ...]) -> Kept:
    changed, size = 0.0, 0
    for path in inside:
        with suppress(FileNotFoundError):
            status = path.stat()
            changed = max(changed, status.st_mtime)
            size += status.st_size if stat.S_ISREG(status.st_mode) else 0
    return Kept(paths, changed, size)

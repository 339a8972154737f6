"""Voice samples that a service fetches from this server, each for a short time under a secret address.

A sample is the file `<token>-<end of its time, ms since 1970>.wav`, so that its end is known after a restart.
All calls block: run them in threads.
"""

import os
import re
import time
import uuid
from collections.abc import Callable
from pathlib import Path

LIFETIME_SECONDS = 300.0
_TOKEN = re.compile(r"[0-9a-f]{32}")
_FILE = re.compile(r"[0-9a-f]{32}-([0-9]{1,15})\.wav")


class SampleUploads:
    """The samples in `folder`, which belongs to them alone; `now` is the time in seconds since 1970."""

    def __init__(
        self,
        folder: Path,
        lifetime_seconds: float = LIFETIME_SECONDS,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._lifetime_ms = int(lifetime_seconds * 1000)
        self._now = now

    def put(self, wav: bytes) -> str:
        """Keep a sample; returns its token, 32 hex digits that nobody can guess."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        token = uuid.uuid4().hex
        path = self._folder / f"{token}-{self._now_ms() + self._lifetime_ms}.wav"
        partial = path.with_suffix(".part")
        try:
            with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                out.write(wav)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
        return token

    def read(self, token: str) -> bytes | None:
        """The sample of a token; None when the token is malformed or unknown, or its time is over."""
        for path in self._files(token):
            if self._is_current(path):
                try:
                    return path.read_bytes()
                except FileNotFoundError:
                    return None  # swept in this moment
        return None

    def drop(self, token: str) -> None:
        """Delete the sample of a token; one that is gone is fine."""
        for path in self._files(token):
            path.unlink(missing_ok=True)

    def sweep(self) -> int:
        """Delete every sample whose time is over, and what a crash left of others; returns how many."""
        swept = 0
        for path in self._folder.glob("*"):
            if not self._is_current(path) and not self._is_being_written(path):
                path.unlink(missing_ok=True)
                swept += 1
        return swept

    def _files(self, token: str) -> list[Path]:
        if _TOKEN.fullmatch(token) is None:
            return []
        return list(self._folder.glob(f"{token}-*.wav"))

    def _is_current(self, path: Path) -> bool:
        """Within its time; a clock that was set back must not make that longer."""
        found = _FILE.fullmatch(path.name)
        return found is not None and 0 < int(found[1]) - self._now_ms() <= self._lifetime_ms

    def _is_being_written(self, path: Path) -> bool:
        if path.suffix != ".part":
            return False
        try:
            return self._now() - path.stat().st_mtime < self._lifetime_ms / 1000
        except FileNotFoundError:
            return False

    def _now_ms(self) -> int:
        return int(self._now() * 1000)

"""Preview pictures, kept in memory until their files change."""

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

PREVIEW_MAX_BYTES = 20 * 2**20
_KEPT_BYTES = 16 * 2**20
_Version = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Preview:
    """A bundle's `preview.png` as read: its bytes and a strong entity tag (with quotes)."""

    png: bytes
    etag: str


class PreviewShelf:
    """Reads pictures and keeps `kept_bytes` of them; what was not asked for longest goes first.

    Reads files: call it in a thread. Safe for use by several threads.
    """

    def __init__(self, kept_bytes: int = _KEPT_BYTES) -> None:
        self._kept_bytes = kept_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[Path, tuple[_Version, Preview]] = OrderedDict()
        self._bytes = 0

    def read(self, path: Path) -> Preview | None:
        """The picture as it is on disk now, None when it is no usable PNG; raises `OSError`."""
        stat = path.stat()
        version = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        with self._lock:
            kept = self._kept.get(path)
            if kept is not None and kept[0] == version:
                self._kept.move_to_end(path)
                return kept[1]
        with path.open("rb") as file:
            png = file.read(PREVIEW_MAX_BYTES + 1)
        if len(png) > PREVIEW_MAX_BYTES or not png.startswith(b"\x89PNG\r\n\x1a\n"):
            return None
        preview = Preview(png, f'"{hashlib.sha256(png).hexdigest()[:32]}"')
        if len(png) == stat.st_size:  # else it is being written
            self._keep(path, version, preview)
        return preview

    def _keep(self, path: Path, version: _Version, preview: Preview) -> None:
        with self._lock:
            if (old := self._kept.pop(path, None)) is not None:
                self._bytes -= len(old[1].png)
            if len(preview.png) > self._kept_bytes // 4:
                return
            self._kept[path] = (version, preview)
            self._bytes += len(preview.png)
            while self._bytes > self._kept_bytes:
                _, (_, oldest) = self._kept.popitem(last=False)
                self._bytes -= len(oldest.png)

"""Files that are fetched piece by piece and go on where a connection broke, without any network I/O.

A file grows beside its goal as `<name>.part` and takes its name when it is whole, so nothing incomplete ever
bears that name. Ranges are those of RFC 9110, section 14.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from opentalking.client.errors import ConnectionFailed, ProtocolError

_MOST_FAILURES = 5
_FIRST_PAUSE_SECONDS = 0.5
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


class Download:
    """One file on its way to `target`; usable as a context manager, which leaves no part of it open.

    A transport asks `headers()`, tells `begin` what was answered, hands every piece to `write`, and calls
    `finish` at the end of the body: false means that more must be fetched. It calls `broke` when the
    connection did.
    """

    def __init__(self, target: Path) -> None:
        self._target = target
        self._part = target.with_name(f"{target.name}.part")
        self._file: BinaryIO | None = None
        self._etag = ""
        self._at = 0
        self._size: int | None = None
        self._failures = 0
        self._begun = False

    def __enter__(self) -> "Download":
        self._file = self._part.open("wb")
        return self

    def __exit__(self, *failure: object) -> None:
        if self._file is not None:
            self._file.close()
            self._part.unlink(missing_ok=True)

    def headers(self) -> dict[str, str]:
        """Of the next request: the rest of the same file."""
        plain = {"Accept": "*/*", "Accept-Encoding": "identity"}
        if self._at == 0:
            return plain
        unchanged = {"If-Range": self._etag} if self._etag else {}
        return {**plain, "Range": f"bytes={self._at}-", **unchanged}

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Take what an answer of status 200 or 206 says (header names in lower case)."""
        file = self._open_file()
        self._begun = True
        if status == 200:
            self._at = 0
            file.seek(0)
            file.truncate()
            length = headers.get("content-length", "")
            self._size = int(length) if length.isdigit() else None
        else:
            found = _CONTENT_RANGE.fullmatch(headers.get("content-range", ""))
            if not found or int(found[1]) != self._at:
                raise ProtocolError("the server sent another part of the file than it was asked for")
            self._size = None if found[2] == "*" else int(found[2])
        etag = headers.get("etag", "")
        self._etag = "" if etag.startswith("W/") else etag

    def write(self, piece: bytes) -> None:
        """Append a piece; blocks for as long as the disk takes."""
        self._open_file().write(piece)
        self._at += len(piece)
        self._failures = 0

    def broke(self, error: ConnectionFailed) -> float:
        """Note a broken connection: how many seconds to wait before the next attempt.

        Raises the failure when there was no connection before, or nothing has come for five times.
        """
        self._failures += 1
        if not self._begun or self._failures == _MOST_FAILURES:
            raise error
        return _FIRST_PAUSE_SECONDS * self._failures

    def finish(self) -> bool:
        """Whether the file is whole; then it has its name."""
        if self._size is not None and self._at < self._size:
            return False
        file = self._open_file()
        file.close()
        self._file = None
        self._part.replace(self._target)
        return True

    def _open_file(self) -> BinaryIO:
        if self._file is None:
            raise ValueError("enter the download first")
        return self._file

"""The boxes of MP4 files (ISO/IEC 14496-12), as far as a muxer leaves them to us."""

import errno
import os
import struct
from collections.abc import Iterator
from io import FileIO

_HEADER = struct.Struct(">I4s")
_LONG_SIZE = struct.Struct(">Q")
_COUNT = struct.Struct(">4xI")
_CONTAINERS = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl"})
_OFFSET_FORMATS = {b"stco": "I", b"co64": "Q"}


class MarkedFile:
    """A new file for a muxer that sees nothing of the `mark` box, which goes in behind the first box.

    The muxer's first box is `ftyp`, which must stay in front. Everything behind it lies `len(mark)`
    bytes further than the muxer believes; before it writes over anything (it turns its fragments into
    one `mdat`, `hybrid_fragmented`) the chunk offsets of the closing `moov` are put right. Every write
    reaches the operating system at once. Raises `OSError`, and after one of them again for every write,
    so that the fragments on a full disk are never hidden in an `mdat` without an index.
    """

    def __init__(self, file: FileIO, mark: bytes) -> None:
        self._file = file
        self._mark = mark
        self._start = bytearray()
        self._first_bytes: int | None = None
        self._position = 0
        self._end = 0
        self._is_shifted = False
        self.is_sound = True
        """Whether every write so far has succeeded."""

    @property
    def bytes_written(self) -> int:
        """Size of the file so far."""
        return self._end + (len(self._mark) if self._first_bytes is not None else 0)

    def write(self, data: bytes) -> int:
        """Write at the current position."""
        if not self.is_sound:
            raise OSError(errno.EIO, "an earlier write failed")
        try:
            self._write(data)
        except OSError:
            self.is_sound = False
            raise
        self._position += len(data)
        self._end = max(self._end, self._position)
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a position as the muxer counts; returns it."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._end}[whence]
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        """The position, as the muxer counts."""
        return self._position

    def close(self) -> None:
        """Close the file; what a failed write left of itself is cut off."""
        try:
            if not self.is_sound:
                self._file.truncate(self.bytes_written)
        finally:
            self._file.close()

    def _write(self, data: bytes) -> None:
        if self._first_bytes is None:
            self._begin(data)
        else:
            if self._position < self._end and not self._is_shifted:
                self._shift_offsets()
            self._file.seek(self._real(self._position))
            self._write_all(data)

    def _begin(self, data: bytes) -> None:
        self._start += data
        if len(self._start) < _HEADER.size or len(self._start) < _HEADER.unpack_from(self._start)[0]:
            return
        self._first_bytes = _HEADER.unpack_from(self._start)[0]
        self._write_all(self._start[: self._first_bytes] + self._mark + self._start[self._first_bytes :])
        self._start.clear()

    def _write_all(self, data: bytes | bytearray) -> None:
        """A full disk takes a part first, and nothing the next time."""
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) or 0 :]

    def _real(self, position: int) -> int:
        return position + (len(self._mark) if position >= (self._first_bytes or 0) else 0)

    def _shift_offsets(self) -> None:
        self._is_shifted = True
        *_, (kind, start, end) = top_level(self._file)
        if kind != b"moov" or end != self.bytes_written:
            raise OSError(errno.EIO, "the film has no closing index")
        self._file.seek(start)
        moov = bytearray(self._file.read(end - start))
        shift_chunks(moov, 0, len(moov), len(self._mark))
        self._file.seek(start)
        self._write_all(moov)


def top_level(file: FileIO) -> Iterator[tuple[bytes, int, int]]:
    """Type, start and end (byte positions) of every box of a file, until one that is incomplete."""
    size = file.seek(0, os.SEEK_END)
    start = 0
    while start + _HEADER.size <= size:
        file.seek(start)
        header = file.read(_HEADER.size + _LONG_SIZE.size)
        length, kind = _HEADER.unpack_from(header)
        if length == 1 and len(header) >= _HEADER.size + _LONG_SIZE.size:
            (length,) = _LONG_SIZE.unpack_from(header, _HEADER.size)
        if length < _HEADER.size or start + length > size:
            return
        yield kind, start, start + length
        start += length


def shift_chunks(boxes: bytearray, start: int, end: int, distance: int) -> None:
    """Add `distance` to every chunk offset (`stco`, `co64`) of the boxes between `start` and `end`."""
    while start + _HEADER.size <= end:
        length, kind = _HEADER.unpack_from(boxes, start)
        inside = start + _HEADER.size
        if kind in _CONTAINERS:
            shift_chunks(boxes, inside, start + length, distance)
        elif kind in _OFFSET_FORMATS:
            (count,) = _COUNT.unpack_from(boxes, inside)
            entries = struct.Struct(f">{count}{_OFFSET_FORMATS[kind]}")
            moved = [offset + distance for offset in entries.unpack_from(boxes, inside + _COUNT.size)]
            entries.pack_into(boxes, inside + _COUNT.size, *moved)
        start += length

"""An uploaded sound while it is being read: a copy of its own, decoded in threads."""

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import BinaryIO, Self, TypeVar

from opentalking.audio.decode import audio_seconds, decode_audio
from opentalking.core.errors import TooLarge
from opentalking.core.media import Samples
from opentalking.services.storage import storage_errors

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SoundLimits:
    """The largest file, and the longest sound in it."""

    file_bytes: int = 15 * 2**20
    seconds: float = 600.0


class SoundFile:
    """Hands out the sound of a file as pieces of mono int16 at one rate; `close` it.

    The copy has no name on disk: nothing is left of it when it is closed or the process ends.
    """

    def __init__(self, limits: SoundLimits) -> None:
        self._limits = limits
        self._copy = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as this object
        self._pieces: Generator[Samples, None, None] | None = None
        self._first: Samples | None = None

    @classmethod
    async def open(
        cls, upload: BinaryIO, rate: int, *, raw_rate: int | None = None, limits: SoundLimits | None = None
    ) -> Self:
        """Copy `upload`, measure it and decode its beginning.

        Raises as `decode_audio` does; `TooLarge` also for a file of too many bytes, `Unavailable` when the
        disk has no room for the copy.
        """
        with storage_errors("the sound"):
            sound = cls(limits or SoundLimits())
        try:
            await _finished(lambda: sound._begin(upload, rate, raw_rate))
        except BaseException:
            sound.close()
            raise
        return sound

    def _begin(self, upload: BinaryIO, rate: int, raw_rate: int | None) -> None:
        upload.seek(0)
        with storage_errors("the sound"):
            shutil.copyfileobj(upload, self._copy)
        if self._copy.tell() > self._limits.file_bytes:
            raise TooLarge(f"the file is larger than {self._limits.file_bytes} bytes; send a smaller one")
        self._copy.seek(0)
        seconds = self._limits.seconds
        audio_seconds(self._copy, raw_rate=raw_rate, max_seconds=seconds)
        self._pieces = decode_audio(self._copy, rate, raw_rate=raw_rate, max_seconds=seconds)
        self._first = next(self._pieces, None)

    async def next(self) -> Samples | None:
        """The next piece, at most 1 s; None at the end. Raises as `decode_audio` does."""
        first, self._first = self._first, None
        pieces = self._pieces
        if first is not None or pieces is None:
            return first
        return await _finished(lambda: next(pieces, None))

    def close(self) -> None:
        """Forget the copy; not while `next` is being awaited. Idempotent."""
        if self._pieces is not None:
            self._pieces.close()
        self._copy.close()


async def _finished(work: Callable[[], T]) -> T:
    """Run blocking `work` in a thread; cancelled, wait for its end all the same."""
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise

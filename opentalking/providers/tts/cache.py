"""Recently synthesised short phrases."""

from collections import OrderedDict
from collections.abc import Hashable, Sequence

from opentalking.core.media import Speech


class PhraseCache:
    """Keeps the sound of at most `max_bytes`; what was not asked for longest goes first."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._phrases: OrderedDict[Hashable, tuple[Speech, ...]] = OrderedDict()

    def get(self, key: Hashable) -> tuple[Speech, ...] | None:
        """The pieces stored under `key`."""
        pieces = self._phrases.get(key)
        if pieces is not None:
            self._phrases.move_to_end(key)
        return pieces

    def put(self, key: Hashable, pieces: Sequence[Speech]) -> None:
        """Store `pieces`, unless there is no sound or they alone would fill a quarter of the room."""
        size = _size_bytes(pieces)
        if not 0 < size <= self._max_bytes // 4:
            return
        self._bytes += size - _size_bytes(self._phrases.pop(key, ()))
        self._phrases[key] = tuple(pieces)
        while self._bytes > self._max_bytes:
            _, oldest = self._phrases.popitem(last=False)
            self._bytes -= _size_bytes(oldest)


def _size_bytes(pieces: Sequence[Speech]) -> int:
    return sum(piece.pcm.nbytes for piece in pieces)

"""The idle loop: what a face does while nobody speaks, encoded once and sent as finished frames."""

import asyncio
import hashlib
import logging
import os
import struct
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import get_args

from opentalking.core.media import FPS, I420
from opentalking.media.encoder import EncodedFrame, VideoCodec, VideoTuning, encode_all

logger = logging.getLogger(__name__)

KEY_INTERVAL_FRAMES = FPS
# Half a second of VBV keeps a key frame below 31 kB: an uncapped one (69 kB) is a burst that
# froze browsers for 0.5 s.
_TUNING = VideoTuning(
    bitrate=450_000,
    buffer_bits=200_000,
    h264_options={"preset": "faster"},
    vp8_options={"cpu-used": "-5", "max-intra-rate": "800"},
)
_MEMORY_LOOPS = 32
_DISK_LOOPS = 128
_MAGIC = b"OTIDLE2\n"
_COUNT = struct.Struct("!I")
_ENTRY = struct.Struct("!I?")
_DIGEST_BYTES = 32


@dataclass(frozen=True)
class IdleLoop:
    """Immutable encoded loop, shared by all sessions of an avatar; frame 0 is a key frame."""

    codec: VideoCodec
    frames: tuple[EncodedFrame, ...]

    def __post_init__(self) -> None:
        if not self.frames or not self.frames[0].key:
            raise ValueError("an idle loop starts with a key frame")

    @cached_property
    def key_positions(self) -> tuple[int, ...]:
        """Positions of the key frames, ascending."""
        return tuple(index for index, frame in enumerate(self.frames) if frame.key)

    def nearest_key(self, position: int) -> int:
        """The key frame whose distance around the loop from `position` is smallest."""
        count = len(self.frames)

        def distance(key: int) -> int:
            return min((key - position) % count, (position - key) % count)

        return min(self.key_positions, key=distance)


@dataclass(frozen=True, slots=True)
class IdlePicture:
    """A place in an idle loop."""

    loop: IdleLoop
    position: int


class IdlePlayer:
    """Where one session stands in its idle loop; the phase moves on while it speaks, too."""

    def __init__(self) -> None:
        self._loop: IdleLoop | None = None
        self._phase = 0
        self._jumps = False

    def load(self, loop: IdleLoop | None) -> None:
        """Play another loop (the same, in another codec), beginning with a key frame."""
        self._loop = loop
        self._jumps = True

    def jump_to_key(self) -> None:
        """Let the next picture be the key frame nearest to the phase."""
        self._jumps = True

    @property
    def position(self) -> int:
        """Frame of the loop that is due next (without a loop: frames since the start)."""
        if self._loop is None:
            return self._phase
        phase = self._phase % len(self._loop.frames)
        return self._loop.nearest_key(phase) if self._jumps else phase

    def current(self) -> EncodedFrame | None:
        """The frame to send now; None without a loop."""
        if self._loop is None:
            return None
        if self._jumps:
            self._phase = self.position
            self._jumps = False
        return self._loop.frames[self.position]

    @property
    def picture(self) -> IdlePicture | None:
        """What `current` gave, as a place in the loop; None without a loop."""
        return None if self._loop is None else IdlePicture(self._loop, self.position)

    def advance(self) -> None:
        """A frame's time has passed."""
        self._phase += 1


def encode_idle_loop(frames: Iterator[I420], codec: VideoCodec) -> IdleLoop:
    """Encode a loop whose last picture leads into its first; blocks (about 2-4 ms a frame).

    A key frame comes every second, its size capped; raises `ValueError` without frames.
    """
    return IdleLoop(codec, tuple(encode_all(frames, codec, _TUNING, KEY_INTERVAL_FRAMES)))


class IdleCache:
    """Idle loops by key: in memory, on disk (when `directory` is given), else encoded once.

    `key` must change whenever the pictures would. Blocking work runs in `executor`. A damaged or
    outdated file is encoded anew. The owner calls `aclose`.
    """

    def __init__(self, directory: Path | None, executor: Executor) -> None:
        self._directory, self._executor = directory, executor
        self._loops: OrderedDict[tuple[str, VideoCodec], IdleLoop] = OrderedDict()
        self._making: dict[tuple[str, VideoCodec], asyncio.Future[IdleLoop]] = {}

    async def get(self, key: str, codec: VideoCodec, frames: Callable[[], Iterator[I420]]) -> IdleLoop:
        """The loop of `key`; `frames` is called in a thread and only when it must be encoded."""
        name = (key, codec)
        if name in self._loops:
            self._loops.move_to_end(name)
            return self._loops[name]
        if name not in self._making:
            loop = asyncio.get_running_loop()
            future = loop.run_in_executor(self._executor, self._load_or_encode, key, codec, frames)
            self._making[name] = future
            future.add_done_callback(lambda done: self._made(name, done))
        # One caller that gives up must not take the loop from the others.
        return await asyncio.shield(self._making[name])

    async def forget(self, key: str) -> None:
        """Drop the loops of `key` from memory and disk, in every codec; whoever plays one keeps it."""
        for codec in get_args(VideoCodec):
            making = self._making.get((key, codec))
            if making is not None:
                await asyncio.gather(asyncio.shield(making), return_exceptions=True)
            self._loops.pop((key, codec), None)
        await asyncio.get_running_loop().run_in_executor(self._executor, self._unlink, key)

    async def aclose(self) -> None:
        """Wait for encodings under way."""
        await asyncio.gather(*self._making.values(), return_exceptions=True)

    def _made(self, name: tuple[str, VideoCodec], done: asyncio.Future[IdleLoop]) -> None:
        self._making.pop(name, None)
        if done.cancelled() or done.exception() is not None:
            return
        self._loops[name] = done.result()
        while len(self._loops) > _MEMORY_LOOPS:
            self._loops.popitem(last=False)

    def _unlink(self, key: str) -> None:
        if self._directory is None:
            return
        for codec in get_args(VideoCodec):
            with suppress(OSError):
                _path(self._directory, key, codec).unlink(missing_ok=True)

    def _load_or_encode(self, key: str, codec: VideoCodec, frames: Callable[[], Iterator[I420]]) -> IdleLoop:
        if self._directory is None:
            return encode_idle_loop(frames(), codec)
        path = _path(self._directory, key, codec)
        try:
            loop = unpack_loop(path.read_bytes(), codec)
            _touch(path)
            return loop
        except FileNotFoundError:
            pass
        except (OSError, ValueError, struct.error) as error:
            logger.warning("idle loop %s is unusable (%s), encoding it again", path, error)
        loop = encode_idle_loop(frames(), codec)
        try:
            _store(path, pack_loop(loop))
        except OSError as error:
            logger.warning("cannot keep the idle loop in %s: %s", path, error)
        return loop


def _path(directory: Path, key: str, codec: VideoCodec) -> Path:
    return directory / f"{hashlib.sha256(f'{codec}:{key}'.encode()).hexdigest()}.idle"


def pack_loop(loop: IdleLoop) -> bytes:
    """The loop as one block of bytes: magic, codec, frames, SHA-256 over all before it."""
    parts = [_MAGIC, loop.codec.encode().ljust(8), _COUNT.pack(len(loop.frames))]
    for frame in loop.frames:
        parts += [_ENTRY.pack(len(frame.payload), frame.key), frame.payload]
    body = b"".join(parts)
    return body + hashlib.sha256(body).digest()


def unpack_loop(data: bytes, codec: VideoCodec) -> IdleLoop:
    """The inverse of `pack_loop`; raises `ValueError` for damaged data or another version."""
    body, digest = data[:-_DIGEST_BYTES], data[-_DIGEST_BYTES:]
    if not body.startswith(_MAGIC + codec.encode().ljust(8)):
        raise ValueError("written by another version")
    if hashlib.sha256(body).digest() != digest:
        raise ValueError("damaged")
    position = len(_MAGIC) + 8
    (count,) = _COUNT.unpack_from(body, position)
    position += _COUNT.size
    frames = []
    for _ in range(count):
        size, key = _ENTRY.unpack_from(body, position)
        position += _ENTRY.size
        frames.append(EncodedFrame(body[position : position + size], key))
        position += size
    return IdleLoop(codec, tuple(frames))


def _touch(path: Path) -> None:
    """Mark as used lately, where the disk may be written."""
    with suppress(OSError):
        os.utime(path)


def _store(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise
    by_age = sorted(path.parent.glob("*.idle"), key=lambda file: file.stat().st_mtime)
    for old in by_age[:-_DISK_LOOPS]:
        old.unlink(missing_ok=True)

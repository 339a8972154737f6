"""Live video: pictures are encoded ahead of the clock, so that a tick only takes finished frames."""

import asyncio
import logging
from collections import deque
from concurrent.futures import Executor
from functools import partial

from av.error import FFmpegError

from opentalking.core.media import I420
from opentalking.media.encoder import LIVE_BITRATE, EncodedFrame, VideoCodec, VideoEncoder, encode_live
from opentalking.media.turn import TurnBuffer

logger = logging.getLogger(__name__)

_MAX_FAILURES = 5


class LiveVideo:
    """Encodes the pictures of one turn at a time, at most `ahead_frames` before they are due.

    Every frame depends on the one before, so an encoded frame is never thrown away while its
    turn goes on: a late one goes out late, and raw pictures are skipped to catch up. What is
    thrown away as a whole (`follow`, `stop`) gets a new generation: results of encodings still in a
    thread are refused, and the next frame is a key frame.
    """

    def __init__(self, pool: Executor, ahead_frames: int, bitrate: int = LIVE_BITRATE) -> None:
        self._pool, self._ahead_frames, self._bitrate = pool, ahead_frames, bitrate
        self._turn: TurnBuffer | None = None
        self._codec: VideoCodec | None = None
        self._generation = 0
        self._ready: deque[tuple[int, EncodedFrame, I420]] = deque()
        self.shown: I420 | None = None
        """The picture of the frame that was taken last."""
        self._next_index = 0
        self._force_key = True
        self._repeat_wanted = False
        self._last_picture: I420 | None = None
        self._encoder: VideoEncoder | None = None
        self._failures = 0
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def is_active(self) -> bool:
        """Whether frames will come."""
        return self._turn is not None and self._codec is not None

    @property
    def has_ready(self) -> bool:
        """Whether a finished frame waits."""
        return bool(self._ready)

    def follow(self, turn: TurnBuffer, codec: VideoCodec | None) -> None:
        """Encode the pictures of `turn` from its next unit on, beginning with a key frame."""
        self.stop()
        self._turn, self._codec = turn, codec
        if self.is_active and self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._encode_ahead())
        self.wake()

    def stop(self) -> None:
        """Forget turn and frames; what is being encoded will be refused."""
        self._generation += 1
        self._turn = None
        self._ready.clear()
        self._next_index = 0
        self._force_key = True
        self._repeat_wanted = False
        self._last_picture = self.shown = None
        self._failures = 0

    def release(self) -> None:
        """Free the encoder (about 10 MB); the next frame makes a new one."""
        self._encoder = None

    def wake(self) -> None:
        """Look for work: pictures were added or a frame was taken."""
        self._wake.set()

    def request_key_frame(self) -> None:
        """Make the next picture that is encoded a key frame."""
        self._force_key = True

    def request_repeat(self) -> None:
        """Encode the last picture once more, because the next one is missing."""
        self._repeat_wanted = True
        self.wake()

    def pop(self) -> EncodedFrame | None:
        """Take the frame that is due now (or overdue), if it is finished."""
        if self._turn is None or not self._ready or self._ready[0][0] >= self._turn.next_index:
            return None
        index, frame, self.shown = self._ready.popleft()
        if not self._turn.in_hole:
            self._turn.figures.picture(self._turn.next_index - 1 - index)
        self.wake()
        return frame

    async def aclose(self) -> None:
        """Stop for good and wait for the task."""
        self.stop()
        self.release()
        if self._task is not None:
            self._task.cancel()
            (outcome,) = await asyncio.gather(self._task, return_exceptions=True)
            if isinstance(outcome, Exception):
                logger.error("encode-ahead task had failed", exc_info=outcome)
            self._task = None

    async def _encode_ahead(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while (picked := self._pick()) is not None:
                await self._encode_picture(*picked)

    def _pick(self) -> tuple[int, I420] | None:
        if self._turn is None or self._codec is None or len(self._ready) >= self._ahead_frames:
            return None
        # Frames leave one per video tick, so this one's slot comes after those that wait.
        slot = self._turn.next_index + len(self._ready)
        picked = self._turn.take_picture(max(self._next_index, slot))
        if picked is not None:
            self._repeat_wanted = False
            self._next_index = picked[0] + 1
            self._last_picture = picked[1]
            return picked
        if self._repeat_wanted and not self._ready and self._last_picture is not None:
            self._repeat_wanted = False
            return self._turn.next_index - 1, self._last_picture
        return None

    async def _encode_picture(self, index: int, picture: I420) -> None:
        codec, generation, force_key = self._codec, self._generation, self._force_key
        assert codec is not None  # noqa: S101  (_pick checks)
        self._force_key = False
        loop = asyncio.get_running_loop()
        try:
            encoder, frame = await loop.run_in_executor(
                self._pool,
                partial(encode_live, self._encoder, codec, self._bitrate, picture, force_key=force_key),
            )
        except (FFmpegError, ValueError, MemoryError):
            self._failed(generation)
            return
        self._encoder = encoder
        if generation == self._generation:
            self._failures = 0
            self._ready.append((index, frame, picture))

    def _failed(self, generation: int) -> None:
        logger.exception("video encoder failed, starting a new one")
        self._encoder = None
        self._force_key = True
        if generation == self._generation:
            self._failures += 1
            if self._failures >= _MAX_FAILURES:
                logger.error("no live video for the rest of turn")
                self.stop()

"""Pictures of a face that neither speaks nor idles: painted and encoded one at a time, while it lasts."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from concurrent.futures import Executor
from functools import partial

from av.error import FFmpegError

from opentalking.core.errors import OpenTalkingError
from opentalking.core.media import I420
from opentalking.media.encoder import LIVE_BITRATE, EncodedFrame, VideoCodec, VideoEncoder, encode_live

logger = logging.getLogger(__name__)

Frames = AsyncGenerator[I420, None]


class LookPlayer:
    """Keeps one encoded picture of a look ready for the next video tick, never more.

    A look that takes over from another goes on in the same stream of pictures; after `stop` or for
    another peer the next picture is a key frame, and what is still under way is refused. A look that
    fails just ends.
    """

    def __init__(self, pool: Executor, bitrate: int = LIVE_BITRATE) -> None:
        self._pool, self._bitrate = pool, bitrate
        self._codec: VideoCodec | None = None
        self._frames: Frames | None = None
        self._outdated: list[Frames] = []
        self._ready: tuple[EncodedFrame, I420] | None = None
        self.shown: I420 | None = None
        """The picture of the frame that was taken last."""
        self._encoder: VideoEncoder | None = None
        self._generation = 0
        self._force_key = True
        self._is_paused = False
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def is_active(self) -> bool:
        """Whether pictures wait or will come."""
        return self._frames is not None or self._ready is not None

    def show(self, frames: Frames) -> None:
        """Play `frames` from now on, in place of what is played."""
        if self._frames is not None:
            self._outdated.append(self._frames)
        self._frames = frames
        self._is_paused = False
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._play())
        self._wake.set()

    def stop(self) -> None:
        """Forget the look and its pictures."""
        if self._frames is not None:
            self._outdated.append(self._frames)
            self._frames = None
        self._begin_anew()

    def pause(self) -> None:
        """Begin no further picture until `resume` or another look: a turn's first one needs the machine."""
        self._is_paused = True

    def resume(self) -> None:
        """Go on with the look, if it was not stopped."""
        self._is_paused = False
        self._wake.set()

    def follow(self, codec: VideoCodec | None) -> None:
        """Make pictures for another peer, beginning with a key frame; None: make none."""
        self._codec = codec
        self._begin_anew()

    def request_key_frame(self) -> None:
        """Make the next picture a key frame."""
        self._force_key = True

    def pop(self) -> EncodedFrame | None:
        """Take the picture that is due now, if it is finished."""
        if self._ready is None:
            return None
        (frame, self.shown), self._ready = self._ready, None
        self._wake.set()
        return frame

    async def aclose(self) -> None:
        """Stop for good and wait for the task."""
        self.stop()
        if self._task is None:
            return
        self._task.cancel()
        (outcome,) = await asyncio.gather(self._task, return_exceptions=True)
        if isinstance(outcome, Exception):
            logger.error("look task had failed", exc_info=outcome)
        self._task = None
        await self._close_outdated()

    def _begin_anew(self) -> None:
        self._generation += 1
        self._ready = self.shown = None
        self._force_key = True
        self._wake.set()

    @property
    def _is_wanting(self) -> bool:
        return self._ready is None and not self._is_paused

    async def _play(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._is_wanting and self._frames is not None and self._codec is not None:
                await self._make_picture(self._frames, self._codec)
            await self._close_outdated()
            if self._frames is None:
                self._encoder = None
                self._force_key = True

    async def _make_picture(self, frames: Frames, codec: VideoCodec) -> None:
        try:
            picture = await anext(frames, None)
            if self._frames is not frames:
                return
            if picture is None:
                self._frames = None
                return
            await self._encode_picture(picture, codec)
        except (OpenTalkingError, FFmpegError, ValueError, MemoryError):
            logger.exception("a look failed, the face idles")
            self._encoder = None
            if self._frames is frames:
                self.stop()

    async def _encode_picture(self, picture: I420, codec: VideoCodec) -> None:
        generation, force_key, self._force_key = self._generation, self._force_key, False
        self._encoder, frame = await asyncio.get_running_loop().run_in_executor(
            self._pool,
            partial(encode_live, self._encoder, codec, self._bitrate, picture, force_key=force_key),
        )
        if generation == self._generation:
            self._ready = frame, picture

    async def _close_outdated(self) -> None:
        while self._outdated:
            await self._outdated.pop().aclose()

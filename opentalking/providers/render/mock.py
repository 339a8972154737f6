"""`MockRenderer`: the avatar's still picture, for tests and machines without any power to spare."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor

import cv2

from opentalking.core.avatars import AvatarBundle
from opentalking.core.errors import ProviderError
from opentalking.core.media import FPS, I420, SAMPLES_PER_FRAME, Segment, Speech
from opentalking.core.providers import RendererCapabilities
from opentalking.providers.render.portrait.picture import decode, fit, read_files, size_of
from opentalking.providers.render.portrait.planes import split, to_i420
from opentalking.providers.render.timeline import SpeechTimeline

NAME = "mock"
_BATCH = 5


class MockRenderer:
    """Pairs sound with a still picture; nothing moves."""

    name = NAME
    capabilities = RendererCapabilities()

    def __init__(self, max_pixels: int = 409_600) -> None:
        self._max_pixels = max_pixels
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="mock-renderer")

    async def open(self, avatar: AvatarBundle) -> "MockFace":
        """Read the picture of `avatar`; raises `ProviderError(stage="render")`."""
        key, frame = await self._picture(avatar)
        return MockFace(frame, key)

    async def forget(self, avatar: AvatarBundle) -> str:
        """Nothing is kept here; see `opentalking.core.providers.KeepsAvatars`."""
        key, _ = await self._picture(avatar)
        return key

    async def _picture(self, avatar: AvatarBundle) -> tuple[str, I420]:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._executor, self._read, avatar)
        except (OSError, ValueError, RuntimeError, cv2.error) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else error
            raise ProviderError(f"{NAME}: {reason}", stage="render", provider=NAME) from error

    async def aclose(self) -> None:
        """Stop the thread; idempotent."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _read(self, avatar: AvatarBundle) -> tuple[str, I420]:
        files = read_files(avatar.directory, {}, avatar.reference)
        picture = decode(files.picture)
        size = size_of(avatar, picture, self._max_pixels)
        frame = to_i420(split(fit(picture, size)))
        return f"{NAME}-{files.fingerprint}-{size[0]}x{size[1]}", frame


class MockFace:
    """A still face."""

    def __init__(self, frame: I420, key: str) -> None:
        self._frame = frame
        self.width = int(frame.shape[1])
        self.height = int(frame.shape[0] * 2 // 3)
        self.idle_key = key

    def idle_frames(self) -> Iterator[I420]:
        """One second of the same frame."""
        for _ in range(FPS):
            yield self._frame

    async def render(
        self, speech: AsyncIterator[Speech], turn_id: str, idle_position: int = 0
    ) -> AsyncGenerator[Segment, None]:
        """The sound with the still frame; there is no mouth to close, so no tail."""
        timeline = SpeechTimeline()
        async for piece in speech:
            timeline.add(piece)
            while count := min(_BATCH, timeline.ready_frames):
                yield self._segment(timeline, turn_id, count)
        timeline.pad()
        if timeline.has_marks and not timeline.ready_frames:
            timeline.add_silence(SAMPLES_PER_FRAME)
        while count := min(_BATCH, timeline.ready_frames):
            yield self._segment(timeline, turn_id, count)

    async def aclose(self) -> None:
        """Nothing to release."""

    def _segment(self, timeline: SpeechTimeline, turn_id: str, count: int) -> Segment:
        pcm, marks = timeline.take(count)
        return Segment(turn_id, pcm, (self._frame,) * count, marks)

"""`PortraitRenderer`: a talking head from one picture, on the CPU."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain, repeat
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
import structlog

from opentalking.core.avatars import AvatarBundle
from opentalking.core.errors import OpenTalkingError, ProviderError
from opentalking.core.media import I420, Segment, Speech
from opentalking.core.providers import Look, RendererCapabilities
from opentalking.providers.render.portrait import prepared
from opentalking.providers.render.portrait.acting.motion import (
    IDLE_FRAMES,
    Idling,
    idle_expression,
    idle_pose,
)  # fmt: skip
from opentalking.providers.render.portrait.idling import read_idling
from opentalking.providers.render.portrait.landmarks import FaceFinder
from opentalking.providers.render.portrait.looks import Carried, LookStream
from opentalking.providers.render.portrait.painter import NEUTRAL, FramePainter
from opentalking.providers.render.portrait.parts.drawn_lips import read_lips
from opentalking.providers.render.portrait.picture import (
    Picture,
    PictureFiles,
    decode,
    fit,
    lid_pictures,
    read_files,
    size_of,
)  # fmt: skip
from opentalking.providers.render.portrait.prepared import PreparedPortrait
from opentalking.providers.render.portrait.stream import PortraitStream
from opentalking.providers.render.visemes import viseme

NAME = "portrait"
_FIRST_BATCHES = (1, 2)
"""Frames of a piece's first segments: the first one leaves as soon as it is painted."""
_BATCH = 5
_CLOSE_SECONDS = 5.0
_FAILURES = (OSError, ValueError, ArithmeticError, np.linalg.LinAlgError, cv2.error, MemoryError)

T = TypeVar("T")
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PortraitConfig:
    """How large, with how many threads and where prepared portraits are kept.

    `max_pixels` bounds width * height of the stream; `cache_directory` None keeps them in memory
    only, the last `cached_avatars` of them.
    """

    max_pixels: int = 409_600
    render_threads: int = 2
    cache_directory: Path | None = None
    cached_avatars: int = 8


@contextmanager
def _render_errors() -> Iterator[None]:
    try:
        yield
    except OpenTalkingError:
        raise
    except _FAILURES as error:
        # The text of an OSError names files of the server; its reason does not.
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise ProviderError(f"{NAME}: {reason}", stage="render", provider=NAME) from error


def _closed_error() -> ProviderError:
    return ProviderError("the renderer is closed", stage="render", provider=NAME)


class PortraitRenderer:
    """Animates pictures; shared by all sessions of a worker."""

    name = NAME
    capabilities = RendererCapabilities(phoneme_timings=True, looks=True)

    def __init__(self, config: PortraitConfig | None = None) -> None:
        self._config = config or PortraitConfig()
        cv2.setNumThreads(1)  # threads of its own would fight with the other sessions
        self._executor = ThreadPoolExecutor(self._config.render_threads, thread_name_prefix="portrait")
        self._finder = FaceFinder()
        self._portraits: OrderedDict[str, Future[PreparedPortrait]] = OrderedDict()
        self._running: set[Future[Any]] = set()
        self._closed = False

    async def open(self, avatar: AvatarBundle) -> "PortraitFace":
        """Prepare `avatar` and hand out a face.

        Opens of the same picture share one preparation. Raises `ProviderError(stage="render")`
        if the picture is missing or broken.
        """
        key, files, picture = await self.run(partial(self._identify, avatar))
        promise = self._portraits.get(key)
        if promise is None:
            promise = self._portraits[key] = self._submit(partial(self._prepare, key, files, picture))
        self._portraits.move_to_end(key)
        while len(self._portraits) > self._config.cached_avatars:
            self._portraits.popitem(last=False)
        try:
            # shielded: who gives up waiting must not spoil it for the others
            portrait = await self._result(promise)
        except ProviderError:
            if self._portraits.get(key) is promise:
                del self._portraits[key]
            raise
        return PortraitFace(self, portrait, _idle_key(key, files), read_idling(files.motion))

    async def forget(self, avatar: AvatarBundle) -> str:
        """Drop the prepared portrait of `avatar`; see `opentalking.core.providers.KeepsAvatars`."""
        key, files, _ = await self.run(partial(self._identify, avatar))
        promise = self._portraits.pop(key, None)
        if promise is not None:  # it may be about to be kept on disk
            await asyncio.gather(self._result(promise), return_exceptions=True)
        if self._config.cache_directory:
            await self.run(partial(self._path(key).unlink, missing_ok=True))
        return _idle_key(key, files)

    async def aclose(self) -> None:
        """Stop the threads; frames under way are finished and dropped; idempotent."""
        self._closed = True
        self._portraits.clear()
        self._executor.shutdown(wait=False, cancel_futures=True)
        running = [asyncio.wrap_future(work) for work in tuple(self._running)]
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await asyncio.gather(*running, return_exceptions=True)
        except TimeoutError:
            return
        self._executor.shutdown(wait=True)  # the threads are idle by now: this does not block

    async def run(self, work: Callable[[], T]) -> T:
        """Run blocking `work` on the renderer's threads; its failures become `ProviderError`."""
        future = self._submit(work)
        try:
            return await self._result(future)
        finally:
            future.cancel()  # what has not begun need not; no effect on what is done

    async def _result(self, future: Future[T]) -> T:
        try:
            with _render_errors():
                return await asyncio.shield(asyncio.wrap_future(future))
        except asyncio.CancelledError:
            if future.cancelled() and self._closed:
                raise _closed_error() from None
            raise

    def _submit(self, work: Callable[[], T]) -> Future[T]:
        if self._closed:
            raise _closed_error()
        future = self._executor.submit(work)
        self._running.add(future)
        future.add_done_callback(self._running.discard)
        return future

    def _identify(self, avatar: AvatarBundle) -> tuple[str, PictureFiles, Picture]:
        files = read_files(avatar.directory, avatar.manifest, avatar.reference)
        picture = decode(files.picture)
        size = size_of(avatar, picture, self._config.max_pixels)
        key = f"{NAME}-{prepared.VERSION}-{files.fingerprint}-{size[0]}x{size[1]}"
        return key, files, fit(picture, size)

    def _path(self, key: str) -> Path:
        assert self._config.cache_directory is not None  # noqa: S101 - asked only where there is one
        return self._config.cache_directory / f"{key}.npz"

    def _prepare(self, key: str, files: PictureFiles, picture: Picture) -> PreparedPortrait:
        path = self._path(key) if self._config.cache_directory else None
        portrait = prepared.load(path) if path else None
        if portrait is None:
            lids = lid_pictures(picture, files.lids) if files.lids else ()
            portrait = prepared.prepare(picture, lids, self._finder, files.mode, read_lips(files.animation))
            if path:
                _keep(portrait, path)
        # the first frame of a process is dear (code paths, memory): nobody shall wait for it
        FramePainter(portrait).frame(viseme("open").target, 0.5, idle_pose(0))
        return portrait


def _idle_key(key: str, files: PictureFiles) -> str:
    """Names the idle loop: the same face may be moved in another way."""
    return f"{key}-{hashlib.sha256(files.motion).hexdigest()[:12]}" if files.motion else key


def _keep(portrait: PreparedPortrait, path: Path) -> None:
    """Save for the next start; a full or read-only disk costs only time then."""
    try:
        prepared.save(portrait, path)
        prepared.sweep(path.parent)
    except OSError as error:
        log.warning("cannot keep the prepared portrait", path=str(path), error=str(error))


class PortraitFace:
    """The moving picture of one session."""

    def __init__(
        self, renderer: PortraitRenderer, portrait: PreparedPortrait, key: str, idling: Idling
    ) -> None:
        self._renderer = renderer
        self._portrait = portrait
        self._idling = idling
        self.width = portrait.width
        self.height = portrait.height
        self.idle_key = key
        self._carried = Carried()

    def idle_frames(self) -> Iterator[I420]:
        """The idle loop, 8 s, painted as it is asked for; blocking."""
        painter = FramePainter(self._portrait)
        for number in range(IDLE_FRAMES):
            shut, pose = self._idling.shut(number), self._idling.pose(number)
            yield painter.frame(NEUTRAL, shut, pose, idle_expression(number))

    async def render(
        self, speech: AsyncIterator[Speech], turn_id: str, idle_position: int = 0
    ) -> AsyncGenerator[Segment, None]:
        """Segments for `speech`, the first one a single frame; see `opentalking.core.providers.Face`."""
        # a look is over when it is closed: a turn that is dropped before it is seen leaves it as it is
        stream = PortraitStream(self._portrait, turn_id, idle_position, self._carried.ease, self._idling)
        pieces = aiter(speech)
        while not stream.finished:
            piece = await anext(pieces, None)
            sizes = chain(_FIRST_BATCHES, repeat(_BATCH))
            segment = await self._renderer.run(partial(stream.take, piece, next(sizes)))
            while segment is not None:
                yield segment
                if not stream.ready_frames:
                    break
                segment = await self._renderer.run(partial(stream.render, next(sizes)))

    def look(self, kind: Look, idle_position: int = 0) -> AsyncGenerator[I420, None]:
        """Frames of a look; see `opentalking.core.providers.LookingFace`."""
        self._carried = Carried(self._carried.ease)
        return self._frames(LookStream(self._portrait, kind, idle_position, self._carried, self._idling))

    async def _frames(self, stream: LookStream) -> AsyncGenerator[I420, None]:
        try:
            while (frame := await self._renderer.run(stream.next)) is not None:
                yield frame
        finally:
            if self._carried is stream.carried:  # nothing took over from it
                self._carried = Carried()

    async def aclose(self) -> None:
        """Nothing belongs to the session alone; the prepared portrait stays cached."""

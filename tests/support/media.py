"""Pictures, sounds, a recording sink and listener for tests of the media path."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from opentalking.core.media import I420, MEDIA_RATE, SAMPLES_PER_FRAME, Mark, Samples, Segment
from opentalking.media.encoder import EncodedFrame, VideoCodec
from opentalking.media.idle import IdleLoop, encode_idle_loop
from opentalking.media.output import MediaOutput
from tests.support.virtual_time import VirtualTimeLoop

WIDTH, HEIGHT = 128, 160
T = TypeVar("T")


def run_virtual(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on a loop whose time jumps."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)


def idle_picture(position: int) -> I420:
    """A grey gradient with a blue disc that swings once in 100 frames."""
    return _picture(position, (60, 90, 200))


def live_picture(index: int) -> I420:
    """The same with a red disc: far from every idle picture."""
    return _picture(index, (220, 60, 40))


def _picture(position: int, colour: tuple[int, int, int]) -> I420:
    image = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    image[:] = np.linspace(60, 180, HEIGHT, dtype=np.uint8)[:, None, None]
    centre = (WIDTH // 2 + round(20 * np.sin(position / 50 * np.pi)), HEIGHT // 2)
    cv2.circle(image, centre, 36, colour, -1)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2YUV_I420), np.uint8)


def tone(frames: int, start_frame: int = 0, hertz: float = 440.0) -> Samples:
    """A sine of `frames` x 40 ms that continues over consecutive pieces."""
    n = np.arange(start_frame * SAMPLES_PER_FRAME, (start_frame + frames) * SAMPLES_PER_FRAME)
    return (9000 * np.sin(2 * np.pi * hertz * n / MEDIA_RATE)).astype(np.int16)


def segment(turn_id: str, frames: int, start: int = 0, marks: tuple[Mark, ...] = ()) -> Segment:
    """A segment of `frames` live pictures from picture `start` on, with a tone."""
    pictures = tuple(live_picture(start + index) for index in range(frames))
    return Segment(turn_id, tone(frames, start), pictures, marks)


def idle_loop(codec: VideoCodec = "h264", frames: int = 100) -> IdleLoop:
    return encode_idle_loop((idle_picture(index) for index in range(frames)), codec)


def psnr(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    error = float(np.mean(np.square(a.astype(np.float64) - b.astype(np.float64))))
    return 99.0 if error == 0 else float(10 * np.log10(255**2 / error))


def decode_video(frames: list[EncodedFrame], codec: VideoCodec) -> list[I420]:
    """Decode in order, one picture per frame; fails on whatever the decoder complains about."""
    context = av.CodecContext.create("h264" if codec == "h264" else "libvpx", "r")
    if codec == "h264":
        context.options = {"flags": "low_delay", "err_detect": "explode"}
        context.thread_count = 1
    pictures: list[I420] = []
    for frame in frames:
        decoded = context.decode(av.Packet(frame.payload))
        pictures += [np.asarray(picture.to_ndarray(format="yuv420p"), np.uint8) for picture in decoded]
    pictures += [np.asarray(p.to_ndarray(format="yuv420p"), np.uint8) for p in context.decode(None)]
    assert len(pictures) == len(frames)
    return pictures


def decode_sound(packets: list[bytes]) -> Samples:
    """Mono 48 kHz samples of consecutive Opus packets."""
    context = av.CodecContext.create("libopus", "r")
    context.format, context.layout, context.sample_rate = "s16", "mono", MEDIA_RATE
    parts = [frame.to_ndarray().ravel() for data in packets for frame in context.decode(av.Packet(data))]
    return np.concatenate(parts).astype(np.int16)


def level(samples: Samples) -> float:
    return float(np.sqrt(np.mean(np.square(samples.astype(np.float64)))))


class RecordingSink:
    """Keeps what was sent: `sound` as (payload, pts), `video` as (frame, pts)."""

    def __init__(self, codec: VideoCodec | None = "h264") -> None:
        self.codec = codec
        self.sound: list[tuple[bytes, int]] = []
        self.video: list[tuple[EncodedFrame, int]] = []

    def send_audio(self, payload: bytes, pts: int) -> None:
        self.sound.append((payload, pts))

    def send_video(self, frame: EncodedFrame, pts: int) -> None:
        self.video.append((frame, pts))

    def pictures(self, start: int = 0) -> list[I420]:
        assert self.codec is not None
        return decode_video([frame for frame, _ in self.video[start:]], self.codec)


class RecordingListener:
    """Keeps what happened as (what, turn_id, detail), with the number of the tick."""

    def __init__(self) -> None:
        self.now: Callable[[], int] = lambda: 0
        self.events: list[tuple[int, str, str, object]] = []

    def started(self, turn_id: str) -> None:
        self.events.append((self.now(), "started", turn_id, None))

    def mark(self, turn_id: str, mark: Mark) -> None:
        self.events.append((self.now(), "mark", turn_id, (mark.kind, mark.sentence_index)))

    def frame(self, turn_id: str, frame_index: int, pts_ms: int) -> None:
        self.events.append((self.now(), "frame", turn_id, (frame_index, pts_ms)))

    def of(self, what: str) -> list[tuple[int, object]]:
        return [(tick, detail) for tick, kind, _, detail in self.events if kind == what]


class Stage:
    """A `MediaOutput` with listener, ticked by hand on virtual time."""

    def __init__(self, pool: Executor, **options: Any) -> None:
        self.listener = RecordingListener()
        self.listener.now = lambda: self.ticks
        self.ticks = 0
        self.output = MediaOutput(self.listener, pool, **options)

    async def tick(self, count: int = 1) -> None:
        """Tick, giving everything else its turn before each tick."""
        for _ in range(count):
            await asyncio.sleep(0.019)
            self.output.tick()
            self.ticks += 1
            await asyncio.sleep(0.001)


class HeldExecutor(Executor):
    """Keeps submitted work until `run_next`, like a pool that is too busy."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Future[Any], Callable[[], Any]]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.waiting.append((future, lambda: fn(*args, **kwargs)))
        return future

    def run_next(self) -> None:
        future, work = self.waiting.pop(0)
        if not future.cancelled():
            future.set_result(work())

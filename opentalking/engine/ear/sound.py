"""The microphone's sound on its way: what was heard last, and what goes on to a recogniser."""

import asyncio
from collections import deque

import numpy as np

from opentalking.core.media import Samples
from opentalking.core.providers import VAD_FRAME_SAMPLES

NOTHING: Samples = np.zeros(0, np.int16)
"""An empty piece: the speaker pauses."""


class LiveSound:
    """An `AudioOutlet` of one utterance while it is spoken: what is put is read, first in, first out.

    It holds no more than the utterance may be long. After `finish` or `drop` nothing more is taken. What
    comes in a pause is held back until the speaker goes on: nothing but the end follows the last pause.
    """

    sample_rate = 16_000

    def __init__(self) -> None:
        self.completed = False
        self.ended = asyncio.Event()
        """Set when no more sound comes, for whatever reason."""
        self._pieces: deque[Samples] = deque()
        self._held: list[Samples] | None = None
        self._news = asyncio.Event()

    def put(self, pcm: Samples) -> None:
        """Append mono int16 at 16 kHz."""
        if self.ended.is_set():
            return
        if self._held is not None:
            self._held.append(pcm)
        else:
            self._pieces.append(pcm)
            self._news.set()

    def pause(self) -> None:
        """The speaker pauses: that may have been all."""
        self.go_on()
        self.put(NOTHING)
        self._held = []

    def go_on(self) -> None:
        """The speaker goes on after a pause, if it was one."""
        held, self._held = self._held, None
        for pcm in held or ():
            self.put(pcm)

    def finish(self) -> None:
        """That was all; silence after a last pause is left out."""
        self.completed = True
        self._end()

    def drop(self) -> None:
        """The rest is not wanted; whoever reads learns that the sound broke off."""
        self._end()

    async def next(self) -> Samples | None:
        """The next piece; None at the end. Cancel-safe."""
        while not self._pieces and not self.ended.is_set():
            self._news.clear()
            await self._news.wait()
        return self._pieces.popleft() if self._pieces else None

    async def aclose(self, reason: str = "") -> None:
        """Let go: nothing is kept any more."""
        self._pieces.clear()

    def _end(self) -> None:
        self.ended.set()
        self._news.set()


class Recent:
    """The last frames of a microphone, to look back into; `end` is how many samples came in all."""

    def __init__(self, seconds: float) -> None:
        self.end = 0
        self._frames: deque[Samples] = deque(maxlen=round(seconds * 16_000 / VAD_FRAME_SAMPLES))

    def add(self, frame: Samples) -> None:
        """Append `VAD_FRAME_SAMPLES` samples."""
        self._frames.append(frame)
        self.end += len(frame)

    def since(self, sample: int) -> Samples:
        """What came from `sample` on, as far as it is remembered."""
        count = min(len(self._frames), -(-(self.end - sample) // VAD_FRAME_SAMPLES))
        if count <= 0:
            return NOTHING
        sound: Samples = np.concatenate(list(self._frames)[-count:])
        return sound

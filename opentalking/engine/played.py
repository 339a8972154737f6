"""Turns whose sound comes from outside: a file or a stream of samples, played through the face."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import numpy as np

from opentalking.audio.resample import LiveResampler
from opentalking.core.media import FPS, MEDIA_RATE, Mark, Samples, Speech
from opentalking.core.ports import AudioOutlet, StreamClosed
from opentalking.engine.report import Outcome
from opentalking.engine.stages import render_and_play
from opentalking.engine.streams import Stream
from opentalking.engine.turn import AHEAD_SECONDS, Turn, TurnParts
from opentalking.media.output import MediaOutput

PIECE_SECONDS = 0.5
DRY_SECONDS = 0.1
"""A sound that pauses for longer has run dry, once `LEFT_SAMPLES` or less of it are left to play."""
LEFT_SAMPLES = round(0.16 * MEDIA_RATE)
"""What a face that knows only the sound holds back, a frame to paint, and a frame to play meanwhile."""
STILL_SECONDS = 1 / FPS
GIVE_UP_SECONDS = 60.0
"""A sound that pauses for so long has ended."""


class PlayedTurn(Turn):
    """Two stages, hear and render: the sound of a stream goes through the face as it arrives."""

    def __init__(self, turn_id: str, sound: AudioOutlet, parts: TurnParts) -> None:
        super().__init__(turn_id, parts)
        self._sound = sound

    def accept(self) -> None:
        """Tell the clients that the turn is taken; nobody knows its words."""
        self._parts.report.started("", thinking=False)

    def _start_stages(self, start: Callable[..., object]) -> None:
        speech: Stream[Speech] = Stream(AHEAD_SECONDS, lambda piece: piece.seconds)
        start(hear(self._sound, speech, self._parts.output, self.id))
        start(render_and_play(self._parts.face, speech, self._parts.output, self.id))

    def mark(self, mark: Mark) -> None:
        """Nothing is marked."""

    def _conclude(self, outcome: Outcome) -> None:
        self._parts.report.ended(outcome)

    async def let_go(self) -> None:
        """Close the stream; its writer learns how the turn ended."""
        await self._sound.aclose(self.ending)


async def hear(sound: AudioOutlet, outbox: Stream[Speech], output: MediaOutput, turn_id: str) -> None:
    """Bring a sound to `MEDIA_RATE`, in pieces of one sentence, as soon as they are there.

    Where it runs dry the face goes on in silence, which also plays what the face holds back.
    """
    resampler = LiveResampler(sound.sample_rate, MEDIA_RATE)
    still = np.zeros(round(STILL_SECONDS * sound.sample_rate), np.int16)
    given = 0

    async def give(pcm: Samples, *, ends: bool = False) -> None:
        nonlocal given
        ready = resampler.feed(pcm, last=ends)
        given += len(ready)
        if len(ready) or ends:
            await outbox.put(Speech(ready, MEDIA_RATE, ends_sentence=ends))

    async with aclosing(_pieces(sound)) as pieces:
        async for piece in pieces:
            if piece is not None:
                await give(piece)
            while piece is None and 0 < given < output.heard_samples(turn_id) + LEFT_SAMPLES:
                await give(still)
    if given:
        await give(np.zeros(0, np.int16), ends=True)
    outbox.close()


async def _pieces(sound: AudioOutlet) -> AsyncGenerator[Samples | None, None]:
    """Short pieces of the sound until its end; None again and again while it pauses."""
    size = round(PIECE_SECONDS * sound.sample_rate)
    paused_seconds, patience = 0.0, DRY_SECONDS
    while paused_seconds < GIVE_UP_SECONDS:
        try:
            async with asyncio.timeout(patience):
                pcm = await sound.next()
        except TimeoutError:
            paused_seconds += patience
            patience = STILL_SECONDS
            yield None
            continue
        except StreamClosed:
            return
        if pcm is None:
            return
        paused_seconds, patience = 0.0, DRY_SECONDS
        for start in range(0, len(pcm), size):
            yield pcm[start : start + size]

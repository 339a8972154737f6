"""Somebody at a microphone, on virtual time: what is loud is speech to a `FakeTurnDetector`."""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self

import numpy as np

from opentalking.audio.echo import Cleaned, EchoGuard
from opentalking.core.media import Samples
from opentalking.engine.session import Session
from tests.engine.harness import Engine

PIECE_SECONDS = 0.02
PIECE_SAMPLES = 320


class NoEcho(EchoGuard):
    """The guard of a microphone that no loudspeaker is near to; remembers how much it was told of."""

    def __init__(self) -> None:
        super().__init__()
        self.played_ticks = 0

    def played(self, sound: Samples | None) -> None:
        self.played_ticks += sound is not None

    def clean(self, near: Samples) -> Cleaned:
        return Cleaned(near, 0.0)


class Talker:
    """Sends 20 ms of sound each 20 ms to a session, silent unless it is told to speak."""

    def __init__(self, engine: Engine, session_id: str) -> None:
        session = engine.worker.session(session_id)
        assert session is not None
        self._session: Session = session
        self._loud_until = 0.0
        self.is_sending = True
        self.stopped_at = 0.0
        """When the last piece of speech was sent."""

    async def __aenter__(self) -> Self:
        self._sending = asyncio.create_task(self._send())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sending.cancel()
        with suppress(asyncio.CancelledError):
            await self._sending

    def begin(self, seconds: float) -> None:
        """Speak from now on for so long."""
        self._loud_until = asyncio.get_running_loop().time() + seconds

    async def say(self, seconds: float, pause: float = 0.0) -> None:
        """Speak, then pause."""
        self.begin(seconds)
        await asyncio.sleep(seconds + pause)

    async def _send(self) -> None:
        loop = asyncio.get_running_loop()
        loud = np.tile(np.array([3000, -3000], np.int16), PIECE_SAMPLES // 2)
        quiet = np.zeros(PIECE_SAMPLES, np.int16)
        at = loop.time()
        while True:
            at += PIECE_SECONDS
            await asyncio.sleep(at - loop.time())
            # A microphone tells of the 20 ms that have just gone by.
            is_loud = at - PIECE_SECONDS < self._loud_until - 1e-9
            if is_loud:
                self.stopped_at = at
            if self.is_sending:
                self._session.hear(loud if is_loud else quiet)

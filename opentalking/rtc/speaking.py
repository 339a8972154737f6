"""A microphone made of given sound, for clients that measure and test."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from aiortc.mediastreams import MediaStreamError

from opentalking.core.media import PACKET_SECONDS, SAMPLES_PER_PACKET, Samples
from opentalking.media.encoder import SoundEncoder
from opentalking.rtc.tracks import Outgoing, PushTrack

_MOST_LATE_SECONDS = 0.5
"""A machine that stood still longer skips the time instead of catching up in a burst."""


class Spoken(NamedTuple):
    """When the first and the last packet of something left, in monotonic seconds."""

    began_at: float
    ended_at: float


class _Saying:
    """What is to be said, packet by packet."""

    def __init__(self, pcm: Samples) -> None:
        whole = -(-len(pcm) // SAMPLES_PER_PACKET)
        padded = np.zeros(whole * SAMPLES_PER_PACKET, np.int16)
        padded[: len(pcm)] = pcm
        self.packets = deque(padded.reshape(whole, SAMPLES_PER_PACKET))
        self.began_at = 0.0
        self.done: asyncio.Future[Spoken] = asyncio.get_running_loop().create_future()


class SpokenTrack(PushTrack):
    """Sends an Opus packet each 20 ms: what is to be said, in its order, and silence between.

    Give it to a sender that `send_payloads` has prepared. While `is_muted` nothing at all is sent, as after
    a browser's `replaceTrack(null)`, and time goes on. `around` gives what else the microphone hears in each
    20 ms, shape (960,), or None.
    """

    kind = "audio"

    def __init__(self, around: Callable[[], Samples | None] | None = None) -> None:
        super().__init__()
        self.is_muted = False
        self._around = around
        self._sound = SoundEncoder()
        self._sayings: deque[_Saying] = deque()
        self._origin: float | None = None
        self._packets = 0

    async def recv(self) -> Outgoing:  # type: ignore[override]
        """The next packet at its time; raises `MediaStreamError` after `stop`."""
        while True:
            await self._until_due()
            if self.readyState != "live":
                raise MediaStreamError
            timestamp = self._packets * SAMPLES_PER_PACKET
            self._packets += 1
            sound = _mixed(self._due(), self._around() if self._around else None)
            if not self.is_muted:
                return Outgoing([self._sound.encode(sound)], timestamp)

    async def say(self, pcm: Samples) -> Spoken:
        """Say mono int16 sound, shape (n,), at 48 kHz after what is being said; returns when it has left.

        Cancelled, it breaks off. Raises `ValueError` for no sound.
        """
        if not len(pcm):
            raise ValueError("nothing to say")
        saying = _Saying(pcm)
        self._sayings.append(saying)
        try:
            return await saying.done
        finally:
            if saying in self._sayings:
                self._sayings.remove(saying)

    def stop(self) -> None:
        """End the track; whatever is still to be said is cancelled."""
        super().stop()
        for saying in self._sayings:
            saying.done.cancel()

    async def _until_due(self) -> None:
        now = time.monotonic()
        if self._origin is None:
            self._origin = now
        late_seconds = now - self._origin - self._packets * PACKET_SECONDS
        if late_seconds > _MOST_LATE_SECONDS:
            self._packets += int(late_seconds / PACKET_SECONDS)
        await asyncio.sleep(max(-late_seconds, 0.0))

    def _due(self) -> Samples | None:
        if not self._sayings:
            return None
        saying = self._sayings[0]
        now = time.monotonic()
        saying.began_at = saying.began_at or now
        sound = saying.packets.popleft()
        if not saying.packets:
            self._sayings.popleft()
            if not saying.done.done():
                saying.done.set_result(Spoken(saying.began_at, now))
        return sound


def _mixed(one: Samples | None, other: Samples | None) -> Samples | None:
    if one is None or other is None:
        return other if one is None else one
    mixed: Samples = np.clip(one.astype(np.int32) + other, -32768, 32767).astype(np.int16)
    return mixed

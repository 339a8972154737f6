"""A person in front of a session: says clips in a quiet room, and keeps what comes back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from apps.cli.bench.clips import RATE, Clip
from apps.cli.bench.server import QUICK_VOICE, Events, Subject, Told
from opentalking.audio.resample import resample
from opentalking.core.media import FPS, MEDIA_RATE, PACKET_SECONDS, Samples
from opentalking.rtc.receiver import PacketClient
from opentalking.rtc.speaking import Spoken

BEFORE_SECONDS, QUIET_SECONDS = 0.3, 1.5
_ROOM_LEVEL = 30.0
"""-61 dBFS: a quiet room through a common microphone."""
_TURN_SECONDS = 10.0


class Said(NamedTuple):
    """When speech began and ended, in monotonic seconds."""

    began_at: float
    ended_at: float


def room(seconds: float) -> Samples:
    """A quiet room, at 16 kHz."""
    return np.random.default_rng(1).normal(0, _ROOM_LEVEL, round(seconds * RATE)).astype(np.int16)


def at_media_rate(pcm: Samples) -> Samples:
    """16 kHz to what the client's microphone takes."""
    return resample(pcm, RATE, MEDIA_RATE)


@dataclass(frozen=True, slots=True)
class Talk:
    """A session with a microphone that is listened to hands-free, its client and its events."""

    subject: Subject
    session: str
    client: PacketClient
    events: Events

    async def say(self, clip: Clip, *, quiet_seconds: float = QUIET_SECONDS) -> Said:
        """Say a clip and keep quiet for a moment.

        Returns when the last of it has left.
        """
        spoken = await self.client.say(_in_a_room(clip, quiet_seconds))
        return _said(clip, spoken)

    @asynccontextmanager
    async def saying(self, clip: Clip, *, quiet_seconds: float) -> AsyncIterator[Said]:
        """The same while the block runs, whose end breaks it off; entered when the clip begins.

        When its speech ends is known then, although it has not ended yet.
        """
        sound = _in_a_room(clip, quiet_seconds)
        before = round(BEFORE_SECONDS * MEDIA_RATE)
        begin = asyncio.create_task(self.client.say(sound[:before]))
        rest = asyncio.create_task(self.client.say(sound[before:]))
        try:
            yield _said(clip, await begin)
        finally:
            rest.cancel()
            await asyncio.gather(begin, rest, return_exceptions=True)

    async def interrupt(self) -> None:
        """Break off whatever runs and whatever is being heard."""
        await self.subject.post(f"/sessions/{self.session}/interrupt")

    async def metrics(self, since: float, turn_id: str) -> Told:
        """The `turn.metrics` of a turn that ends; raises `TimeoutError`."""
        return await self.events.until("turn.metrics", since, turn_id, _TURN_SECONDS)


def _in_a_room(clip: Clip, quiet_seconds: float) -> Samples:
    sound = np.concatenate([room(BEFORE_SECONDS), clip.pcm, np.zeros(round(quiet_seconds * RATE), np.int16)])
    noisy = np.clip(sound.astype(np.int32) + room(len(sound) / RATE), -32768, 32767).astype(np.int16)
    return at_media_rate(noisy)


def _said(clip: Clip, spoken: Spoken) -> Said:
    """A real microphone's packet leaves with its last sample, so its first sample is a packet older."""
    clip_at = spoken.began_at - PACKET_SECONDS + BEFORE_SECONDS
    return Said(clip_at + clip.begin, clip_at + clip.end)


@asynccontextmanager
async def talk(
    subject: Subject, *, voice: str = QUICK_VOICE, echo_db: float | None = None
) -> AsyncIterator[Talk]:
    """A new session, connected; with `voice` "" the avatar's own answers."""
    async with (
        subject.session(voice, turn_taking="auto") as session,
        subject.events(session) as events,
        subject.peer(session, keep=True, microphone=True, echo_db=echo_db) as client,
    ):
        await client.until_pictures(FPS)
        yield Talk(subject, session, client, events)

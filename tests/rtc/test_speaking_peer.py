"""Real peers: what a client says into its microphone is what the session hears, and nobody else."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import numpy as np
import pytest
from aiortc.mediastreams import AudioStreamTrack

from opentalking.core.media import Samples
from opentalking.rtc.aiortc_private import send_payloads
from opentalking.rtc.peer import Peer, RtcConfig
from opentalking.rtc.receiver import PacketClient
from opentalking.rtc.speaking import SpokenTrack
from tests.support.media import level
from tests.support.microphone_peer import SpeakingClient
from tests.support.opus import pitch, sine
from tests.support.rtc_client import RtcClient

LOOPBACK = RtcConfig(loopback=True)
PACKETS_A_SECOND = 50


class Ear:
    """A session's side: a peer that listens."""

    def __init__(self) -> None:
        self.pieces: list[Samples] = []
        self.peer: Peer | None = None
        self._news = asyncio.Event()

    def hear(self, piece: Samples) -> None:
        self.pieces.append(piece)
        self._news.set()

    async def answer(self, offer: str) -> str:
        self.peer = await Peer.answer(offer, LOOPBACK, lambda state: None, lambda: None, self.hear)
        return self.peer.answer_sdp

    async def until(self, count: int) -> None:
        async with asyncio.timeout(15):
            while len(self.pieces) < count:
                self._news.clear()
                await self._news.wait()

    @property
    def loud(self) -> Samples:
        """What is not silent, in one piece."""
        loud = [index for index, piece in enumerate(self.pieces) if level(piece) > 1000]
        return np.concatenate(self.pieces[loud[0] : loud[-1] + 1]) if loud else np.zeros(0, np.int16)


@asynccontextmanager
async def listening(client: RtcClient) -> AsyncIterator[Ear]:
    ear = Ear()
    try:
        await client.accept(await ear.answer(await client.offer()))
        assert ear.peer is not None
        assert await ear.peer.wait_connected(10)
        yield ear
    finally:
        if ear.peer is not None:
            await ear.peer.close()


async def test_a_tone_is_heard_as_the_same_tone_for_as_long() -> None:
    async with SpeakingClient(video=False) as client, listening(client) as ear:
        await ear.until(10)
        assert max(level(piece) for piece in ear.pieces) < 20
        spoken = await client.say(sine(2.0, 440, 16_000))
        assert spoken.ended_at - spoken.began_at == pytest.approx(1.98, abs=0.1)
        await ear.until(len(ear.pieces) + 10)
        assert len(ear.loud) / 16_000 == pytest.approx(2.0, abs=0.041)
        assert pitch(ear.loud) == pytest.approx(440, abs=1)
        assert level(ear.loud[3200:-3200]) == pytest.approx(9000 / np.sqrt(2), rel=0.05)


async def test_loss_and_disorder_on_the_way_change_neither_pitch_nor_duration() -> None:
    generator = random.Random(5)
    async with SpeakingClient(video=False) as client, listening(client) as ear:
        assert ear.peer is not None
        transport = cast(Any, client.connection.getTransceivers()[0].sender.transport)
        send = transport._send_rtp
        held: list[bytes] = []

        async def unreliable(data: bytes) -> None:
            chance = generator.random()
            if chance < 0.05:
                return
            if chance < 0.15 and not held:
                held.append(data)
                return
            await send(data)
            while held:
                await send(held.pop())

        transport._send_rtp = unreliable
        await ear.until(10)
        await client.say(sine(3.0, 440, 16_000))
        await ear.until(len(ear.pieces) + 15)
        assert len(ear.loud) / 16_000 == pytest.approx(3.0, abs=0.061)
        assert pitch(ear.loud) == pytest.approx(440, abs=1)


async def test_a_hostile_client_harms_nobody_and_is_heard_once_it_behaves() -> None:
    generator = random.Random(6)
    async with SpeakingClient(video=False) as client, listening(client) as ear:
        assert ear.peer is not None
        transport = cast(Any, client.connection.getTransceivers()[0].sender.transport)
        send = transport._send_rtp
        sent = 0
        enough = asyncio.Event()

        async def hostile(data: bytes) -> None:
            """Ten packets for one: other payload types, times and sources, and no Opus in them."""
            nonlocal sent
            for _ in range(10):
                sent += 1
                head = bytearray(data[:12])
                head[0] = 0x80  # no extensions: libsrtp itself refuses to send broken ones
                head[1] = generator.choice([head[1], generator.randrange(128)])
                for place in range(4, 12):
                    head[place] = generator.randrange(256) if generator.random() < 0.3 else head[place]
                await send(bytes(head) + generator.randbytes(generator.randrange(200)))
            if sent >= 1000:
                enough.set()

        await ear.until(10)
        transport._send_rtp = hostile
        await asyncio.wait_for(enough.wait(), 30)
        transport._send_rtp = send
        assert ear.peer.connected
        await asyncio.sleep(0.5)
        before = len(ear.pieces)
        await client.say(sine(1.0, 440, 16_000))
        await ear.until(len(ear.pieces) + 5)
        assert ear.peer.connected
        voice = [piece for piece in ear.pieces[before:] if level(piece) > 5000]
        assert len(voice) > 40
        assert pitch(np.concatenate(voice[2:-2])) == pytest.approx(440, abs=10)


async def test_a_plain_aiortc_microphone_is_heard() -> None:
    class Tone(AudioStreamTrack):
        """aiortc encodes it itself, in stereo, as it would a sound card."""

        async def recv(self) -> Any:
            frame: Any = await super().recv()
            n = frame.pts + np.arange(frame.samples)
            tone = (9000 * np.sin(2 * np.pi * 500 * n / frame.sample_rate)).astype(np.int16)
            frame.planes[0].update(tone.tobytes())
            return frame

    async with RtcClient(video=False, microphone=Tone()) as client, listening(client) as ear:
        await ear.until(100)
        assert pitch(np.concatenate(ear.pieces[20:100])) == pytest.approx(500, abs=1)


@pytest.mark.parametrize("hears", [True, False])
async def test_a_microphone_with_a_section_of_its_own_is_heard(hears: bool) -> None:
    track = SpokenTrack()
    async with RtcClient(audio=hears, video=False) as client:
        send_payloads(client.connection.addTransceiver(track, direction="sendonly").sender)
        async with listening(client) as ear:
            await track.say(sine(1.0))
            await ear.until(len(ear.pieces) + 5)
            assert pitch(ear.loud) == pytest.approx(440, abs=2)
            track.stop()


async def test_the_client_learns_how_its_packets_arrive() -> None:
    async with SpeakingClient(video=False) as client, listening(client) as ear:
        await ear.until(3 * PACKETS_A_SECOND)
        sender = client.connection.getTransceivers()[0].sender
        report = await sender.getStats()
        (remote,) = [stats for stats in report.values() if stats.type == "remote-inbound-rtp"]
        assert remote.packetsLost == 0
        assert remote.jitter < 48_000


async def test_muted_is_silence_and_then_the_voice_is_back() -> None:
    async with SpeakingClient(video=False) as client, listening(client) as ear:
        await ear.until(10)
        client.mute(True)
        await asyncio.sleep(1.5)
        silent = len(ear.pieces)
        await asyncio.sleep(0.3)
        assert len(ear.pieces) == silent
        client.mute(False)
        await client.say(sine(0.5, 440, 16_000))
        await ear.until(silent + 30)
        assert len(ear.loud) / 16_000 == pytest.approx(0.5, abs=0.041)


async def test_two_sessions_never_hear_each_other() -> None:
    async with (
        SpeakingClient(video=False) as first,
        SpeakingClient(video=False) as second,
        listening(first) as one,
        listening(second) as two,
    ):
        await asyncio.gather(first.say(sine(1.0, 300, 16_000)), second.say(sine(1.0, 700, 16_000)))
        await asyncio.gather(one.until(len(one.pieces) + 10), two.until(len(two.pieces) + 10))
        assert pitch(one.loud) == pytest.approx(300, abs=2)
        assert pitch(two.loud) == pytest.approx(700, abs=2)


async def test_the_measuring_client_speaks_too() -> None:
    ear = Ear()
    client = PacketClient(microphone=True)
    try:
        await client.accept(await ear.answer(await client.offer()))
        await client.say(sine(0.5))
        await ear.until(len(ear.pieces) + 5)
        assert pitch(ear.loud) == pytest.approx(440, abs=3)
        with pytest.raises(ValueError, match="nothing"):
            await client.say(np.zeros(0, np.int16))
    finally:
        await client.close()
        assert ear.peer is not None
        await ear.peer.close()


async def test_after_close_nothing_is_heard_and_what_was_to_be_said_is_cancelled() -> None:
    async with SpeakingClient(video=False) as client:
        async with listening(client) as ear:
            saying = asyncio.create_task(client.say(sine(30.0, 440, 16_000)))
            await ear.until(20)
        heard = len(ear.pieces)
        await asyncio.sleep(0.3)
        assert len(ear.pieces) == heard
    with pytest.raises(asyncio.CancelledError):
        await saying

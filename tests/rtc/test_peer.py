"""Two peers in memory: the session's output on one side, a plain aiortc client on the other."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field

import aioice.ice
import numpy as np
import psutil
import pytest
from aiortc.rtp import RtpPacket

from opentalking.core.errors import Unavailable
from opentalking.media.clock import MediaTicker
from opentalking.media.encoder import VideoCodec
from opentalking.media.output import MediaOutput
from opentalking.rtc.peer import Peer, RtcConfig
from tests.support.media import (
    RecordingListener,
    idle_loop,
    idle_picture,
    live_picture,
    psnr,
    segment,
)
from tests.support.rtc_client import RtcClient

LOOPBACK = RtcConfig(loopback=True)
IDLE = {codec: idle_loop(codec) for codec in ("h264", "vp8")}


@dataclass
class Server:
    """A ticking output and the peers that were made for it."""

    output: MediaOutput
    ticker: MediaTicker
    config: RtcConfig = LOOPBACK
    states: list[str] = field(default_factory=list)
    peers: list[Peer] = field(default_factory=list)
    key_frame_requests: int = 0
    on_state: Callable[[str], None] = lambda state: None

    def state_changed(self, state: str) -> None:
        self.states.append(state)
        self.on_state(state)

    def key_frame_requested(self) -> None:
        self.key_frame_requests += 1
        self.output.request_key_frame()

    async def connect(self, client: RtcClient) -> Peer:
        peer = await Peer.answer(
            await client.offer(), self.config, self.state_changed, self.key_frame_requested
        )
        self.peers.append(peer)
        await client.accept(peer.answer_sdp)
        await self.output.attach(peer, IDLE[peer.codec] if peer.codec else None)
        assert await peer.wait_connected(10)
        return peer


@asynccontextmanager
async def serving(config: RtcConfig = LOOPBACK) -> AsyncIterator[Server]:
    with ThreadPoolExecutor(1) as pool:
        server = Server(MediaOutput(RecordingListener(), pool), MediaTicker(), config)
        server.ticker.add(server.output)
        task = asyncio.create_task(server.ticker.run())
        try:
            yield server
        finally:
            for peer in server.peers:
                await peer.close()
            await server.output.aclose()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def likeness(client: RtcClient, start: int = 0) -> list[tuple[float, float]]:
    """For each picture received: best PSNR against the idle and against the live pictures."""
    result = []
    for picture in client.pictures[start:]:
        assert picture.i420 is not None
        idle = max(psnr(idle_picture(index), picture.i420) for index in range(0, 100, 2))
        live = max(psnr(live_picture(index), picture.i420) for index in range(0, 50, 2))
        result.append((idle, live))
    return result


@pytest.mark.parametrize("codec", ["h264", "vp8"])
async def test_idle_and_speaking_arrive_at_25_frames_with_sound(codec: VideoCodec) -> None:
    async with serving() as server, RtcClient(video_codecs=(codec,)) as client:
        peer = await server.connect(client)
        assert peer.codec == codec
        assert server.states == ["connecting", "connected"]
        await client.until(lambda: len(client.pictures) >= 15)
        pictures, ticks = len(client.pictures), server.ticker.lateness.ticks
        await client.until(lambda: len(client.pictures) >= 40)
        await server.output.begin("t")
        for start in range(0, 50, 5):
            await server.output.put(segment("t", 5, start))
        server.output.end("t")
        await server.output.drained("t")
        await client.until(lambda: client.sound[-1].level < 20)
        last = len(client.pictures)
        await client.until(lambda: len(client.pictures) >= last + 10)

        # By the server's own clock, which a busy test machine may make skip.
        seconds = 0.02 * (server.ticker.lateness.ticks - ticks)
        assert (len(client.pictures) - pictures) / seconds >= 24
        loud = [sound for sound in client.sound if sound.level > 2000]
        assert 1.9 <= 0.02 * len(loud) <= 2.05
        scores = likeness(client)
        assert min(max(score) for score in scores) > 25
        assert 46 <= sum(live > idle for idle, live in scores) <= 51


async def test_voice_and_picture_begin_together_at_the_receiver() -> None:
    async with serving() as server, RtcClient() as client:
        await server.connect(client)
        await client.until(lambda: len(client.pictures) >= 10 and len(client.sound) >= 20)
        await server.output.begin("t")
        await server.output.put(segment("t", 15))
        await client.until(lambda: client.sound[-1].level > 2000)
        await client.until(lambda: len(client.pictures) >= 40)
        first_sound = next(s.media_seconds for s in client.sound if s.level > 1000)
        live = next(i for i, (idle, face) in enumerate(likeness(client)) if face > idle)
        # Both time lines count from the client's first packet of that kind, which left within 40 ms.
        assert abs(client.pictures[live].media_seconds - first_sound) <= 0.061


async def test_drop_silences_the_receiver_and_pictures_go_on() -> None:
    async with serving() as server, RtcClient() as client:
        await server.connect(client)
        await server.output.begin("t")
        await server.output.put(segment("t", 15))
        await client.until(lambda: bool(client.sound) and client.sound[-1].level > 2000)
        heard = len(client.sound)
        server.output.drop("t")
        dropped_at = asyncio.get_running_loop().time()
        await client.until(lambda: len(client.sound) > heard + 2 and client.sound[-1].level < 20)
        loud = [s for s in client.sound[heard:] if s.level > 1000]
        # 20 ms on the wire, and what the client's own jitter buffer (80 ms) still held.
        assert all(s.at - dropped_at < 0.3 for s in loud)
        pictures = len(client.pictures)
        await client.until(lambda: len(client.pictures) > pictures + 10)
        idle, live = likeness(client, pictures + 5)[0]
        assert idle > live


async def test_a_pli_is_answered_by_a_key_frame() -> None:
    async with serving() as server, RtcClient() as client:
        await server.connect(client)
        await client.until(lambda: len(client.pictures) >= 10)
        before = server.key_frame_requests
        await client.request_key_frame()
        await client.until(lambda: server.key_frame_requests > before)


@pytest.mark.parametrize("speaking", [False, True])
async def test_lost_packets_are_repaired(speaking: bool) -> None:
    async with serving() as server, RtcClient() as client:
        await server.connect(client)
        await client.until(lambda: len(client.pictures) >= 10)
        if speaking:
            await server.output.begin("t")
            await server.output.put(segment("t", 15))
            await server.output.put(segment("t", 10, 15))
        lost: set[int] = set()

        def drop(packet: RtpPacket) -> bool:
            first_loss = len(lost) < 5 and packet.sequence_number not in lost
            if first_loss:
                lost.add(packet.sequence_number)
            return first_loss

        client.lose_video(drop)
        await client.until(lambda: len(lost) == 5)
        received = len(client.pictures)
        await client.until(lambda: len(client.pictures) > received + 20)
        assert min(max(score) for score in likeness(client, received + 10)) > 25


async def test_a_loss_beyond_repair_brings_a_key_frame_without_waiting_for_a_pli() -> None:
    async with serving() as server, RtcClient() as client:
        peer = await server.connect(client)
        await client.until(lambda: len(client.pictures) >= 10)
        before = server.key_frame_requests
        await client.report_missing(offset=-5000)
        await client.until(lambda: server.key_frame_requests > before)
        assert peer.connected


async def test_a_second_offer_gets_its_own_peer_while_the_turn_goes_on() -> None:
    async with serving() as server, RtcClient() as first:
        old = await server.connect(first)
        await first.until(lambda: len(first.pictures) >= 10)
        await server.output.begin("t")
        await server.output.put(segment("t", 15))
        speaking = asyncio.create_task(server.output.put(segment("t", 35, 15)))
        async with RtcClient(video_codecs=("vp8",)) as second:
            new = await server.connect(second)
            await old.close()
            assert (old.codec, new.codec) == ("h264", "vp8")
            await second.until(lambda: sum(s.level > 2000 for s in second.sound) > 10)
            await second.until(lambda: len(second.pictures) >= 15)
            await first.until(lambda: first.state == "closed")
            assert min(max(score) for score in likeness(second)) > 25
        await speaking


async def test_a_client_that_says_goodbye_is_reported() -> None:
    async with serving() as server, RtcClient() as client:
        peer = await server.connect(client)
        gone = asyncio.Event()
        server.on_state = lambda state: gone.set() if state == "closed" else None
        await client.close()
        async with asyncio.timeout(5):
            await gone.wait()
        assert not peer.connected
        assert not await peer.wait_connected(1)


async def test_a_client_that_vanishes_without_a_word_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aioice.ice, "CONSENT_INTERVAL", 0.1)
    async with serving() as server, RtcClient() as client:
        peer = await server.connect(client)
        gone = asyncio.Event()
        server.on_state = lambda state: gone.set() if state in ("failed", "closed") else None
        await client.vanish()
        async with asyncio.timeout(10):
            await gone.wait()
        assert not peer.connected


async def test_a_client_that_never_connects_fails_in_time() -> None:
    config = RtcConfig(loopback=True, connect_timeout_seconds=0.3)
    states: list[str] = []
    async with RtcClient() as client:
        peer = await Peer.answer(await client.offer(), config, states.append, lambda: None)
        assert not await peer.wait_connected(5)
        assert states == ["connecting", "failed"]
        await peer.close()


def hidden(candidate: str) -> str:
    words = candidate.split()
    words[4] = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9.local"
    return " ".join(words)


@pytest.mark.parametrize("hide", ["local", "none"])
async def test_clients_that_hide_their_addresses_connect(hide: str) -> None:
    async with RtcClient() as client:
        offer = await client.offer()
        lines = offer.splitlines()
        if hide == "none":
            lines = [line for line in lines if not line.startswith("a=candidate")]
        else:
            lines = [hidden(line) if line.startswith("a=candidate") else line for line in lines]
        peer = await Peer.answer("\r\n".join(lines), LOOPBACK, lambda state: None, lambda: None)
        await client.accept(peer.answer_sdp)
        assert await peer.wait_connected(5)
        await peer.close()


@pytest.mark.parametrize("audio", [True, False])
async def test_one_kind_only(audio: bool) -> None:
    async with serving() as server, RtcClient(audio=audio, video=not audio) as client:
        peer = await server.connect(client)
        assert (peer.codec is None) == audio
        await client.until(lambda: len(client.sound if audio else client.pictures) > 10)


async def test_where_nobody_listens_a_client_with_a_microphone_sees_and_hears() -> None:
    async with serving() as server, RtcClient(microphone=True) as client:
        await server.connect(client)
        await client.until(lambda: len(client.pictures) >= 30 and len(client.sound) >= 30)
        directions = {t.kind: t.currentDirection for t in client.connection.getTransceivers()}
        assert directions["audio"] == "recvonly"


async def test_sockets_stay_within_the_port_range() -> None:
    config = RtcConfig(loopback=True, port_range=(42_000, 42_040))
    async with serving(config) as server, RtcClient() as client:
        peer = await server.connect(client)
        ports = {int(line.split()[5]) for line in peer.answer_sdp.splitlines() if "candidate:" in line}
        assert ports
        assert all(42_000 <= port <= 42_040 for port in ports)
        await client.until(lambda: len(client.pictures) > 5)


async def test_a_used_up_port_range_is_unavailable() -> None:
    with ExitStack() as taken:
        for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
            holder = taken.enter_context(socket.socket(family, socket.SOCK_DGRAM))
            if family == socket.AF_INET6:
                holder.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            # Without IPv6 there is nothing to take.
            with suppress(OSError):
                holder.bind((address, 42_050))
        config = RtcConfig(loopback=True, port_range=(42_050, 42_050))
        async with RtcClient() as client:
            with pytest.raises(Unavailable):
                await Peer.answer(await client.offer(), config, lambda state: None, lambda: None)


@pytest.mark.parametrize("when", ["answered", "connecting", "connected", "twice"])
async def test_close_is_quick_and_leaves_nothing_behind(when: str) -> None:
    sockets = len(psutil.Process().net_connections("udp"))
    async with RtcClient() as client:
        offer = await client.offer()
        states: list[str] = []
        peer = await Peer.answer(offer, LOOPBACK, states.append, lambda: None)
        if when != "answered":
            await client.accept(peer.answer_sdp)
        if when in ("connected", "twice"):
            assert await peer.wait_connected(5)
        started = asyncio.get_running_loop().time()
        await asyncio.gather(*[peer.close() for _ in range(3 if when == "twice" else 1)])
        assert asyncio.get_running_loop().time() - started < 2
        assert "closed" not in states
        assert not peer.connected
        peer.send_audio(b"late", 0)
        await peer.close()
    assert len(psutil.Process().net_connections("udp")) == sockets


async def test_cancelling_an_answer_closes_its_sockets() -> None:
    async with RtcClient() as client:
        offer = await client.offer()
        sockets = len(psutil.Process().net_connections("udp"))
        answering = asyncio.create_task(Peer.answer(offer, LOOPBACK, lambda state: None, lambda: None))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        answering.cancel()
        with pytest.raises(asyncio.CancelledError):
            await answering
        assert len(psutil.Process().net_connections("udp")) == sockets


async def test_two_sessions_never_mix() -> None:
    async with serving() as one, serving() as two, RtcClient() as first, RtcClient() as second:
        await one.connect(first)
        await two.connect(second)
        await one.output.begin("t")
        await one.output.put(segment("t", 15))
        await first.until(lambda: sum(s.level > 2000 for s in first.sound) > 20)
        assert max(s.level for s in second.sound) < 20
        assert all(idle > live for idle, live in likeness(second))
        assert any(live > idle for idle, live in likeness(first))
        assert np.isfinite(one.output.heard_samples("t"))

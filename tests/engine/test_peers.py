"""Peers of one session, with real connections: none of them outlives it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import psutil
import pytest

from opentalking.core.errors import NotFound
from opentalking.core.media import Samples
from opentalking.engine.peers import PeerSlot
from opentalking.media.idle import IdleCache
from opentalking.media.output import MediaOutput
from opentalking.providers.fake import FlatFace
from opentalking.rtc.peer import RtcConfig
from tests.support.media import RecordingListener, level
from tests.support.microphone_peer import SpeakingClient
from tests.support.opus import pitch, sine
from tests.support.rtc_client import RtcClient


def udp_sockets() -> int:
    return len(psutil.Process().net_connections(kind="udp"))


@asynccontextmanager
async def peer_slot(
    on_change: Callable[[bool], None] = lambda _: None,
    on_sound: Callable[[Samples], None] | None = None,
) -> AsyncIterator[tuple[PeerSlot, list[asyncio.Task[None]]]]:
    tasks: list[asyncio.Task[None]] = []

    def spawn(work: Coroutine[None, None, None]) -> None:
        tasks.append(asyncio.get_running_loop().create_task(work))

    with ThreadPoolExecutor(1) as pool:
        output = MediaOutput(RecordingListener(), pool)
        config = RtcConfig(loopback=True)
        slot = PeerSlot(output, IdleCache(None, pool), config, spawn, on_change, on_sound)
        yield slot, tasks
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await output.aclose()


@pytest.mark.parametrize("steps", range(0, 40, 4))
async def test_an_offer_that_is_given_up_while_it_is_answered_leaves_no_socket(steps: int) -> None:
    async with RtcClient() as client, peer_slot() as (slot, _):
        offer = await client.offer()
        before = udp_sockets()
        answering = asyncio.create_task(slot.answer(offer, FlatFace()))
        for _ in range(steps):
            await asyncio.sleep(0)
        answering.cancel()
        await asyncio.wait({answering})
        await slot.close()
        assert udp_sockets() == before


async def test_an_offer_that_is_answered_too_late_is_refused_and_leaves_no_socket() -> None:
    async with RtcClient() as client, peer_slot() as (slot, tasks):
        offer = await client.offer()
        before = udp_sockets()
        answering = asyncio.create_task(slot.answer(offer, FlatFace()))
        await asyncio.sleep(0)
        await slot.close()
        with pytest.raises(NotFound):
            await answering
        assert not tasks
        assert udp_sockets() == before


async def test_a_peer_whose_watcher_never_ran_is_closed_with_the_session() -> None:
    async with RtcClient() as client, peer_slot() as (slot, tasks):
        offer = await client.offer()
        before = udp_sockets()
        await slot.answer(offer, FlatFace())
        tasks[0].cancel()  # before its first step
        await slot.close()
        assert udp_sockets() == before


class Ear:
    """Hears whoever is connected, and counts the peers that came."""

    def __init__(self) -> None:
        self.pieces: list[Samples] = []
        self.replaced_at: list[int] = []
        self._news = asyncio.Event()

    def changed(self, connected: bool) -> None:
        if connected:
            self.replaced_at.append(len(self.pieces))

    def hear(self, piece: Samples) -> None:
        self.pieces.append(piece)
        self._news.set()

    async def until_voice(self, start: int, hertz: float) -> None:
        async with asyncio.timeout(15):
            while hertz not in self.voices(start):
                self._news.clear()
                await self._news.wait()

    def voices(self, start: int) -> set[float]:
        """The pitches of what is not silent, to 100 Hz."""
        return {round(pitch(piece), -2) for piece in self.pieces[start:] if level(piece) > 3000}


async def test_a_replaced_peer_is_heard_no_more() -> None:
    ear = Ear()
    async with (
        SpeakingClient(video=False) as first,
        SpeakingClient(video=False) as second,
        peer_slot(ear.changed, ear.hear) as (slot, _),
    ):
        talking = [asyncio.create_task(first.say(sine(60.0, 300, 16_000)))]
        await first.accept(await slot.answer(await first.offer(), FlatFace()))
        await ear.until_voice(0, 300)
        talking.append(asyncio.create_task(second.say(sine(60.0, 1000, 16_000))))
        await second.accept(await slot.answer(await second.offer(), FlatFace()))
        await ear.until_voice(0, 1000)
        await ear.until_voice(len(ear.pieces) + 20, 1000)
        assert ear.voices(0) == {300, 1000}
        assert ear.voices(ear.replaced_at[-1]) == {1000}
        await slot.close()
        heard = len(ear.pieces)
        await asyncio.sleep(0.2)
        assert len(ear.pieces) == heard
        for task in talking:
            task.cancel()
        await asyncio.wait(talking)

"""Peers of one session, with real connections: none of them outlives it."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import psutil
import pytest

from opentalking.core.errors import NotFound
from opentalking.engine.peers import PeerSlot
from opentalking.media.idle import IdleCache
from opentalking.media.output import MediaOutput
from opentalking.providers.fake import FlatFace
from opentalking.rtc.peer import RtcConfig
from tests.support.media import RecordingListener
from tests.support.rtc_client import RtcClient


def udp_sockets() -> int:
    return len(psutil.Process().net_connections(kind="udp"))


@asynccontextmanager
async def peer_slot() -> AsyncIterator[tuple[PeerSlot, list[asyncio.Task[None]]]]:
    tasks: list[asyncio.Task[None]] = []

    def spawn(work: Coroutine[None, None, None]) -> None:
        tasks.append(asyncio.get_running_loop().create_task(work))

    with ThreadPoolExecutor(1) as pool:
        output = MediaOutput(RecordingListener(), pool)
        slot = PeerSlot(output, IdleCache(None, pool), RtcConfig(loopback=True), spawn, lambda _: None)
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

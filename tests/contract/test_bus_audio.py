"""What every `CommandBus` does with sound on its way to a worker."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from opentalking.core.commands import Created, CreateSession
from opentalking.core.errors import InvalidInput, NotFound, TooMany
from opentalking.core.media import Samples
from opentalking.core.ports import (
    NOT_READ,
    SESSION_ENDED,
    AudioInlet,
    AudioOutlet,
    CommandBus,
    Delivery,
    StreamClosed,
)
from opentalking.core.sessions import SessionRecord, SessionSettings
from tests.contract.buses import AUDIO

RATE = 8_000
LIMIT_SECONDS = 5.0


@pytest.fixture
async def bus(command_bus: CommandBus) -> AsyncIterator[CommandBus]:
    """A bus with a worker "w" that owns the session "s"."""
    record = SessionRecord(session_id="s", settings=SessionSettings(avatar_id="a", model="m"))

    async def work() -> None:
        async for delivery in command_bus.deliveries("w"):
            await _own(command_bus, delivery)

    worker = asyncio.create_task(work(), name="worker")
    await asyncio.sleep(0)
    await command_bus.call(CreateSession(session_id="s", record=record), LIMIT_SECONDS)
    try:
        yield command_bus
    finally:
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


async def _own(bus: CommandBus, delivery: Delivery) -> None:
    await bus.own(delivery.command.session_id, "w")
    await delivery.reply(Created(status="created"))


async def both_ends(bus: CommandBus) -> tuple[AudioInlet, AudioOutlet]:
    inlet = await bus.open_audio("s", RATE)
    return inlet, await bus.audio(inlet.stream_id)


def ramp(count: int, start: int = 0) -> Samples:
    return (np.arange(start, start + count) % 30_000).astype(np.int16)


def seconds(count: float) -> Samples:
    return np.zeros(round(count * RATE), np.int16)


async def everything(outlet: AudioOutlet) -> Samples:
    parts = [np.zeros(0, np.int16)]
    async with asyncio.timeout(LIMIT_SECONDS):
        while (piece := await outlet.next()) is not None:
            assert piece.dtype == np.int16
            assert 0 < len(piece) <= RATE
            parts.append(piece)
    return np.concatenate(parts)


async def settled(task: "asyncio.Task[object]") -> bool:
    """Whether the task ends when all that can run has run."""
    done, _ = await asyncio.wait({task}, timeout=0.1)
    return bool(done)


async def test_sound_comes_out_in_order_and_whole(bus: CommandBus) -> None:
    inlet, outlet = await both_ends(bus)
    assert outlet.sample_rate == inlet.sample_rate == RATE
    for start, count in ((0, 100), (100, 1), (101, 2 * RATE), (101 + 2 * RATE, 7)):
        await inlet.put(ramp(count, start))
    await inlet.put(seconds(0))
    await inlet.finish()
    assert np.array_equal(await everything(outlet), ramp(108 + 2 * RATE))
    assert outlet.completed
    assert await outlet.next() is None


async def test_a_reader_waits_for_sound_and_may_be_cancelled(bus: CommandBus) -> None:
    inlet, outlet = await both_ends(bus)
    waiting = asyncio.create_task(outlet.next())
    assert not await settled(waiting)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await inlet.put(ramp(5))
    piece = await outlet.next()
    assert piece is not None
    assert np.array_equal(piece, ramp(5))


async def test_a_writer_waits_while_ten_seconds_lie_unread(bus: CommandBus) -> None:
    inlet, outlet = await both_ends(bus)
    await inlet.put(seconds(9.9))
    await inlet.put(seconds(0.2))
    blocked = asyncio.create_task(inlet.put(ramp(10)))
    assert not await settled(blocked)
    await outlet.next()
    assert await settled(blocked)
    await inlet.finish()
    assert np.array_equal((await everything(outlet))[-10:], ramp(10))


async def test_one_long_piece_waits_too(bus: CommandBus) -> None:
    inlet, outlet = await both_ends(bus)
    putting = asyncio.create_task(inlet.put(seconds(25)))
    assert not await settled(putting)
    read = 0
    while not putting.done():
        piece = await outlet.next()
        assert piece is not None
        read += len(piece)
        await asyncio.sleep(0)
    assert 13 * RATE <= read <= 15 * RATE, "ten seconds of 25 may lie unread"


async def test_a_cancelled_writer_leaves_the_stream_in_order(bus: CommandBus) -> None:
    inlet, outlet = await both_ends(bus)
    await inlet.put(seconds(10))
    blocked = asyncio.create_task(inlet.put(ramp(10)))
    await settled(blocked)
    blocked.cancel()
    await asyncio.gather(blocked, return_exceptions=True)
    await inlet.finish()
    assert len(await everything(outlet)) == 10 * RATE


@pytest.mark.parametrize("finished", [True, False])
async def test_what_was_put_is_read_whether_finished_or_dropped(bus: CommandBus, finished: bool) -> None:
    inlet, outlet = await both_ends(bus)
    await inlet.put(ramp(10))
    if finished:
        await inlet.finish()
    await inlet.aclose()
    await inlet.aclose()
    assert np.array_equal(await everything(outlet), ramp(10))
    assert outlet.completed is finished


async def test_a_drop_wakes_the_reader(bus: CommandBus) -> None:
    inlet, outlet = await both_ends(bus)
    reading = asyncio.create_task(outlet.next())
    assert not await settled(reading)
    await inlet.aclose()
    assert await settled(reading)
    assert reading.result() is None
    assert not outlet.completed


async def test_what_the_writer_failed_with_comes_after_the_sound(bus: CommandBus) -> None:
    inlet, outlet = await both_ends(bus)
    await inlet.put(ramp(10))
    await inlet.fail(InvalidInput("broken in the middle"))
    await inlet.finish()
    assert await outlet.next() is not None
    with pytest.raises(InvalidInput, match="broken in the middle"):
        await outlet.next()
    assert not outlet.completed


async def test_nothing_can_be_put_after_the_end(bus: CommandBus) -> None:
    inlet, _ = await both_ends(bus)
    await inlet.finish()
    with pytest.raises(ValueError, match="ended"):
        await inlet.put(ramp(1))


async def test_a_writer_learns_that_the_reader_let_go_and_why(bus: CommandBus) -> None:
    inlet, outlet = await both_ends(bus)
    await inlet.put(seconds(10))
    blocked = asyncio.create_task(inlet.put(ramp(10)))
    told = asyncio.create_task(inlet.closed())
    assert not await settled(told)
    await outlet.aclose("interrupted")
    await outlet.aclose("a second reason")
    with pytest.raises(StreamClosed) as closed:
        await asyncio.wait_for(blocked, LIMIT_SECONDS)
    assert closed.value.reason == "interrupted"
    assert await asyncio.wait_for(told, LIMIT_SECONDS) == "interrupted"
    with pytest.raises(StreamClosed):
        await inlet.put(ramp(1))


async def test_both_ends_learn_that_the_session_is_gone(bus: CommandBus) -> None:
    inlet, outlet = await both_ends(bus)
    unread = await bus.open_audio("s", RATE)
    reading = asyncio.create_task(outlet.next())
    await settled(reading)
    await bus.disown("s")
    with pytest.raises(StreamClosed):
        await asyncio.wait_for(reading, LIMIT_SECONDS)
    for end in (inlet, unread):
        with pytest.raises(StreamClosed, match="session"):
            await end.put(ramp(1))
        assert "session" in await end.closed()
    with pytest.raises(NotFound):
        await bus.audio(unread.stream_id)


async def test_both_ends_learn_that_the_worker_is_gone(command_bus: CommandBus) -> None:
    deliveries = aiter(command_bus.deliveries("w"))
    record = SessionRecord(session_id="s", settings=SessionSettings(avatar_id="a", model="m"))
    making = asyncio.create_task(command_bus.call(CreateSession(session_id="s", record=record), 5))
    await _own(command_bus, await anext(deliveries))
    await making
    inlet = await command_bus.open_audio("s", RATE)
    next_delivery = asyncio.ensure_future(anext(deliveries))
    await settled(next_delivery)
    next_delivery.cancel()
    await asyncio.gather(next_delivery, return_exceptions=True)
    assert "worker" in await asyncio.wait_for(inlet.closed(), LIMIT_SECONDS)


async def test_a_stream_is_read_by_one_reader(bus: CommandBus) -> None:
    inlet, _ = await both_ends(bus)
    for stream_id in (inlet.stream_id, "no such stream"):
        with pytest.raises(NotFound):
            await bus.audio(stream_id)


async def test_streams_do_not_mix(bus: CommandBus) -> None:
    first, second = await both_ends(bus), await both_ends(bus)
    await first[0].put(ramp(3))
    await second[0].put(ramp(4))
    await first[0].finish()
    await second[0].finish()
    assert len(await everything(second[1])) == 4
    assert len(await everything(first[1])) == 3


async def test_without_a_session_there_is_no_way(bus: CommandBus) -> None:
    with pytest.raises(NotFound, match="session"):
        await bus.open_audio("nobody", RATE)


async def test_a_stream_that_nobody_reads_goes_by_itself(bus: CommandBus) -> None:
    inlet = await bus.open_audio("s", RATE)
    await inlet.put(seconds(10))
    with pytest.raises(StreamClosed):
        await asyncio.wait_for(inlet.put(ramp(1)), LIMIT_SECONDS)
    with pytest.raises(NotFound):
        await bus.audio(inlet.stream_id)


async def test_a_stream_without_sound_waits_with_the_session(bus: CommandBus) -> None:
    inlet = await bus.open_audio("s", RATE)
    closed = asyncio.create_task(inlet.closed())
    await asyncio.sleep(2 * AUDIO.claim_seconds)
    assert not closed.done()
    await bus.disown("s")
    assert await asyncio.wait_for(closed, LIMIT_SECONDS) == SESSION_ENDED


async def test_a_stream_that_its_writer_left_goes_by_itself(bus: CommandBus) -> None:
    for put in (0, 10):
        inlet = await bus.open_audio("s", RATE)
        if put:
            await inlet.put(ramp(put))
        await inlet.aclose()
        assert await asyncio.wait_for(inlet.closed(), LIMIT_SECONDS) == NOT_READ


async def test_unused_streams_leave_room_at_once(bus: CommandBus) -> None:
    for _ in range(2 * AUDIO.streams_per_session):
        await (await bus.open_audio("s", RATE)).aclose()


async def test_a_reader_may_come_after_the_writer_went(bus: CommandBus) -> None:
    inlet = await bus.open_audio("s", RATE)
    await inlet.put(ramp(3))
    await inlet.aclose()
    outlet = await bus.audio(inlet.stream_id)
    await asyncio.sleep(2 * AUDIO.claim_seconds)
    assert len(await everything(outlet)) == 3


async def test_a_session_has_a_bounded_number_of_streams(bus: CommandBus) -> None:
    ends = [await both_ends(bus) for _ in range(AUDIO.streams_per_session)]
    with pytest.raises(TooMany):
        await bus.open_audio("s", RATE)
    await ends[0][1].aclose()
    await bus.open_audio("s", RATE)

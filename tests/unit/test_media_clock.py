"""The ticker: absolute deadlines, no bursts after a stall, no cost without outputs."""

import asyncio
from collections.abc import Callable

import pytest

from opentalking.media.clock import MediaTicker


class VirtualTime:
    """Time that only sleeping moves; `delays` are added to the next sleeps."""

    def __init__(self, overshoot_seconds: float = 0.0) -> None:
        self.now = 100.0
        self.overshoot_seconds = overshoot_seconds
        self.sleeps = 0

    def time(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.sleeps += 1
        self.now += seconds + self.overshoot_seconds
        await asyncio.sleep(0)


class Output:
    def __init__(self, time: VirtualTime, on_tick: Callable[[int], None] = lambda count: None) -> None:
        self._time, self._on_tick = time, on_tick
        self.ticks: list[float] = []
        self.skipped = 0
        self._awaited = 0
        self._reached = asyncio.Event()

    async def until(self, ticks: int) -> None:
        self._awaited = ticks
        await self._reached.wait()

    def tick(self) -> None:
        self.ticks.append(self._time.now - 100.0)
        self._on_tick(len(self.ticks))
        if len(self.ticks) == self._awaited:
            self._reached.set()

    def skip(self, ticks: int) -> None:
        self.skipped += ticks


async def run_until(ticker: MediaTicker, output: Output, ticks: int) -> None:
    task = asyncio.create_task(ticker.run())
    await output.until(ticks)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_lateness_of_each_tick_does_not_become_drift() -> None:
    time = VirtualTime(overshoot_seconds=0.003)
    output = Output(time)
    ticker = MediaTicker(time=time.time, sleep=time.sleep)
    ticker.add(output)
    await run_until(ticker, output, 500)
    assert output.ticks[499] == pytest.approx(499 * 0.02 + 0.003, abs=1e-6)
    assert ticker.lateness.p50_ms == pytest.approx(3.0, abs=0.01)
    assert ticker.lateness.max_ms == pytest.approx(3.0, abs=0.01)
    assert ticker.lateness.ticks == len(output.ticks)


async def test_a_short_stall_is_made_up_tick_by_tick() -> None:
    time = VirtualTime()

    def stall(count: int) -> None:
        if count == 10:
            time.now += 0.1

    output = Output(time, stall)
    ticker = MediaTicker(time=time.time, sleep=time.sleep)
    ticker.add(output)
    await run_until(ticker, output, 50)
    assert output.skipped == 0
    assert output.ticks[49] == pytest.approx(49 * 0.02)


async def test_a_long_stall_is_skipped_without_a_burst_and_stays_on_the_wall_clock() -> None:
    time = VirtualTime()

    def stall(count: int) -> None:
        if count == 10:
            time.now += 3.0

    output = Output(time, stall)
    ticker = MediaTicker(time=time.time, sleep=time.sleep)
    ticker.add(output)
    await run_until(ticker, output, 30)
    assert output.skipped in (148, 149)
    gaps = [b - a for a, b in zip(output.ticks[10:], output.ticks[11:30], strict=False)]
    assert sum(gap < 0.001 for gap in gaps) == 0
    assert (len(output.ticks[:30]) - 1 + output.skipped) * 0.02 == pytest.approx(output.ticks[29], abs=0.021)


async def test_without_outputs_it_does_not_wake_up() -> None:
    time = VirtualTime()
    output = Output(time)
    ticker = MediaTicker(time=time.time, sleep=time.sleep)
    task = asyncio.create_task(ticker.run())
    for _ in range(50):
        await asyncio.sleep(0)
    assert time.sleeps == 0
    ticker.add(output)
    await output.until(3)
    ticker.remove(output)
    for _ in range(10):
        await asyncio.sleep(0)
    sleeps, ticks = time.sleeps, len(output.ticks)
    for _ in range(50):
        await asyncio.sleep(0)
    assert (time.sleeps, len(output.ticks)) == (sleeps, ticks)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_output_removed_during_a_tick_is_not_ticked_again() -> None:
    time = VirtualTime()
    ticker = MediaTicker(time=time.time, sleep=time.sleep)
    gone = Output(time, lambda count: ticker.remove(gone))
    stays = Output(time)
    ticker.add(gone)
    ticker.add(stays)
    await run_until(ticker, stays, 5)
    assert len(gone.ticks) == 1

"""What goes out, in figures: late and missing pictures, the clock's lateness, pictures a second."""

import asyncio

import pytest

from opentalking.media.clock import MediaTicker
from opentalking.media.figures import OutputTotals, TimeCounts, TurnFigures
from tests.support.media import HeldExecutor, RecordingSink, Stage, idle_loop, run_virtual, segment
from tests.unit.test_media_clock import Output, VirtualTime, run_until


def test_a_busy_encoder_shows_in_offset_and_dropped_pictures() -> None:
    async def main() -> None:
        pool, totals = HeldExecutor(), OutputTotals()
        stage, sink = Stage(pool, totals=totals), RecordingSink()
        await stage.output.attach(sink, idle_loop())
        figures = TurnFigures(asyncio.get_running_loop().time)
        await stage.output.begin("t", figures)
        await stage.output.put(segment("t", 10))
        await stage.tick()
        assert (figures.first_picture_at, figures.av_offset_ms, totals.dropped) == (None, None, 0)
        pool.run_next()  # the first picture: the turn starts
        await stage.tick(3)
        assert (figures.av_offset_ms, totals.dropped) == (0.0, 0)
        began = figures.first_picture_at
        for _ in range(3):
            await stage.tick(2)  # the picture that is due now is still being made
            pool.run_next()
            await stage.tick(2)
        assert (totals.sent["speaking"], totals.dropped) == (4, 3)
        assert figures.av_offset_ms == 40.0
        assert figures.first_picture_at == began
        assert figures.last_sound_at is not None
        await stage.output.aclose()

    run_virtual(main())


def test_the_offset_is_the_median_of_a_turn() -> None:
    figures = TurnFigures()
    for behind in (0, 0, 0, 3, 3):
        figures.picture(behind)
    assert figures.av_offset_ms == 0.0
    for behind in (1, 1, 5):
        figures.picture(behind)
    assert figures.av_offset_ms == 40.0


def test_outputs_that_nobody_watches_count_no_pictures() -> None:
    async def main() -> None:
        totals = OutputTotals()
        stage = Stage(HeldExecutor(), totals=totals)
        await stage.output.begin("t")
        await stage.output.put(segment("t", 3))
        await stage.tick(10)
        assert (sum(totals.sent.values()), totals.dropped) == (0, 0)
        await stage.output.aclose()

    run_virtual(main())


def test_pictures_a_second_are_those_of_the_last_whole_second() -> None:
    now = 0.0
    totals = OutputTotals(lambda: now)
    for index in range(60):
        now = index * 0.04
        totals.picture("idle")
    assert totals.per_second == pytest.approx(25)
    now += 3
    assert totals.per_second == 0.0


async def test_every_tick_is_counted_by_its_lateness() -> None:
    time = VirtualTime(overshoot_seconds=0.003)
    output = Output(time)
    ticker = MediaTicker(time=time.time, sleep=time.sleep)
    ticker.add(output)
    assert ticker.outputs == 1
    await run_until(ticker, output, 50)
    assert ticker.late.counts[ticker.late.bounds.index(0.005)] == sum(ticker.late.counts) == 50
    assert ticker.late.sum_seconds == pytest.approx(0.15)
    assert ticker.skipped_ticks == 0


async def test_skipped_ticks_are_counted() -> None:
    time = VirtualTime()

    def stall(count: int) -> None:
        if count == 10:
            time.now += 1.0

    output = Output(time, stall)
    ticker = MediaTicker(time=time.time, sleep=time.sleep)
    ticker.add(output)
    await run_until(ticker, output, 30)
    assert ticker.skipped_ticks == output.skipped > 40


def test_a_copy_stays_as_it_was() -> None:
    counts = TimeCounts((0.1, 0.2))
    counts.add(0.1)
    copy = counts.copy()
    counts.add(5.0)
    assert (copy.counts, counts.counts) == ([1, 0, 0], [1, 0, 1])

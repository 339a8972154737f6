"""Looks between turns on virtual ticks: what is seen, what is not heard, and who makes way for whom."""

import asyncio
from collections.abc import AsyncGenerator
from concurrent.futures import Executor

import pytest

from opentalking.core.errors import ProviderError
from opentalking.core.media import I420
from opentalking.media.encoder import silence_packet
from opentalking.media.pictures import LookFrames
from tests.support.media import (
    HEIGHT,
    HeldExecutor,
    RecordingSink,
    Stage,
    idle_loop,
    idle_picture,
    live_picture,
    psnr,
    run_virtual,
    segment,
)
from tests.support.virtual_time import InlineExecutor


def look_picture(brightness: int) -> I420:
    picture = idle_picture(0).copy()
    picture[:HEIGHT] = brightness
    return picture


class Watched:
    """A look of one brightness that counts what is asked of it."""

    def __init__(self, brightness: int, frames: int = 10_000, fails_after: int | None = None) -> None:
        self.brightness = brightness
        self.painted = 0
        self.began_at: int | None = None
        self.is_closed = False
        self._frames = frames
        self._fails_after = fails_after

    async def __call__(self, idle_position: int) -> AsyncGenerator[I420, None]:
        self.began_at = idle_position
        try:
            while self.painted < self._frames:
                if self.painted == self._fails_after:
                    raise ProviderError("told to fail", stage="render", provider="test")
                self.painted += 1
                yield look_picture(self.brightness)
        finally:
            self.is_closed = True


def brightness(picture: I420) -> float:
    return float(picture[:8, :8].mean())


async def on_stage(pool: Executor | None = None) -> tuple[Stage, RecordingSink]:
    stage, sink = Stage(pool or InlineExecutor()), RecordingSink()
    await stage.output.attach(sink, idle_loop())
    await stage.tick(8)
    return stage, sink


def test_a_look_takes_the_place_of_the_idle_loop_without_a_sound_or_an_event() -> None:
    async def main() -> None:
        stage, sink = await on_stage()
        look = Watched(220)
        stage.output.look(look)
        await stage.tick(40)
        assert look.began_at == 4
        assert look.painted <= 20 + 1, "one picture ahead, no more"
        pictures = sink.pictures()
        assert [round(brightness(one)) for one in pictures[5:]] == [220] * (len(pictures) - 5)
        assert psnr(pictures[3], idle_picture(3)) > 25
        assert sink.video[4][0].key
        assert not any(frame.key for frame, _ in sink.video[5:])
        assert [pts for _, pts in sink.video] == [3600 * k for k in range(24)]
        assert all(payload == silence_packet() for payload, _ in sink.sound)
        assert stage.listener.events == []
        assert not stage.output.playing
        await stage.output.aclose()
        assert look.is_closed

    run_virtual(main())


def test_rest_ends_a_look_and_the_idle_loop_goes_on_with_a_key_frame() -> None:
    async def main() -> None:
        stage, sink = await on_stage()
        look, rest = Watched(220), Watched(120, frames=5)
        stage.output.look(look)
        await stage.tick(20)
        stage.output.rest(rest)
        await stage.tick(60)
        pictures = sink.pictures()
        shades = [round(brightness(one)) for one in pictures]
        assert 120 in shades
        assert shades.index(120) < len(shades) - 20
        assert 220 not in shades[shades.index(120) :]
        after = len(shades) - shades[::-1].index(120)
        assert sink.video[after][0].key
        assert sink.video[after][0] in set(idle_loop().frames) or psnr(pictures[after], idle_picture(25)) > 20
        assert look.is_closed
        assert rest.is_closed
        painted = rest.painted
        await stage.tick(100)
        assert (rest.painted, look.painted) == (painted, look.painted), "an idle session costs nothing"
        await stage.output.aclose()

    run_virtual(main())


def test_rest_without_a_look_changes_nothing() -> None:
    async def main() -> None:
        stage, sink = await on_stage()
        rest = Watched(120, frames=5)
        stage.output.rest(rest)
        await stage.tick(40)
        assert rest.painted == 0
        idle = [frame.payload for frame in idle_loop().frames]
        assert [frame.payload for frame, _ in sink.video] == idle[: len(sink.video)]
        await stage.output.aclose()

    run_virtual(main())


@pytest.mark.parametrize("ticks_of_look", [0, 1, 2, 3, 30])
def test_a_turn_starts_on_the_same_tick_with_and_without_a_look(ticks_of_look: int) -> None:
    async def first_sound(look: LookFrames | None) -> tuple[int, RecordingSink]:
        stage, sink = await on_stage()
        if look is not None:
            stage.output.look(look)
        await stage.tick(ticks_of_look)
        await stage.output.begin("t")
        await stage.output.put(segment("t", 10))
        await stage.tick(12)
        [(tick, _)] = stage.listener.of("started")
        await stage.output.aclose()
        return tick, sink

    async def main() -> None:
        plain, _ = await first_sound(None)
        look = Watched(220)
        started, sink = await first_sound(look)
        assert started == plain
        pictures = sink.pictures()
        live = started // 2
        assert sink.video[live][0].key
        assert psnr(pictures[live], live_picture(0)) > 25
        assert all(round(brightness(one)) != 220 for one in pictures[live:])
        assert look.is_closed or look.painted == 0

    run_virtual(main())


def test_a_look_goes_on_while_the_answer_is_being_made() -> None:
    async def main() -> None:
        stage, sink = await on_stage()
        stage.output.look(Watched(220))
        await stage.tick(4)
        await stage.output.begin("t")
        await stage.tick(30)
        assert stage.listener.events == []
        assert brightness(sink.pictures()[-1]) == pytest.approx(220, abs=4)
        await stage.output.put(segment("t", 3))
        stage.output.end("t")
        await stage.tick(20)
        await stage.output.drained("t")
        assert psnr(sink.pictures()[-1], idle_picture(0)) > 14, "the loop again"
        await stage.output.aclose()

    run_virtual(main())


def test_an_interrupt_before_the_first_sound_leaves_the_look_to_its_rest() -> None:
    async def main() -> None:
        stage, sink = await on_stage()
        stage.output.look(Watched(220))
        await stage.output.begin("t")
        await stage.tick(10)
        stage.output.drop("t")
        stage.output.rest(Watched(120, frames=4))
        await stage.tick(30)
        shades = [round(brightness(one)) for one in sink.pictures()]
        assert shades.count(120) >= 4
        assert all(payload == silence_packet() for payload, _ in sink.sound)
        assert abs(shades[-1] - brightness(idle_picture(0))) < 6
        await stage.output.aclose()

    run_virtual(main())


def test_one_look_takes_over_from_another_in_one_stream() -> None:
    async def main() -> None:
        stage, sink = await on_stage()
        first, second = Watched(220), Watched(180)
        stage.output.look(first)
        await stage.tick(20)
        stage.output.look(second)
        await stage.tick(20)
        assert first.is_closed
        shades = [round(brightness(one)) for one in sink.pictures()]
        assert shades[-1] == pytest.approx(180, abs=3)
        assert sum(frame.key for frame, _ in sink.video[4:]) == 1
        await stage.output.aclose()

    run_virtual(main())


def test_a_look_is_ignored_while_a_turn_is_seen() -> None:
    async def main() -> None:
        stage, sink = await on_stage()
        await stage.output.begin("t")
        await stage.output.put(segment("t", 10))
        await stage.tick(6)
        look = Watched(220)
        stage.output.look(look)
        await stage.tick(10)
        assert look.painted == 0
        assert all(round(brightness(one)) != 220 for one in sink.pictures())
        await stage.output.aclose()

    run_virtual(main())


def test_without_a_peer_nothing_is_painted_and_a_new_peer_sees_the_look() -> None:
    async def main() -> None:
        stage = Stage(InlineExecutor())
        look = Watched(220)
        stage.output.look(look)
        await stage.tick(20)
        assert look.painted == 0
        sink = RecordingSink("vp8")
        await stage.output.attach(sink, idle_loop("vp8"))
        await stage.tick(20)
        assert brightness(sink.pictures()[-1]) == pytest.approx(220, abs=6)
        other = RecordingSink()
        await stage.output.attach(other, idle_loop())
        await stage.tick(20)
        assert other.video[0][0].key
        assert brightness(other.pictures()[-1]) == pytest.approx(220, abs=4)
        await stage.output.aclose()

    run_virtual(main())


def test_a_key_frame_is_made_when_the_peer_asks_for_one_during_a_look() -> None:
    async def main() -> None:
        stage, sink = await on_stage()
        stage.output.look(Watched(220))
        await stage.tick(40)
        sent = len(sink.video)
        stage.output.request_key_frame()
        await stage.tick(8)
        assert any(frame.key for frame, _ in sink.video[sent:])
        await stage.output.aclose()

    run_virtual(main())


def test_a_look_that_fails_gives_way_to_the_idle_loop() -> None:
    async def main() -> None:
        stage, sink = await on_stage()
        stage.output.look(Watched(220, fails_after=5))
        await stage.tick(40)
        shades = [round(brightness(one)) for one in sink.pictures()]
        assert 220 in shades
        assert abs(shades[-1] - brightness(idle_picture(0))) < 6
        await stage.output.begin("t")
        await stage.output.put(segment("t", 3))
        stage.output.end("t")
        await stage.tick(12)
        await stage.output.drained("t")
        await stage.output.aclose()

    run_virtual(main())


def test_a_look_after_a_cut_begins_where_the_loop_will_go_on() -> None:
    async def main() -> None:
        stage, _ = await on_stage()
        await stage.output.begin("t")
        await stage.output.put(segment("t", 12))
        await stage.tick(14)
        stage.output.drop("t")
        look = Watched(220)
        stage.output.look(look)
        await stage.tick(4)
        assert look.began_at is not None
        assert look.began_at % 25 == 0, "the key frame that is shown next"
        await stage.output.aclose()

    run_virtual(main())


def test_two_visitors_have_looks_of_their_own() -> None:
    async def main() -> None:
        pool = InlineExecutor()
        (one, sink_one), (two, sink_two) = await on_stage(pool), await on_stage(pool)
        one.output.look(Watched(220))
        for _ in range(20):
            await one.tick()
            await two.tick()
        assert brightness(sink_one.pictures()[-1]) == pytest.approx(220, abs=4)
        idle = [frame.payload for frame in idle_loop().frames]
        assert [frame.payload for frame, _ in sink_two.video] == idle[: len(sink_two.video)]
        await one.output.aclose()
        await two.output.aclose()

    run_virtual(main())


def test_a_look_makes_no_more_pictures_once_the_turn_has_its_first() -> None:
    async def main() -> None:
        pool = HeldExecutor()
        stage, sink = Stage(pool), RecordingSink()
        await stage.output.attach(sink, idle_loop())
        look = Watched(220)
        stage.output.look(look)
        while not look.painted or pool.waiting:
            await asyncio.sleep(0.001)
            while pool.waiting:
                pool.run_next()
        await stage.output.begin("t")
        painted = look.painted
        await stage.output.put(segment("t", 2))
        await stage.tick(6)
        assert look.painted == painted
        stage.output.drop("t")
        while pool.waiting:
            pool.run_next()
        await stage.tick(4)
        assert look.painted > painted, "the turn is gone, the look goes on"
        while pool.waiting:
            pool.run_next()
        await asyncio.sleep(0.001)
        closing = asyncio.create_task(stage.output.aclose())
        await asyncio.sleep(0.001)
        while pool.waiting:
            pool.run_next()
        await closing

    run_virtual(main())

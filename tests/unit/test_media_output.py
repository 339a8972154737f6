"""What a session plays and when, on virtual ticks: pacing, marks, drop, holes, back-pressure."""

import asyncio
from itertools import pairwise

import pytest

from opentalking.core.media import SAMPLES_PER_FRAME, Mark, Segment
from opentalking.media.encoder import silence_packet
from opentalking.media.output import MediaOutput, TurnDropped
from tests.support.media import (
    RecordingListener,
    RecordingSink,
    Stage,
    decode_sound,
    idle_loop,
    level,
    run_virtual,
    segment,
)
from tests.support.virtual_time import InlineExecutor


def is_silence(payload: bytes) -> bool:
    return payload == silence_packet()


async def connected(**options: object) -> tuple[Stage, RecordingSink]:
    stage, sink = Stage(InlineExecutor(), **options), RecordingSink()
    await stage.output.attach(sink, idle_loop())
    return stage, sink


def test_idle_sends_silence_and_the_loop_on_one_time_line() -> None:
    async def main() -> None:
        stage, sink = await connected()
        await stage.tick(400)
        assert [pts for _, pts in sink.sound] == [960 * tick for tick in range(400)]
        assert [pts for _, pts in sink.video] == [3600 * tick for tick in range(200)]
        assert all(is_silence(payload) for payload, _ in sink.sound)
        idle = idle_loop().frames
        sent = [frame.payload for frame, _ in sink.video]
        assert sent == [idle[position % 100].payload for position in range(200)]
        assert stage.listener.events == []
        await stage.output.aclose()

    run_virtual(main())


def test_first_sound_and_first_picture_leave_on_the_same_tick() -> None:
    async def main() -> None:
        stage, sink = await connected()
        await stage.tick(7)
        await stage.output.begin("t")
        await stage.output.put(segment("t", 5))
        await stage.tick(20)
        idle = set(idle_loop().frames) | {frame for frame, _ in sink.video[:3]}
        first_live = next(i for i, (frame, _) in enumerate(sink.video) if i > 3 and frame.key)
        first_sound = next(i for i, (payload, _) in enumerate(sink.sound) if not is_silence(payload))
        assert sink.video[first_live][0] not in idle
        assert sink.video[first_live][1] // 3600 * 2 == first_sound == 8
        assert stage.listener.events[0] == (first_sound, "started", "t", None)
        assert sum(kind == "started" for _, kind, _, _ in stage.listener.events) == 1
        await stage.output.aclose()

    run_virtual(main())


def test_a_turn_plays_at_the_clocks_pace_and_drains_at_its_end() -> None:
    async def main() -> None:
        stage, sink = await connected()
        await stage.output.begin("t")
        await stage.output.put(segment("t", 4))
        await stage.output.put(segment("t", 6, 4))
        stage.output.end("t")
        drained = asyncio.create_task(stage.output.drained("t"))
        await stage.tick(1)
        start = next(tick for tick, kind, _, _ in stage.listener.events if kind == "started")
        assert stage.output.playing
        while not drained.done():
            await stage.tick()
            if stage.ticks <= start + 20:
                assert not drained.done()
                assert stage.output.heard_samples("t") == 960 * (stage.ticks - start)
        await drained
        assert stage.ticks == start + 20 + 1
        assert not stage.output.playing
        assert stage.output.heard_samples("t") == 10 * SAMPLES_PER_FRAME
        frames = stage.listener.of("frame")
        assert frames == [(start + 2 * index, (index, 40 * index)) for index in range(10)]
        sound = decode_sound([payload for payload, _ in sink.sound])
        assert level(sound[start * 960 + 960 : (start + 20) * 960]) > 5000
        await stage.output.drained("t")
        await stage.output.aclose()

    run_virtual(main())


def test_the_tail_of_the_sound_is_flushed_out_of_the_codec() -> None:
    async def main() -> None:
        stage, sink = await connected()
        await stage.output.begin("t")
        await stage.output.put(segment("t", 3))
        stage.output.end("t")
        await stage.tick(20)
        decoded = decode_sound([payload for payload, _ in sink.sound])
        last = max(i for i, (payload, _) in enumerate(sink.sound) if not is_silence(payload))
        assert level(decoded[last * 960 : last * 960 + 100]) > 3000
        assert level(decoded[(last + 1) * 960 + 480 :]) < 20
        await stage.output.aclose()

    run_virtual(main())


def test_marks_are_reported_when_their_sample_starts() -> None:
    async def main() -> None:
        stage, _ = await connected()
        end_of_first = 3 * SAMPLES_PER_FRAME
        marks = (
            Mark("sentence_start", 0, 0),
            Mark("sentence_start", 1, 2 * SAMPLES_PER_FRAME + 960),
            Mark("sentence_end", 0, end_of_first),
        )
        await stage.output.begin("t")
        await stage.output.put(segment("t", 3, 0, marks))
        await stage.output.put(segment("t", 2, 3, (Mark("sentence_end", 1, 2 * SAMPLES_PER_FRAME),)))
        stage.output.end("t")
        await stage.tick(30)
        start = stage.listener.of("started")[0][0]
        assert stage.listener.of("mark") == [
            (start, ("sentence_start", 0)),
            (start + 5, ("sentence_start", 1)),
            (start + 6, ("sentence_end", 0)),
            (start + 10, ("sentence_end", 1)),
        ]
        await stage.output.aclose()

    run_virtual(main())


def test_a_mark_at_the_end_is_not_held_up_by_a_hole() -> None:
    async def main() -> None:
        stage, _ = await connected()
        await stage.output.begin("t")
        await stage.output.put(segment("t", 2, 0, (Mark("sentence_end", 0, 2 * SAMPLES_PER_FRAME),)))
        await stage.tick(10)
        start = stage.listener.of("started")[0][0]
        assert stage.listener.of("mark") == [(start + 4, ("sentence_end", 0))]
        await stage.output.aclose()

    run_virtual(main())


def test_under_run_is_a_hole_that_is_not_heard_and_pictures_go_on() -> None:
    async def main() -> None:
        stage, sink = await connected()
        await stage.output.begin("t")
        await stage.output.put(segment("t", 3))
        await stage.tick(20)
        assert stage.output.heard_samples("t") == 3 * SAMPLES_PER_FRAME
        in_hole = [pts for _, pts in sink.video[-5:]]
        assert [b - a for a, b in pairwise(in_hole)] == [3600] * 4
        await stage.output.put(segment("t", 3, 3))
        stage.output.end("t")
        await stage.tick(20)
        await stage.output.drained("t")
        assert stage.output.heard_samples("t") == 6 * SAMPLES_PER_FRAME
        assert [detail for _, detail in stage.listener.of("frame")] == [(i, 40 * i) for i in range(6)]
        assert [pts for _, pts in sink.sound] == [960 * tick for tick in range(40)]
        decoded = decode_sound([payload for payload, _ in sink.sound])
        start = stage.listener.of("frame")[3][0]
        assert level(decoded[(start - 5) * 960 : start * 960 - 960]) < 20
        assert level(decoded[(start + 1) * 960 : (start + 6) * 960]) > 5000
        await stage.output.aclose()

    run_virtual(main())


def test_end_during_a_hole_ends_the_turn() -> None:
    async def main() -> None:
        stage, _ = await connected()
        await stage.output.begin("t")
        await stage.output.put(segment("t", 2))
        await stage.tick(12)
        stage.output.end("t")
        await asyncio.wait_for(stage.output.drained("t"), 0.001)
        await stage.output.aclose()

    run_virtual(main())


def test_a_turn_without_sound_drains_at_once() -> None:
    async def main() -> None:
        stage, _ = await connected()
        await stage.output.begin("t")
        await stage.output.put(Segment("t", segment("t", 0).pcm, (), (Mark("sentence_end", 0, 0),)))
        stage.output.end("t")
        await asyncio.wait_for(stage.output.drained("t"), 0.001)
        assert [kind for _, kind, _, _ in stage.listener.events] == ["mark"]
        assert stage.output.heard_samples("t") == 0
        await stage.output.aclose()

    run_virtual(main())


@pytest.mark.parametrize("played_ticks", [0, 1, 2, 5, 8])
def test_nothing_audible_leaves_after_drop(played_ticks: int) -> None:
    async def main() -> None:
        stage, sink = await connected()
        await stage.output.begin("t")
        await stage.output.put(segment("t", 10))
        waiting = asyncio.create_task(stage.output.drained("t"))
        await stage.tick(played_ticks)
        stage.output.drop("t")
        heard, sent = stage.output.heard_samples("t"), len(sink.sound)
        events = len(stage.listener.events)
        await stage.tick(20)
        assert all(is_silence(payload) for payload, _ in sink.sound[sent:])
        assert stage.output.heard_samples("t") == heard == 960 * max(played_ticks - 0, 0)
        assert len(stage.listener.events) == events
        assert not stage.output.playing
        for gone in (waiting, stage.output.drained("t"), stage.output.put(segment("t", 1))):
            with pytest.raises(TurnDropped):
                await gone
        assert [pts for _, pts in sink.video] == [3600 * i for i in range(len(sink.video))]
        await stage.output.aclose()

    run_virtual(main())


def test_drop_of_another_or_an_unknown_turn_changes_nothing() -> None:
    async def main() -> None:
        stage, _ = await connected()
        stage.output.drop("never")
        await stage.output.begin("t")
        await stage.output.put(segment("t", 3))
        stage.output.drop("old")
        stage.output.end("old")
        stage.output.end("t")
        await stage.tick(12)
        await stage.output.drained("t")
        stage.output.drop("t")
        await stage.output.drained("t")
        assert stage.output.heard_samples("never") == 0
        with pytest.raises(TurnDropped):
            await stage.output.drained("never")
        await stage.output.aclose()

    run_virtual(main())


def test_a_new_turn_drops_the_old_one_and_counts_from_zero() -> None:
    async def main() -> None:
        stage, _ = await connected()
        await stage.output.begin("a")
        await stage.output.put(segment("a", 10))
        await stage.tick(7)
        await stage.output.begin("b")
        with pytest.raises(TurnDropped):
            await stage.output.put(segment("a", 1))
        await stage.output.put(segment("b", 3))
        stage.output.end("b")
        await stage.tick(12)
        await stage.output.drained("b")
        assert stage.output.heard_samples("a") == 7 * 960
        assert stage.output.heard_samples("b") == 3 * SAMPLES_PER_FRAME
        frames = [(turn, detail) for _, kind, turn, detail in stage.listener.events if kind == "frame"]
        assert [detail for turn, detail in frames if turn == "b"] == [(0, 0), (1, 40), (2, 80)]
        assert [turn for turn, _ in frames] == ["a"] * 4 + ["b"] * 3
        await stage.output.aclose()

    run_virtual(main())


@pytest.mark.parametrize("with_peer", [True, False])
def test_put_waits_while_enough_is_buffered(with_peer: bool) -> None:
    async def main() -> None:
        stage = Stage(InlineExecutor(), ahead_seconds=0.2)
        if with_peer:
            await stage.output.attach(RecordingSink(), idle_loop())
        await stage.output.begin("t")
        await stage.output.put(segment("t", 5))
        waiting = asyncio.create_task(stage.output.put(segment("t", 3, 5)))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        played_at_end = None
        while not waiting.done():
            await stage.tick()
            await asyncio.sleep(0.001)
            played_at_end = len(stage.listener.of("frame"))
        assert played_at_end == 3
        stage.output.end("t")
        await stage.tick(12)
        await stage.output.drained("t")
        await stage.output.aclose()

    run_virtual(main())


def test_drop_releases_a_waiting_put() -> None:
    async def main() -> None:
        stage, _ = await connected(ahead_seconds=0.2)
        await stage.output.begin("t")
        waiting = asyncio.create_task(stage.output.put(segment("t", 30)))
        await stage.tick(4)
        stage.output.drop("t")
        with pytest.raises(TurnDropped):
            await waiting
        await stage.output.aclose()

    run_virtual(main())


def test_without_a_peer_everything_happens_on_the_clock_but_nothing_is_encoded() -> None:
    class NoPool(InlineExecutor):
        def submit(self, *args: object, **kwargs: object) -> object:  # type: ignore[override]
            raise AssertionError("encoded without a peer")

    async def main() -> None:
        stage = Stage(NoPool())
        await stage.output.begin("t")
        await stage.output.put(segment("t", 5, 0, (Mark("sentence_start", 0, 0),)))
        stage.output.end("t")
        await stage.tick(11)
        await stage.output.drained("t")
        assert [detail for _, detail in stage.listener.of("frame")] == [(i, 40 * i) for i in range(5)]
        assert stage.listener.of("mark") == [(0, ("sentence_start", 0))]
        assert stage.output.heard_samples("t") == 5 * SAMPLES_PER_FRAME
        await stage.output.aclose()

    run_virtual(main())


def test_a_sink_for_sound_only_needs_no_pictures() -> None:
    async def main() -> None:
        stage, sink = Stage(InlineExecutor()), RecordingSink(None)
        await stage.output.attach(sink, None)
        await stage.output.begin("t")
        await stage.output.put(segment("t", 3))
        stage.output.end("t")
        await stage.tick(10)
        await stage.output.drained("t")
        assert sum(not is_silence(payload) for payload, _ in sink.sound) == 7
        assert sink.video == []
        await stage.output.aclose()

    run_virtual(main())


def test_an_idle_loop_of_another_codec_is_refused() -> None:
    async def main() -> None:
        output = MediaOutput(RecordingListener(), InlineExecutor())
        with pytest.raises(ValueError, match="another codec"):
            await output.attach(RecordingSink("vp8"), idle_loop("h264"))
        await output.aclose()

    run_virtual(main())


def test_a_segment_whose_sound_and_pictures_differ_is_refused() -> None:
    async def main() -> None:
        stage, _ = await connected()
        await stage.output.begin("t")
        good = segment("t", 2)
        with pytest.raises(ValueError, match="frames"):
            await stage.output.put(Segment("t", good.pcm[:-1], good.frames))
        stage.output.end("t")
        await stage.output.aclose()

    run_virtual(main())


def test_a_listener_that_fails_does_not_stop_the_clock() -> None:
    class Failing(RecordingListener):
        def frame(self, turn_id: str, frame_index: int, pts_ms: int) -> None:
            raise RuntimeError("listener is broken")

    async def main() -> None:
        sink = RecordingSink()
        output = MediaOutput(Failing(), InlineExecutor())
        await output.attach(sink, idle_loop())
        await output.begin("t")
        await output.put(segment("t", 3))
        for _ in range(10):
            await asyncio.sleep(0.02)
            output.tick()
        with pytest.raises(TurnDropped):
            await output.drained("t")
        assert len(sink.sound) >= 9
        await output.aclose()

    run_virtual(main())

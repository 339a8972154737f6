"""Pictures across idle and live: no artefact, key frames on request, late encodings, reconnects."""

import asyncio
from itertools import pairwise

import numpy as np
import pytest

from opentalking.core.media import Segment
from opentalking.media.encoder import VideoCodec
from tests.support.media import (
    HeldExecutor,
    RecordingSink,
    Stage,
    decode_video,
    idle_loop,
    idle_picture,
    live_picture,
    psnr,
    run_virtual,
    segment,
)
from tests.support.virtual_time import InlineExecutor

GOOD_DB = 28


async def play(stage: Stage, turn_id: str, frames: int, ticks: int | None = None) -> None:
    """Play a whole turn (or the first `ticks` of it)."""
    await stage.output.begin(turn_id)
    for start in range(0, frames, 5):
        await stage.output.put(segment(turn_id, min(5, frames - start), start))
    stage.output.end(turn_id)
    await stage.tick(2 * frames + 4 if ticks is None else ticks)


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_every_decoded_picture_is_one_of_the_sources_across_switches(codec: VideoCodec) -> None:
    async def main() -> None:
        stage, sink = Stage(InlineExecutor()), RecordingSink(codec)
        await stage.output.attach(sink, idle_loop(codec))
        await stage.tick(31)
        await play(stage, "a", 15)
        await stage.tick(30)
        await play(stage, "b", 10, ticks=9)
        stage.output.drop("b")
        await stage.tick(21)
        await play(stage, "c", 3)
        await stage.tick(40)
        await stage.output.aclose()

        sources = [idle_picture(index) for index in range(100)]
        sources += [live_picture(index) for index in range(15)]
        kinds = []
        for number, picture in enumerate(sink.pictures()):
            scores = [psnr(source, picture) for source in sources]
            assert max(scores) > GOOD_DB, f"artefact in picture {number}: {max(scores):.1f} dB"
            kinds.append("live" if int(np.argmax(scores)) >= 100 else "idle")
        runs = [kind for index, kind in enumerate(kinds) if index == 0 or kinds[index - 1] != kind]
        assert runs == ["idle", "live", "idle", "live", "idle", "live", "idle"]
        assert kinds.count("live") == 15 + 4 + 3
        switches = [i for i in range(1, len(kinds)) if kinds[i] != kinds[i - 1]]
        assert all(sink.video[index][0].key for index in switches)

    run_virtual(main())


def test_live_pictures_are_shown_with_their_own_sound() -> None:
    async def main() -> None:
        stage, sink = Stage(InlineExecutor()), RecordingSink()
        await stage.output.attach(sink, idle_loop())
        await stage.tick(4)
        await play(stage, "a", 12)
        start = stage.listener.of("started")[0][0] // 2
        for index, picture in enumerate(sink.pictures()[start : start + 12]):
            scores = [psnr(live_picture(other), picture) for other in range(12)]
            assert scores[index] > GOOD_DB
            assert scores[index] >= max(scores) - 0.5
        await stage.output.aclose()

    run_virtual(main())


def test_the_idle_phase_goes_on_while_speaking_and_returns_at_the_nearest_key() -> None:
    async def main() -> None:
        stage, sink = Stage(InlineExecutor()), RecordingSink()
        idle = idle_loop()
        await stage.output.attach(sink, idle)
        await stage.tick(20)
        assert stage.output.idle_position == 10
        await stage.output.begin("a")
        await stage.output.put(segment("a", 15))
        stage.output.end("a")
        await stage.tick(20)
        assert stage.output.idle_position == 20
        await stage.tick(12)
        back = sink.video[25][0]
        assert back is idle.frames[25]
        assert stage.output.idle_position == 26
        await stage.output.aclose()

    run_virtual(main())


def test_a_key_frame_on_request_while_idle_at_most_each_300_ms() -> None:
    async def main() -> None:
        stage, sink = Stage(InlineExecutor()), RecordingSink()
        idle = idle_loop()
        await stage.output.attach(sink, idle)
        await stage.tick(2 * 30)
        for _ in range(50):
            stage.output.request_key_frame()
            await stage.tick()
        keys = [index for index, (frame, _) in enumerate(sink.video) if frame.key and index >= 30]
        assert keys[0] == 30
        assert sink.video[30][0] is idle.frames[25]
        assert len(keys) <= 4
        assert all(b - a >= 7 for a, b in pairwise(keys))
        decode_video([frame for frame, _ in sink.video[30:]], "h264")
        await stage.output.aclose()

    run_virtual(main())


def test_a_request_too_soon_is_answered_later_not_forgotten() -> None:
    async def main() -> None:
        stage, sink = Stage(InlineExecutor()), RecordingSink()
        await stage.output.attach(sink, idle_loop())
        await stage.tick(8)
        stage.output.request_key_frame()
        await stage.tick(4)
        stage.output.request_key_frame()
        await stage.tick(16)
        assert [index for index, (frame, _) in enumerate(sink.video) if frame.key] == [0, 4, 12]
        await stage.output.aclose()

    run_virtual(main())


def test_a_key_frame_on_request_while_live_is_the_next_that_is_encoded() -> None:
    async def main() -> None:
        stage, sink = Stage(InlineExecutor()), RecordingSink()
        await stage.output.attach(sink, idle_loop())
        await stage.output.begin("a")
        await stage.output.put(segment("a", 15))
        await stage.tick(9)
        sent = len(sink.video)
        stage.output.request_key_frame()
        await stage.tick(12)
        keys = [index for index, (frame, _) in enumerate(sink.video) if index >= sent and frame.key]
        assert len(keys) == 1
        assert keys[0] - sent <= 3
        pictures = decode_video([frame for frame, _ in sink.video[keys[0] :]], "h264")
        assert psnr(live_picture(keys[0]), pictures[0]) > GOOD_DB
        await stage.output.aclose()

    run_virtual(main())


def test_sound_does_not_wait_for_late_pictures_and_no_encoded_frame_is_lost() -> None:
    async def main() -> None:
        pool = HeldExecutor()
        stage, sink = Stage(pool), RecordingSink()
        await stage.output.attach(sink, idle_loop())
        await stage.output.begin("a")
        await stage.output.put(segment("a", 12))
        await stage.tick(2)
        assert stage.output.heard_samples("a") == 0
        pool.run_next()
        await stage.tick(1)
        assert stage.output.heard_samples("a") == 960
        first = next(index for index, (frame, _) in enumerate(sink.video) if index and frame.key)
        await stage.tick(7)
        assert stage.output.heard_samples("a") == 8 * 960
        assert len(sink.video) == first + 1
        for _ in range(16):
            if pool.waiting:
                pool.run_next()
            await stage.tick()
        live = decode_video([frame for frame, _ in sink.video[first:]], "h264")
        shown = [int(np.argmax([psnr(live_picture(i), p) for i in range(12)])) for p in live]
        assert shown[:2] == [0, 1]
        assert shown == sorted(shown)
        assert len(shown) < 12
        assert shown[-1] >= 9
        await stage.output.aclose()

    run_virtual(main())


def test_sound_starts_without_pictures_when_the_encoder_does_not_come() -> None:
    async def main() -> None:
        stage, sink = Stage(HeldExecutor()), RecordingSink()
        idle = idle_loop()
        await stage.output.attach(sink, idle)
        await stage.output.begin("a")
        await stage.output.put(segment("a", 12))
        await stage.tick(40)
        assert stage.output.heard_samples("a") > 0
        assert all(frame in idle.frames for frame, _ in sink.video)
        assert len(sink.video) == 20
        await stage.output.aclose()

    run_virtual(main())


def test_an_encoding_that_ends_after_the_drop_is_refused() -> None:
    async def main() -> None:
        pool = HeldExecutor()
        stage, sink = Stage(pool), RecordingSink()
        idle = idle_loop()
        await stage.output.attach(sink, idle)
        await stage.output.begin("a")
        await stage.output.put(segment("a", 6))
        await stage.tick(3)
        stage.output.drop("a")
        pool.run_next()
        await stage.tick(10)
        assert all(frame in idle.frames for frame, _ in sink.video)
        await stage.output.begin("b")
        await stage.output.put(segment("b", 6))
        await stage.tick(1)
        pool.run_next()
        await stage.tick(3)
        live = [frame for frame, _ in sink.video if frame not in idle.frames]
        assert len(live) == 1
        assert live[0].key
        await stage.output.aclose()

    run_virtual(main())


def test_an_encoder_that_fails_is_replaced() -> None:
    class Breaking(InlineExecutor):
        jobs = 0

        def submit(self, fn, /, *args, **kwargs):  # type: ignore[no-untyped-def]
            self.jobs += 1
            if self.jobs in (2, 3):
                return super().submit(self._fail)
            return super().submit(fn, *args, **kwargs)

        @staticmethod
        def _fail() -> None:
            raise ValueError("broken picture")

    async def main() -> None:
        stage, sink = Stage(Breaking()), RecordingSink()
        idle = idle_loop()
        await stage.output.attach(sink, idle)
        await play(stage, "a", 10)
        live = [frame for frame, _ in sink.video if frame not in idle.frames]
        assert [frame.key for frame in live[:3]] == [True, True, False]
        assert len(decode_video([frame for frame, _ in sink.video], "h264")) == len(sink.video)
        await stage.output.drained("a")
        await stage.output.aclose()

    run_virtual(main())


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_a_new_peer_in_mid_turn_goes_on_at_a_key_frame(codec: VideoCodec) -> None:
    async def main() -> None:
        stage, first, second = Stage(InlineExecutor()), RecordingSink("h264"), RecordingSink(codec)
        await stage.output.attach(first, idle_loop())
        await stage.output.begin("a")
        await stage.output.put(segment("a", 15))
        stage.output.end("a")
        await stage.tick(8)
        stage.output.detach()
        sent = len(first.video), len(first.sound)
        await stage.tick(4)
        await stage.output.attach(second, idle_loop(codec))
        await stage.tick(26)
        assert (len(first.video), len(first.sound)) == sent
        await stage.output.drained("a")
        assert stage.output.heard_samples("a") == 15 * 1920
        pictures = second.pictures()
        scores = [
            (
                max(psnr(idle_picture(i), p) for i in range(100)),
                max(psnr(live_picture(i), p) for i in range(15)),
            )
            for p in pictures
        ]
        assert all(max(score) > GOOD_DB for score in scores)
        assert sum(live > idle for idle, live in scores) >= 7
        assert second.video[0][0].key
        await stage.output.aclose()

    run_virtual(main())


def test_replacing_the_peer_leaves_the_old_one_alone() -> None:
    async def main() -> None:
        stage, first, second = Stage(InlineExecutor()), RecordingSink(), RecordingSink()
        await stage.output.attach(first, idle_loop())
        await stage.tick(10)
        await stage.output.attach(second, idle_loop())
        await stage.tick(10)
        assert len(first.sound) == len(second.sound) == 10
        assert second.video[0][0].key
        assert second.sound[0][1] == 9600
        await stage.output.aclose()

    run_virtual(main())


def test_the_last_picture_is_held_through_a_hole() -> None:
    async def main() -> None:
        stage, sink = Stage(InlineExecutor()), RecordingSink()
        await stage.output.attach(sink, idle_loop())
        await stage.output.begin("a")
        await stage.output.put(segment("a", 3))
        await stage.tick(20)
        for picture in sink.pictures()[-4:]:
            assert psnr(live_picture(2), picture) > GOOD_DB
        await stage.output.aclose()

    run_virtual(main())


def test_raw_pictures_of_one_session_stay_below_their_limit() -> None:
    async def main() -> None:
        stage = Stage(InlineExecutor(), ahead_seconds=5.0)
        await stage.output.begin("a")
        big = np.zeros((1200, 1024), np.uint8)
        waiting = asyncio.create_task(
            stage.output.put(Segment("a", np.zeros(20 * 1920, np.int16), (big,) * 20))
        )
        await asyncio.sleep(0.001)
        assert not waiting.done()
        await stage.tick(2 * 15)
        assert waiting.done()
        await stage.output.aclose()

    run_virtual(main())


def test_missed_ticks_move_both_time_lines_by_whole_frames() -> None:
    async def main() -> None:
        stage, sink = Stage(InlineExecutor()), RecordingSink()
        await stage.output.attach(sink, idle_loop())
        await stage.tick(10)
        stage.output.skip(51)
        await stage.tick(10)
        assert sink.sound[10][1] == 960 * 60
        assert sink.video[5][1] == 1800 * 60
        assert [pts % 3600 for _, pts in sink.video] == [0] * 10
        await stage.output.aclose()

    run_virtual(main())


def test_live_video_keeps_to_the_bitrate_that_was_asked_for() -> None:
    noise = np.random.default_rng(5).integers(16, 235, (40, 96, 64), np.uint8)

    async def bits_per_second(bitrate: int) -> float:
        stage, sink = Stage(InlineExecutor(), video_bitrate=bitrate), RecordingSink("h264")
        await stage.output.attach(sink, idle_loop("h264"))
        await stage.output.begin("a")
        for start in range(0, 40, 5):
            pictures = tuple(noise[start : start + 5])
            await stage.output.put(Segment("a", segment("a", 5, start).pcm, pictures))
            await stage.tick(10)
        await stage.output.aclose()
        sent = [frame for frame, _ in sink.video if not frame.key]
        return 25 * 8 * sum(len(frame.payload) for frame in sent) / len(sent)

    low = run_virtual(bits_per_second(150_000))
    high = run_virtual(bits_per_second(1_000_000))
    assert low < 300_000
    assert high > 2 * low

"""Looks of a session driven by its `status` events, on virtual time, seen by a recording peer."""

import asyncio
from dataclasses import dataclass, field

from opentalking.core.avatars import AvatarBundle
from opentalking.core.events import LlmEvent, StatusEvent
from opentalking.core.providers import Look, RendererCapabilities
from opentalking.engine.looks import Looks
from opentalking.media.encoder import EncodedFrame
from opentalking.media.idle import encode_idle_loop
from opentalking.media.output import MediaOutput
from opentalking.providers.fake import FlatFace, FlatRenderer, ScriptedModel
from tests.engine.harness import Engine, Parts, WatchedTicker, engine, virtual
from tests.support.media import RecordingListener, RecordingSink, decode_video
from tests.support.virtual_time import InlineExecutor

IDLE, REST, THINKING, LISTENING = 40, 100, 150, 190
"""Brightness of what a `FlatFace` shows."""


@dataclass
class LookingRenderer(FlatRenderer):
    """Keeps its faces, and says whether they can look."""

    capabilities: RendererCapabilities = field(default_factory=lambda: RendererCapabilities(looks=True))
    faces: list[FlatFace] = field(default_factory=list)

    async def open(self, avatar: AvatarBundle) -> FlatFace:
        self.faces.append(await super().open(avatar))
        return self.faces[-1]


def shades(frames: list[tuple[EncodedFrame, int]]) -> list[int]:
    """Brightness of every picture, to the nearest of a face's; speech is IDLE or brighter than REST."""
    pictures = decode_video([frame for frame, _ in frames], "h264")
    return [int(picture[:16].mean()) for picture in pictures]


def near(shade: int, wanted: int) -> bool:
    return abs(shade - wanted) < 12


async def seen_by_a_peer(e: Engine, outputs: set[MediaOutput]) -> tuple[RecordingSink, MediaOutput]:
    """Attach a peer to the output that has been there least."""
    ticker = e.tools.ticker
    assert isinstance(ticker, WatchedTicker)
    [output] = ticker.driven - outputs
    sink = RecordingSink()
    face = FlatFace()
    await output.attach(sink, encode_idle_loop(face.idle_frames(), "h264"))
    return sink, output


@virtual
async def test_a_face_thinks_until_the_first_sound_of_the_answer() -> None:
    renderer = LookingRenderer()
    model = ScriptedModel(lambda _: "It is late.", delay_seconds=1.0)
    async with engine(Parts(chat_model=model, renderers={"fake": renderer})) as e:
        session, _, log = await e.create()
        turn = await e.chat(session, "what time is it?")
        sink, _ = await seen_by_a_peer(e, set())
        await log.until("speech.media_started", turn)
        at_start = len(sink.video)
        before = shades(sink.video)
        assert sum(near(shade, THINKING) for shade in before) > 0.8 * (at_start - 2)
        assert not log.of("frame")[1:], "the frames of a look are no events"
        await log.until("speech.ended", turn)
        after = shades(sink.video)[at_start + 1 :]
        assert not any(near(shade, THINKING) for shade in after[3:])
        assert renderer.faces[0].looks == ["thinking"], "nothing to rest from at the end of speech"
        assert [f.frame_idx for f in log.of("frame")] == list(range(len(log.of("frame"))))
        await e.delete(session)


@virtual
async def test_the_answer_comes_as_early_as_from_a_face_without_looks() -> None:
    starts = []
    for able in (False, True):
        renderer = LookingRenderer(capabilities=RendererCapabilities(looks=able))
        model = ScriptedModel(lambda _: "Yes.", delay_seconds=0.73)
        async with engine(Parts(chat_model=model, renderers={"fake": renderer})) as e:
            session, _, log = await e.create()
            asked_at = asyncio.get_running_loop().time()
            turn = await e.chat(session, "well?")
            await seen_by_a_peer(e, set())
            await log.until("speech.ended", turn)
            starts.append(round(log.when("speech.media_started", turn) - asked_at, 3))
            assert bool(renderer.faces[0].looks) == able
            await e.delete(session)
    assert starts[0] == starts[1]


@virtual
async def test_an_interrupt_while_thinking_brings_the_face_to_rest() -> None:
    renderer = LookingRenderer()
    model = ScriptedModel(delay_seconds=30.0)
    async with engine(Parts(chat_model=model, renderers={"fake": renderer})) as e:
        session, _, log = await e.create()
        turn = await e.chat(session, "a hard one")
        sink, output = await seen_by_a_peer(e, set())
        await asyncio.sleep(1.0)
        thought = len(sink.video)
        await e.interrupt(session)
        e.tools.ticker.add(output)  # as while a real peer is there
        await asyncio.sleep(2.0)
        assert log.kinds(turn)[-3:] == ["speech.ended", "status:interrupted", "status:idle"]
        seen = shades(sink.video)
        assert near(seen[thought - 1], THINKING)
        assert any(near(shade, REST) for shade in seen[thought:])
        assert near(seen[-1], IDLE)
        assert not log.of("frame")
        assert not log.of("speech.media_started")
        await e.delete(session)


@virtual
async def test_a_question_that_takes_over_goes_on_thinking() -> None:
    renderer = LookingRenderer()
    model = ScriptedModel(lambda _: "Done.", delay_seconds=1.0)
    async with engine(Parts(chat_model=model, renderers={"fake": renderer})) as e:
        session, _, log = await e.create()
        await e.chat(session, "one")
        sink, _ = await seen_by_a_peer(e, set())
        await asyncio.sleep(0.5)
        second = await e.chat(session, "two")
        await log.until("speech.media_started", second)
        assert all(near(shade, THINKING) for shade in shades(sink.video)[4:-2])
        await log.until("speech.ended", second)
        await e.delete(session)


@virtual
async def test_a_failed_answer_ends_the_thinking() -> None:
    renderer = LookingRenderer()
    model = ScriptedModel(delay_seconds=0.5, fail_after_words=2)
    async with engine(Parts(chat_model=model, renderers={"fake": renderer})) as e:
        session, _, log = await e.create()
        turn = await e.chat(session, "go")
        sink, output = await seen_by_a_peer(e, set())
        ended = await log.until("speech.ended", turn)
        assert ended.reason == "failed"
        e.tools.ticker.add(output)
        await asyncio.sleep(2.0)
        assert near(shades(sink.video)[-1], IDLE)
        await e.delete(session)


@virtual
async def test_two_visitors_think_independently() -> None:
    renderer = LookingRenderer()
    model = ScriptedModel(lambda _: "Done.", delay_seconds=2.0)
    async with engine(Parts(chat_model=model, renderers={"fake": renderer})) as e:
        one, _, log_one = await e.create()
        turn = await e.chat(one, "go")
        ticker = e.tools.ticker
        assert isinstance(ticker, WatchedTicker)
        first = set(ticker.driven)
        sink_one, _ = await seen_by_a_peer(e, set())
        two, _, log_two = await e.create()
        say = await e.speak(two, "I speak meanwhile.")
        sink_two, _ = await seen_by_a_peer(e, first)
        await log_two.until("speech.ended", say)
        assert any(near(shade, THINKING) for shade in shades(sink_one.video))
        assert not any(near(shade, THINKING) for shade in shades(sink_two.video)[-20:])
        assert renderer.faces[1].looks == []
        await log_one.until("speech.ended", turn)
        await e.delete(one)
        await e.delete(two)


@virtual
async def test_status_listening_shows_a_listening_face_until_idle() -> None:
    """Nobody listens yet; whoever will only has to say so."""
    face, sink = FlatFace(), RecordingSink()
    output = MediaOutput(RecordingListener(), InlineExecutor())
    await output.attach(sink, encode_idle_loop(face.idle_frames(), "h264"))
    looks = Looks(output, lambda: face, able=True)

    async def pass_time(ticks: int) -> None:
        for _ in range(ticks):
            await asyncio.sleep(0.02)
            output.tick()

    def status(stage: str) -> StatusEvent:
        return StatusEvent.model_validate({"session_id": "s", "stage": stage})

    looks.told(status("listening"))
    looks.told(LlmEvent(session_id="s", delta="no status"))
    await pass_time(20)
    assert near(shades(sink.video)[-1], LISTENING)
    looks.told(status("thinking"))
    await pass_time(20)
    assert near(shades(sink.video)[-1], THINKING)
    looks.told(status("idle"))
    await pass_time(40)
    assert near(shades(sink.video)[-1], IDLE)
    wanted: list[Look] = ["listening", "thinking", "rest"]
    assert face.looks == wanted
    unable = FlatFace()
    Looks(output, lambda: unable, able=False).told(status("thinking"))
    Looks(output, lambda: None, able=True).told(status("thinking"))
    await pass_time(4)
    assert unable.looks == []
    await output.aclose()

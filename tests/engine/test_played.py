"""Turns that play sound from outside, on virtual time."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field

import numpy as np
import pytest

from opentalking.core.avatars import AvatarBundle
from opentalking.core.commands import StartPlay
from opentalking.core.errors import InvalidInput, NotFound, ProviderError
from opentalking.core.ids import new_id
from opentalking.core.media import FPS, MEDIA_RATE, Samples, Segment, Speech
from opentalking.core.ports import AudioInlet, StreamClosed
from opentalking.engine.config import EngineConfig
from opentalking.providers.fake import FlatFace, FlatRenderer
from tests.engine.harness import Engine, Parts, engine, virtual
from tests.support.audio_files import sine

RATE = 16_000
ORDER = [
    "speech.started",
    "status:speaking",
    "speech.media_started",
    "speech.ended",
    "status:idle",
]


async def play(e: Engine, session: str, rate: int = RATE) -> tuple[str, AudioInlet]:
    """Start a played turn: its id, and where its sound goes in."""
    inlet = await e.tools.commands.open_audio(session, rate)
    turn_id = new_id()
    await e.call(StartPlay(session_id=session, turn_id=turn_id, stream_id=inlet.stream_id))
    return turn_id, inlet


async def stream(inlet: AudioInlet, pcm: Samples, chunk_seconds: float = 0.02) -> None:
    """Put sound at the pace of a person who speaks."""
    size = round(chunk_seconds * inlet.sample_rate)
    for start in range(0, len(pcm), size):
        await inlet.put(pcm[start : start + size])
        await asyncio.sleep(chunk_seconds)


class KeepingFace(FlatFace):
    """Keeps the speech that it is given and the segments that it makes."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[Speech] = []
        self.sound: list[Samples] = []

    async def render(
        self, speech: AsyncIterator[Speech], turn_id: str, idle_position: int = 0
    ) -> AsyncGenerator[Segment, None]:
        async def kept() -> AsyncIterator[Speech]:
            async for piece in speech:
                self.pieces.append(piece)
                yield piece

        async for segment in super().render(kept(), turn_id, idle_position):
            self.sound.append(segment.pcm)
            yield segment


@dataclass
class KeepingRenderer(FlatRenderer):
    face: KeepingFace = field(default_factory=KeepingFace)

    async def open(self, avatar: AvatarBundle) -> FlatFace:
        return self.face


class BrokenFace(FlatFace):
    async def render(
        self, speech: AsyncIterator[Speech], turn_id: str, idle_position: int = 0
    ) -> AsyncGenerator[Segment, None]:
        async for _ in speech:
            raise ProviderError("no more paint", stage="render", provider="fake")
        yield Segment(turn_id, np.zeros(0, np.int16), ())


class BrokenRenderer(FlatRenderer):
    async def open(self, avatar: AvatarBundle) -> FlatFace:
        return BrokenFace()


@virtual
async def test_a_sound_is_played_with_the_events_of_the_contract() -> None:
    async with engine() as e:
        session, _, log = await e.create()
        turn, inlet = await play(e, session)
        await inlet.put(sine(440, 2.0, RATE))
        await inlet.finish()
        ended = await log.until("speech.ended", turn)
        await log.until("session.state_changed", count=5)
        assert log.kinds(turn) == ORDER
        assert log.of("speech.started", turn)[0].text == ""
        assert ended.reason == "completed"
        frames = log.of("frame", turn)
        assert [f.frame_idx for f in frames] == list(range(50))
        assert [f.pts_ms for f in frames] == [40 * n for n in range(50)]
        took = log.when("speech.ended", turn) - log.when("speech.media_started", turn)
        assert took == pytest.approx(2.0, abs=0.05)
        states = [event.state for event in log.of("session.state_changed")]
        assert states == ["initializing", "worker_ready", "ready", "speaking", "ready"]
        assert await inlet.closed() == "completed"
        await e.delete(session)


@virtual
async def test_the_face_gets_one_sentence_at_its_own_rate_and_nothing_is_lost() -> None:
    renderer = KeepingRenderer()
    pcm = sine(300, 5.03, RATE)
    async with engine(Parts(renderers={"fake": renderer})) as e:
        session, _, log = await e.create()
        turn, inlet = await play(e, session)
        await inlet.put(pcm)
        await inlet.finish()
        await log.until("speech.ended", turn)
        pieces = renderer.face.pieces
        assert [piece.ends_sentence for piece in pieces] == [False] * (len(pieces) - 1) + [True]
        assert {piece.sample_rate for piece in pieces} == {MEDIA_RATE}
        assert max(piece.seconds for piece in pieces) <= 0.52
        sound = np.concatenate(renderer.face.sound)
        expected = sine(300, 5.03, MEDIA_RATE)
        assert len(sound) - len(expected) == pytest.approx(0, abs=MEDIA_RATE // FPS)
        assert np.corrcoef(sound[: len(expected)], expected)[0, 1] > 0.999
        await e.delete(session)


@virtual
async def test_streamed_sound_starts_with_its_first_picture_of_sound() -> None:
    async with engine() as e:
        session, _, log = await e.create()
        turn, inlet = await play(e, session, MEDIA_RATE)
        began = asyncio.get_running_loop().time()
        await stream(inlet, sine(440, 3.0, MEDIA_RATE))
        await inlet.finish()
        await log.until("speech.ended", turn)
        assert log.when("speech.media_started", turn) - began <= 0.081, "40 ms of sound and a tick"
        took = log.when("speech.ended", turn) - log.when("speech.media_started", turn)
        assert took == pytest.approx(3.0, abs=0.1), "without holes"
        await e.delete(session)


@virtual
async def test_a_pause_in_the_stream_is_silence_and_costs_no_latency() -> None:
    renderer = KeepingRenderer()
    async with engine(Parts(renderers={"fake": renderer})) as e:
        session, _, log = await e.create()
        turn, inlet = await play(e, session)
        await stream(inlet, sine(440, 1.0, RATE))
        await asyncio.sleep(5.0)
        frames_before = len(log.of("frame", turn))
        assert frames_before == pytest.approx(6 * FPS, abs=5), "the face goes on meanwhile"
        given = sum(len(piece.pcm) for piece in renderer.face.pieces)
        await inlet.put(sine(440, 1.0, RATE))
        began = asyncio.get_running_loop().time()
        await inlet.finish()
        await log.until("speech.ended", turn)
        assert asyncio.get_running_loop().time() - began < 1.3, "at most 0.2 s of silence lay before it"
        assert given / MEDIA_RATE == pytest.approx(6.0, abs=0.3)
        sound = np.concatenate(renderer.face.sound).astype(np.int32)
        loud = np.abs(sound[: len(sound) // 480 * 480]).reshape(-1, 480).max(axis=1) > 1000
        assert loud.sum() == pytest.approx(200, abs=6), "both seconds of tone, whole"
        await e.delete(session)


@virtual
async def test_a_stream_that_never_goes_on_ends_the_turn() -> None:
    async with engine() as e:
        session, _, log = await e.create()
        turn, inlet = await play(e, session)
        await inlet.put(sine(440, 1.0, RATE))
        ended = await log.until("speech.ended", turn, seconds=100)
        assert ended.reason == "completed"
        assert log.when("speech.ended", turn) > 50
        assert await inlet.closed() == "completed"
        await e.delete(session)


@virtual
async def test_without_any_sound_the_turn_ends_quietly() -> None:
    async with engine() as e:
        session, _, log = await e.create()
        turn, inlet = await play(e, session)
        await inlet.aclose()
        ended = await log.until("speech.ended", turn)
        assert ended.reason == "completed"
        assert "speech.media_started" not in log.kinds(turn)
        await e.delete(session)


@virtual
async def test_what_was_sent_before_a_drop_is_played() -> None:
    async with engine() as e:
        session, _, log = await e.create()
        turn, inlet = await play(e, session)
        await inlet.put(sine(440, 1.0, RATE))
        await inlet.aclose()
        ended = await log.until("speech.ended", turn)
        assert ended.reason == "completed"
        assert len(log.of("frame", turn)) in (25, 26)
        await e.delete(session)


@virtual
async def test_an_interrupt_ends_it_and_tells_the_writer() -> None:
    async with engine() as e:
        session, _, log = await e.create()
        turn, inlet = await play(e, session)
        await inlet.put(sine(440, 9.0, RATE))
        await log.until("frame", turn, count=10)
        await e.interrupt(session)
        at = asyncio.get_running_loop().time()
        await log.until("status", turn, count=3)
        assert log.kinds(turn)[-3:] == ["speech.ended", "status:interrupted", "status:idle"]
        assert log.of("speech.ended", turn)[0].reason == "interrupted"
        with pytest.raises(StreamClosed) as closed:
            await inlet.put(sine(440, 1.0, RATE))
        assert closed.value.reason == "interrupted"
        await asyncio.sleep(1)
        assert all(moment <= at for moment, event in log.events if event.type == "frame")
        await e.delete(session)


@virtual
async def test_an_interrupt_of_another_turn_leaves_it_alone() -> None:
    async with engine() as e:
        session, _, log = await e.create()
        turn, inlet = await play(e, session)
        await inlet.put(sine(440, 1.0, RATE))
        await inlet.finish()
        await e.interrupt(session, "another")
        assert (await log.until("speech.ended", turn)).reason == "completed"
        await e.delete(session)


@virtual
async def test_a_spoken_turn_takes_over() -> None:
    await _taken_over(by_speech=True)


@virtual
async def test_another_sound_takes_over() -> None:
    await _taken_over(by_speech=False)


async def _taken_over(*, by_speech: bool) -> None:
    async with engine() as e:
        session, _, log = await e.create()
        turn, inlet = await play(e, session)
        await inlet.put(sine(440, 9.0, RATE))
        await log.until("frame", turn, count=5)
        if by_speech:
            second = await e.speak(session, "and now this.")
        else:
            second, other = await play(e, session)
            await other.put(sine(440, 1.0, RATE))
            await other.finish()
        await log.until("speech.ended", second)
        kinds = [(event.type, event.turn_id) for _, event in log.events if event.type.startswith("speech.")]
        assert kinds.index(("speech.ended", turn)) < kinds.index(("speech.started", second))
        assert await inlet.closed() == "interrupted"
        await e.delete(session)


@virtual
async def test_it_takes_over_from_a_spoken_turn() -> None:
    async with engine() as e:
        session, _, log = await e.create()
        first = await e.speak(session, "one two three four five six seven eight nine ten.")
        await log.until("frame", first, count=5)
        turn, inlet = await play(e, session)
        await inlet.put(sine(440, 1.0, RATE))
        await inlet.finish()
        await log.until("speech.ended", turn)
        assert log.of("speech.ended", first)[0].reason == "interrupted"
        assert log.when("speech.ended", first) <= log.when("speech.started", turn)
        await e.delete(session)


@virtual
async def test_the_end_of_the_session_reaches_the_writer() -> None:
    async with engine() as e:
        session, _, log = await e.create()
        turn, inlet = await play(e, session)
        await inlet.put(sine(440, 9.0, RATE))
        await log.until("frame", turn, count=5)
        waiting = await e.tools.commands.open_audio(session, RATE)
        await e.delete(session)
        assert await inlet.closed() == "session_ended"
        assert await waiting.closed() == "session_ended"
        assert log.of("speech.ended", turn)[0].reason == "interrupted"


@virtual
async def test_a_file_that_breaks_in_the_middle_fails_the_turn() -> None:
    async with engine() as e:
        session, _, log = await e.create()
        turn, inlet = await play(e, session)
        await inlet.put(sine(440, 1.0, RATE))
        await inlet.fail(InvalidInput("the rest cannot be decoded"))
        ended = await log.until("speech.ended", turn)
        assert ended.reason == "failed"
        assert [event.message for event in log.of("error", turn)] == ["the rest cannot be decoded"]
        assert await inlet.closed() == "failed"
        again, inlet = await play(e, session)
        await inlet.put(sine(440, 1.0, RATE))
        await inlet.finish()
        assert (await log.until("speech.ended", again)).reason == "completed"
        await e.delete(session)


@virtual
async def test_a_face_that_breaks_fails_the_turn() -> None:
    async with engine(Parts(renderers={"fake": BrokenRenderer()})) as e:
        session, _, log = await e.create()
        turn, inlet = await play(e, session)
        await inlet.put(sine(440, 1.0, RATE))
        assert (await log.until("speech.ended", turn)).reason == "failed"
        assert [event.code for event in log.of("error", turn)] == ["render_failed"]
        assert await inlet.closed() == "failed"
        await e.delete(session)


@virtual
async def test_a_stream_that_does_not_exist_starts_nothing() -> None:
    async with engine() as e:
        session, _, log = await e.create()
        with pytest.raises(NotFound):
            await e.call(StartPlay(session_id=session, turn_id="t", stream_id="none"))
        assert log.of("speech.started") == []
        await e.delete(session)


@virtual
async def test_the_session_does_not_idle_away_while_it_plays() -> None:
    config = EngineConfig(idle_timeout_seconds=5.0, expiring_notice_seconds=1.0)
    async with engine(Parts(config=config)) as e:
        session, _, log = await e.create()
        turn, inlet = await play(e, session)
        await inlet.put(sine(440, 9.0, RATE))
        feeding = asyncio.create_task(stream(inlet, sine(440, 11.0, RATE), 0.5))
        await log.until("frame", turn, count=18 * FPS)
        await feeding
        await inlet.finish()
        ended = await log.until("speech.ended", turn)
        assert ended.reason == "completed"
        await log.until("session.expired")
        assert log.when("session.expired") - log.when("speech.ended", turn) == pytest.approx(5.0, abs=0.5)


@virtual
async def test_the_writer_waits_for_the_player() -> None:
    async with engine() as e:
        session, _, _ = await e.create()
        turn, inlet = await play(e, session)
        began = asyncio.get_running_loop().time()
        await inlet.put(sine(440, 60.0, RATE))
        took = asyncio.get_running_loop().time() - began
        assert 46 < took < 50, "10 s on the way, some more in the turn"
        await e.interrupt(session, turn)
        await e.delete(session)

"""What is told about a turn once it has ended: exact times, one `turn.metrics` each, on virtual time."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from opentalking.core.commands import StartPlay
from opentalking.core.events import TurnMetricsEvent
from opentalking.core.ids import new_id
from opentalking.core.media import Speech
from opentalking.core.turns import HeardTimes, TurnTimes
from opentalking.engine.stopwatch import Stopwatch, as_event
from opentalking.media.idle import encode_idle_loop
from opentalking.providers.fake import FlatFace, FlatRenderer, ScriptedModel, ToneVoice
from tests.engine.harness import Log, Parts, WatchedTicker, engine, virtual
from tests.support.audio_files import sine
from tests.support.media import RecordingSink


@dataclass
class Watcher:
    """Keeps what observers are told."""

    turns: list[TurnTimes] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)

    def turn_ended(self, times: TurnTimes) -> None:
        self.turns.append(times)

    def stage_failed(self, stage: str, code: str) -> None:
        self.failures.append((stage, code))

    def page_fell_silent(self, after_ms: int) -> None:
        """Not here."""

    def barge_in(self, outcome: str) -> None:
        """Not here."""


def ms_between(log: Log, turn: str, kind: str, origin: str = "speech.started") -> int:
    return round((log.when(kind, turn) - log.when(origin, turn)) * 1000)


def order(log: Log, turn: str) -> list[str]:
    """What a turn's end looks like, frames left out."""
    names = [f"{e.type}:{getattr(e, 'stage', '')}" for _, e in log.events if e.turn_id == turn]
    return [name.rstrip(":") for name in names if not name.startswith("frame")]


@virtual
async def test_a_chat_turn_is_measured_from_the_request_to_its_last_sound() -> None:
    watcher = Watcher()
    parts = Parts(
        chat_model=ScriptedModel(lambda _: "One two three four.", delay_seconds=0.1),
        speakers={"local": ToneVoice("local", delay_seconds=0.25)},
        observers=[watcher],
    )
    async with engine(parts) as e:
        session, _, log = await e.create()
        turn = await e.chat(session, "hello")
        metrics: TurnMetricsEvent = await log.until("turn.metrics", turn)
        assert (metrics.kind, metrics.source, metrics.outcome) == ("chat", "text", "completed")
        assert metrics.accepted_ms == 0
        assert metrics.first_token_ms == ms_between(log, turn, "llm") == 100
        assert metrics.first_sentence_ms == 400
        assert metrics.first_audio_ms == 650
        assert metrics.media_started_ms == ms_between(log, turn, "speech.media_started")
        assert metrics.media_started_ms is not None
        assert 650 <= metrics.media_started_ms <= 700
        # Four words of 0.3 s; the last of its packets begins 20 ms before the end.
        assert metrics.last_audio_ms == metrics.media_started_ms + 1200 - 20
        assert metrics.ended_ms == ms_between(log, turn, "speech.ended")
        assert metrics.ended_ms >= metrics.media_started_ms + 1200
        unseen = (metrics.interrupted_ms, metrics.first_frame_ms, metrics.av_offset_ms, metrics.recognised_ms)
        assert unseen == (None, None, None, None), "nobody interrupted, looked or spoke"
        [times] = watcher.turns
        assert as_event(times) == metrics
        assert order(log, turn)[-3:] == ["speech.ended", "status:idle", "turn.metrics"]
        await e.delete(session)


@virtual
async def test_what_the_user_said_is_measured_from_its_end() -> None:
    now = asyncio.get_running_loop().time
    await asyncio.sleep(20)
    heard = HeardTimes(
        "microphone",
        began_at=17.0,
        ended_at=19.0,
        noticed_at=19.2,
        decided_at=19.25,
        recognised_at=19.5,
        end_of_turn=0.87654,
    )
    watch = Stopwatch("chat", heard, clock=now)
    await asyncio.sleep(0.3)
    watch.first("first_token_at")
    await asyncio.sleep(0.3)
    watch.first("first_token_at")
    metrics = as_event(watch.stop("s", "t", "completed"))
    assert metrics.payload() == {
        "session_id": "s",
        "turn_id": "t",
        "kind": "chat",
        "source": "microphone",
        "outcome": "completed",
        "speech_ms": 2000,
        "pause_noticed_ms": 200,
        "turn_end_ms": 250,
        "end_of_turn": 0.877,
        "recognised_ms": 500,
        "accepted_ms": 1000,
        "first_token_ms": 1300,
        "ended_ms": 1600,
    }


@virtual
async def test_an_interrupted_turn_says_when_it_fell_silent() -> None:
    watcher = Watcher()
    async with engine(Parts(observers=[watcher])) as e:
        session, _, log = await e.create()
        turn = await e.speak(session, "these are so many words that it takes a while to say all of them.")
        await log.until("speech.media_started", turn)
        await asyncio.sleep(1)
        await e.interrupt(session)
        metrics = await log.until("turn.metrics", turn)
        assert (metrics.kind, metrics.outcome) == ("speak", "interrupted")
        assert metrics.interrupted_ms == metrics.ended_ms == ms_between(log, turn, "speech.ended")
        assert 0 <= metrics.interrupted_ms - metrics.last_audio_ms <= 20
        assert order(log, turn)[-3:] == ["status:interrupted", "status:idle", "turn.metrics"]
        assert metrics.first_token_ms is None
        await e.delete(session)


class Stubborn(ToneVoice):
    """Takes 10 s for a sentence with "stubborn" in it, and cannot be cancelled meanwhile."""

    async def speak(
        self, text: str, voice: str | None = None, model: str | None = None
    ) -> AsyncGenerator[Speech]:
        now = asyncio.get_running_loop().time
        until = now() + 10 * ("stubborn" in text)
        while (left := until - now()) > 0:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(left)
        async for speech in super().speak(text):
            yield speech


@virtual
async def test_silence_is_told_when_it_came_not_when_the_turn_gave_in() -> None:
    async with engine(Parts(speakers={"local": Stubborn("local")})) as e:
        session, _, log = await e.create()
        turn = await e.speak(session, "some words are heard at once here. stubborn ones come later.")
        await log.until("speech.media_started", turn)
        await asyncio.sleep(0.5)
        await e.interrupt(session)
        metrics = await log.until("turn.metrics", turn)
        assert metrics.ended_ms - metrics.interrupted_ms == pytest.approx(2000, abs=20)
        assert 0 <= metrics.interrupted_ms - metrics.last_audio_ms <= 20
        await asyncio.sleep(10)
        assert len(log.of("turn.metrics")) == 1
        await e.delete(session)


class BrokenFace(FlatFace):
    """Crashes with the first sound."""

    def render(self, speech: AsyncIterator[Speech], turn_id: str, idle_position: int = 0) -> Any:
        raise ZeroDivisionError


class BrokenRenderer(FlatRenderer):
    """Opens `BrokenFace`s."""

    async def open(self, avatar: object) -> FlatFace:
        return BrokenFace()


def failing(kind: str) -> Parts:
    match kind:
        case "llm":
            return Parts(chat_model=ScriptedModel(fail_after_words=1))
        case "tts":
            return Parts(speakers={"local": ToneVoice("local", fail_on="o")})
    return Parts(renderers={"fake": BrokenRenderer()})


@pytest.mark.parametrize(
    ("kind", "failures"),
    [
        ("llm", [("llm", "llm_failed")]),
        ("tts", 2 * [("tts", "tts_failed")]),
        ("crash", [("internal", "internal_error")]),
    ],
)
@virtual
async def test_a_failed_turn_is_measured_too(kind: str, failures: list[tuple[str, str]]) -> None:
    watcher = Watcher()
    parts = failing(kind)
    parts.observers = [watcher]
    async with engine(parts) as e:
        session, _, log = await e.create()
        turn = await e.chat(session, "hello")
        metrics = await log.until("turn.metrics", turn)
        assert metrics.outcome == "failed"
        assert (metrics.media_started_ms, metrics.last_audio_ms, metrics.interrupted_ms) == (None, None, None)
        assert order(log, turn)[-3:] == ["speech.ended", "status:idle", "turn.metrics"]
        assert watcher.failures == failures
        assert [times.outcome for times in watcher.turns] == ["failed"]
        await e.delete(session)


@virtual
async def test_a_session_that_ends_takes_its_turn_along_with_its_figures() -> None:
    watcher = Watcher()
    async with engine(Parts(observers=[watcher])) as e:
        session, _, log = await e.create()
        turn = await e.speak(session, "a sentence that is not over soon because it is long.")
        await log.until("speech.media_started", turn)
        await e.delete(session)
        await log.until("session.terminated")
        [metrics] = log.of("turn.metrics")
        assert (metrics.turn_id, metrics.outcome) == (turn, "interrupted")
        assert len(watcher.turns) == 1


class DyingFace(FlatFace):
    """Its end crashes the session."""

    async def aclose(self) -> None:
        raise ZeroDivisionError


@virtual
async def test_turns_that_meet_are_told_once_each() -> None:
    watcher = Watcher()
    async with engine(Parts(observers=[watcher])) as e:
        session, _, log = await e.create()
        first, _, second, third = await asyncio.gather(
            e.chat(session, "one"),
            e.interrupt(session),
            e.speak(session, "two"),
            e.chat(session, "three"),
        )
        await log.until("turn.metrics", third)
        last = await e.speak(session, "four")
        await asyncio.gather(e.interrupt(session, last), e.interrupt(session), e.delete(session))
        await log.until("session.terminated")
        told = [(x.turn_id, x.outcome) for x in log.of("turn.metrics")]
        assert told == [
            (first, "interrupted"),
            (second, "interrupted"),
            (third, "completed"),
            (last, "interrupted"),
        ]
        assert [(times.turn_id, times.outcome) for times in watcher.turns] == told
        for turn, _ in told:
            assert order(log, turn)[-2:] == ["status:idle", "turn.metrics"]


@virtual
async def test_silence_within_a_sound_and_after_it_is_not_its_last_sound() -> None:
    async with engine() as e:
        session, _, log = await e.create()
        inlet = await e.tools.commands.open_audio(session, 16_000)
        turn = new_id()
        await e.call(StartPlay(session_id=session, turn_id=turn, stream_id=inlet.stream_id))
        await inlet.put(sine(440.0, 1.0, 16_000))
        await asyncio.sleep(2)  # the stream runs dry: the face goes on in silence
        await inlet.put(np.zeros(8000, np.int16))
        await inlet.finish()
        metrics = await log.until("turn.metrics", turn)
        assert (metrics.kind, metrics.source, metrics.outcome) == ("play", "audio", "completed")
        sounded = metrics.last_audio_ms - metrics.media_started_ms
        assert sounded == pytest.approx(1000 - 20, abs=40)
        assert metrics.ended_ms - metrics.media_started_ms >= 2000
        await e.delete(session)


@virtual
async def test_pictures_that_leave_are_measured_against_their_own_sound() -> None:
    async with engine() as e:
        session, _, log = await e.create()
        await attach_peer(e.tools.ticker, await e.speak(session, "first, somebody must be there."), log)
        turn = await e.speak(session, "now somebody looks.")
        metrics = await log.until("turn.metrics", turn)
        assert metrics.first_frame_ms == metrics.media_started_ms
        assert metrics.av_offset_ms == 0.0
        totals = e.tools.output_totals
        assert totals.sent["speaking"] > 20
        assert totals.dropped <= 3, "but those of the turn that the peer joined"
        await e.delete(session)


async def attach_peer(ticker: object, turn: str, log: Log) -> None:
    assert isinstance(ticker, WatchedTicker)
    [output] = ticker.driven
    await output.attach(RecordingSink(), encode_idle_loop(FlatFace().idle_frames(), "h264"))
    await log.until("speech.ended", turn)


@virtual
async def test_a_crash_of_the_session_does_not_swallow_its_figures() -> None:
    class Dying(FlatRenderer):
        async def open(self, avatar: object) -> FlatFace:
            return DyingFace()

    watcher = Watcher()
    async with engine(Parts(renderers={"fake": Dying()}, observers=[watcher])) as e:
        session, _, log = await e.create()
        turn = await e.speak(session, "a sentence that is not over soon because it is long.")
        await log.until("speech.media_started", turn)
        with pytest.raises(Exception):  # noqa: B017, PT011 - whatever the crash becomes
            await e.delete(session)
        assert [times.turn_id for times in watcher.turns] == [turn]

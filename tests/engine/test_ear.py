"""Listening to a microphone hands-free: from an utterance to the turn that answers it; on virtual time."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from opentalking.core.commands import StartRecognition
from opentalking.core.ids import new_id
from opentalking.core.media import Speech
from opentalking.engine.config import EngineConfig
from opentalking.providers.fake import FakeTurnDetector, ToneVoice
from tests.engine.harness import Log, engine, virtual
from tests.engine.talker import Observed, Talker, Whispers, listening

RATE = 16_000


def told(log: Log) -> list[tuple[str, bool]]:
    return [(event.text, event.is_final) for event in log.of("transcript")]


@virtual
async def test_an_utterance_is_answered_as_a_chat_turn() -> None:
    async with engine(listening(recogniser=Whispers(partials=["hel", "hello"]))) as e:
        session, _, log = await e.create()
        async with Talker(e, session) as talker:
            await asyncio.sleep(1)
            await talker.say(1.5)
            turn = (await log.until("speech.ended")).turn_id
            await asyncio.sleep(3)
        assert log.kinds(turn)[:5] == [
            "status:listening",
            "transcript",
            "speech.started",
            "status:thinking",
            "llm",
        ]
        assert told(log) == [("hel", False), ("hello", False), ("hello there", True)]
        assert {event.turn_id for event in log.of("transcript")} == {turn}
        assert log.of("assistant.message")[0].text == "You said: hello there."
        assert len(log.of("speech.started")) == 1
        await e.delete(session)


@pytest.mark.parametrize(("probability", "after_ms"), [(0.9, 256), (0.5, 512), (0.1, 896), (None, 512)])
def test_the_end_of_the_turn_is_believed_sooner_or_later(probability: float | None, after_ms: int) -> None:
    detector = FakeTurnDetector(probability=probability or 0.0)
    detector.fails = probability is None
    observed = Observed()

    @virtual
    async def check() -> None:
        async with engine(listening(turn_detector=detector, observers=[observed])) as e:
            session, _, log = await e.create()
            async with Talker(e, session) as talker:
                # 1.504 s of silence, 1.504 s of speech: 47 frames of 32 ms each
                await asyncio.sleep(1.504)
                talker.begin(1.504)
                await log.until("speech.started")
                started_ms = round((asyncio.get_running_loop().time() - talker.stopped_at) * 1000)
                await log.until("speech.ended")
            print(f"p={probability}: the turn starts {started_ms} ms after the last piece of speech")
            # frames are whole when the 20 ms piece comes that completes them
            assert after_ms <= started_ms <= after_ms + 32 + 20
            [turn] = observed.turns
            assert turn.heard is not None
            heard = turn.heard
            assert heard.source == "microphone"
            assert None not in (heard.ended_at, heard.noticed_at, heard.decided_at, heard.recognised_at)
            assert heard.ended_at is not None
            assert heard.noticed_at is not None
            assert heard.decided_at is not None
            assert round((heard.noticed_at - heard.ended_at) * 1000) == 192
            assert after_ms <= round((heard.decided_at - heard.ended_at) * 1000) <= after_ms + 20
            assert heard.end_of_turn == probability
            await e.delete(session)

    check()


@virtual
async def test_the_recogniser_hears_the_beginning_the_pauses_and_the_end() -> None:
    recogniser = Whispers()
    async with engine(listening(recogniser=recogniser)) as e:
        session, _, log = await e.create(stt_language="zh")
        async with Talker(e, session) as talker:
            await asyncio.sleep(3.2)
            await talker.say(1.28)
            await log.until("speech.ended")
        [pieces] = recogniser.pieces
        # 288 ms before the speech, and the first 160 ms of it
        assert pieces[0] == (9 + 5) * 512
        assert pieces[-2:] == [512, 0], "after the pause, told after 128 ms, comes nothing but the end"
        assert pieces.count(0) == 1
        assert sum(pieces) == (9 + 40 + 4) * 512
        assert recogniser.languages == ["zh"]
        await e.delete(session)


@virtual
async def test_who_goes_on_after_a_pause_is_heard_to_the_end() -> None:
    recogniser, detector = Whispers(), FakeTurnDetector(script=[0.5, 0.5, 0.1, 0.9])
    async with engine(listening(recogniser=recogniser, turn_detector=detector)) as e:
        session, _, log = await e.create()
        async with Talker(e, session) as talker:
            await asyncio.sleep(1)
            await talker.say(1, pause=0.4)
            await talker.say(0.5)
            assert sum(recogniser.pieces[0]) / RATE == pytest.approx(0.3 + 1.9, abs=0.1), "with the pause"
            await asyncio.sleep(0.4)
            await talker.say(0.6, pause=0.8)
            await talker.say(1)
            await log.until("speech.ended")
        assert len(recogniser.pieces) == len(log.of("speech.started")) == 1
        assert recogniser.pieces[0].count(0) == 4
        assert sum(recogniser.pieces[0]) / RATE == pytest.approx(0.3 + 4.7 + 0.128, abs=0.1)
        # of the pauses, the detector is given the last 8 s at most, up to 0.2 s after the speech
        assert [round(length / RATE, 1) for length in detector.asked] == [1.5, 2.4, 3.4, 5.2]
        await e.delete(session)


@virtual
async def test_each_utterance_is_one_turn() -> None:
    async with engine(listening()) as e:
        session, _, log = await e.create()
        async with Talker(e, session) as talker:
            for count in range(1, 4):
                await asyncio.sleep(1)
                await talker.say(0.8)
                await log.until("speech.ended", count=count)
        assert [event.reason for event in log.of("speech.ended")] == ["completed"] * 3
        await e.delete(session)


@pytest.mark.parametrize("partials", [(), ("h",)])
def test_noise_that_has_no_words_starts_no_turn(partials: tuple[str, ...]) -> None:
    @virtual
    async def check() -> None:
        async with engine(listening(recogniser=Whispers("", partials=partials))) as e:
            session, _, log = await e.create()
            async with Talker(e, session) as talker:
                await asyncio.sleep(1)
                await talker.say(0.5, pause=2)
                await talker.say(0.02, pause=2)
            assert [event.stage for event in log.of("status")] == ["listening", "idle"]
            assert told(log) == [("h", False), ("", True)][: 2 * len(partials)]
            assert not log.of("speech.started")
            assert not log.of("error")
            await e.delete(session)

    check()


@virtual
async def test_a_knock_is_no_utterance() -> None:
    recogniser = Whispers()
    async with engine(listening(recogniser=recogniser)) as e:
        session, _, log = await e.create()
        async with Talker(e, session) as talker:
            for _ in range(20):
                await talker.say(0.08, pause=0.3)
        assert not recogniser.pieces
        assert not log.of("status")
        await e.delete(session)


@virtual
async def test_an_endless_monologue_is_answered_after_a_minute() -> None:
    recogniser = Whispers()
    async with engine(listening(recogniser=recogniser)) as e:
        session, _, log = await e.create()
        async with Talker(e, session) as talker:
            await asyncio.sleep(1)
            talker.begin(61)
            await log.until("speech.ended", seconds=70)
            assert asyncio.get_running_loop().time() < 64
        assert sum(recogniser.pieces[0]) / RATE == pytest.approx(60.3, abs=0.2)
        await e.delete(session)


@virtual
async def test_an_interrupt_cancels_what_is_heard_and_the_rest_of_it() -> None:
    recogniser = Whispers()
    async with engine(listening(recogniser=recogniser)) as e:
        session, _, log = await e.create()
        async with Talker(e, session) as talker:
            await asyncio.sleep(1)
            talker.begin(4)
            await log.until("status")
            await asyncio.sleep(1)
            await e.interrupt(session)
            await log.until("status", count=2, seconds=0.001)
            assert [event.stage for event in log.of("status")] == ["listening", "idle"]
            await asyncio.sleep(5)
            assert not log.of("speech.started")
            assert recogniser.cancelled == 1
            assert len(recogniser.pieces) == 1, "the rest of the speech is not heard"
            await talker.say(1)
            await log.until("speech.ended")
        assert len(log.of("speech.started")) == 1
        await e.delete(session)


@virtual
async def test_an_interrupt_while_words_are_looked_for_keeps_the_turn_from_starting() -> None:
    async with engine(listening(recogniser=Whispers(delay_seconds=1))) as e:
        session, _, log = await e.create()
        async with Talker(e, session) as talker:
            await asyncio.sleep(1)
            await talker.say(1, pause=0.6)
            await e.interrupt(session)
            await log.until("status", count=2, seconds=0.001)
            assert [event.stage for event in log.of("status")] == ["listening", "idle"]
            await asyncio.sleep(3)
        assert not log.of("speech.started")
        await e.delete(session)


@pytest.mark.parametrize("after_seconds", [0.5, 1.5])
def test_a_typed_turn_takes_over_from_what_is_heard(after_seconds: float) -> None:
    @virtual
    async def check() -> None:
        async with engine(listening(recogniser=Whispers(delay_seconds=1))) as e:
            session, _, log = await e.create()
            async with Talker(e, session) as talker:
                await asyncio.sleep(1)
                talker.begin(1)
                await asyncio.sleep(after_seconds)
                turn = await e.chat(session, "typed")
                await log.until("speech.ended", turn)
                await asyncio.sleep(3)
            assert [(event.turn_id, event.reason) for event in log.of("speech.ended")] == [
                (turn, "completed")
            ]
            stages = [event.stage for event in log.of("status")]
            assert stages == ["listening", "idle", "thinking", "speaking", "idle"]
            await e.delete(session)

    check()


@virtual
async def test_who_goes_on_before_the_answer_begins_is_answered_once_and_whole() -> None:
    recogniser = Whispers("I would like", delay_seconds=2)
    async with engine(listening(recogniser=recogniser)) as e:
        session, _, log = await e.create()
        async with Talker(e, session) as talker:
            await asyncio.sleep(1)
            await talker.say(1, pause=0.4)
            talker.begin(1.2)
            await asyncio.sleep(0.9)
            recogniser.text, recogniser.delay_seconds = "I would like", 2
            await log.until("speech.ended")
        [started] = log.of("speech.started")
        assert started.text == "I would like I would like"
        assert {event.turn_id for event in log.of("transcript")} == {started.turn_id}
        await e.delete(session)


@virtual
async def test_a_microphone_that_is_lost_has_fallen_silent() -> None:
    async with engine(listening()) as e:
        session, _, log = await e.create()
        async with Talker(e, session) as talker:
            await asyncio.sleep(1)
            talker.begin(10)
            await asyncio.sleep(1)
            talker.is_sending = False
            lost_at = asyncio.get_running_loop().time()
            await log.until("speech.started")
            assert asyncio.get_running_loop().time() - lost_at == pytest.approx(1, abs=0.05)
            await log.until("speech.ended")
            await asyncio.sleep(9)
            talker.is_sending = True
            await talker.say(1)
            await log.until("speech.ended", count=2)
        await e.delete(session)


@virtual
async def test_only_speech_that_is_recognised_keeps_a_session_alive() -> None:
    config = EngineConfig(idle_timeout_seconds=60, connect_timeout_seconds=0, expiring_notice_seconds=0)
    recogniser = Whispers("")
    async with engine(listening(recogniser=recogniser, config=config)) as e:
        session, _, log = await e.create()
        async with Talker(e, session) as talker:
            recogniser.text = "hello"
            for _ in range(5):
                await talker.say(1, pause=40)
            assert not log.of("session.expired")
            recogniser.text = ""
            for _ in range(2):
                await talker.say(1, pause=30)
        assert log.of("session.expired")
        await log.until("session.terminated")


@virtual
async def test_sessions_hear_only_their_own_microphone() -> None:
    recogniser = Whispers()
    async with engine(listening(recogniser=recogniser)) as e:
        first, _, heard = await e.create()
        second, _, other = await e.create()
        async with Talker(e, first) as talker, Talker(e, second):
            await asyncio.sleep(1)
            await talker.say(1)
            await heard.until("speech.ended")
            await asyncio.sleep(1)
        assert not other.of("status")
        assert len(recogniser.pieces) == 1
        await e.delete(first)
        await e.delete(second)


@virtual
async def test_a_question_of_a_client_says_when_it_was_recognised() -> None:
    observed = Observed()
    async with engine(listening(observers=[observed])) as e:
        session, _, log = await e.create()
        inlet = await e.tools.commands.open_audio(session, RATE)
        await inlet.finish()
        turn = new_id()
        command = StartRecognition(session_id=session, turn_id=turn, stream_id=inlet.stream_id, answer=True)
        await e.call(command)
        await log.until("speech.ended")
        [times] = observed.turns
        assert times.heard is not None
        assert times.heard.source == "audio"
        assert times.heard.recognised_at is not None
        assert times.heard.ended_at is not None
        assert times.heard.ended_at <= times.heard.recognised_at
        await e.delete(session)


class SlowToStop(ToneVoice):
    """A voice whose work takes a second to stop."""

    async def speak(
        self, text: str, voice: str | None = None, model: str | None = None
    ) -> AsyncGenerator[Speech, None]:
        try:
            async with aclosing(super().speak(text, voice, model)) as pieces:
                async for piece in pieces:
                    yield piece
                await asyncio.sleep(100)
        finally:
            await asyncio.sleep(1)


@virtual
async def test_nothing_is_heard_any_more_while_a_session_ends() -> None:
    recogniser = Whispers()
    async with engine(listening(recogniser=recogniser, speakers={"local": SlowToStop("local")})) as e:
        session, _, log = await e.create()
        async with Talker(e, session) as talker:
            await e.speak(session, "one two three four five six seven eight nine ten")
            await log.until("speech.media_started")
            talker.begin(5)
            await asyncio.sleep(0.1)
            await e.delete(session)
        assert not recogniser.pieces
        assert (await log.until("session.terminated")).reason == "deleted"


@pytest.mark.parametrize("milliseconds", [1100, 1500, 2100, 2250, 2350, 3000, 3100, 4000, 5200])
def test_a_session_may_end_whatever_it_hears(milliseconds: int) -> None:
    @virtual
    async def check() -> None:
        parts = listening(recogniser=Whispers(delay_seconds=0.5, partials=["he"]))
        parts.turn_detector = FakeTurnDetector(delay_seconds=0.1)
        async with engine(parts) as e:
            session, _, log = await e.create()
            async with Talker(e, session) as talker:
                await asyncio.sleep(1)
                talker.begin(1)
                await asyncio.sleep(1)
                asyncio.get_running_loop().call_later(1.5, talker.begin, 2)
                await asyncio.sleep(milliseconds / 1000 - 2 if milliseconds > 2000 else 0)
                deleted_at = asyncio.get_running_loop().time()
                await e.delete(session)
                assert asyncio.get_running_loop().time() - deleted_at < 0.1
            assert (await log.until("session.terminated")).reason == "deleted"
            assert len(log.of("speech.started")) == len(log.of("speech.ended"))

    check()

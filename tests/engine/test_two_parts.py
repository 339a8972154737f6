"""A question in two parts, the second of which comes before the answer; on virtual time."""

import asyncio

import pytest

from opentalking.engine.ear.user_turn import JOIN_SECONDS
from opentalking.providers.fake import FakeTurnDetector, ScriptedModel
from tests.engine.harness import engine, virtual
from tests.engine.talker import Talker, Whispers, listening


@pytest.mark.parametrize("seconds", [0.4, 2.0])
def test_both_parts_are_one_question_however_short_the_second_is(seconds: float) -> None:
    recogniser = Whispers("what about spain", delay_seconds=1.5)

    @virtual
    async def check() -> None:
        async with engine(listening(recogniser=recogniser)) as e:
            session, _, log = await e.create()
            async with Talker(e, session) as talker:
                await asyncio.sleep(1)
                await talker.say(1, pause=0.4)
                recogniser.delay_seconds = 0.0
                await talker.say(seconds)
                await log.until("speech.ended")
            [started] = log.of("speech.started")
            assert started.text == "what about spain what about spain"
            assert [event.text for event in log.of("transcript") if event.is_final] == [started.text]
            await e.delete(session)

    check()


@pytest.mark.parametrize("seconds", [0.4, 2.0])
def test_an_interrupt_of_both_parts_ends_the_listening(seconds: float) -> None:
    recogniser = Whispers("what about spain", delay_seconds=3)

    @virtual
    async def check() -> None:
        async with engine(listening(recogniser=recogniser)) as e:
            session, _, log = await e.create()
            async with Talker(e, session) as talker:
                await asyncio.sleep(1)
                await talker.say(1, pause=0.4)
                assert [event.stage for event in log.of("status")] == ["listening"]
                recogniser.delay_seconds = 0.0
                await talker.say(seconds, pause=0.3)
                await e.interrupt(session)
                await asyncio.sleep(5)
            assert not log.of("speech.started")
            assert [event.stage for event in log.of("status")][-1] == "idle"
            await e.delete(session)

    check()


@pytest.mark.parametrize("seconds", [0.4, 2.0])
def test_the_first_part_is_waited_for_once(seconds: float) -> None:
    recogniser = Whispers("what about spain", delay_seconds=1000)

    @virtual
    async def check() -> None:
        async with engine(listening(recogniser=recogniser)) as e:
            session, _, log = await e.create()
            async with Talker(e, session) as talker:
                await asyncio.sleep(1)
                await talker.say(1, pause=0.4)
                recogniser.delay_seconds = 0.0
                await talker.say(seconds)
                assert (await log.until("speech.started")).text == "what about spain"
                waited = asyncio.get_running_loop().time() - talker.stopped_at
                assert waited == pytest.approx(JOIN_SECONDS + 0.26, abs=0.1)
                await log.until("speech.ended")
                assert recogniser.cancelled == 1
                await asyncio.sleep(100)
                assert not log.of("error"), "nobody waits for its words any more"
            await e.delete(session)

    check()


@pytest.mark.parametrize("seconds", [0.4, 2.0])
def test_who_wins_the_floor_with_two_words_may_finish_the_sentence(seconds: float) -> None:
    recogniser = Whispers("he might", delay_seconds=0.1)
    detector = FakeTurnDetector(script=[0.1, 0.9])
    model = ScriptedModel(lambda messages: "Fine. " * (12 if messages[-1].content == "count" else 1))

    @virtual
    async def check() -> None:
        parts = listening(recogniser=recogniser, turn_detector=detector, chat_model=model)
        async with engine(parts) as e:
            session, _, log = await e.create()
            async with Talker(e, session) as talker:
                turn = await e.chat(session, "count")
                await log.until("speech.media_started", turn)
                await asyncio.sleep(1)
                await talker.say(0.4, pause=0.6)
                assert (await log.until("speech.ended", turn)).reason == "interrupted"
                assert len(log.of("speech.started")) == 1, "the rest may follow"
                recogniser.text = "even have been amiable"
                await talker.say(seconds)
                await log.until("speech.ended", count=2)
            [_, started] = log.of("speech.started")
            assert started.text == "he might even have been amiable"
            assert [event.text for event in log.of("transcript") if event.is_final] == [started.text]
            stages = [event.stage for event in log.of("status", started.turn_id)]
            assert stages[:2] == ["listening", "thinking"]
            assert log.of("turn.metrics")[-1].turn_end_ms == pytest.approx(260, abs=20)
            await e.delete(session)

    check()


@virtual
async def test_two_words_that_won_the_floor_are_answered_when_nothing_follows() -> None:
    recogniser = Whispers("he might", delay_seconds=0.1)
    detector = FakeTurnDetector(script=[0.1])
    model = ScriptedModel(lambda messages: "Fine. " * (12 if messages[-1].content == "count" else 1))
    async with engine(listening(recogniser=recogniser, turn_detector=detector, chat_model=model)) as e:
        session, _, log = await e.create()
        async with Talker(e, session) as talker:
            turn = await e.chat(session, "count")
            await log.until("speech.media_started", turn)
            await asyncio.sleep(1)
            await talker.say(0.4)
            await log.until("speech.ended", count=2)
        [_, started] = log.of("speech.started")
        assert started.text == "he might"
        metrics = log.of("turn.metrics")[-1]
        assert (metrics.turn_end_ms, metrics.end_of_turn) == (pytest.approx(900, abs=30), 0.1)
        stages = [event.stage for event in log.of("status", started.turn_id)]
        assert stages[:2] == ["listening", "thinking"]
        last_of_answer = log.when("speech.ended", turn)
        assert log.when("status", started.turn_id) - last_of_answer < 0.01, "not only when it is answered"
        await e.delete(session)

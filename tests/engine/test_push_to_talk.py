"""How a microphone is listened to: hands-free, while a button is held, or not at all; on virtual time."""

import asyncio

import pytest

from opentalking.core.commands import Listen, Listening, ReportSilence
from opentalking.core.conversation import TurnTaking
from opentalking.core.errors import Conflict
from opentalking.engine.config import EngineConfig
from opentalking.providers.fake import FakeTurnDetector, FlatRenderer
from tests.engine.harness import Engine, engine, virtual
from tests.engine.talker import Observed, Talker, Whispers, listening

RATE = 16_000


async def listen(
    e: Engine, session: str, mode: TurnTaking | None = None, talking: bool | None = None
) -> tuple[TurnTaking, bool]:
    reply = await e.call(Listen(session_id=session, turn_taking=mode, talking=talking))
    assert isinstance(reply, Listening)
    return reply.turn_taking, reply.talking


@virtual
async def test_what_is_said_while_the_button_is_held_is_a_turn() -> None:
    recogniser = Whispers(partials=["hel"])
    async with engine(listening(recogniser=recogniser, turn_detector=None)) as e:
        session, _, log = await e.create(turn_taking="push_to_talk")
        async with Talker(e, session) as talker:
            talker.begin(20)
            await asyncio.sleep(2)
            assert not recogniser.pieces
            assert await listen(e, session, talking=True) == ("push_to_talk", True)
            await log.until("status")
            assert log.of("status")[0].stage == "listening"
            assert await listen(e, session, talking=True) == ("push_to_talk", True), "may be repeated"
            await asyncio.sleep(3)
            assert await listen(e, session, talking=False) == ("push_to_talk", False)
            assert await listen(e, session, talking=False) == ("push_to_talk", False)
            released_at = asyncio.get_running_loop().time()
            await log.until("speech.started")
            # 150 ms of sound were still on their way
            assert asyncio.get_running_loop().time() - released_at == pytest.approx(0.16, abs=0.04)
            await log.until("speech.ended")
            await asyncio.sleep(3)
        assert len(recogniser.pieces) == len(log.of("speech.started")) == 1
        assert sum(recogniser.pieces[0]) / RATE == pytest.approx(3.16, abs=0.05)
        assert recogniser.pieces[0][0] > 0, "it does not begin with a pause"
        assert log.of("turn.metrics")[0].source == "microphone"
        assert not log.of("error")
        await e.delete(session)


@virtual
async def test_what_the_detector_still_judges_when_the_button_goes_down_is_no_part_of_the_turn() -> None:
    recogniser, detector = Whispers(), FakeTurnDetector()
    detector.feed_delay_seconds = 1.0
    async with engine(listening(recogniser=recogniser, turn_detector=detector)) as e:
        session, _, log = await e.create(turn_taking="auto")
        async with Talker(e, session) as talker:
            talker.begin(20)
            await asyncio.sleep(1.5)  # since 1.04 s the detector has had a second of speech
            await listen(e, session, "push_to_talk", talking=True)
            await asyncio.sleep(3)
            await listen(e, session, talking=False)
            await log.until("speech.ended")
        assert sum(recogniser.pieces[0]) / RATE == pytest.approx(3.16, abs=0.05)
        assert len(recogniser.pieces) == 1
        await e.delete(session)


@virtual
async def test_what_the_detector_still_judges_begins_no_turn_in_the_next_mode() -> None:
    recogniser, detector = Whispers(), FakeTurnDetector()
    detector.feed_delay_seconds = 1.0
    async with engine(listening(recogniser=recogniser, turn_detector=detector)) as e:
        session, _, log = await e.create(turn_taking="auto")
        async with Talker(e, session) as talker:
            talker.begin(1.5)
            await asyncio.sleep(1.5)
            for mode in ("off", "auto"):
                await listen(e, session, mode)
            await asyncio.sleep(5)
        assert (recogniser.pieces, log.of("status")) == ([], [])
        await e.delete(session)


@virtual
async def test_the_button_interrupts_the_avatar_at_once() -> None:
    observed = Observed()
    async with engine(listening(observers=[observed])) as e:
        session, _, log = await e.create(turn_taking="push_to_talk")
        async with Talker(e, session) as talker:
            turn = await e.speak(session, "one two three four five six seven eight")
            await log.until("speech.media_started", turn)
            await talker.say(1)
            assert not observed.outcomes, "a voice alone interrupts nothing"
            pressed_at = asyncio.get_running_loop().time()
            await listen(e, session, talking=True)
            assert (await log.until("speech.ended", turn)).reason == "interrupted"
            assert asyncio.get_running_loop().time() - pressed_at < 0.02
            await asyncio.sleep(1)
            await listen(e, session, talking=False)
            assert (await log.until("speech.ended", count=2)).reason == "completed"
        names = [name for name in log.kinds() if name.startswith(("status", "speech.e", "transcript"))]
        first = names.index("speech.ended")
        assert names[first : first + 5] == [
            "speech.ended",
            "status:interrupted",
            "status:idle",
            "status:listening",
            "transcript",
        ]
        await e.delete(session)


@virtual
async def test_a_button_pressed_again_before_the_answer_adds_to_the_question() -> None:
    recogniser = Whispers("one more thing", delay_seconds=2)
    async with engine(listening(recogniser=recogniser)) as e:
        session, _, log = await e.create(turn_taking="push_to_talk")
        async with Talker(e, session):
            for _ in range(2):
                await listen(e, session, talking=True)
                await asyncio.sleep(1)
                await listen(e, session, talking=False)
                await asyncio.sleep(0.5)
            await log.until("speech.ended")
        assert [event.text for event in log.of("speech.started")] == ["one more thing one more thing"]
        await e.delete(session)


@virtual
async def test_a_button_held_over_a_lost_microphone_ends_all_the_same() -> None:
    async with engine(listening()) as e:
        session, _, log = await e.create(turn_taking="push_to_talk")
        async with Talker(e, session) as talker:
            await listen(e, session, talking=True)
            await asyncio.sleep(1)
            talker.is_sending = False
            await asyncio.sleep(5)
            await listen(e, session, talking=False)
            await log.until("speech.ended", seconds=5)
        await e.delete(session)
        alone, _, log = await e.create(turn_taking="push_to_talk")
        await listen(e, alone, talking=True)
        await listen(e, alone, talking=False)
        await log.until("speech.started", seconds=3)
        await e.delete(alone)


@virtual
async def test_an_interrupt_drops_what_is_said_while_the_button_is_held() -> None:
    async with engine(listening()) as e:
        session, _, log = await e.create(turn_taking="push_to_talk")
        async with Talker(e, session):
            await listen(e, session, talking=True)
            await asyncio.sleep(1)
            await e.interrupt(session)
            assert await listen(e, session) == ("push_to_talk", False)
            await listen(e, session, talking=False)
            await asyncio.sleep(2)
            assert not log.of("speech.started")
            await listen(e, session, talking=True)
            await asyncio.sleep(1)
            await listen(e, session, talking=False)
            await log.until("speech.ended")
        await e.delete(session)


@virtual
async def test_nothing_is_heard_of_a_microphone_that_is_off() -> None:
    recogniser, observed = Whispers(), Observed()
    parts = listening(recogniser=recogniser, observers=[observed], config=EngineConfig(turn_taking="off"))
    async with engine(parts) as e:
        session, _, log = await e.create()
        async with Talker(e, session) as talker:
            await talker.say(3, pause=1)
            await e.speak(session, "one two three four five six seven eight nine ten")
            await log.until("speech.media_started")
            await talker.say(2)
            await log.until("speech.ended")
            assert not recogniser.pieces
            assert not observed.outcomes
            assert await listen(e, session, "auto") == ("auto", False)
            await asyncio.sleep(0.5)
            await talker.say(1)
            await log.until("speech.ended", count=2)
        assert len(recogniser.pieces) == 1
        await e.delete(session)


@pytest.mark.parametrize("to", ["off", "push_to_talk"])
def test_another_way_of_listening_drops_what_is_heard(to: TurnTaking) -> None:
    recogniser, observed, detector = Whispers(), Observed(), FakeTurnDetector()

    @virtual
    async def check() -> None:
        parts = listening(recogniser=recogniser, observers=[observed], turn_detector=detector)
        async with engine(parts) as e:
            session, _, log = await e.create()
            async with Talker(e, session) as talker:
                await asyncio.sleep(1)
                talker.begin(2)
                await asyncio.sleep(1)
                assert await listen(e, session, to) == (to, False)
                await log.until("status", count=2)
                assert [event.stage for event in log.of("status")] == ["listening", "idle"]
                await asyncio.sleep(4)
                assert not log.of("speech.started")
                await listen(e, session, "auto")
                turn = await e.speak(session, "one two three four five six seven eight nine ten")
                await log.until("speech.media_started", turn)
                await talker.say(0.3)
                await listen(e, session, to)
                assert observed.outcomes == ["ducked", "resumed"]
                assert (await log.until("speech.ended", turn)).reason == "completed"
            assert detector.opened == 2, "the microphone is new to it each time"
            await e.delete(session)

    check()


@virtual
async def test_a_button_means_something_only_where_there_is_one() -> None:
    parts = listening()
    parts.renderers = {"fake": FlatRenderer(open_seconds=15)}
    async with engine(parts) as e:
        session, _, _ = await e.create(turn_taking="auto")
        for talking in (True, False):
            with pytest.raises(Conflict, match="push_to_talk"):
                await listen(e, session, talking=talking)
        with pytest.raises(Conflict, match="cannot listen yet"):
            await listen(e, session, "push_to_talk", talking=True)
        assert await listen(e, session) == ("auto", False), "nothing is half done"
        await asyncio.sleep(20)
        assert await listen(e, session, "push_to_talk", talking=True) == ("push_to_talk", True)
        with pytest.raises(Conflict):
            await listen(e, session, "off", talking=True)
        assert await listen(e, session) == ("push_to_talk", True)
        assert await listen(e, session, "off") == ("off", False)
        await e.delete(session)


@virtual
async def test_what_a_page_measured_reaches_whoever_observes() -> None:
    observed = Observed()
    async with engine(listening(observers=[observed])) as e:
        session, _, _ = await e.create()
        await e.tools.commands.send(ReportSilence(session_id=session, turn_id="gone", after_ms=42))
        await asyncio.sleep(0.1)
        assert observed.silences == [42]
        await e.delete(session)

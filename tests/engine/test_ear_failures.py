"""What a session hears when a recogniser or the turn detector fails, is slow, or is not there."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

import pytest

from opentalking.core.conversation import Transcript
from opentalking.core.media import Samples
from opentalking.engine.config import EngineConfig
from opentalking.providers.fake import FakeTurnDetector, ScriptedListener
from tests.engine.harness import engine, virtual
from tests.engine.talker import Observed, Talker, Whispers, listening


@virtual
async def test_a_recogniser_that_fails_is_told_and_the_next_utterance_is_heard() -> None:
    recogniser, observed = Whispers(fails=True), Observed()
    async with engine(listening(recogniser=recogniser, observers=[observed])) as e:
        session, _, log = await e.create()
        async with Talker(e, session) as talker:
            await asyncio.sleep(1)
            await talker.say(1, pause=1)
            [told] = log.of("error")
            listened = log.of("status")[0]
            assert (told.code, told.turn_id) == ("stt_failed", listened.turn_id)
            assert [event.stage for event in log.of("status")] == ["listening", "idle"]
            assert observed.failures == [("stt", "stt_failed")]
            recogniser.fails = False
            await talker.say(1)
            await log.until("speech.ended")
        assert len(log.of("error")) == 1
        await e.delete(session)


class Breaking(Whispers):
    """A recogniser that breaks off with the first sound while `fails`."""

    async def transcribe(
        self, audio: AsyncIterator[Samples], language: str | None = None
    ) -> AsyncGenerator[Transcript, None]:
        if self.fails:
            raise ConnectionResetError("gone")
        async for transcript in super().transcribe(audio, language):
            yield transcript


@virtual
async def test_the_rest_of_an_utterance_is_not_heard_when_its_recogniser_breaks_off() -> None:
    recogniser = Breaking(fails=True)
    async with engine(listening(recogniser=recogniser)) as e:
        session, _, log = await e.create()
        async with Talker(e, session) as talker:
            await asyncio.sleep(1)
            talker.begin(5)
            await log.until("error")
            assert asyncio.get_running_loop().time() < 1.2
            recogniser.fails = False
            await asyncio.sleep(7)
            assert [event.stage for event in log.of("status")] == ["listening", "idle"]
            await talker.say(1)
            await log.until("speech.ended")
        await e.delete(session)


@virtual
async def test_another_recogniser_steps_in_and_hears_everything() -> None:
    broken, local = Whispers(fails=True), Whispers()
    broken.name = "cloud"
    parts = listening(recognisers={"cloud": broken, "local": local})
    async with engine(parts) as e:
        session, _, log = await e.create(stt_provider="cloud")
        async with Talker(e, session) as talker:
            await asyncio.sleep(1)
            await talker.say(1)
            await log.until("speech.ended")
        assert sum(local.pieces[0]) == sum(broken.pieces[0]) > 16_000
        assert not log.of("error")
        await e.delete(session)


@virtual
async def test_words_that_do_not_come_are_given_up() -> None:
    recogniser = Whispers(delay_seconds=1000)
    config = EngineConfig(recognition_seconds=5)
    async with engine(listening(recogniser=recogniser, config=config)) as e:
        session, _, log = await e.create()
        async with Talker(e, session) as talker:
            await asyncio.sleep(1)
            await talker.say(1)
            await log.until("error")
            assert asyncio.get_running_loop().time() - talker.stopped_at == pytest.approx(5.26, abs=0.1)
            await log.until("status", count=2)
            assert [event.stage for event in log.of("status")] == ["listening", "idle"]
            assert recogniser.cancelled == 1
            recogniser.delay_seconds = 0
            await talker.say(1)
            await log.until("speech.ended")
        await e.delete(session)


@pytest.mark.parametrize("hangs", [False, True])
def test_a_detector_that_knows_no_end_costs_half_a_second(hangs: bool) -> None:
    detector, observed = FakeTurnDetector(), Observed()
    detector.fails, detector.delay_seconds = not hangs, 1000 if hangs else 0

    @virtual
    async def check() -> None:
        async with engine(listening(turn_detector=detector, observers=[observed])) as e:
            session, _, log = await e.create()
            async with Talker(e, session) as talker:
                await asyncio.sleep(1)
                talker.begin(1)
                await log.until("speech.started")
                waited = asyncio.get_running_loop().time() - talker.stopped_at
                assert waited == pytest.approx(0.512, abs=0.05)
                await log.until("speech.ended")
                await asyncio.sleep(3)
            assert observed.failures == [("vad", "vad_failed")]
            assert not log.of("error"), "the session goes on as well as before"
            await e.delete(session)

    check()


@pytest.mark.parametrize("hangs", [False, True])
def test_a_detector_that_hears_nothing_is_told_once_and_heard_when_it_works(hangs: bool) -> None:
    detector, observed = FakeTurnDetector(), Observed()
    detector.feed_fails, detector.feed_delay_seconds = not hangs, 1000 if hangs else 0

    @virtual
    async def check() -> None:
        async with engine(listening(turn_detector=detector, observers=[observed])) as e:
            session, _, log = await e.create()
            async with Talker(e, session) as talker:
                await talker.say(3, pause=3)
                assert [event.code for event in log.of("error")] == ["vad_failed"]
                assert observed.failures == [("vad", "vad_failed")]
                assert not log.of("status")
                detector.feed_fails, detector.feed_delay_seconds = False, 0.0
                await asyncio.sleep(3)
                await talker.say(1)
                await log.until("speech.ended")
            assert len(log.of("error")) == 1
            await e.delete(session)

    check()


@pytest.mark.parametrize("is_missing", [True, False])
def test_without_a_detector_nothing_is_heard_and_that_is_told_once(is_missing: bool) -> None:
    detector, observed = FakeTurnDetector(reason="run `opentalking models pull`"), Observed()

    @virtual
    async def check() -> None:
        parts = listening(turn_detector=None if is_missing else detector, observers=[observed])
        async with engine(parts) as e:
            session, _, log = await e.create()
            assert not log.of("error"), "nobody has a microphone yet"
            async with Talker(e, session) as talker:
                for _ in range(5):
                    await talker.say(1, pause=1)
                [told] = log.of("error")
                assert told.code == "vad_unavailable"
                assert is_missing or "opentalking models pull" in told.message
                assert observed.failures == [("vad", "vad_unavailable")]
                assert not log.of("status")
                await log.until("speech.ended", await e.chat(session, "typed"))
                detector.reason = ""
                await asyncio.sleep(1.2)
                if not is_missing:
                    await talker.say(1)
                    await log.until("speech.ended", count=2)
            await e.delete(session)

    check()


@virtual
async def test_a_detector_that_is_slow_loses_the_oldest_sound_only() -> None:
    detector, recogniser = FakeTurnDetector(), ScriptedListener()
    async with engine(listening(turn_detector=detector, recogniser=recogniser)) as e:
        session, _, log = await e.create()
        async with Talker(e, session) as talker:
            await asyncio.sleep(1)
            detector.feed_delay_seconds = 1.9
            await talker.say(4)
            detector.feed_delay_seconds = 0.0
            await log.until("speech.ended")
        assert not log.of("error")
        assert recogniser.heard[0] / 16_000 == pytest.approx(4.4, abs=0.5)
        await e.delete(session)


class CountingAsked(FakeTurnDetector):
    """Never answers about the end of a turn; knows how often it is asked at once."""

    asking = 0
    most = 0

    async def end_of_turn(self, pcm: Samples) -> float:
        self.asking += 1
        self.most = max(self.most, self.asking)
        try:
            await asyncio.sleep(1000)
        finally:
            self.asking -= 1
        return 1.0


@virtual
async def test_a_detector_is_asked_about_one_pause_at_a_time() -> None:
    detector = CountingAsked()
    async with engine(listening(turn_detector=detector)) as e:
        session, _, log = await e.create()
        async with Talker(e, session) as talker:
            for _ in range(6):
                await talker.say(0.3, pause=0.35)
            await log.until("speech.ended")
        assert detector.most == 1
        await e.delete(session)

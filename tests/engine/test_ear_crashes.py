"""What breaks within the ear of a session costs sound, never the session; on virtual time."""

import asyncio
from collections.abc import Sequence

import pytest

from opentalking.audio.echo import Cleaned
from opentalking.core.media import Samples
from opentalking.providers.fake import FakeTurnDetector, LoudnessActivity
from tests.engine.harness import engine, virtual
from tests.engine.talker import NoEcho, Observed, Talker, listening


class BreakingGuard(NoEcho):
    """Breaks at its 25th piece of sound, at either end, and at every later one."""

    def __init__(self) -> None:
        super().__init__()
        self._heard = self._played = 0

    def played(self, sound: Samples | None) -> None:
        self._played += 1
        if self._played >= 25:
            raise FloatingPointError("played")

    def clean(self, near: Samples) -> Cleaned:
        self._heard += 1
        if self._heard >= 25:
            raise FloatingPointError("heard")
        return super().clean(near)


@virtual
async def test_a_guard_that_breaks_is_replaced() -> None:
    async with engine(listening(echo_guard=BreakingGuard)) as e:
        session, _, log = await e.create()
        async with Talker(e, session) as talker:
            await asyncio.sleep(1)
            await talker.say(1)
            assert (await log.until("speech.ended", seconds=30)).reason == "completed"
        assert not log.of("error")
        await e.delete(session)


class CrashingActivity(LoudnessActivity):
    """Raises what nobody foresaw, or finds one probability too few, while its detector `crashes`."""

    def __init__(self, detector: "CrashingDetector") -> None:
        super().__init__(detector)
        self._crashing = detector

    async def feed(self, pcm: Samples) -> Sequence[float]:
        if self._crashing.crashes == "raises":
            raise KeyError("state")
        found = await super().feed(pcm)
        return found[1:] if self._crashing.crashes == "answers short" else found


class CrashingDetector(FakeTurnDetector):
    """A detector with faults in it."""

    crashes = ""
    end_crashes = False

    def open(self) -> CrashingActivity:
        return CrashingActivity(self)

    async def end_of_turn(self, pcm: Samples) -> float:
        if self.end_crashes:
            raise KeyError("probability")
        return await super().end_of_turn(pcm)


@pytest.mark.parametrize("crashes", ["raises", "answers short"])
def test_a_detector_with_a_fault_is_told_once_and_heard_when_it_works(crashes: str) -> None:
    detector, observed = CrashingDetector(), Observed()

    @virtual
    async def check() -> None:
        async with engine(listening(turn_detector=detector, observers=[observed])) as e:
            session, _, log = await e.create()
            async with Talker(e, session) as talker:
                detector.crashes = crashes
                await asyncio.sleep(2)
                assert [event.code for event in log.of("error")] == ["vad_failed"]
                detector.crashes = ""
                detector.end_crashes = True
                await talker.say(1)
                await log.until("speech.ended", seconds=30)
            assert observed.failures == [("vad", "vad_failed")] * 2
            assert len(log.of("error")) == 1
            await e.delete(session)

    check()


class TimingGuard(NoEcho):
    """Notes how far what was played is ahead of what is heard, in pieces of 20 ms."""

    made: "list[TimingGuard]" = []  # noqa: RUF012 - the test empties it

    def __init__(self) -> None:
        super().__init__()
        self._ahead = 0
        self.leads: list[int] = []
        self.made.append(self)

    def played(self, sound: Samples | None) -> None:
        self._ahead += 1

    def clean(self, near: Samples) -> Cleaned:
        self._ahead -= 1
        self.leads.append(self._ahead)
        return super().clean(near)


@virtual
async def test_a_slow_detector_does_not_move_the_echo() -> None:
    TimingGuard.made.clear()
    detector = FakeTurnDetector()
    async with engine(listening(turn_detector=detector, echo_guard=TimingGuard)) as e:
        session, _, log = await e.create()
        async with Talker(e, session):
            turn = await e.speak(session, "one two three four five six seven eight nine ten eleven twelve")
            await log.until("speech.media_started", turn)
            detector.feed_delay_seconds = 1.5
            await log.until("speech.ended", turn)
        [guard] = TimingGuard.made
        leads = guard.leads[-100:]
        assert len(leads) == 100
        assert max(leads) - min(leads) <= 2, "the guard knows by its calls what belongs together"
        await e.delete(session)

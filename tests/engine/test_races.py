"""Commands that meet: interrupts, ends, floods and failures in one breath, on virtual time."""

import asyncio
from collections.abc import AsyncGenerator, Iterator

import pytest

from opentalking.core.commands import CloseSession, ConnectPeer
from opentalking.core.errors import NotFound, ProviderError, TooMany, Unavailable
from opentalking.core.media import I420, Speech
from opentalking.core.providers import RendererCapabilities
from opentalking.core.sessions import SessionState
from opentalking.engine.config import AdmissionConfig, EngineConfig
from opentalking.providers.fake import FlatFace, FlatRenderer, ToneVoice
from tests.engine.harness import Engine, Parts, WatchedTicker, engine, virtual

SLOT = RendererCapabilities(single_slot=True)


async def state(e: Engine, session: str) -> SessionState:
    record = await e.tools.store.get(session)
    assert record is not None
    return record.state


@virtual
async def test_a_turn_that_is_interrupted_before_its_first_step_ends_like_any_other() -> None:
    async with engine() as e:
        session, _, log = await e.create()
        turn, _ = await asyncio.gather(e.chat(session, "one"), e.interrupt(session))
        await log.until("speech.ended", turn)
        await asyncio.sleep(0.1)
        assert await state(e, session) is SessionState.READY
        first, second = await asyncio.gather(e.chat(session, "two"), e.chat(session, "three"))
        ended = await log.until("speech.ended", second)
        assert ended.reason == "completed"
        assert [x.reason for x in log.of("speech.ended")] == ["interrupted", "interrupted", "completed"]
        assert [x.turn_id for x in log.of("speech.started")] == [turn, first, second]
        await e.delete(session)


class Stubborn(ToneVoice):
    """Takes 10 s for a sentence with "stubborn" in it and cannot be cancelled meanwhile."""

    async def speak(
        self, text: str, voice: str | None = None, model: str | None = None
    ) -> AsyncGenerator[Speech]:
        until = asyncio.get_running_loop().time() + 10 * ("stubborn" in text)
        while (left := until - asyncio.get_running_loop().time()) > 0:
            try:
                await asyncio.sleep(left)
            except asyncio.CancelledError:
                continue
        async for speech in super().speak(text):
            yield speech


@virtual
async def test_a_turn_that_does_not_heed_its_cancellation_harms_no_later_one() -> None:
    async with engine(Parts(speakers={"local": Stubborn("local")})) as e:
        session, _, log = await e.create()
        old = await e.speak(session, "a stubborn one.")
        await asyncio.sleep(1)
        new = await e.speak(session, "a kind one that goes on for quite a while " * 4)
        await log.until("speech.ended", new)
        kinds = log.kinds(old)
        assert kinds[kinds.index("speech.ended") :] == ["speech.ended", "status:interrupted", "status:idle"]
        assert [x.reason for x in log.of("speech.ended")] == ["interrupted", "completed"]
        await e.delete(session)


@virtual
async def test_an_offer_that_meets_the_end_is_answered_at_once() -> None:
    async with engine() as e:
        session, _, _ = await e.create()
        offer = e.call(ConnectPeer(session_id=session, sdp="v=0"))
        async with asyncio.timeout(1):
            refusal, _ = await asyncio.gather(offer, e.delete(session), return_exceptions=True)
        assert isinstance(refusal, NotFound)


@virtual
async def test_a_flood_of_offers_is_refused() -> None:
    async with engine(Parts(renderers={"fake": FlatRenderer(open_seconds=15)})) as e:
        session, _, _ = await e.create()
        offers = [e.call(ConnectPeer(session_id=session, sdp="v=0")) for _ in range(10)]
        refusals = await asyncio.gather(*offers, return_exceptions=True)
        assert sum(isinstance(refusal, TooMany) for refusal in refusals) == 6
        await e.delete(session)


class LateFailure(FlatRenderer):
    """Fails 20 s into its first opening."""

    async def open(self, avatar: object) -> FlatFace:
        if self.failure is None:
            return FlatFace()
        failure, self.failure = self.failure, None
        await asyncio.sleep(20)
        raise failure


@virtual
async def test_a_session_that_failed_gives_its_slot_to_the_next_in_line() -> None:
    failure = ProviderError("broken", stage="render", provider="fake")
    async with engine(Parts(renderers={"slot": LateFailure(capabilities=SLOT, failure=failure)})) as e:
        failed, _, _ = await e.create("slot")
        _, status, log = await e.create("slot")
        assert status == "queued"
        await log.until("session.queued", count=2)
        assert log.of("session.queued")[-1].message == "slot_acquired"
        assert log.when("session.state_changed") == pytest.approx(20, abs=1)
        assert await state(e, failed) is SessionState.ERROR


@virtual
async def test_a_session_that_waited_too_long_stands_in_nobodys_way() -> None:
    config = EngineConfig(admission=AdmissionConfig(slot_timeout_seconds=30, slot_session_seconds=0))
    async with engine(Parts(config=config, renderers={"slot": FlatRenderer(capabilities=SLOT)})) as e:
        first, _, _ = await e.create("slot")
        await e.create("slot")
        await asyncio.sleep(20)
        _, _, log = await e.create("slot")
        await asyncio.sleep(15)
        await e.delete(first)
        await log.until("session.queued", count=3, seconds=1)
        assert [x.position for x in log.of("session.queued")] == [2, 1, 0]


class Crashing(FlatRenderer):
    """Fails after 20 s in a way that no renderer is allowed to."""

    async def open(self, avatar: object) -> FlatFace:
        await asyncio.sleep(20)
        raise ZeroDivisionError


@virtual
async def test_a_crashed_session_answers_everybody_and_says_so() -> None:
    async with engine(Parts(renderers={"fake": Crashing()})) as e:
        session, status, log = await e.create()
        assert status == "initializing"
        with pytest.raises(Unavailable):
            await e.call(ConnectPeer(session_id=session, sdp="v=0"))
        await log.until("session.terminated", seconds=1)
        states = [x.state for x in log.of("session.state_changed")]
        assert states == ["initializing"]
        assert [x.code for x in log.of("error")] == ["internal_error"]
        assert log.kinds()[-2:] == ["session.expired", "session.terminated"]
        assert not await e.tools.store.all()


class CountingFace(FlatFace):
    """Counts those that are open; its idle loop cannot be drawn."""

    def __init__(self, count: list[int]) -> None:
        self._count = count
        self._count[0] += 1

    def idle_frames(self) -> Iterator[I420]:
        raise ProviderError("no idle loop", stage="render", provider="fake")

    async def aclose(self) -> None:
        self._count[0] -= 1


class CountingRenderer(FlatRenderer):
    """Opens `CountingFace`s."""

    def __init__(self) -> None:
        super().__init__()
        self.count = [0]

    async def open(self, avatar: object) -> FlatFace:
        return CountingFace(self.count)


@virtual
async def test_a_face_is_closed_also_when_loading_failed_after_it() -> None:
    renderer = CountingRenderer()
    async with engine(Parts(renderers={"fake": renderer})) as e:
        with pytest.raises(ProviderError, match="no idle loop"):
            await e.create()
        await asyncio.sleep(1)
        assert renderer.count == [0]


@virtual
async def test_places_move_while_sessions_come_and_go() -> None:
    config = EngineConfig(admission=AdmissionConfig(max_sessions=1, queue_sessions=True))

    async with engine(Parts(config=config)) as e:
        running = [await e.create() for _ in range(3)]
        for yields in range(8):
            session = running.pop(0)[0]

            async def later(count: int = yields) -> None:
                for _ in range(count):
                    await asyncio.sleep(0)
                running.append(await e.create())

            closing = e.call(CloseSession(session_id=session))
            await asyncio.gather(closing, later())
        assert e.worker.admission.queue_size == 2


@virtual
async def test_an_interrupt_is_heard_through_a_flood_of_talk() -> None:
    async with engine() as e:
        session, _, log = await e.create()
        talks = [e.speak(session, f"number {number}.") for number in range(80)]
        *results, _ = await asyncio.gather(*talks, e.interrupt(session), return_exceptions=True)
        refused = [x for x in results if isinstance(x, BaseException)]
        assert refused
        assert all(isinstance(x, TooMany) for x in refused)
        accepted = len(results) - len(refused)
        await log.until("speech.ended", count=accepted)
        assert {x.reason for x in log.of("speech.ended")} == {"interrupted"}
        await e.delete(session)


@virtual
async def test_silence_comes_first_and_does_not_wait_for_the_turn_to_heed_its_cancellation() -> None:
    async with engine(Parts(speakers={"local": Stubborn("local")})) as e:
        session, _, log = await e.create()
        turn = await e.speak(session, "some words are heard at once here. stubborn ones come later.")
        await log.until("speech.media_started", turn)
        assert isinstance(e.tools.ticker, WatchedTicker)
        [output] = e.tools.ticker.driven
        assert output.playing
        interrupting = asyncio.create_task(e.interrupt(session))
        await asyncio.sleep(0.02)
        assert not output.playing
        assert not interrupting.done(), "the voice did not resist"
        await interrupting
        await e.delete(session)

"""Sessions: places, queues, time limits, faults and their end, on virtual time."""

import asyncio
from dataclasses import replace

import pytest

from opentalking.core.commands import ConnectPeer, Touch
from opentalking.core.errors import Conflict, NotFound, ProviderError, Unavailable
from opentalking.core.providers import RendererCapabilities
from opentalking.engine.config import AdmissionConfig, EngineConfig
from opentalking.providers.fake import FlatRenderer
from tests.engine.harness import Parts, engine, virtual

SLOT = RendererCapabilities(single_slot=True)


@virtual
async def test_delete_frees_the_place_and_ends_the_events() -> None:
    config = EngineConfig(admission=AdmissionConfig(max_sessions=1))
    async with engine(Parts(config=config)) as e:
        session, _, log = await e.create()
        with pytest.raises(Unavailable):
            await e.create()
        turn = await e.speak(session, "a long sentence that will be cut short.")
        await log.until("speech.media_started", turn)
        await e.delete(session)
        assert e.worker.admission.queue_size == 0
        await log.until("session.terminated")
        assert log.kinds()[-2:] == ["session.state_changed", "session.terminated"]
        assert [x.reason for x in log.of("speech.ended")] == ["interrupted"]
        assert not log.of("session.expired")
        assert await e.tools.store.get(session) is None
        with pytest.raises(NotFound):
            await e.speak(session, "anyone?")
        _, status, _ = await e.create()
        assert status == "created"


@virtual
async def test_slow_loading_says_initializing_and_refuses_talk() -> None:
    async with engine(Parts(renderers={"fake": FlatRenderer(open_seconds=15)})) as e:
        session, status, log = await e.create()
        assert status == "initializing"
        with pytest.raises(Conflict):
            await e.speak(session, "hello")
        await log.until("session.state_changed", count=2)
        turn = await e.speak(session, "hello")
        await log.until("speech.ended", turn)
        await e.delete(session)


@virtual
async def test_failed_loading_is_answered_and_leaves_nothing() -> None:
    failure = ProviderError("no weights", stage="render", provider="fake")
    async with engine(Parts(renderers={"fake": FlatRenderer(failure=failure)})) as e:
        with pytest.raises(ProviderError, match="no weights"):
            await e.create()
        await asyncio.sleep(1)
        assert not await e.tools.store.all()
        with pytest.raises(NotFound):
            await e.create(avatar_id="nobody")


@virtual
async def test_late_failure_keeps_the_error_state_for_a_minute() -> None:
    failure = ProviderError("broken", stage="render", provider="fake")
    async with engine(Parts(renderers={"fake": FlatRenderer(open_seconds=20, failure=failure)})) as e:
        session, status, log = await e.create()
        assert status == "initializing"
        await log.until("error")
        with pytest.raises(ProviderError):
            await e.call(ConnectPeer(session_id=session, sdp="v=0"))
        await log.until("session.terminated", seconds=70)
        assert [x.message for x in log.of("session.expired")] == ["session_expired"]
        assert not await e.tools.store.all()


@virtual
async def test_single_slot_sessions_wait_in_line_and_move_up() -> None:
    async with engine(Parts(renderers={"slot": FlatRenderer(capabilities=SLOT)})) as e:
        first, status, _ = await e.create("slot")
        assert status == "created"
        assert e.worker.admission.slot_occupied
        waiting = [await e.create("slot") for _ in range(3)]
        assert [status for _, status, _ in waiting] == ["queued"] * 3
        with pytest.raises(Unavailable):
            await e.create("slot")
        with pytest.raises(Conflict, match="session is queued"):
            await e.call(ConnectPeer(session_id=waiting[0][0], sdp="v=0"))
        assert e.worker.admission.queue_size == 3
        await e.delete(waiting[0][0])
        await e.delete(first)
        second = waiting[1]
        await second[2].until("session.queued", count=3)
        positions = [(x.position, x.message) for x in second[2].of("session.queued")]
        assert positions == [(2, "waiting"), (1, "waiting"), (0, "slot_acquired")]
        turn = await e.speak(second[0], "my turn")
        await second[2].until("speech.ended", turn)
        record = await e.tools.store.get(waiting[2][0])
        assert record is not None
        assert record.queue_position == 1


@virtual
async def test_waiting_ends_with_a_timeout() -> None:
    config = EngineConfig(admission=AdmissionConfig(slot_timeout_seconds=30, slot_session_seconds=0))
    async with engine(Parts(config=config, renderers={"slot": FlatRenderer(capabilities=SLOT)})) as e:
        await e.create("slot")
        _, _, log = await e.create("slot")
        await log.until("session.terminated")
        assert [x.position for x in log.of("session.queued")] == [1, -1]
        assert [x.code for x in log.of("error")] == ["queue_timeout"]
        assert e.worker.admission.queue_size == 0


@virtual
async def test_a_slot_session_is_warned_and_ends_after_its_time() -> None:
    config = EngineConfig(connect_timeout_seconds=0, idle_timeout_seconds=0)
    async with engine(Parts(config=config, renderers={"slot": FlatRenderer(capabilities=SLOT)})) as e:
        session, _, log = await e.create("slot")
        await e.speak(session, "talking does not help.")
        expiring = await log.until("session.expiring")
        assert expiring.remaining_sec == 60
        assert log.when("session.expiring") == pytest.approx(540, abs=1)
        await log.until("session.terminated")
        assert log.when("session.terminated") == pytest.approx(600, abs=1)
        assert [x.message for x in log.of("session.expired")] == ["session_expired"]


@virtual
async def test_never_joined_and_unused_sessions_end() -> None:
    config = EngineConfig(connect_timeout_seconds=300, idle_timeout_seconds=0)
    async with engine(Parts(config=config)) as e:
        _, _, log = await e.create()
        await log.until("session.terminated")
        assert log.when("session.expiring") == pytest.approx(240, abs=1)
        assert log.when("session.terminated") == pytest.approx(300, abs=1)
        assert [x.message for x in log.of("session.expired")] == ["session_expired"]
    config = replace(config, connect_timeout_seconds=0, idle_timeout_seconds=1800)
    async with engine(Parts(config=config)) as e:
        session, _, log = await e.create()
        start = asyncio.get_running_loop().time()
        await asyncio.sleep(1000)
        await e.tools.commands.send(Touch(session_id=session))
        turn = await e.speak(session, "short.")
        await log.until("speech.ended", turn)
        expiring = await log.until("session.expiring", seconds=4000)
        assert expiring.remaining_sec == 60
        assert log.when("session.expiring") - start == pytest.approx(1000 + 1800 - 60, abs=2)
        await log.until("session.terminated")
        assert log.when("session.terminated") - log.when("session.expiring") == pytest.approx(60, abs=1)
    async with engine(Parts(config=replace(config, idle_timeout_seconds=0))) as e:
        session, _, log = await e.create()
        await asyncio.sleep(100_000)
        assert not log.of("session.expired")


@virtual
async def test_shutdown_ends_every_session_with_its_events() -> None:
    async with engine() as e:
        logs = [(await e.create())[2] for _ in range(3)]
        turn = await e.speak((await e.create())[0], "cut off in the middle of this.")
        assert turn
    for log in logs:
        assert log.of("session.terminated")[0].reason == "shutdown"
        assert log.of("session.expired")


@virtual
async def test_two_sessions_never_mix() -> None:
    async with engine() as e:
        one, _, log_one = await e.create()
        two, _, log_two = await e.create()
        turns = await asyncio.gather(e.chat(one, "apples"), e.chat(two, "pears"))
        for log, turn, word in ((log_one, turns[0], "apples"), (log_two, turns[1], "pears")):
            ended = await log.until("speech.ended", turn)
            assert ended.text == f"You said: {word}."
            assert {x.session_id for _, x in log.events} == {one if log is log_one else two}
            assert {x.turn_id for _, x in log.events if x.turn_id} == {turn}


@virtual
async def test_a_turn_longer_than_the_idle_limit_is_no_idleness() -> None:
    config = EngineConfig(connect_timeout_seconds=0, idle_timeout_seconds=10)
    async with engine(Parts(config=config)) as e:
        session, _, log = await e.create()
        turn = await e.speak(session, "word " * 100 + "end.")
        await asyncio.sleep(2)
        await e.tools.commands.send(Touch(session_id=session))
        ended = await log.until("speech.ended", turn)
        assert ended.reason == "completed"
        await log.until("session.terminated")
        assert log.when("session.terminated") - log.when("speech.ended") == pytest.approx(10, abs=1)

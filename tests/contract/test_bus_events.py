"""What every `EventBus` does."""

import asyncio
import re
from contextlib import AsyncExitStack

import pytest

from opentalking.core.errors import TooMany
from opentalking.core.events import Event, FrameEvent, LlmEvent, QueuedEvent, TerminatedEvent
from opentalking.core.ports import EventBus, Lagged, StoredEvent, Subscription
from tests.contract.buses import LONG, SMALL, Buses


def said(text: str, session_id: str = "s") -> Event:
    return LlmEvent(session_id=session_id, turn_id="t", delta=text)


def frame(number: int) -> Event:
    return FrameEvent(session_id="s", turn_id="t", frame_idx=number, pts_ms=0)


async def take(subscription: Subscription, count: int) -> list[StoredEvent]:
    async with asyncio.timeout(5):
        return [await subscription.next() for _ in range(count)]


def texts(events: list[StoredEvent]) -> list[str]:
    return [stored.event.delta for stored in events if isinstance(stored.event, LlmEvent)]


async def publish(bus: EventBus, *events: Event) -> None:
    for event in events:
        await bus.publish(event)


async def test_a_subscriber_hears_what_comes_after_it_in_order(event_bus: EventBus) -> None:
    await event_bus.publish(said("before"))
    async with event_bus.subscribe("s") as subscription:
        await publish(event_bus, said("a"), said("other", "s2"), said("b"))
        heard = await take(subscription, 2)
    assert texts(heard) == ["a", "b"]
    assert not subscription.resumed


async def test_ids_grow_and_are_unique_in_the_bus(event_bus: EventBus) -> None:
    async with event_bus.subscribe("s") as one, event_bus.subscribe("s2") as two:
        for number in range(6):
            await publish(event_bus, said(str(number)), said(str(number), "s2"))
        ids = [stored.id for stored in await take(one, 6)]
        others = [stored.id for stored in await take(two, 6)]
    assert ids == sorted(set(ids))
    assert not set(ids) & set(others)
    assert all(re.fullmatch(r"[0-9a-z-]+", event_id) for event_id in ids)


async def test_every_subscriber_hears_everything(event_bus: EventBus) -> None:
    async with event_bus.subscribe("s") as one, event_bus.subscribe("s") as two:
        await publish(event_bus, said("a"), said("b"))
        assert await take(one, 2) == await take(two, 2)


async def test_next_waits_and_survives_cancellation(event_bus: EventBus) -> None:
    async with event_bus.subscribe("s") as subscription:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await subscription.next()
        waiting = asyncio.create_task(subscription.next())
        await asyncio.sleep(0)
        await event_bus.publish(said("a"))
        assert texts([await asyncio.wait_for(waiting, 5)]) == ["a"]


async def test_resuming_replays_what_was_missed_then_goes_on(event_bus: EventBus) -> None:
    async with event_bus.subscribe("s") as subscription:
        await publish(event_bus, said("a"), said("b"))
        seen = (await take(subscription, 1))[0].id
    await event_bus.publish(said("c"))
    async with event_bus.subscribe("s", seen) as subscription:
        assert subscription.resumed
        await event_bus.publish(said("d"))
        assert texts(await take(subscription, 3)) == ["b", "c", "d"]


async def test_resuming_from_the_newest_replays_nothing(event_bus: EventBus) -> None:
    async with event_bus.subscribe("s") as subscription:
        await event_bus.publish(said("a"))
        newest = (await take(subscription, 1))[0].id
    async with event_bus.subscribe("s", newest) as subscription:
        assert subscription.resumed
        assert subscription.start_id == newest
        await event_bus.publish(said("b"))
        assert texts(await take(subscription, 1)) == ["b"]


async def test_live_only_events_are_not_replayed_but_can_be_resumed_from(event_bus: EventBus) -> None:
    async with event_bus.subscribe("s") as subscription:
        await publish(event_bus, frame(0), said("a"), frame(1))
        await event_bus.publish(QueuedEvent(session_id="s", position=1, message="waiting"))
        await event_bus.publish(said("b"))
        heard = await take(subscription, 5)
    types = [stored.event.type for stored in heard]
    assert types == ["frame", "llm", "frame", "session.queued", "llm"]
    async with event_bus.subscribe("s", heard[0].id) as subscription:
        assert subscription.resumed
        assert await take(subscription, 2) == [heard[1], heard[4]]
    async with event_bus.subscribe("s", heard[2].id) as subscription:
        assert await take(subscription, 1) == [heard[4]]


async def test_start_id_can_be_resumed_from(event_bus: EventBus) -> None:
    for _ in range(2):
        async with event_bus.subscribe("s") as subscription:
            start_id = subscription.start_id
        await event_bus.publish(said("missed"))
        async with event_bus.subscribe("s", start_id) as subscription:
            assert subscription.resumed
            assert texts(await take(subscription, 1)) == ["missed"]


@pytest.mark.parametrize(
    "foreign", ["", "0", "x", "-", "0-0-0", "9" * 21, "9" * 400, "١٢٣", "\0", "1e9", "-5"]
)
async def test_foreign_ids_resume_nothing(event_bus: EventBus, foreign: str) -> None:
    await event_bus.publish(said("a"))
    async with event_bus.subscribe("s", foreign) as subscription:
        assert not subscription.resumed
        await event_bus.publish(said("b"))
        assert texts(await take(subscription, 1)) == ["b"]


async def test_ids_of_another_session_or_bus_are_foreign(event_bus: EventBus, buses: Buses) -> None:
    async with buses.events(LONG) as earlier, earlier.subscribe("s") as subscription:
        await publish(earlier, said("x"), said("y"))
        old = (await take(subscription, 1))[0].id
    async with event_bus.subscribe("s2") as subscription:
        await publish(event_bus, said("x", "s2"), said("y", "s2"))
        other = (await take(subscription, 1))[0].id
    await publish(event_bus, said("a"), said("b"))
    for foreign in (old, other):
        async with event_bus.subscribe("s", foreign) as subscription:
            assert not subscription.resumed


async def test_the_backlog_is_bounded_by_count(event_bus: EventBus) -> None:
    async with event_bus.subscribe("s") as subscription:
        await publish(event_bus, said("0"), said("1"))
        first, second = await take(subscription, 2)
    await publish(event_bus, *(said(str(number)) for number in range(2, 2 + LONG.backlog_events)))
    async with event_bus.subscribe("s", first.id) as subscription:
        assert not subscription.resumed, "the event after it was evicted"
    async with event_bus.subscribe("s", second.id) as subscription:
        assert subscription.resumed
        replayed = texts(await take(subscription, LONG.backlog_events))
    assert replayed == [str(number) for number in range(2, 2 + LONG.backlog_events)]


async def test_the_backlog_dies_after_the_last_event(forgetful_event_bus: EventBus) -> None:
    bus = forgetful_event_bus
    async with bus.subscribe("s") as subscription:
        await publish(bus, said("a"), said("b"))
        seen = (await take(subscription, 1))[0].id
    await asyncio.sleep(SMALL.backlog_ttl_seconds * 1.5)
    await bus.publish(said("other", "s2"))
    async with bus.subscribe("s", seen) as subscription:
        assert not subscription.resumed
        await bus.publish(said("c"))
        [stored] = await take(subscription, 1)
        assert texts([stored]) == ["c"]
        assert stored.id > seen


async def test_a_slow_subscriber_loses_frames_first(event_bus: EventBus) -> None:
    async with event_bus.subscribe("s") as subscription:
        await publish(event_bus, *(frame(number) for number in range(20)))
        await publish(event_bus, *(said(str(number)) for number in range(LONG.subscriber_events)))
        heard = await take(subscription, LONG.subscriber_events)
        assert texts(heard) == [str(number) for number in range(LONG.subscriber_events)]
        await event_bus.publish(said("goes on"))
        assert texts(await take(subscription, 1)) == ["goes on"]


async def test_a_subscriber_too_slow_lags_and_resumes(event_bus: EventBus) -> None:
    many = LONG.subscriber_events + 2
    async with event_bus.subscribe("s") as slow, event_bus.subscribe("s") as quick:
        for number in range(many):
            await event_bus.publish(said(str(number)))
            await take(quick, 1)
        heard = await take(slow, LONG.subscriber_events)
        with pytest.raises(Lagged):
            await take(slow, 1)
        with pytest.raises(Lagged):
            await take(slow, 1)
    async with event_bus.subscribe("s", heard[-1].id) as subscription:
        assert texts(await take(subscription, 2)) == [str(many - 2), str(many - 1)]


async def test_subscribers_are_counted_and_freed(event_bus: EventBus) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(LONG.subscribers_per_session):
            await stack.enter_async_context(event_bus.subscribe("s"))
        with pytest.raises(TooMany):
            await stack.enter_async_context(event_bus.subscribe("s"))
        async with event_bus.subscribe("s2"):
            pass
    async with event_bus.subscribe("s"):
        pass


async def test_forgetting_drops_the_backlog_but_not_what_is_on_its_way(event_bus: EventBus) -> None:
    async with event_bus.subscribe("s") as subscription:
        await publish(event_bus, said("a"), TerminatedEvent(session_id="s", reason="deleted"))
        await event_bus.forget("s")
        await event_bus.forget("s")
        first, last = await take(subscription, 2)
        await event_bus.publish(said("a straggler"))
        assert texts(await take(subscription, 1)) == ["a straggler"]
    assert last.event.type == "session.terminated"
    async with event_bus.subscribe("s", first.id) as subscription:
        assert not subscription.resumed

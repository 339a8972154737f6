"""What every `CommandBus` does."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from opentalking.core.commands import (
    CloseSession,
    Created,
    CreateSession,
    Done,
    Interrupt,
    Reply,
    StartSpeak,
    Touch,
)
from opentalking.core.errors import Conflict, NotFound, OpenTalkingError, ProviderError, Unavailable
from opentalking.core.ports import CommandBus, Delivery
from opentalking.core.sessions import SessionRecord, SessionSettings
from tests.contract.buses import INBOX_COMMANDS

LIMIT_SECONDS = 5.0
Handler = Callable[[Delivery], Awaitable[None]]


def create(session_id: str) -> CreateSession:
    settings = SessionSettings(avatar_id="a", model="m")
    return CreateSession(
        session_id=session_id, record=SessionRecord(session_id=session_id, settings=settings)
    )


def speak(text: str, session_id: str = "s") -> StartSpeak:
    return StartSpeak(session_id=session_id, turn_id="t", text=text)


async def accept(delivery: Delivery) -> None:
    reply: Reply = Done()
    if isinstance(delivery.command, CreateSession):
        reply = Created(status="created")
    await delivery.reply(reply)


@asynccontextmanager
async def worker(bus: CommandBus, worker_id: str, handle: Handler = accept) -> AsyncIterator[list[Delivery]]:
    """A worker that hands each delivery to `handle`; yields what it has got."""
    got: list[Delivery] = []

    async def work() -> None:
        async for delivery in bus.deliveries(worker_id):
            got.append(delivery)
            await handle(delivery)

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    try:
        yield got
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_call_gets_its_reply(command_bus: CommandBus) -> None:
    async with worker(command_bus, "w") as got:
        assert await command_bus.call(create("s"), LIMIT_SECONDS) == Created(status="created")
        await command_bus.own("s", "w")
        assert await command_bus.call(speak("hi"), LIMIT_SECONDS) == Done()
        assert [delivery.command for delivery in got][1] == speak("hi")


@pytest.mark.parametrize(
    "error", [Conflict("not now", code="special"), ProviderError("broke", stage="tts", provider="p")]
)
async def test_errors_cross_with_their_class_code_and_text(
    command_bus: CommandBus, error: OpenTalkingError
) -> None:
    async def refuse(delivery: Delivery) -> None:
        await delivery.fail(error)

    async with worker(command_bus, "w", refuse):
        await command_bus.own("s", "w")
        with pytest.raises(type(error)) as caught:
            await command_bus.call(speak("hi"), LIMIT_SECONDS)
    assert (caught.value.code, caught.value.message) == (error.code, error.message)


async def test_other_failures_cross_without_their_text(command_bus: CommandBus) -> None:
    async def crash(delivery: Delivery) -> None:
        await delivery.fail(ValueError("internal detail"))

    async with worker(command_bus, "w", crash):
        await command_bus.own("s", "w")
        with pytest.raises(OpenTalkingError) as caught:
            await command_bus.call(speak("hi"), LIMIT_SECONDS)
    assert type(caught.value) is OpenTalkingError
    assert "internal detail" not in caught.value.message


async def test_commands_arrive_in_order_whether_called_or_sent(command_bus: CommandBus) -> None:
    async with worker(command_bus, "w") as got:
        await command_bus.own("s", "w")
        await command_bus.send(speak("0"))
        call = asyncio.create_task(command_bus.call(speak("1"), LIMIT_SECONDS))
        await asyncio.sleep(0)
        await command_bus.send(Interrupt(session_id="s"))
        await call
        await command_bus.call(speak("2"), LIMIT_SECONDS)
        commands = [delivery.command for delivery in got]
    assert commands == [speak("0"), speak("1"), Interrupt(session_id="s"), speak("2")]


async def test_replies_may_come_out_of_order(command_bus: CommandBus) -> None:
    held: list[Delivery] = []

    async def hold_the_first(delivery: Delivery) -> None:
        if not held:
            held.append(delivery)
        else:
            await delivery.reply(Done())

    async with worker(command_bus, "w", hold_the_first):
        await command_bus.own("s", "w")
        await command_bus.own("s2", "w")
        slow = asyncio.create_task(command_bus.call(speak("slow"), LIMIT_SECONDS))
        await asyncio.sleep(0)
        assert await command_bus.call(speak("quick", "s2"), LIMIT_SECONDS) == Done()
        assert not slow.done()
        await held[0].reply(Done())
        assert await slow == Done()


async def test_without_any_worker_create_is_unavailable(command_bus: CommandBus) -> None:
    with pytest.raises(Unavailable):
        await command_bus.call(create("s"), LIMIT_SECONDS)


async def test_create_goes_to_some_worker_and_later_commands_to_the_same(command_bus: CommandBus) -> None:
    async with worker(command_bus, "w1") as one, worker(command_bus, "w2") as two:
        for number in range(6):
            await command_bus.call(create(str(number)), LIMIT_SECONDS)
            await command_bus.call(speak("hi", str(number)), LIMIT_SECONDS)
        for got in (one, two):
            created = [d.command.session_id for d in got if isinstance(d.command, CreateSession)]
            spoken = [d.command.session_id for d in got if isinstance(d.command, StartSpeak)]
            assert created == spoken
        assert len(one) + len(two) == 12


async def test_a_session_that_nobody_owns_is_not_found(command_bus: CommandBus) -> None:
    async with worker(command_bus, "w") as got:
        with pytest.raises(NotFound):
            await command_bus.call(speak("hi"), LIMIT_SECONDS)
        await command_bus.send(Touch(session_id="s"))
        await command_bus.own("s", "w")
        await command_bus.call(speak("hi"), LIMIT_SECONDS)
        await command_bus.disown("s")
        with pytest.raises(NotFound):
            await command_bus.call(speak("hi"), LIMIT_SECONDS)
        await command_bus.disown("s")
        assert [delivery.command for delivery in got] == [speak("hi")]


async def test_a_create_that_failed_leaves_no_owner(command_bus: CommandBus) -> None:
    async def refuse(delivery: Delivery) -> None:
        await delivery.fail(Unavailable("full"))

    async with worker(command_bus, "w", refuse):
        with pytest.raises(Unavailable, match="full"):
            await command_bus.call(create("s"), LIMIT_SECONDS)
        with pytest.raises(NotFound):
            await command_bus.call(speak("hi"), LIMIT_SECONDS)


async def test_a_worker_that_does_not_answer_in_time_is_unavailable(command_bus: CommandBus) -> None:
    async def ignore(delivery: Delivery) -> None:
        pass

    async with worker(command_bus, "w", ignore) as got:
        await command_bus.own("s", "w")
        with pytest.raises(Unavailable):
            await command_bus.call(speak("hi"), 0.05)
        await got[0].reply(Done())
        await got[0].fail(Conflict("late"))


async def test_a_worker_that_stops_fails_what_it_held_and_what_waits(command_bus: CommandBus) -> None:
    reached = asyncio.Event()

    async def stall(delivery: Delivery) -> None:
        reached.set()
        await asyncio.Event().wait()

    async with worker(command_bus, "w", stall):
        await command_bus.own("s", "w")
        calls = [asyncio.create_task(command_bus.call(speak(str(n)), LIMIT_SECONDS)) for n in range(2)]
        await reached.wait()
    for call in calls:
        with pytest.raises(Unavailable):
            await asyncio.wait_for(call, 1)
    with pytest.raises(Unavailable):
        await command_bus.call(speak("later"), LIMIT_SECONDS)
    await command_bus.send(Touch(session_id="s"))


async def test_a_worker_may_come_back_under_its_name(command_bus: CommandBus) -> None:
    async with worker(command_bus, "w"):
        await command_bus.own("s", "w")
    async with worker(command_bus, "w"):
        assert await command_bus.call(speak("hi"), LIMIT_SECONDS) == Done()


async def test_the_inbox_is_bounded(command_bus: CommandBus) -> None:
    gate = asyncio.Event()

    async def wait_at_the_gate(delivery: Delivery) -> None:
        await gate.wait()
        await delivery.reply(Done())

    async with worker(command_bus, "w", wait_at_the_gate):
        await command_bus.own("s", "w")
        first = asyncio.create_task(command_bus.call(speak("first"), LIMIT_SECONDS))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        waiting = [
            asyncio.create_task(command_bus.call(speak(str(n)), LIMIT_SECONDS)) for n in range(INBOX_COMMANDS)
        ]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await command_bus.call(speak("too much"), LIMIT_SECONDS)
        await command_bus.send(speak("dropped"))
        gate.set()
        assert await asyncio.gather(first, *waiting) == [Done()] * (INBOX_COMMANDS + 1)


async def test_a_call_given_up_before_the_worker_saw_it_is_not_carried_out(command_bus: CommandBus) -> None:
    gate = asyncio.Event()

    async def wait_at_the_gate(delivery: Delivery) -> None:
        await gate.wait()
        await delivery.reply(Done())

    async with worker(command_bus, "w", wait_at_the_gate) as got:
        await command_bus.own("s", "w")
        busy = asyncio.create_task(command_bus.call(speak("busy"), LIMIT_SECONDS))
        await asyncio.sleep(0)
        for command in (speak("stale"), CloseSession(session_id="s")):
            with pytest.raises(Unavailable):
                await command_bus.call(command, 0.02)
        gate.set()
        await busy
        await command_bus.call(speak("fresh"), LIMIT_SECONDS)
        seen = [delivery.command for delivery in got]
    assert seen == [speak("busy"), CloseSession(session_id="s"), speak("fresh")], (
        "a close is always carried out"
    )

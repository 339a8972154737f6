"""Two people talk with two avatars at once: neither sees, hears or reads anything of the other."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest_asyncio

from tests.support.browser import Chromium, Visit
from tests.support.heard_events import assert_common_rules, assert_spoken_whole
from tests.support.listen import Listener, hear, word_error_rate
from tests.support.llm_server import FakeLlm
from tests.support.senses import DEMO_MOUTH
from tests.support.server import RunningServer

SPOKEN = (
    "The weather in the mountains is cold and windy today.",
    "Please remember to buy some bread and a bottle of milk.",
)
ASKED = ("Which animal is large and grey?", "Which fruit is round and red?")


@pytest_asyncio.fixture(loop_scope="session")
async def visitors(
    chromium: Chromium, server: RunningServer, llm: FakeLlm
) -> AsyncIterator[tuple[Visit, Visit]]:
    """One with the demo avatar, one with its reddish twin."""
    async with (
        chromium.visit(server.url, avatar="demo-avatar") as first,
        chromium.visit(server.url, avatar="red-twin") as second,
    ):
        for visit in (first, second):
            await visit.live()
            await visit.listen()
            await visit.watch(DEMO_MOUTH)
        yield first, second


async def test_two_voices_and_faces_at_once_do_not_mix(
    visitors: tuple[Visit, Visit], listener: Listener
) -> None:
    turns = [await visit.say(text) for visit, text in zip(visitors, SPOKEN, strict=True)]
    heard = await asyncio.gather(
        *(hear(visit, turn, listener) for visit, turn in zip(visitors, turns, strict=True))
    )
    for visit, turn, text, words in zip(visitors, turns, SPOKEN, heard, strict=True):
        other = next(item for item in SPOKEN if item != text)
        assert word_error_rate([text], [words]) <= 0.15, heard
        assert word_error_rate([other], [words]) > 0.6, heard
        await visit.status("idle")
        events = await visit.events()
        assert {event.data["session_id"] for event in events} == {await visit.session_id()}
        assert {event.turn_id for event in events if event.turn_id} == {turn}
        own = await visit.events(turn)
        assert_common_rules(own, await visit.session_id())
        assert_spoken_whole(own, text)
    await assert_faces_differ(visitors)


async def assert_faces_differ(visitors: tuple[Visit, Visit]) -> None:
    """Every single picture of either visitor has the colours of their own avatar."""
    pictures = [await visit.pictures(0, await visit.now()) for visit in visitors]
    red_share = [np.array([shown.colour[0] / sum(shown.colour) for shown in some]) for some in pictures]
    assert all(len(some) > 25 for some in pictures)
    assert red_share[0].max() + 0.05 < red_share[1].min(), [(some.min(), some.max()) for some in red_share]


async def test_two_chats_at_once_do_not_mix(visitors: tuple[Visit, Visit], llm: FakeLlm) -> None:
    llm.mode = "echo"
    for visit, question in zip(visitors, ASKED, strict=True):
        await visit.page.fill("[data-testid=composer-input]", question)
    for visit in visitors:
        await visit.page.press("[data-testid=composer-input]", "Enter")
    for visit, question in zip(visitors, ASKED, strict=True):
        other = next(item for item in ASKED if item != question)
        turn = (await visit.event("speech.started")).turn_id
        await visit.event("speech.ended", turn)
        await visit.status("idle")
        events = await visit.events(turn)
        assert_common_rules(events, await visit.session_id())
        [message] = [event.data["text"] for event in events if event.name == "assistant.message"]
        assert message == f"You asked: {question}"
        assert other not in str(await visit.events())
    asked = [request.messages for request in llm.requests]
    for question in ASKED:
        [messages] = [some for some in asked if some[-1] == ("user", question)]
        assert [role for role, _ in messages] == ["system", "user"], "words of another conversation"

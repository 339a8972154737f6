"""What may be heard while the avatar speaks: a real peer's microphone, real voices, real local networks."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from apps.cli.bench.clips import Clip
from opentalking.core.media import Samples
from opentalking.rtc.loudspeaker import Loudspeaker
from tests.support.api_client import ApiSession
from tests.support.heard_events import Event
from tests.support.listen import word_error_rate
from tests.support.llm_server import FakeLlm
from tests.support.microphone import Tape, barge_ins, reader, spoken
from tests.support.microphone_peer import MicrophonePeer
from tests.support.server import RunningServer

LONG_ANSWER = (
    "The quick brown fox jumps over the lazy dog near the river bank, and then it goes home again. "
    "Please send me the report by Friday afternoon."
)
BACK_CHANNELS = (("Yeah.", "af_heart"), ("Right.", "am_michael"), ("Yes.", "af_heart"))
BACK_CHANNEL_SECONDS = 0.6
LEAD_SECONDS = 2.0
"""Until the server knows that its own sound does not come back."""
BETWEEN_SECONDS = 1.5
RINGS_SECONDS = 1.5
"""After an answer, until a room is silent."""
PRESSED_SECONDS = 0.5
WRONG_WORDS = 0.15
[_, UNHEARD, _, _, SAID] = reader()


class Talk:
    """A session with a microphone, and what is made of its sound."""

    def __init__(self, session: ApiSession, peer: MicrophonePeer) -> None:
        self.session = session
        self.peer = peer

    async def answer(self) -> str:
        """Let the avatar speak for nine seconds; the turn's id as soon as it is heard."""
        turn = await self.session.speak(LONG_ANSWER)
        await self.session.event("speech.media_started", turn)
        return turn

    def finals(self) -> list[Event]:
        """What was understood so far."""
        return [
            event for event in self.session.events if event.name == "transcript" and event.data["is_final"]
        ]

    async def goes_on(self, turn: str) -> None:
        """Wait for the end of the only answer: it was spoken whole, and nobody was heard meanwhile."""
        await self.session.ended(turn)
        [ended] = [event for event in self.session.events if event.name == "speech.ended"]
        assert (ended.turn_id, ended.data["reason"]) == (turn, "completed")
        assert ended.data["text"] == LONG_ANSWER
        assert {event.turn_id for event in self.session.events if event.turn_id} == {turn}
        seen = {event.label for event in self.session.events}
        assert not seen & {"transcript", "error", "status listening", "status interrupted"}

    async def is_answered(self, said: Clip, since: float) -> Event:
        """Wait until what was said begins a turn: the first of all that was understood."""
        started = await self.session.event("speech.started", after=since)
        [final] = self.finals()
        assert (final.turn_id, final.data["text"]) == (started.turn_id, started.data["text"])
        assert word_error_rate([said.text], [final.data["text"]]) <= WRONG_WORDS, final.data
        return started

    async def button(self, *, is_down: bool) -> None:
        """Hold the button of push-to-talk, or release it."""
        reply = await self.session.post("listening", talking=is_down)
        assert reply.json()["talking"] in (is_down, False)


@asynccontextmanager
async def talking(
    server: RunningServer, turn_taking: str = "auto", loudspeaker: Loudspeaker | None = None
) -> AsyncIterator[Talk]:
    """A new session whose microphone is listened to like this."""
    async with (
        ApiSession(server.url) as session,
        MicrophonePeer(server.url, session.id, video=False, loudspeaker=loudspeaker) as peer,
    ):
        reply = await session.post("listening", turn_taking=turn_taking)
        assert reply.json()["turn_taking"] == turn_taking
        yield Talk(session, peer)


def said_after(seconds: float) -> Samples:
    """`SAID`, after a pause."""
    tape = Tape()
    tape.pause(seconds)
    tape.say(SAID)
    return tape.sound


async def test_back_channels_leave_an_answer_as_it_was(server: RunningServer, llm: FakeLlm) -> None:
    clips = [await spoken(server.url, text, voice) for text, voice in BACK_CHANNELS]
    assert all(said.end - said.begin < BACK_CHANNEL_SECONDS for said in clips)
    tape = Tape()
    tape.pause(LEAD_SECONDS)
    for said in clips:
        tape.say(said)
        tape.pause(BETWEEN_SECONDS)
    async with talking(server) as talk:
        before = await barge_ins(server.url)
        turn = await talk.answer()
        await talk.peer.say(tape.sound)
        await talk.goes_on(turn)
    became = await barge_ins(server.url) - before
    assert became["ducked"] == became["resumed"] >= 1, "they were heard"
    assert became["interrupted"] == 0


async def test_coughs_leave_an_answer_as_it_was(server: RunningServer, llm: FakeLlm) -> None:
    tape = Tape()
    tape.noise("voiced cough")
    tape.noise("cough")
    async with talking(server) as talk:
        before = await barge_ins(server.url)
        turn = await talk.answer()
        await talk.peer.say(tape.sound)
        await talk.goes_on(turn)
    became = await barge_ins(server.url) - before
    assert became["ducked"] == became["resumed"]
    assert became["interrupted"] == 0


@pytest.mark.parametrize("level_db", [-10.0, -20.0])
async def test_an_avatar_that_hears_itself_speaks_on_and_hears_others(
    server: RunningServer, llm: FakeLlm, level_db: float
) -> None:
    async with talking(server, loudspeaker=Loudspeaker(level_db)) as talk:
        before = await barge_ins(server.url)
        turn = await talk.answer()
        await talk.goes_on(turn)
        assert not await barge_ins(server.url) - before, "it hears nothing of itself"
        since = time.monotonic()
        await talk.peer.say(said_after(RINGS_SECONDS))
        await talk.is_answered(SAID, since)


async def test_push_to_talk_hears_what_is_said_while_the_button_is_held(
    server: RunningServer, llm: FakeLlm
) -> None:
    async with talking(server, "push_to_talk") as talk:
        turn = await talk.answer()
        await talk.peer.say(UNHEARD.pcm)
        assert "speech.ended" not in {event.name for event in talk.session.events}
        since = time.monotonic()
        await talk.button(is_down=True)
        assert (await talk.session.event("speech.ended", turn)).data["reason"] == "interrupted"
        await talk.peer.say(said_after(PRESSED_SECONDS))
        await talk.button(is_down=False)
        started = await talk.is_answered(SAID, since)
        await talk.peer.say(UNHEARD.pcm)
        ended = await talk.session.event("speech.ended", started.turn_id)
        assert ended.data["reason"] == "completed"
        await talk.is_answered(SAID, since)

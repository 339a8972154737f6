"""The chat model reads a question while it is still spoken; on virtual time."""

import asyncio
from collections.abc import Sequence

import pytest

from opentalking.core.conversation import Message
from opentalking.core.errors import ProviderError
from opentalking.engine.ear.ahead import READ_SECONDS
from opentalking.providers.fake import ScriptedModel
from tests.engine.harness import engine, virtual
from tests.engine.talker import Talker, Whispers, listening

QUESTION = "what about spain"
PARTIALS = ("what", "what about", "what about spain")


class Reader(ScriptedModel):
    """A model that reads ahead for `reads_seconds`."""

    def __init__(self, reads_seconds: float = 0.0, failure: Exception | None = None) -> None:
        super().__init__(lambda messages: "Fine.")
        self.read: list[tuple[Message, ...]] = []
        self.readings = self.most_readings = self.cancelled = 0
        self.began_at = self.ended_at = 0.0
        self._seconds = reads_seconds
        self._failure = failure

    async def read_ahead(self, messages: Sequence[Message]) -> None:
        self.read.append(tuple(messages))
        self.readings += 1
        self.began_at = asyncio.get_running_loop().time()
        self.most_readings = max(self.most_readings, self.readings)
        try:
            await asyncio.sleep(self._seconds)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.readings -= 1
            self.ended_at = asyncio.get_running_loop().time()
        if self._failure is not None:
            raise self._failure

    @property
    def words(self) -> list[str]:
        return [messages[-1].content for messages in self.read]


@virtual
async def test_what_is_being_said_is_read_with_the_conversation_before_it_is_asked() -> None:
    model, recogniser = Reader(), Whispers(QUESTION, partials=PARTIALS)
    async with engine(listening(chat_model=model, recogniser=recogniser)) as e:
        session, _, log = await e.create()
        async with Talker(e, session) as talker:
            await asyncio.sleep(1)
            await talker.say(1.5)
            await log.until("speech.ended")
            assert model.words[-1] == QUESTION
            assert set(model.words) <= set(PARTIALS)
            assert model.asked == [model.read[-1]], "the system prompt, too"
            model.read.clear()
            await talker.say(1.5)
            await log.until("speech.ended", count=2)
            roles = [message.role for message in model.read[-1]]
            assert roles == ["system", "user", "assistant", "user"]
            assert model.asked[-1] == model.read[-1]
        await e.delete(session)


@virtual
async def test_one_reading_at_a_time_and_the_answer_waits_for_it() -> None:
    model, recogniser = Reader(reads_seconds=2.0), Whispers(QUESTION, partials=PARTIALS)
    async with engine(listening(chat_model=model, recogniser=recogniser)) as e:
        session, _, log = await e.create()
        async with Talker(e, session) as talker:
            await asyncio.sleep(1)
            await talker.say(1.5)
            started = await log.until("speech.started")
            assert model.readings == 0
            assert started.text == QUESTION
            await log.until("speech.ended")
        assert model.most_readings == 1
        assert model.words[-1] != PARTIALS[0], "the latest words come next"
        assert model.cancelled == 0
        await e.delete(session)


@virtual
async def test_a_reading_that_takes_too_long_is_cancelled() -> None:
    model, recogniser = Reader(reads_seconds=1000), Whispers(QUESTION, partials=PARTIALS)
    async with engine(listening(chat_model=model, recogniser=recogniser)) as e:
        session, _, log = await e.create()
        async with Talker(e, session) as talker:
            await asyncio.sleep(1)
            await talker.say(1.5)
            await log.until("speech.started")
            assert model.ended_at - model.began_at == pytest.approx(READ_SECONDS)
            assert asyncio.get_running_loop().time() - model.ended_at < 0.1
            await log.until("speech.ended")
        assert model.cancelled == len(model.read) > 0
        await e.delete(session)


@pytest.mark.parametrize(
    "failure", [ProviderError("told to fail", stage="llm", provider="fake"), ValueError("a fault")]
)
def test_a_reading_that_fails_is_left_to_the_answer(failure: Exception) -> None:
    model, recogniser = Reader(failure=failure), Whispers(QUESTION, partials=PARTIALS)

    @virtual
    async def check() -> None:
        async with engine(listening(chat_model=model, recogniser=recogniser)) as e:
            session, _, log = await e.create()
            async with Talker(e, session) as talker:
                await asyncio.sleep(1)
                await talker.say(1.5)
                assert (await log.until("speech.ended")).reason == "completed"
            assert model.read
            assert not log.of("error")
            await e.delete(session)

    check()


@virtual
async def test_what_is_said_over_the_avatar_is_not_read_before_it_has_the_floor() -> None:
    model, recogniser = Reader(), Whispers("mm-hm", partials=["mm-hm"])
    async with engine(listening(chat_model=model, recogniser=recogniser)) as e:
        session, _, log = await e.create()
        async with Talker(e, session) as talker:
            turn = await e.speak(session, "one two three four five six seven eight nine ten")
            await log.until("speech.media_started", turn)
            await asyncio.sleep(1)
            await talker.say(0.5)
            await log.until("speech.ended", turn)
        assert not model.read
        await e.delete(session)

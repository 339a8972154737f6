"""Which recognitions are counted as failed: all that fail or are refused, and none that was given up."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

import pytest

from apps.unified.observability_figures import CODES
from opentalking.core.commands import Interrupt
from opentalking.core.conversation import Transcript
from opentalking.core.errors import OpenTalkingError, ProviderError, TooLarge, TooMany, Unavailable
from opentalking.core.media import Samples
from opentalking.engine.inbox import MAX_PENDING_ASIDE
from opentalking.providers.fake import ScriptedListener
from tests.engine.harness import Parts, engine, virtual
from tests.engine.talker import Observed
from tests.engine.test_hearing import SECOND, say


class Failing(ScriptedListener):
    """Hears the whole sound and raises `error`."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    async def transcribe(
        self, audio: AsyncIterator[Samples], language: str | None = None
    ) -> AsyncGenerator[Transcript, None]:
        async for _ in audio:
            pass
        raise self.error
        yield Transcript("", is_final=True)


@pytest.mark.parametrize("answer", [True, False])
@pytest.mark.parametrize(
    ("error", "code"),
    [
        (TooMany("too many utterances wait"), "too_many"),
        (Unavailable("it is being loaded"), "unavailable"),
        (TooLarge("too long"), "too_large"),
        (ZeroDivisionError(), "internal_error"),
        (ProviderError("broken", stage="stt", provider="local"), "stt_failed"),
    ],
)
@virtual
async def test_a_failure_is_counted_once_whatever_its_kind(error: Exception, code: str, answer: bool) -> None:
    observed = Observed()
    async with engine(Parts(recognisers={"local": Failing(error)}, observers=[observed])) as e:
        session, _, _ = await e.create()
        with pytest.raises(OpenTalkingError) as caught:
            await (await say(e, session, answer=answer)).whole()
        assert caught.value.code == code
        assert observed.failures == [("stt", code)]
        assert code in CODES, "else the metrics say `other`"
        await e.delete(session)


@virtual
async def test_one_too_many_at_once_is_counted() -> None:
    observed = Observed()
    async with engine(Parts(observers=[observed])) as e:
        session, _, _ = await e.create()
        running = [await say(e, session) for _ in range(MAX_PENDING_ASIDE)]
        with pytest.raises(TooMany):
            await (await say(e, session)).reply
        assert observed.failures == [("stt", "too_many")]
        await e.delete(session)
        await asyncio.gather(*(spoken.reply for spoken in running), return_exceptions=True)


@virtual
async def test_what_is_given_up_is_no_failure() -> None:
    observed = Observed()
    async with engine(Parts(observers=[observed])) as e:
        session, _, _ = await e.create()
        stopped, broken_off, lost = [await say(e, session, answer=False) for _ in range(3)]
        await broken_off.inlet.put(SECOND)
        await broken_off.inlet.aclose()
        await e.call(Interrupt(session_id=session, turn_id=stopped.turn_id))
        assert await (await say(e, session, answer=False)).whole() == "hello there"
        await e.delete(session)
        ends = await asyncio.gather(stopped.reply, broken_off.reply, lost.reply, return_exceptions=True)
        assert all(isinstance(end, OpenTalkingError) for end in ends)
        assert observed.failures == []

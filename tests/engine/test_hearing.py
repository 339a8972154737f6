"""Recognition within a session: its order among other commands, its events, its end; on virtual time."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress

import numpy as np
import pytest

from opentalking.core.commands import Recognised, StartRecognition, VoiceChoice
from opentalking.core.conversation import Transcript
from opentalking.core.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    OpenTalkingError,
    ProviderError,
    TooLarge,
    TooMany,
)
from opentalking.core.ids import new_id
from opentalking.core.media import Samples
from opentalking.core.ports import AudioInlet, StreamClosed
from opentalking.engine.config import EngineConfig
from opentalking.engine.hearing import TOO_LATE
from opentalking.engine.inbox import MAX_PENDING_ASIDE
from opentalking.providers.fake import ScriptedListener, ToneVoice
from opentalking.services.recognition import Listening
from tests.engine.harness import Engine, Parts, engine, virtual

RATE = 16_000
SECOND = np.ones(RATE, np.int16)


class Spoken:
    """Sound on its way to a session, and the recognition of it."""

    def __init__(self, e: Engine, session_id: str, *, answer: bool = True) -> None:
        self._engine = e
        self._session_id = session_id
        self._answer = answer
        self.turn_id = new_id()

    async def begin(self, provider: str | None = None, voice: VoiceChoice | None = None) -> None:
        bus = self._engine.tools.commands
        self.inlet: AudioInlet = await bus.open_audio(self._session_id, RATE)
        command = StartRecognition(
            session_id=self._session_id,
            turn_id=self.turn_id,
            stream_id=self.inlet.stream_id,
            stt_provider=provider,
            voice=voice or VoiceChoice(),
            answer=self._answer,
        )
        self.reply = asyncio.create_task(bus.call(command, 4000))
        await asyncio.sleep(0)

    async def whole(self, seconds: int = 1) -> str:
        for _ in range(seconds):
            await self.inlet.put(SECOND)
        await self.inlet.finish()
        return await self.words()

    async def words(self) -> str:
        reply = await self.reply
        assert isinstance(reply, Recognised)
        return reply.text


async def say(e: Engine, session_id: str, *, answer: bool = True, provider: str | None = None) -> Spoken:
    spoken = Spoken(e, session_id, answer=answer)
    await spoken.begin(provider)
    return spoken


@virtual
async def test_what_was_said_is_answered_as_a_chat_turn() -> None:
    voice = ToneVoice("local", voices=("tone", "bell"))
    async with engine(Parts(speakers={"local": voice})) as e:
        session, _, log = await e.create()
        spoken = Spoken(e, session)
        await spoken.begin(voice=VoiceChoice(voice="bell"))
        assert await spoken.whole() == "hello there"
        await log.until("speech.ended", spoken.turn_id)
        assert log.kinds(spoken.turn_id)[:4] == ["transcript", "speech.started", "status:thinking", "llm"]
        assert [(t.text, t.is_final) for t in log.of("transcript")] == [("hello there", True)]
        assert log.of("speech.started")[0].text == "hello there"
        assert log.of("assistant.message")[0].text == "You said: hello there."
        assert set(voice.voiced) == {"bell"}
        await e.delete(session)


@virtual
async def test_without_an_answer_no_turn_starts_and_a_running_one_goes_on() -> None:
    async with engine() as e:
        session, _, log = await e.create()
        turn = await e.speak(session, "one two three")
        assert await (await say(e, session, answer=False)).whole() == "hello there"
        [transcript] = log.of("transcript")
        assert (transcript.text, transcript.is_final, transcript.turn_id) == ("hello there", True, None)
        assert (await log.until("speech.ended", turn)).reason == "completed"
        assert len(log.of("speech.started")) == 1
        await e.delete(session)


@virtual
async def test_partial_transcripts_are_told_while_the_sound_still_comes() -> None:
    listener = ScriptedListener("hello there", partials=["hel", "hello"])
    async with engine(Parts(recognisers={"local": listener})) as e:
        session, _, log = await e.create()
        spoken = await say(e, session)
        await spoken.inlet.put(SECOND)
        await log.until("transcript", spoken.turn_id, count=2)
        assert await spoken.whole() == "hello there"
        told = [(t.text, t.is_final) for t in log.of("transcript", spoken.turn_id)]
        assert told == [("hel", False), ("hello", False), ("hello there", True)]
        await e.delete(session)


@pytest.mark.parametrize("partials", [(), ("h",)])
def test_nothing_said_starts_no_turn(partials: tuple[str, ...]) -> None:
    @virtual
    async def check() -> None:
        listener = ScriptedListener("  ", partials=partials)
        async with engine(Parts(recognisers={"local": listener})) as e:
            session, _, log = await e.create()
            assert await (await say(e, session)).whole() == ""
            await asyncio.sleep(1)
            assert not log.of("speech.started")
            finals = [t.text for t in log.of("transcript") if t.is_final]
            assert finals == [""] * len(partials), "a partial transcript is taken back, else nothing is said"
            await e.delete(session)

    check()


@virtual
async def test_an_interrupt_cancels_what_was_accepted_before_it_and_nothing_after() -> None:
    listener = ScriptedListener(delay_seconds=5)
    async with engine(Parts(recognisers={"local": listener})) as e:
        session, _, log = await e.create()
        before, plain = await say(e, session), await say(e, session, answer=False)
        for spoken in (before, plain):
            await spoken.inlet.put(SECOND)
            await spoken.inlet.finish()
        await asyncio.sleep(1)
        interrupt = asyncio.create_task(e.interrupt(session))
        after = await say(e, session)
        await interrupt
        assert asyncio.get_running_loop().time() < 2, "an interrupt waits for no recognition"
        for spoken in (before, plain):
            with pytest.raises(Conflict, match="interrupted"):
                await spoken.reply
        assert listener.cancelled == 2
        assert await after.whole() == "hello there"
        await log.until("speech.ended", after.turn_id)
        assert [x.turn_id for x in log.of("speech.started")] == [after.turn_id]
        await e.delete(session)


@virtual
async def test_an_interrupt_in_the_same_breath_keeps_the_turn_from_starting() -> None:
    async with engine() as e:
        session, _, log = await e.create()
        spoken = await say(e, session)
        await e.interrupt(session)
        with pytest.raises(Conflict, match="interrupted"):
            await spoken.reply
        assert await spoken.inlet.closed()
        assert not log.of("speech.started")
        await e.delete(session)


class SlowToStop(ScriptedListener):
    """A recogniser whose work takes 200 ms to stop, as that of a remote service does."""

    async def transcribe(
        self, audio: AsyncIterator[Samples], language: str | None = None
    ) -> AsyncGenerator[Transcript, None]:
        try:
            async with aclosing(super().transcribe(audio)) as transcripts:
                async for transcript in transcripts:
                    yield transcript
        finally:
            await asyncio.sleep(0.2)


@virtual
async def test_whoever_stops_a_recognition_that_is_just_ending_does_no_harm() -> None:
    async with engine(Parts(recognisers={"local": SlowToStop(delay_seconds=5)})) as e:
        session, _, log = await e.create()
        spoken = await say(e, session)
        await spoken.inlet.put(SECOND)
        await spoken.inlet.finish()
        await asyncio.sleep(1)
        await e.interrupt(session)
        await asyncio.sleep(0.01)
        await e.interrupt(session)
        turn = await e.chat(session, "hello")
        assert not spoken.reply.done(), "it is still ending"
        with pytest.raises(Conflict, match="interrupted"):
            await spoken.reply
        assert (await log.until("speech.ended", turn)).reason == "completed"
        await e.delete(session)
        assert (await log.until("session.terminated")).reason == "deleted"


@virtual
async def test_an_interrupt_that_names_a_turn_concerns_only_that_recognition() -> None:
    async with engine() as e:
        session, _, _ = await e.create()
        first, second = await say(e, session), await say(e, session)
        await e.interrupt(session, second.turn_id)
        with pytest.raises(Conflict):
            await second.reply
        assert await first.whole() == "hello there"
        await e.delete(session)


@virtual
async def test_a_later_turn_wins_over_a_recognition_that_is_not_done() -> None:
    async with engine() as e:
        session, _, log = await e.create()
        spoken, plain = await say(e, session), await say(e, session, answer=False)
        turn = await e.chat(session, "typed meanwhile")
        with pytest.raises(Conflict, match="interrupted"):
            await spoken.reply
        assert await plain.whole() == "hello there"
        await log.until("speech.ended", turn)
        assert [x.turn_id for x in log.of("speech.started")] == [turn]
        await e.delete(session)


@virtual
async def test_of_two_questions_the_later_one_is_answered_last_or_alone() -> None:
    async with engine() as e:
        session, _, log = await e.create()
        first, second = await say(e, session), await say(e, session)
        assert await second.whole() == "hello there"
        with pytest.raises(Conflict):
            await first.reply
        third, fourth = await say(e, session), await say(e, session)
        assert await third.whole() == "hello there"
        assert await fourth.whole() == "hello there"
        await log.until("speech.ended", fourth.turn_id)
        told = [(x.turn_id, x.reason) for x in log.of("speech.ended")]
        assert told == [
            (second.turn_id, "interrupted"),
            (third.turn_id, "interrupted"),
            (fourth.turn_id, "completed"),
        ]
        await e.delete(session)


@virtual
async def test_a_recogniser_that_fails_is_replaced_and_its_stand_in_hears_everything() -> None:
    broken, local = ScriptedListener(fails=True, name="cloud"), ScriptedListener(name="local")
    async with engine(Parts(recognisers={"cloud": broken, "local": local})) as e:
        session, _, _ = await e.create(stt_provider="cloud")
        assert await (await say(e, session)).whole(12) == "hello there"
        assert broken.heard == local.heard == [12 * RATE]
        assert await (await say(e, session, provider="dashscope")).whole() == "hello there"
        assert local.heard[1:] == [RATE]
        await e.delete(session)


@virtual
async def test_without_a_stand_in_the_failure_is_told() -> None:
    broken = ScriptedListener(fails=True, name="cloud")
    parts = Parts(
        recognisers={"cloud": broken, "local": ScriptedListener()}, config=EngineConfig(stt_fallback=None)
    )
    async with engine(parts) as e:
        session, _, log = await e.create()
        spoken = await say(e, session, provider="cloud")
        with pytest.raises(ProviderError, match="told to fail"):
            await spoken.whole()
        [told] = log.of("error")
        assert (told.code, told.turn_id) == ("stt_failed", spoken.turn_id)
        with pytest.raises(ProviderError, match="dashscope is not installed"):
            await (await say(e, session, provider="dashscope")).whole()
        await log.until("speech.ended", await e.chat(session, "it lives on"))
        await e.delete(session)


class Crashing(ScriptedListener):
    async def transcribe(
        self, audio: AsyncIterator[Samples], language: str | None = None
    ) -> AsyncGenerator[Transcript, None]:
        async for _ in audio:
            raise ZeroDivisionError
        yield Transcript("", is_final=True)


@virtual
async def test_a_recogniser_that_crashes_does_not_take_the_session_along() -> None:
    async with engine(Parts(recognisers={"local": Crashing()})) as e:
        session, _, log = await e.create()
        with pytest.raises(OpenTalkingError, match="the log has details"):
            await (await say(e, session)).whole()
        await log.until("speech.ended", await e.chat(session, "it lives on"))
        await e.delete(session)


@virtual
async def test_words_that_do_not_come_in_time_are_given_up() -> None:
    listener = ScriptedListener(delay_seconds=1000)
    async with engine(Parts(recognisers={"local": listener})) as e:
        session, _, _ = await e.create()
        spoken = await say(e, session)
        await asyncio.sleep(200)
        await spoken.inlet.put(SECOND)
        ended_at = asyncio.get_running_loop().time()
        with pytest.raises(ProviderError, match="within 50 s") as caught:
            await spoken.whole()
        assert caught.value.code == TOO_LATE
        assert asyncio.get_running_loop().time() - ended_at == pytest.approx(50, abs=0.1)
        assert listener.cancelled == 1
        await e.delete(session)


@virtual
async def test_sound_that_breaks_off_is_discarded() -> None:
    async with engine() as e:
        session, _, log = await e.create()
        spoken = await say(e, session)
        await spoken.inlet.put(SECOND)
        await spoken.inlet.aclose()
        with pytest.raises(Conflict, match="broke off"):
            await spoken.reply
        failing = await say(e, session)
        await failing.inlet.fail(InvalidInput("the rest cannot be decoded"))
        with pytest.raises(InvalidInput, match="cannot be decoded"):
            await failing.reply
        assert not log.of("transcript")
        assert not log.of("speech.started")
        await e.delete(session)


@virtual
async def test_an_utterance_is_bounded_and_so_is_their_number() -> None:
    async with engine() as e:
        session, _, _ = await e.create()
        endless = await say(e, session)
        with suppress(StreamClosed):
            for _ in range(700):
                await endless.inlet.put(SECOND)
        with pytest.raises(TooLarge, match="600 seconds"):
            await endless.reply
        many = [await say(e, session) for _ in range(5)]
        with pytest.raises(TooMany):
            await many[-1].reply
        await e.delete(session)
        for spoken in many[:-1]:
            with pytest.raises(NotFound):
                await spoken.reply


@virtual
async def test_a_refused_recognition_is_told_at_once_however_long_its_sound() -> None:
    async with engine(Parts(recognisers={"local": ScriptedListener(delay_seconds=60)})) as e:
        session, _, _ = await e.create()
        running = [await say(e, session) for _ in range(MAX_PENDING_ASIDE)]
        bus = e.tools.commands
        inlet = await bus.open_audio(session, RATE)
        command = StartRecognition(session_id=session, turn_id=new_id(), stream_id=inlet.stream_id)
        async with Listening(bus, inlet, command) as listening:
            with pytest.raises(TooMany):
                await listening.put(np.tile(SECOND, 20))
        assert asyncio.get_running_loop().time() < 1
        await e.delete(session)
        await asyncio.gather(*(spoken.reply for spoken in running), return_exceptions=True)


@virtual
async def test_listening_needs_a_session_that_can_talk_and_a_sound() -> None:
    async with engine(Parts(config=EngineConfig(connect_timeout_seconds=0))) as e:
        session, _, log = await e.create()
        lost = StartRecognition(session_id=session, turn_id=new_id(), stream_id="nothing", answer=True)
        with pytest.raises(NotFound):
            await e.call(lost)
        spoken = await say(e, session)
        # the session's use is counted while sound arrives
        for _ in range(40):
            await asyncio.sleep(60)
            await spoken.inlet.put(SECOND)
        assert not log.of("session.expired")
        assert await spoken.whole() == "hello there"
        await e.delete(session)

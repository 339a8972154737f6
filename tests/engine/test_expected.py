"""Sounds that were accepted and are still being read: what comes later takes effect on them, in order."""

import pytest

from opentalking.core.commands import ExpectSound, StartPlay
from opentalking.core.errors import Conflict
from opentalking.core.ids import new_id
from tests.engine.harness import Engine, engine, virtual
from tests.engine.test_hearing import RATE, SECOND, Spoken, say


async def expect(e: Engine, session_id: str, *, answer: bool = True) -> str:
    """Announce a sound that is still being read; the turn's id."""
    turn_id = new_id()
    command = ExpectSound(session_id=session_id, turn_id=turn_id, answer=answer)
    await e.tools.commands.send(command)
    return turn_id


async def play(e: Engine, session_id: str, turn_id: str) -> None:
    inlet = await e.tools.commands.open_audio(session_id, RATE)
    await inlet.put(SECOND)
    await inlet.finish()
    await e.call(StartPlay(session_id=session_id, turn_id=turn_id, stream_id=inlet.stream_id))


async def hear(e: Engine, session_id: str, turn_id: str, *, answer: bool = True) -> Spoken:
    spoken = Spoken(e, session_id, answer=answer)
    spoken.turn_id = turn_id
    await spoken.begin()
    return spoken


@virtual
async def test_an_interrupt_cancels_what_was_accepted_while_its_sound_is_still_being_read() -> None:
    async with engine() as e:
        session, _, log = await e.create()
        played, asked = await expect(e, session), await expect(e, session)
        plain = await expect(e, session, answer=False)
        await e.interrupt(session)
        later = await expect(e, session)
        with pytest.raises(Conflict, match="interrupted"):
            await play(e, session, played)
        for turn_id, answer in ((asked, True), (plain, False)):
            spoken = await hear(e, session, turn_id, answer=answer)
            with pytest.raises(Conflict, match="interrupted"):
                await spoken.reply
        await play(e, session, later)
        await log.until("speech.ended", later)
        assert [x.turn_id for x in log.of("speech.started")] == [later]
        await e.delete(session)


@virtual
async def test_an_interrupt_of_one_turn_leaves_other_sounds_that_are_being_read_alone() -> None:
    async with engine() as e:
        session, _, log = await e.create()
        mine, other = await expect(e, session), await expect(e, session)
        await e.interrupt(session, other)
        await play(e, session, mine)
        assert await log.until("speech.ended", mine)
        await e.delete(session)


@virtual
async def test_turns_begin_in_the_order_in_which_they_were_accepted_or_not_at_all() -> None:
    async with engine() as e:
        session, _, log = await e.create()
        played, plain = await expect(e, session), await expect(e, session, answer=False)
        spoken = await e.speak(session, "One.")
        with pytest.raises(Conflict, match="interrupted"):
            await play(e, session, played)
        assert await (await hear(e, session, plain, answer=False)).whole() == "hello there"
        assert (await log.until("speech.ended", spoken)).reason == "completed"
        assert [x.turn_id for x in log.of("speech.started")] == [spoken]
        await e.delete(session)


@virtual
async def test_an_answer_leaves_a_sound_alone_that_was_accepted_after_its_question() -> None:
    async with engine() as e:
        session, _, log = await e.create()
        question = await say(e, session)
        played = await expect(e, session)
        assert await question.whole() == "hello there"
        await play(e, session, played)
        assert (await log.until("speech.ended", question.turn_id)).reason == "interrupted"
        assert (await log.until("speech.ended", played)).reason == "completed"
        await e.delete(session)

import asyncio

from tests.engine.harness import engine, virtual


@virtual
async def test_turns_taken_over_before_their_first_step_leave_the_session_alive() -> None:
    async with engine() as e:
        session, _, log = await e.create()
        turns = await asyncio.gather(*(e.speak(session, f"number {n}.") for n in range(5)))
        ended = [(await log.until("speech.ended", turn)).reason for turn in turns]
        assert ended == ["interrupted"] * 4 + ["completed"]
        turn, _ = await asyncio.gather(e.speak(session, "never heard."), e.interrupt(session))
        assert (await log.until("speech.ended", turn)).reason == "interrupted"
        turn = await e.speak(session, "still here.")
        assert (await log.until("speech.ended", turn)).reason == "completed"
        await e.delete(session)

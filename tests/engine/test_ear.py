"""Listening to a microphone hands-free: from an utterance to the turn that answers it; on virtual time."""

import asyncio
from typing import Any

from opentalking.providers.fake import FakeTurnDetector
from tests.engine.harness import Parts, engine, virtual
from tests.engine.talker import NoEcho, Talker


def listening(**more: Any) -> Parts:
    return Parts(**{"turn_detector": FakeTurnDetector(), "echo_guard": NoEcho, **more})


@virtual
async def test_an_utterance_is_answered_as_a_chat_turn() -> None:
    async with engine(listening()) as e:
        session, _, log = await e.create()
        async with Talker(e, session) as talker:
            await asyncio.sleep(1)
            await talker.say(1.5)
            ended = await log.until("speech.ended")
            turn = ended.turn_id
            assert log.kinds(turn)[:5] == [
                "status:listening",
                "transcript",
                "speech.started",
                "status:thinking",
                "llm",
            ]
            assert log.of("assistant.message")[0].text == "You said: hello there."
            await asyncio.sleep(3)
        assert len(log.of("speech.started")) == 1
        await e.delete(session)

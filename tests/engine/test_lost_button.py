"""A button that nobody can release: its page is gone, with a real connection."""

from opentalking.core.commands import Answer, ConnectPeer, Listen, Listening
from opentalking.engine.config import EngineConfig
from opentalking.rtc.peer import RtcConfig
from tests.engine.harness import engine
from tests.engine.talker import Whispers, listening
from tests.support.microphone_peer import SpeakingClient


async def test_the_button_is_up_when_its_peer_is_lost() -> None:
    recogniser = Whispers()
    config = EngineConfig(rtc=RtcConfig(loopback=True))
    async with engine(listening(recogniser=recogniser, config=config)) as e:
        session, _, log = await e.create(turn_taking="push_to_talk")
        async with SpeakingClient(video=False) as page:
            reply = await e.call(ConnectPeer(session_id=session, sdp=await page.offer()))
            assert isinstance(reply, Answer)
            await page.accept(reply.sdp)
            await page.until(lambda: bool(page.sound), 15)
            pressed = await e.call(Listen(session_id=session, talking=True))
            assert pressed == Listening(turn_taking="push_to_talk", talking=True)
        started = await log.until("speech.started", seconds=15)
        assert started.text == recogniser.text
        assert await e.call(Listen(session_id=session)) == Listening(
            turn_taking="push_to_talk", talking=False
        )
        await e.delete(session)

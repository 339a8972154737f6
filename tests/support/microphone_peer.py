"""A client that speaks into its microphone and hears and sees the answer.

async with MicrophonePeer(server.url, session.id) as peer:
    await peer.say(question)
    await peer.until(lambda: peer.sound[-1].level > 500)
"""

from types import TracebackType
from typing import Self

import httpx
from aiortc.rtp import RtpPacket

from opentalking.audio.resample import resample
from opentalking.core.media import MEDIA_RATE, Samples
from opentalking.rtc.loudspeaker import Loudspeaker
from opentalking.rtc.speaking import Spoken, SpokenTrack
from tests.support.rtc_client import RtcClient

CONNECT_SECONDS = 30.0


class SpeakingClient(RtcClient):
    """An `RtcClient` whose microphone sends what it is told to say, in real time, and else silence.

    Beside a loudspeaker it hears what comes in, too.
    """

    def __init__(
        self, *, video: bool = True, keep_pictures: bool = False, loudspeaker: Loudspeaker | None = None
    ) -> None:
        self.track = SpokenTrack(loudspeaker.heard if loudspeaker else None)
        super().__init__(microphone=self.track, video=video, keep_pictures=keep_pictures)
        self._loudspeaker = loudspeaker
        if loudspeaker:
            self.watch_packets("audio", self._play)

    async def say(self, pcm: Samples, rate: int = 16_000) -> Spoken:
        """Say mono int16 sound; returns when its first and its last packet left (monotonic seconds)."""
        return await self.track.say(resample(pcm, rate, MEDIA_RATE))

    def mute(self, is_muted: bool) -> None:
        """Send no packets (True), or again."""
        self.track.is_muted = is_muted

    async def close(self) -> None:
        self.track.stop()
        await super().close()

    def _play(self, packet: RtpPacket) -> bool:
        if self._loudspeaker:
            self._loudspeaker.play(packet.payload)
        return True


class MicrophonePeer(SpeakingClient):
    """A speaking client of one session, connected on entry and closed on exit."""

    def __init__(
        self,
        url: str,
        session_id: str,
        *,
        video: bool = True,
        keep_pictures: bool = False,
        loudspeaker: Loudspeaker | None = None,
    ) -> None:
        super().__init__(video=video, keep_pictures=keep_pictures, loudspeaker=loudspeaker)
        self._offer_url = f"{url}/sessions/{session_id}/webrtc/offer"

    async def __aenter__(self) -> Self:
        try:
            async with httpx.AsyncClient(timeout=CONNECT_SECONDS) as http:
                body = {"sdp": await self.offer(), "type": "offer"}
                answer = await http.post(self._offer_url, json=body)
            assert answer.status_code == 200, answer.text
            await self.accept(answer.json()["sdp"])
            await self.until(lambda: bool(self.sound), CONNECT_SECONDS)
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

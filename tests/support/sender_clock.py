"""When the server meant each picture and sound to be played: on its one clock, by its sender reports."""

from typing import Any

from aiortc import RTCRtpReceiver
from aiortc.rtp import RtcpPacket, RtcpSrPacket

from tests.support.rtc_client import RtcClient

CLOCK_RATES = {"audio": 48_000, "video": 90_000}
_WRAP = 1 << 32


class SenderClock:
    """Follows the RTCP sender reports of a client's connection; make it before connecting."""

    def __init__(self, client: RtcClient) -> None:
        self._reports: dict[str, tuple[float, int]] = {}
        for transceiver in client.connection.getTransceivers():
            self._follow(transceiver.kind, transceiver.receiver)

    @property
    def known(self) -> bool:
        """Whether there was a report for sound and one for pictures."""
        return self._reports.keys() == CLOCK_RATES.keys()

    def seconds(self, kind: str, media_seconds: float) -> float:
        """The sender's time for a media time (that is, for an RTP timestamp) of "audio" or "video"."""
        moment, timestamp = self._reports[kind]
        rate = CLOCK_RATES[kind]
        ahead = (round(media_seconds * rate) - timestamp + _WRAP // 2) % _WRAP - _WRAP // 2
        return moment + ahead / rate

    def _follow(self, kind: str, receiver: RTCRtpReceiver) -> None:
        private: Any = receiver
        handle = private._handle_rtcp_packet

        async def follow(packet: RtcpPacket) -> None:
            if isinstance(packet, RtcpSrPacket):
                info = packet.sender_info
                self._reports[kind] = (info.ntp_timestamp / _WRAP, info.rtp_timestamp)
            await handle(packet)

        private._handle_rtcp_packet = follow

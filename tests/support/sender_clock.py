"""When the server meant each picture and sound to be played: on its one clock, by its sender reports."""

from typing import Any

from aiortc import RTCRtpReceiver
from aiortc.rtp import AnyRtcpPacket, RtcpSrPacket, RtpPacket

from tests.support.rtc_client import RtcClient

CLOCK_RATES = {"audio": 48_000, "video": 90_000}
_WRAP = 1 << 32


class SenderClock:
    """Follows the RTCP sender reports of a client's connection; make it before connecting."""

    def __init__(self, client: RtcClient) -> None:
        self._reports: dict[str, tuple[float, int]] = {}
        self._origins: dict[str, int] = {}
        for transceiver in client.connection.getTransceivers():
            self._follow(transceiver.kind, transceiver.receiver)

    @property
    def known(self) -> bool:
        """Whether there was a report for sound and one for pictures."""
        return self._reports.keys() == CLOCK_RATES.keys()

    def seconds(self, kind: str, media_seconds: float) -> float:
        """The sender's time for a media time of "audio" or "video", counted from the first packet."""
        moment, timestamp = self._reports[kind]
        rate = CLOCK_RATES[kind]
        since_report = self._origins[kind] + round(media_seconds * rate) - timestamp
        ahead = (since_report + _WRAP // 2) % _WRAP - _WRAP // 2
        return moment + ahead / rate

    def _follow(self, kind: str, receiver: RTCRtpReceiver) -> None:
        private: Any = receiver
        take_media, take_report = private._handle_rtp_packet, private._handle_rtcp_packet

        async def note_origin(packet: RtpPacket, arrival_time_ms: int) -> None:
            self._origins.setdefault(kind, packet.timestamp)
            await take_media(packet, arrival_time_ms=arrival_time_ms)

        async def note_report(packet: AnyRtcpPacket) -> None:
            if isinstance(packet, RtcpSrPacket):
                info = packet.sender_info
                self._reports[kind] = (info.ntp_timestamp / _WRAP, info.rtp_timestamp)
            await take_report(packet)

        private._handle_rtp_packet = note_origin
        private._handle_rtcp_packet = note_report

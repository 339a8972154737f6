"""A WebRTC client that keeps packets with their time of arrival, and may speak, for measurements.

It decodes nothing while it receives, so that measuring does not slow down what is measured.
"""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import av
import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from aiortc.rtp import RtpPacket

from opentalking.core.media import I420, Samples
from opentalking.rtc import aiortc_private
from opentalking.rtc.loudspeaker import Loudspeaker
from opentalking.rtc.opus import OpusDecoder
from opentalking.rtc.speaking import Spoken, SpokenTrack

CONNECT_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Arrived:
    """One RTP packet: arrival (monotonic seconds), RTP timestamp, marker bit, payload without descriptors."""

    at: float
    timestamp: int
    marker: bool
    payload: bytes


@dataclass(slots=True)
class Received:
    """What came so far, in order of arrival; empty unless the client keeps packets."""

    audio: list[Arrived] = field(default_factory=list)
    video: list[Arrived] = field(default_factory=list)

    def clear(self) -> None:
        """Forget what came."""
        self.audio.clear()
        self.video.clear()


class PacketClient:
    """Offers to receive H.264 and Opus; `keep` False only counts, as cheaply as possible.

    With `microphone` it offers to send sound, too, and then sends what it is told to `say`, else silence;
    with `echo_db` also what it receives, as a microphone beside a loudspeaker hears it, so much louder
    (below 0: quieter).
    """

    def __init__(self, *, keep: bool = True, microphone: bool = False, echo_db: float | None = None) -> None:
        self.received = Received()
        self.pictures = 0
        self._keep = keep
        self._changed = asyncio.Event()
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._ended = aiortc_private.own_tasks(self._connection)
        self._connection.on("connectionstatechange", self._changed.set)
        capabilities = RTCRtpReceiver.getCapabilities("video")
        known = capabilities.codecs if capabilities else []
        video = self._connection.addTransceiver("video", direction="recvonly")
        video.setCodecPreferences([c for c in known if c.mimeType.lower() in ("video/h264", "video/rtx")])
        self._loudspeaker = None if echo_db is None else Loudspeaker(echo_db)
        around = self._loudspeaker.heard if self._loudspeaker else None
        self._track = SpokenTrack(around) if microphone else None
        audio = self._connection.addTransceiver(
            self._track or "audio", direction="sendrecv" if microphone else "recvonly"
        )
        if microphone:
            aiortc_private.send_payloads(audio.sender)
        aiortc_private.watch_packets(video.receiver, self._on_video)
        aiortc_private.watch_packets(audio.receiver, self._on_audio)

    async def offer(self) -> str:
        """The offer with all candidates, loopback included."""
        for transceiver in self._connection.getTransceivers():
            aiortc_private.prepare_gathering(transceiver, loopback=True, port_range=None, timeout_seconds=5)
        await self._connection.setLocalDescription()
        return str(self._connection.localDescription.sdp)

    async def accept(self, answer_sdp: str) -> None:
        """Take the answer and wait for the connection; raises `TimeoutError`."""
        await self._connection.setRemoteDescription(RTCSessionDescription(answer_sdp, "answer"))
        async with asyncio.timeout(CONNECT_SECONDS):
            while self._connection.connectionState != "connected":
                self._changed.clear()
                await self._changed.wait()

    async def until_pictures(self, count: int, timeout_seconds: float = 15.0) -> None:
        """Wait until `count` whole pictures have come in all."""
        async with asyncio.timeout(timeout_seconds):
            while self.pictures < count:
                self._changed.clear()
                await self._changed.wait()

    async def say(self, pcm: Samples) -> Spoken:
        """Say mono int16 sound at 48 kHz in real time into the microphone; returns when it has left."""
        if self._track is None:
            raise ValueError("a client without a microphone")
        return await self._track.say(pcm)

    async def close(self) -> None:
        """Close the connection."""
        if self._track is not None:
            self._track.stop()
        await self._connection.close()
        await self._ended()

    def _on_audio(self, packet: RtpPacket) -> None:
        if self._loudspeaker:
            self._loudspeaker.play(packet.payload)
        if self._keep:
            arrived = Arrived(time.monotonic(), packet.timestamp, bool(packet.marker), packet.payload)
            self.received.audio.append(arrived)

    def _on_video(self, packet: RtpPacket) -> None:
        if self._keep and packet.payload:
            payload = aiortc_private.h264_payload(packet.payload)
            arrived = Arrived(time.monotonic(), packet.timestamp, bool(packet.marker), payload)
            self.received.video.append(arrived)
        if packet.marker:
            self.pictures += 1
            self._changed.set()


def decode_sound(packets: list[Arrived]) -> Iterator[tuple[Arrived, Samples]]:
    """Each packet with its 20 ms of sound (mono int16 at 48 kHz)."""
    decoder = OpusDecoder()
    for packet in packets:
        for sound in decoder.decode(packet.payload):
            yield packet, sound


def decode_pictures(packets: list[Arrived]) -> Iterator[tuple[Arrived, I420]]:
    """Each picture with the last of its packets; begins at the first key frame."""
    decoder = av.CodecContext.create("h264", "r")
    decoder.thread_count = 1  # more would hold pictures back
    data = b""
    for packet in packets:
        data += packet.payload
        if not packet.marker:
            continue
        try:
            for frame in decoder.decode(av.Packet(data)):
                yield packet, np.asarray(frame.to_ndarray(format="yuv420p"), np.uint8)
        except av.error.InvalidDataError:
            pass  # pictures before the first key frame
        data = b""

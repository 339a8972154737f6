"""A receive-only WebRTC client on plain aiortc that records what it sees and hears.

async with RtcClient() as client:
    peer = await Peer.answer(await client.offer(), ...)
    await client.accept(peer.answer_sdp)
    await client.until(lambda: len(client.pictures) > 25)
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, cast

import av
import numpy as np
from aiortc import (
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError, MediaStreamTrack
from aiortc.rtp import RtpPacket
from numpy.typing import NDArray

from opentalking.rtc.aiortc_private import own_tasks, prepare_gathering, send_payloads
from opentalking.rtc.speaking import SpokenTrack


@dataclass(frozen=True)
class Picture:
    """A decoded picture: arrival (monotonic seconds), media time (seconds), I420 if it was kept."""

    at: float
    media_seconds: float
    i420: NDArray[np.uint8] | None


@dataclass(frozen=True)
class Sound:
    """20 ms of decoded sound: arrival (monotonic seconds), media time (seconds), mono int16 at 48 kHz."""

    at: float
    media_seconds: float
    samples: NDArray[np.int16]

    @property
    def level(self) -> float:
        return float(np.sqrt(np.mean(np.square(self.samples.astype(np.float64)))))


class RtcClient:
    """Offers to receive video and sound; a `microphone` is sent, too (True: a silent one)."""

    def __init__(
        self,
        *,
        audio: bool = True,
        video: bool = True,
        video_codecs: tuple[str, ...] = ("h264", "vp8"),
        microphone: bool | MediaStreamTrack = False,
        data_channel: bool = False,
        keep_pictures: bool = True,
    ) -> None:
        self.pictures: list[Picture] = []
        self.sound: list[Sound] = []
        self.video_packets = 0
        self._last_sequence_number = 0
        self._keep_pictures = keep_pictures
        self._drop: Callable[[RtpPacket], bool] | None = None
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._tasks_ended = own_tasks(self.connection)
        self.connection.on("track", self._on_track)
        self.connection.on("connectionstatechange", self._changed.set)
        if data_channel:
            self.connection.createDataChannel("events")
        if video:
            transceiver = self.connection.addTransceiver("video", direction="recvonly")
            self._prefer(transceiver, video_codecs)
        if audio:
            source = AudioStreamTrack() if microphone is True else microphone or "audio"
            transceiver = self.connection.addTransceiver(
                source, direction="sendrecv" if microphone else "recvonly"
            )
            if isinstance(source, SpokenTrack):
                send_payloads(transceiver.sender)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def state(self) -> str:
        return self.connection.connectionState

    async def offer(self) -> str:
        """The offer with all candidates, loopback included."""
        for transceiver in self.connection.getTransceivers():
            prepare_gathering(transceiver, loopback=True, port_range=None, timeout_seconds=5)
        await self.connection.setLocalDescription()
        return self.connection.localDescription.sdp

    async def accept(self, answer_sdp: str) -> None:
        await self.connection.setRemoteDescription(RTCSessionDescription(answer_sdp, "answer"))

    async def until(self, condition: Callable[[], bool], timeout_seconds: float = 10.0) -> None:
        """Wait until `condition`, looked at whenever something arrives, holds."""
        async with asyncio.timeout(timeout_seconds):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.connection.close()
        await self._tasks_ended()

    async def request_key_frame(self) -> None:
        """Send a PLI for the video."""
        await cast(Any, self._receiver("video"))._send_rtcp_pli(self._video_source())

    async def report_missing(self, offset: int) -> None:
        """Send a NACK for the packet `offset` away from the last video packet."""
        missing = (self._last_sequence_number + offset) % 65536
        await cast(Any, self._receiver("video"))._send_rtcp_nack(self._video_source(), [missing])

    async def vanish(self) -> None:
        """Close the sockets without a goodbye, like a machine that loses its network."""
        for transceiver in self.connection.getTransceivers():
            await transceiver.receiver.transport.transport.stop()

    def _video_source(self) -> int:
        return self._receiver("video").getSynchronizationSources()[0].source

    def lose_video(self, drop: Callable[[RtpPacket], bool] | None) -> None:
        """Lose the incoming video packets for which `drop` is true (None: none)."""
        self._drop = drop

    def _receiver(self, kind: str) -> RTCRtpReceiver:
        return next(t.receiver for t in self.connection.getTransceivers() if t.kind == kind)

    def _prefer(self, transceiver: RTCRtpTransceiver, names: tuple[str, ...]) -> None:
        known = RTCRtpReceiver.getCapabilities("video")
        assert known is not None
        order = {f"video/{name}": place for place, name in enumerate((*names, "rtx"))}
        wanted = [codec for codec in known.codecs if codec.mimeType.lower() in order]
        transceiver.setCodecPreferences(sorted(wanted, key=lambda codec: order[codec.mimeType.lower()]))

    def _on_track(self, track: MediaStreamTrack) -> None:
        if track.kind == "video":
            self.watch_packets("video", self._take_video)
        record = self._record_picture if track.kind == "video" else self._record_sound
        self._tasks.append(asyncio.get_running_loop().create_task(self._pump(track, record)))

    def watch_packets(self, kind: str, take: Callable[[RtpPacket], bool]) -> None:
        """Show each incoming packet to `take` before it is decoded; those that it does not take are lost."""
        receiver = cast(Any, self._receiver(kind))
        handle = receiver._handle_rtp_packet

        async def watched(packet: RtpPacket, arrival_time_ms: int) -> None:
            if take(packet):
                await handle(packet, arrival_time_ms=arrival_time_ms)

        receiver._handle_rtp_packet = watched

    def _take_video(self, packet: RtpPacket) -> bool:
        if self._drop is not None and self._drop(packet):
            return False
        self.video_packets += 1
        self._last_sequence_number = packet.sequence_number
        self._changed.set()
        return True

    async def _pump(self, track: MediaStreamTrack, record: Callable[[Any], None]) -> None:
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            record(frame)
            self._changed.set()

    def _record_picture(self, frame: av.VideoFrame) -> None:
        kept = np.asarray(frame.to_ndarray(format="yuv420p"), np.uint8) if self._keep_pictures else None
        self.pictures.append(Picture(time.monotonic(), float(frame.time or 0.0), kept))

    def _record_sound(self, frame: av.AudioFrame) -> None:
        samples = np.asarray(frame.to_ndarray(), np.int16).reshape(-1, len(frame.layout.channels))[:, 0]
        self.sound.append(Sound(time.monotonic(), float(frame.time or 0.0), samples))

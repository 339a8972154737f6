"""One client's WebRTC connection: answers its offer and carries what the output sends."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from aiortc import (
    RTCConfiguration,
    RTCIceServer,
    RTCPeerConnection,
    RTCRtpSender,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.exceptions import InternalError, InvalidAccessError, InvalidStateError, OperationError

from opentalking.core.errors import InvalidInput, Unavailable
from opentalking.core.media import Samples
from opentalking.media.encoder import EncodedFrame, VideoCodec
from opentalking.rtc import aiortc_private
from opentalking.rtc.microphone import Microphone
from opentalking.rtc.offer import Offer, parse_offer
from opentalking.rtc.tracks import AudioTrack, VideoTrack

logger = logging.getLogger(__name__)

_CLOSE_SECONDS = 2.0
_NEGOTIATION_SLACK_SECONDS = 5.0
# What aiortc runs into when a text that parses still makes no sense.
_OFFER_ERRORS = (
    ValueError,
    AssertionError,
    LookupError,
    AttributeError,
    TypeError,
    InternalError,
    InvalidAccessError,
    InvalidStateError,
    OperationError,
)


@dataclass(frozen=True)
class IceServer:
    """A STUN or TURN server, e.g. `("turn:turn.example:3478?transport=udp",)`."""

    urls: tuple[str, ...]
    username: str | None = None
    credential: str | None = None


@dataclass(frozen=True)
class RtcConfig:
    """How connections are made.

    `port_range` is inclusive (None: any port). `loopback` adds 127.0.0.1 to the addresses offered:
    for servers that listen on loopback and for tests. Without `ice_servers` no outside service is asked.
    """

    ice_servers: tuple[IceServer, ...] = ()
    port_range: tuple[int, int] | None = None
    loopback: bool = False
    gather_timeout_seconds: float = 5.0
    connect_timeout_seconds: float = 30.0


class Peer:
    """A peer connection made by `answer`; a `MediaSink` until `close`.

    States reported: "connecting", "connected", then "failed" (never connected in time) or "closed":
    the client said goodbye, or has not answered for 10 s. Nothing is reported after `close`.
    """

    def __init__(
        self,
        offer: Offer,
        config: RtcConfig,
        on_state: Callable[[str], None],
        on_key_frame_request: Callable[[], None],
        on_sound: Callable[[Samples], None] | None = None,
    ) -> None:
        self.answer_sdp = ""
        self._offer, self._config, self._on_state = offer, config, on_state
        self._on_key_frame_request = on_key_frame_request
        self._audio = AudioTrack() if offer.voice else None
        codec = offer.video_codec
        self._video = VideoTrack(codec, self._request_key_frame) if codec else None
        self._microphone = Microphone(on_sound) if on_sound and offer.microphone else None
        self._state = "new"
        self._settled = asyncio.Event()
        self._connect_timer: asyncio.TimerHandle | None = None
        self._closing: asyncio.Task[None] | None = None
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=_ice_servers(config)))
        self._tasks_ended = aiortc_private.own_tasks(self._connection)

    @classmethod
    async def answer(
        cls,
        sdp: str,
        config: RtcConfig,
        on_state: Callable[[str], None],
        on_key_frame_request: Callable[[], None],
        on_sound: Callable[[Samples], None] | None = None,
    ) -> "Peer":
        """Answer an offer; `answer_sdp` then holds all candidates.

        `on_sound` gets what the client's microphone hears, if it offers one, as `Microphone` says; without it
        none is accepted. Callbacks run on the event loop and must not block. Raises `InvalidInput` for a
        malformed offer or one with neither audio nor video that we can send, `Unavailable` when no address
        could be gathered.
        """
        offer = parse_offer(sdp, listens=on_sound is not None)
        peer = cls(offer, config, on_state, on_key_frame_request, on_sound)
        try:
            await peer._negotiate()
        except BaseException:
            await peer.close()
            raise
        return peer

    @property
    def codec(self) -> VideoCodec | None:
        """The negotiated video codec, None for sound only."""
        return self._offer.video_codec

    @property
    def connected(self) -> bool:
        """Whether media can flow now."""
        return self._state == "connected" and self._closing is None

    def send_audio(self, payload: bytes, pts: int) -> None:
        """Send one Opus packet (20 ms), `pts` in 48 kHz units; discarded while not connected."""
        if self._audio is not None:
            self._audio.push(payload, pts)

    def send_video(self, frame: EncodedFrame, pts: int) -> None:
        """Send one picture, `pts` in 90 kHz units; discarded while not connected."""
        if self._video is not None:
            self._video.push(frame, pts)

    async def wait_connected(self, timeout_seconds: float) -> bool:
        """Wait until the connection stands or has failed; returns whether it stands."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._settled.wait()
        except TimeoutError:
            return False
        return self.connected

    async def close(self) -> None:
        """Close the connection within 2 s; may be called again and from several tasks."""
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close())
        await asyncio.shield(self._closing)

    # -- negotiation

    async def _negotiate(self) -> None:
        connection = self._connection
        transceivers = self._add_tracks()
        connection.on("connectionstatechange", self._state_changed)
        limit_seconds = self._config.gather_timeout_seconds + _NEGOTIATION_SLACK_SECONDS
        try:
            async with asyncio.timeout(limit_seconds):
                await self._take_offer()
                for transceiver in transceivers:
                    self._prepare_gathering(transceiver)
                await connection.setLocalDescription()
        except TimeoutError as error:
            raise Unavailable("no network address could be gathered in time") from error
        for section, transceiver in zip(self._offer.accepted, transceivers, strict=True):
            if self._microphone is not None and section is self._offer.microphone:
                aiortc_private.hear_packets(transceiver.receiver, self._microphone.take)
            else:
                aiortc_private.ignore_incoming(transceiver)
        answer = connection.localDescription.sdp
        if "a=candidate:" not in answer:
            raise Unavailable("no network address to offer (port range used up?)")
        self.answer_sdp = self._offer.complete_answer(answer)
        self._connect_timer = asyncio.get_running_loop().call_later(
            self._config.connect_timeout_seconds, self._connect_timed_out
        )

    async def _take_offer(self) -> None:
        offer = RTCSessionDescription(self._offer.for_aiortc(), "offer")
        try:
            await self._connection.setRemoteDescription(offer)
        except _OFFER_ERRORS as error:
            raise InvalidInput(f"the SDP offer cannot be answered: {error}") from error

    def _add_tracks(self) -> list[RTCRtpTransceiver]:
        """One for each accepted section, in their order.

        Tracks and codec preferences come before the remote description, or they are ignored.
        """
        transceivers = []
        for section in self._offer.accepted:
            voice = self._audio if section is self._offer.voice else None
            track = self._video if section.kind == "video" else voice
            direction = self._offer.direction_of(section)
            transceiver = self._connection.addTransceiver(track or section.kind, direction=direction)
            if track is not None:
                aiortc_private.send_payloads(transceiver.sender)
                aiortc_private.on_key_frame_request(transceiver.sender, self._request_key_frame)
            self._prefer_codecs(transceiver)
            transceivers.append(transceiver)
        return transceivers

    def _prefer_codecs(self, transceiver: RTCRtpTransceiver) -> None:
        wanted = "opus" if transceiver.kind == "audio" else self._offer.video_codec
        names = {f"{transceiver.kind}/{wanted}", "video/rtx"}
        known = RTCRtpSender.getCapabilities(transceiver.kind).codecs
        usable = [codec for codec in known if codec.mimeType.lower() in names]
        # What we send is constrained baseline; some decoders take plain baseline for something else.
        usable.sort(key=lambda codec: codec.parameters.get("profile-level-id") != "42e01f")
        transceiver.setCodecPreferences(usable)

    def _prepare_gathering(self, transceiver: RTCRtpTransceiver) -> None:
        aiortc_private.prepare_gathering(
            transceiver,
            loopback=self._config.loopback,
            port_range=self._config.port_range,
            timeout_seconds=self._config.gather_timeout_seconds,
        )

    # -- life

    def _request_key_frame(self) -> None:
        if self._closing is None:
            self._on_key_frame_request()

    def _state_changed(self) -> None:
        self._report(self._connection.connectionState)

    def _connect_timed_out(self) -> None:
        if self._state not in ("connected", "failed", "closed"):
            self._report("failed")

    def _report(self, state: str) -> None:
        if self._closing is not None or state == self._state or self._state in ("failed", "closed"):
            return
        self._state = state
        if state in ("connected", "failed", "closed"):
            self._cancel_timer()
            self._settled.set()
        self._on_state(state)

    def _cancel_timer(self) -> None:
        if self._connect_timer is not None:
            self._connect_timer.cancel()
            self._connect_timer = None

    async def _close(self) -> None:
        self._cancel_timer()
        if self._microphone is not None:
            self._microphone.close()
        self._settled.set()
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._connection.close()
                await self._tasks_ended()
        except TimeoutError:
            logger.warning("a peer connection did not close within %s s", _CLOSE_SECONDS)
        for track in (self._audio, self._video):
            if track is not None:
                track.stop()


def _ice_servers(config: RtcConfig) -> list[RTCIceServer]:
    return [
        RTCIceServer(urls=list(server.urls), username=server.username, credential=server.credential)
        for server in config.ice_servers
    ]

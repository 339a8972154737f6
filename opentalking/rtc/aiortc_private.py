"""Everything that reaches into aiortc and aioice beyond their documented interface.

Written against aiortc 1.16 and aioice 0.13; other versions are refused at import, because
a renamed private attribute would fail silently (no key frames after loss, no loopback).
"""

import asyncio
import ipaddress
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from importlib.metadata import version
from typing import Any, cast

import aioice.ice
import aiortc.clock
from aioice.candidate import Candidate, candidate_foundation, candidate_priority
from aiortc import RTCPeerConnection, RTCRtpReceiver, RTCRtpSender, RTCRtpTransceiver
from aiortc.codecs import CODECS
from aiortc.codecs.h264 import H264PayloadDescriptor
from aiortc.exceptions import InvalidStateError
from aiortc.rtcpeerconnection import find_common_codecs
from aiortc.rtcrtpreceiver import StreamStatistics
from aiortc.rtp import RTP_HISTORY_SIZE, RtpPacket
from aiortc.sdp import MediaDescription

from opentalking.rtc.tracks import Outgoing

_WRITTEN_FOR = {"aiortc": "1.16.", "aioice": "0.13."}
for _package, _prefix in _WRITTEN_FOR.items():
    if not version(_package).startswith(_prefix):
        raise ImportError(f"{_package} {version(_package)} found, {_prefix}* needed by {__name__}")

LOOPBACK = "127.0.0.1"
_MOST_SOURCES = 4
"""A receiver report has room for 31, and a client that never repeats one must not fill the memory."""

# A client that vanishes without a goodbye is noticed after 4 unanswered checks, 10-12 s, instead of
# aioice's 30 s; the session then still waits for a reconnect.
aioice.ice.CONSENT_FAILURES = 4
aioice.ice.CONSENT_INTERVAL = 2


class _Passthrough:
    """Stands where aiortc keeps its encoder: our tracks deliver RTP payloads already.

    It has no `target_bitrate`, so bandwidth estimates (REMB) do not touch our encoders.
    """

    def pack(self, outgoing: Outgoing) -> Outgoing:
        return outgoing


def own_tasks(connection: RTCPeerConnection) -> Callable[[], Awaitable[None]]:
    """Keep hold of the tasks (ICE, DTLS, closing) that aiortc starts and forgets.

    Call before any description is set; await the result after `close` to see them end.
    """
    private = cast(Any, connection)
    connect = private._RTCPeerConnection__connect
    running: set[asyncio.Task[Any]] = set()

    async def connect_tracked() -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101
        running.add(task)
        try:
            # Raised when the connection is closed between two of its transports.
            with suppress(InvalidStateError):
                await connect()
        finally:
            running.discard(task)

    async def ended() -> None:
        closing = private._RTCPeerConnection__closeTask  # started when the other side closed first
        await asyncio.gather(*running, *filter(None, [closing]), return_exceptions=True)

    private._RTCPeerConnection__connect = connect_tracked
    return ended


def send_payloads(sender: RTCRtpSender) -> None:
    """Make a sender take `Outgoing` values from its track instead of frames or packets."""
    cast(Any, sender)._RTCRtpSender__encoder = _Passthrough()


def on_key_frame_request(sender: RTCRtpSender, callback: Callable[[], None]) -> None:
    """Call back on PLI, FIR, and a NACK for a packet that is no longer in the history.

    Without the latter a browser repeats its NACK for seconds before it sends a PLI.
    """
    private = cast(Any, sender)
    retransmit = private._retransmit

    async def retransmit_or_refresh(sequence_number: int) -> None:
        packet = private._RTCRtpSender__rtp_history.get(sequence_number % RTP_HISTORY_SIZE)
        if packet is None or packet.sequence_number != sequence_number:
            callback()
        else:
            await retransmit(sequence_number)

    private._send_keyframe = callback
    private._retransmit = retransmit_or_refresh


def ignore_incoming(transceiver: RTCRtpTransceiver) -> None:
    """Discard received packets before decoding; call after the local description is set."""
    transceiver.receiver._enabled = False


def common_codec_names(section: MediaDescription) -> set[str]:
    """Names ("opus", "h264", "vp8") of the section's codecs that aiortc could negotiate."""
    common = find_common_codecs(CODECS[section.kind], section.rtp.codecs)
    return {codec.name.lower() for codec in common}


def prepare_gathering(
    transceiver: RTCRtpTransceiver,
    *,
    loopback: bool,
    port_range: tuple[int, int] | None,
    timeout_seconds: float,
) -> None:
    """Let a transceiver's ICE agent also use 127.0.0.1, bind within a port range, and not wait long."""
    connection = cast(Any, transceiver.sender.transport.transport.iceGatherer._connection)
    if "get_component_candidates" in vars(connection):
        return  # bundled transceivers share one agent
    gather = connection.get_component_candidates

    async def gather_as_configured(component: int, addresses: list[str]) -> list[Candidate]:
        if loopback and LOOPBACK not in addresses:
            addresses = [*addresses, LOOPBACK]
        if port_range is None:
            return list(await gather(component, addresses, timeout_seconds))
        own = await _bind_in_range(connection, component, addresses, port_range)
        reflexive = await _reflexive(connection, timeout_seconds)
        # Without addresses the original adds the relayed candidates only.
        return own + reflexive + list(await gather(component, [], timeout_seconds))

    connection.get_component_candidates = gather_as_configured


async def _bind_in_range(
    connection: aioice.ice.Connection, component: int, addresses: list[str], port_range: tuple[int, int]
) -> list[Candidate]:
    candidates = []
    for address in addresses:
        protocol = await _bind(connection, address, port_range)
        if protocol is None:
            continue
        host, port = protocol.transport.get_extra_info("sockname")[:2]
        protocol.local_candidate = Candidate(
            foundation=candidate_foundation("host", "udp", host),
            component=component,
            transport="udp",
            priority=candidate_priority(component, "host"),
            host=host,
            port=port,
            type="host",
        )
        connection._protocols.append(protocol)
        candidates.append(protocol.local_candidate)
    return candidates


async def _bind(
    connection: aioice.ice.Connection, address: str, port_range: tuple[int, int]
) -> aioice.ice.StunProtocol | None:
    loop = asyncio.get_running_loop()
    ports = list(range(port_range[0], port_range[1] + 1))
    random.shuffle(ports)
    for port in ports:
        try:
            _, protocol = await loop.create_datagram_endpoint(
                lambda: aioice.ice.StunProtocol(connection), local_addr=(address, port)
            )
        except OSError:
            continue
        return protocol
    return None


async def _reflexive(connection: aioice.ice.Connection, timeout_seconds: float) -> list[Candidate]:
    if connection.stun_server is None:
        return []
    queries = [
        asyncio.create_task(aioice.ice.server_reflexive_candidate(protocol, connection.stun_server))
        for protocol in connection._protocols
        if ipaddress.ip_address(protocol.local_candidate.host).version == 4
    ]
    if not queries:
        return []
    done, pending = await asyncio.wait(queries, timeout=timeout_seconds)
    for query in pending:
        query.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    return [query.result()[0] for query in done if query.exception() is None]


def watch_packets(receiver: RTCRtpReceiver, callback: Callable[[RtpPacket], None]) -> None:
    """Hand every RTP packet of a receiver to `callback` instead of decoding it."""

    async def watched(packet: RtpPacket, arrival_time_ms: int) -> None:
        callback(packet)

    cast(Any, receiver)._handle_rtp_packet = watched


def hear_packets(receiver: RTCRtpReceiver, callback: Callable[[RtpPacket], None]) -> None:
    """Hand the Opus packets of a receiver to `callback`, past aiortc's jitter buffer and decoder thread.

    Its statistics go on, so receiver reports are sent. Other payload types and a fifth source are ignored.
    """
    private = cast(Any, receiver)

    async def heard(packet: RtpPacket, arrival_time_ms: int) -> None:
        codec = private._RTCRtpReceiver__codecs.get(packet.payload_type)
        if codec is None or codec.name.lower() != "opus":
            return
        streams = private._RTCRtpReceiver__remote_streams
        if packet.ssrc not in streams:
            if len(streams) >= _MOST_SOURCES:
                return
            streams[packet.ssrc] = StreamStatistics(codec.clockRate)
        streams[packet.ssrc].add(packet)
        private._RTCRtpReceiver__active_ssrc[packet.ssrc] = aiortc.clock.current_datetime()
        callback(packet)

    private._handle_rtp_packet = heard


def h264_payload(payload: bytes) -> bytes:
    """The H.264 byte stream in an RTP payload."""
    _, data = H264PayloadDescriptor.parse(payload)
    return bytes(data)

"""Tracks that hand the clock's packets to aiortc's senders; they hold next to nothing."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from opentalking.media.encoder import EncodedFrame, VideoCodec
from opentalking.rtc.packets import payloads

_MAX_WAITING_PICTURES = 4


class Outgoing(NamedTuple):
    """RTP payloads of one time stamp (in the track's RTP clock)."""

    payloads: list[bytes]
    timestamp: int


class PushTrack(MediaStreamTrack):
    """A track whose `recv` waits for what was pushed; what comes before the first `recv` is dropped."""

    def __init__(self) -> None:
        super().__init__()
        self.started = False
        self._outgoing: deque[Outgoing] = deque()
        self._waiter: asyncio.Future[None] | None = None

    async def recv(self) -> Outgoing:  # type: ignore[override]
        """The next packets; raises `MediaStreamError` only after `stop`."""
        if not self.started:
            self.started = True
            self._on_start()
        while not self._outgoing:
            if self.readyState != "live":
                raise MediaStreamError
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._outgoing.popleft()

    def stop(self) -> None:
        """End the track and release the sender."""
        super().stop()
        self._outgoing.clear()
        self._release()

    def _on_start(self) -> None:
        """The sender asks for the first time."""

    def _push(self, outgoing: Outgoing) -> None:
        self._outgoing.append(outgoing)
        self._release()

    def _release(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class AudioTrack(PushTrack):
    """Holds one packet: when the sender is slow, old sound is dropped, so silence is never late."""

    kind = "audio"

    def push(self, payload: bytes, pts: int) -> None:
        """Offer one packet."""
        if self.started and self.readyState == "live":
            self._outgoing.clear()
            self._push(Outgoing([payload], pts))


class VideoTrack(PushTrack):
    """Pictures depend on each other: after an overflow nothing leaves until the next key frame."""

    kind = "video"

    def __init__(self, codec: VideoCodec, request_key_frame: Callable[[], None]) -> None:
        super().__init__()
        self._codec = codec
        self._request_key_frame = request_key_frame
        self._needs_key = True

    def push(self, frame: EncodedFrame, pts: int) -> None:
        """Offer one picture."""
        if not self.started or self.readyState != "live":
            return
        if len(self._outgoing) >= _MAX_WAITING_PICTURES:
            self._outgoing.clear()
            self._needs_key = True
        if self._needs_key and not frame.key:
            self._request_key_frame()
            return
        self._needs_key = False
        self._push(Outgoing(payloads(frame, self._codec), pts))

    def _on_start(self) -> None:
        self._request_key_frame()

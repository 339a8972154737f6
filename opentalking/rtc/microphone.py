"""The client's microphone: RTP packets of Opus to sound for the recogniser, on the event loop."""

import asyncio
import logging
from collections.abc import Callable

from aiortc.rtp import RtpPacket

from opentalking.core.media import PACKET_SECONDS, Samples
from opentalking.rtc.reorder import ReorderBuffer
from opentalking.rtc.voice_line import VoiceLine

logger = logging.getLogger(__name__)

_AWAY_SECONDS = 0.1
"""Without a packet for so long the microphone is taken to be silent."""
_SOURCE_GONE_SECONDS = 0.2


class Microphone:
    """Gives `on_sound` mono int16 pieces of 320 samples at 16 kHz, in order, one each 20 ms.

    Their number is time: what was lost is concealed or silent, also while no packets come (muted,
    discontinuous transmission), for at most 1 s. A packet waits at most 60 ms for an earlier one. One source
    (SSRC) is heard at a time. If `on_sound` raises, that is logged and nothing more is heard; media go on.
    """

    def __init__(self, on_sound: Callable[[Samples], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._order = ReorderBuffer()
        self._voice = VoiceLine(on_sound)
        self._source: int | None = None
        self._last_at = 0.0
        self._timer: asyncio.Handle | None = None
        self._wakes_at = 0.0
        self._is_closed = False

    def take(self, packet: RtpPacket) -> None:
        """One RTP packet of Opus as it arrives; never raises."""
        if self._is_closed:
            return
        now = self._loop.time()
        if packet.ssrc != self._source:
            if self._source is not None and now - self._last_at < _SOURCE_GONE_SECONDS:
                return
            self._source = packet.ssrc
            self._order.clear()
        self._last_at = now
        if self._order.put(packet, now):
            self._voice.begin()
        self._go_on(now)

    def close(self) -> None:
        """Hear nothing more."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _go_on(self, now: float) -> None:
        """Give what is due, and come back when something may be due without a packet."""
        try:
            while (ordered := self._order.pop(now)) is not None:
                self._voice.take(ordered, now)
            away_at = self._last_at + _AWAY_SECONDS
            if now >= away_at:
                if not self._voice.stay_away(now - self._last_at - PACKET_SECONDS):
                    return
                away_at = now + PACKET_SECONDS
        except Exception:
            # The connection must outlive a fault of whoever listens: aiortc would end it.
            logger.exception("listening failed, the microphone is heard no more")
            self.close()
            return
        self._wake_at(min(away_at, self._order.deadline))

    def _wake_at(self, when: float) -> None:
        if self._is_closed or (self._timer is not None and self._wakes_at <= when):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._wakes_at = when
        # The handle cannot tell: uvloop gives one without `when` for a time that has passed.
        self._timer = self._loop.call_at(when, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._go_on(self._loop.time())

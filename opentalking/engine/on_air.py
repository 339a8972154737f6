"""A session's output, its peers, and the clock that drives them."""

from collections.abc import Awaitable, Callable

from opentalking.core.commands import Answer
from opentalking.core.media import Samples
from opentalking.core.providers import Face
from opentalking.engine.config import EngineConfig, Toolbox
from opentalking.engine.peers import PeerSlot, Spawn
from opentalking.media.idle import IdleLoop
from opentalking.media.output import MediaOutput, OutputListener, OutputTap


class OnAir:
    """Ticks the output while somebody is there, a turn runs or a recording does; idle, it costs nothing.

    `on_peer` is told on the loop when the peer comes and when it is lost; `on_sound` hears its microphone
    (mono int16, 16 kHz, 320 samples each 20 ms) and must not block. Without it no microphone is accepted.
    """

    def __init__(
        self,
        listener: OutputListener,
        toolbox: Toolbox,
        config: EngineConfig,
        spawn: Spawn,
        on_peer: Callable[[bool], None],
        on_sound: Callable[[Samples], None] | None = None,
    ) -> None:
        self.output = MediaOutput(
            listener, toolbox.encode_pool, video_bitrate=config.video_bitrate, totals=toolbox.output_totals
        )
        self._ticker = toolbox.ticker
        self._peers = PeerSlot(
            self.output, toolbox.idle_cache, config.rtc, spawn, self._peer_changed, on_sound
        )
        self._on_peer = on_peer
        self._is_speaking = self._has_peer = self._is_recorded = False

    async def connect(self, sdp: str, find_face: Callable[[], Awaitable[Face]]) -> Answer:
        """Answer an offer once there is a face; raises `InvalidInput`."""
        face = await find_face()
        return Answer(sdp=await self._peers.answer(sdp, face))

    def speaking(self, is_speaking: bool) -> None:
        """A turn begins, or has ended."""
        self._is_speaking = is_speaking
        self._keep_clock()

    def record(self, tap: OutputTap | None, idle: IdleLoop | None = None) -> None:
        """Let `tap` see and hear what goes out, with or without a peer; None ends it."""
        self._is_recorded = tap is not None
        self.output.record(tap, idle)
        self._keep_clock()

    async def aclose(self) -> None:
        """Close the peers, which from the call on count no more, and the output, however long they take."""
        try:
            await self._peers.close()
        finally:
            self._ticker.remove(self.output)
            await self.output.aclose()

    def _peer_changed(self, connected: bool) -> None:
        self._has_peer = connected
        self._keep_clock()
        self._on_peer(connected)

    def _keep_clock(self) -> None:
        if self._is_speaking or self._has_peer or self._is_recorded:
            self._ticker.add(self.output)
        else:
            self._ticker.remove(self.output)

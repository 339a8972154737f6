"""The peer of a session: one at a time, replaced by a later offer, missed when it goes."""

import asyncio
from collections.abc import Callable, Coroutine

import structlog

from opentalking.core.providers import Face
from opentalking.media.idle import IdleCache
from opentalking.media.output import MediaOutput
from opentalking.rtc.peer import Peer, RtcConfig

log = structlog.get_logger(__name__)

Spawn = Callable[[Coroutine[None, None, None]], object]


class PeerSlot:
    """Answers offers one after another and hands the connected peer to the output.

    `on_connected` and `on_lost` are called on the loop; an answered peer that never connects
    is closed by its own time limit and changes nothing.
    """

    def __init__(
        self,
        output: MediaOutput,
        idle_cache: IdleCache,
        config: RtcConfig,
        spawn: Spawn,
        on_change: Callable[[bool], None],
    ) -> None:
        self._output = output
        self._idle_cache = idle_cache
        self._config = config
        self._spawn = spawn
        self._on_change = on_change
        self._lock = asyncio.Lock()
        self._current: Peer | None = None
        self._pending: Peer | None = None
        self._closed = False

    async def answer(self, sdp: str, face: Face) -> str:
        """Answer an offer; raises `InvalidInput`. An earlier answer that did not connect is dropped."""
        async with self._lock:
            peer = await Peer.answer(sdp, self._config, self._on_state, self._output.request_key_frame)
            try:
                if peer.codec is not None:
                    await self._idle_cache.get(face.idle_key, peer.codec, face.idle_frames)
            except BaseException:
                await peer.close()
                raise
            stale, self._pending = self._pending, peer
            if stale is not None:
                await stale.close()
            self._spawn(self._join(peer, face))
            return peer.answer_sdp

    async def close(self) -> None:
        """Close whatever is open; nothing is reported any more."""
        self._closed = True
        self._output.detach()
        peers = [peer for peer in (self._current, self._pending) if peer is not None]
        self._current = self._pending = None
        await asyncio.gather(*(peer.close() for peer in peers))

    async def _join(self, peer: Peer, face: Face) -> None:
        if not await peer.wait_connected(self._config.connect_timeout_seconds):
            log.info("peer never connected")
            if self._pending is peer:
                self._pending = None
            await peer.close()
            return
        if self._closed or self._pending is not peer:
            await peer.close()
            return
        idle = None
        if peer.codec is not None:
            idle = await self._idle_cache.get(face.idle_key, peer.codec, face.idle_frames)
        old, self._current, self._pending = self._current, peer, None
        await self._output.attach(peer, idle)
        self._on_change(True)
        if old is not None:
            await old.close()
        self._on_state("checked")

    def _on_state(self, _state: str) -> None:
        current = self._current
        if current is not None and not current.connected and not self._closed:
            self._current = None
            self._output.detach()
            self._on_change(False)
            self._spawn(current.close())

"""The peer of a session: one at a time, replaced by a later offer, missed when it goes."""

import asyncio
from collections.abc import Callable, Coroutine

import structlog

from opentalking.core.errors import NotFound
from opentalking.core.media import Samples
from opentalking.core.providers import Face
from opentalking.media.idle import IdleCache, IdleLoop
from opentalking.media.output import MediaOutput
from opentalking.rtc.peer import Peer, RtcConfig

log = structlog.get_logger(__name__)

Spawn = Callable[[Coroutine[None, None, None]], object]


class PeerSlot:
    """Answers offers one after another and hands the connected peer to the output.

    `on_change(True)` says that a peer is there, `on_change(False)` that it was lost; an answered peer
    that never connects is closed by its own time limit and changes nothing. `on_sound` hears the microphone
    of the peer that is connected, and never a replaced one.
    """

    def __init__(
        self,
        output: MediaOutput,
        idle_cache: IdleCache,
        config: RtcConfig,
        spawn: Spawn,
        on_change: Callable[[bool], None],
        on_sound: Callable[[Samples], None] | None = None,
    ) -> None:
        self._output = output
        self._idle_cache = idle_cache
        self._config = config
        self._spawn = spawn
        self._on_change = on_change
        self._on_sound = on_sound
        self._lock = asyncio.Lock()
        self._open: set[Peer] = set()
        """Every peer that is not closed yet, whichever task was about to close it."""
        self._current: Peer | None = None
        self._pending: Peer | None = None
        self._closed = False

    async def answer(self, sdp: str, face: Face) -> str:
        """Answer an offer; raises `InvalidInput`. An earlier answer that did not connect is dropped."""
        async with self._lock:
            peer = await self._answered(sdp)
            try:
                await self._idle_loop(peer, face)
                if self._closed:
                    raise NotFound("session not found")
            except BaseException:
                await self._drop(peer)
                raise
            stale, self._pending = self._pending, peer
            self._spawn(self._join(peer, face))
            if stale is not None:
                await self._drop(stale)
            return peer.answer_sdp

    async def close(self) -> None:
        """Close whatever is open; nothing is reported any more."""
        self._closed = True
        self._output.detach()
        self._current = self._pending = None
        await asyncio.gather(*(self._drop(peer) for peer in tuple(self._open)))

    async def _answered(self, sdp: str) -> Peer:
        """A peer, noted in `_open`; carried to its end also when the caller is cancelled.

        aioice forgets the sockets of a gathering that is cut short.
        """
        peer: Peer | None = None

        def heard(sound: Samples) -> None:
            if self._on_sound is not None and peer is not None and peer is self._current:
                self._on_sound(sound)

        answer = Peer.answer(
            sdp,
            self._config,
            self._on_state,
            self._output.request_key_frame,
            heard if self._on_sound else None,
        )
        answering = asyncio.ensure_future(answer)
        try:
            await asyncio.wait({answering})
        except asyncio.CancelledError:
            await asyncio.wait({answering})
            if answering.exception() is None:
                await answering.result().close()
            raise
        peer = answering.result()
        self._open.add(peer)
        return peer

    async def _join(self, peer: Peer, face: Face) -> None:
        connected = await peer.wait_connected(self._config.connect_timeout_seconds)
        idle = await self._idle_loop(peer, face) if connected else None
        if not connected or self._closed or self._pending is not peer:
            if self._pending is peer:
                log.info("peer never connected")
                self._pending = None
            await self._drop(peer)
            return
        old, self._current, self._pending = self._current, peer, None
        await self._output.attach(peer, idle)
        self._on_change(True)
        if old is not None:
            await self._drop(old)
        self._on_state("checked")

    async def _idle_loop(self, peer: Peer, face: Face) -> IdleLoop | None:
        if peer.codec is None:
            return None
        return await self._idle_cache.get(face.idle_key, peer.codec, face.idle_frames)

    async def _drop(self, peer: Peer) -> None:
        await peer.close()
        self._open.discard(peer)

    def _on_state(self, _state: str) -> None:
        current = self._current
        if current is not None and not current.connected and not self._closed:
            self._current = None
            self._output.detach()
            self._on_change(False)
            self._spawn(self._drop(current))

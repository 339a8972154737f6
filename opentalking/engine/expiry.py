"""When a session ends by itself: nobody came, nobody came back, nobody uses it, or its time is up."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from opentalking.engine.config import EngineConfig

ExpiryReason = Literal["session_expired", "peer_lost"]


@dataclass(slots=True)
class _Limit:
    reason: ExpiryReason
    due: float
    notice: bool
    noticed: bool = False


class Expiry:
    """Watches a session's limits; calls `on_expiring(remaining seconds)` and, once, `on_expired(reason)`."""

    def __init__(
        self,
        config: EngineConfig,
        on_expiring: Callable[[int], None],
        on_expired: Callable[[ExpiryReason], None],
    ) -> None:
        self._config = config
        self._on_expiring = on_expiring
        self._on_expired = on_expired
        self._limits: dict[str, _Limit] = {}
        self._changed = asyncio.Event()
        self._busy = 0

    def running(self, slot_seconds: float) -> None:
        """The session works now: limits on joining, idling and on a slot (0: none) begin."""
        self._set("connect", self._config.connect_timeout_seconds, "session_expired", notice=True)
        self._set("slot", slot_seconds, "session_expired", notice=True)
        self.touch()

    def touch(self) -> None:
        """Somebody used the session."""
        if not self._busy:
            self._set("idle", self._config.idle_timeout_seconds, "session_expired", notice=True)

    def in_use(self, is_in_use: bool) -> None:
        """A turn or a recording runs (the session is in use until it ends), or has ended."""
        self._busy += 1 if is_in_use else -1
        if is_in_use:
            self._clear("idle")
        else:
            self.touch()

    def peer(self, connected: bool) -> None:
        """A peer is there, or went away and may come back."""
        if connected:
            self._clear("connect")
            self._clear("reconnect")
        else:
            self._set("reconnect", self._config.reconnect_timeout_seconds, "peer_lost", notice=False)

    async def run(self) -> None:
        """Watch until a limit is passed or the task is cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            self._changed.clear()
            now = loop.time()
            for limit in list(self._limits.values()):
                if limit.due <= now:
                    self._on_expired(limit.reason)
                    return
                remaining = limit.due - now
                if limit.notice and not limit.noticed and remaining <= self._config.expiring_notice_seconds:
                    limit.noticed = True
                    self._on_expiring(round(remaining))
            try:
                async with asyncio.timeout_at(self._next_wake()):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def _next_wake(self) -> float | None:
        notice = self._config.expiring_notice_seconds
        moments = [
            limit.due - notice if limit.notice and not limit.noticed else limit.due
            for limit in self._limits.values()
        ]
        return min(moments, default=None)

    def _set(self, name: str, seconds: float, reason: ExpiryReason, *, notice: bool) -> None:
        if seconds > 0:
            self._limits[name] = _Limit(reason, asyncio.get_running_loop().time() + seconds, notice)
            self._changed.set()

    def _clear(self, name: str) -> None:
        if self._limits.pop(name, None) is not None:
            self._changed.set()

"""The one timer of a worker: it makes every session's output tick each 20 ms."""

import asyncio
import time as system_time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from opentalking.core.media import PACKET_SECONDS
from opentalking.media.figures import TimeCounts

SKIP_AFTER_SECONDS = 0.2
_LATENESS_WINDOW_TICKS = 3000
LATENESS_BOUNDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)


class Ticking(Protocol):
    """What the ticker drives (`MediaOutput`)."""

    def tick(self) -> None:
        """Send what is due in this 20 ms; must neither block nor raise."""
        ...

    def skip(self, ticks: int) -> None:
        """Let the time lines jump over ticks that were missed."""
        ...


@dataclass(frozen=True, slots=True)
class Lateness:
    """How late ticks came after their deadlines, in ms, over the last minute; `ticks` since the start."""

    p50_ms: float
    p95_ms: float
    max_ms: float
    ticks: int


class MediaTicker:
    """Ticks all registered outputs every 20 ms at absolute deadlines, so lateness never becomes drift.

    A short delay is made up tick by tick; when it is more than 200 ms behind (suspended machine,
    blocked loop), the missed ticks are skipped instead of sent in a burst. Costs nothing
    while no output is registered. `time` and `sleep` are injected for virtual time.
    """

    def __init__(
        self,
        *,
        time: Callable[[], float] = system_time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._time, self._sleep = time, sleep
        self._outputs: dict[Ticking, None] = {}
        self._occupied = asyncio.Event()
        self._late_seconds: deque[float] = deque(maxlen=_LATENESS_WINDOW_TICKS)
        self._ticks = 0
        self.late = TimeCounts(LATENESS_BOUNDS)
        """How late every tick since the start came after its deadline."""
        self.skipped_ticks = 0

    def add(self, output: Ticking) -> None:
        """Start ticking `output`."""
        self._outputs[output] = None
        self._occupied.set()

    def remove(self, output: Ticking) -> None:
        """Stop ticking `output`; unknown ones are ignored."""
        self._outputs.pop(output, None)
        if not self._outputs:
            self._occupied.clear()

    @property
    def outputs(self) -> int:
        """How many outputs it ticks."""
        return len(self._outputs)

    @property
    def lateness(self) -> Lateness:
        """Statistics of the last 3000 ticks."""
        ordered = sorted(self._late_seconds) or [0.0]
        last = len(ordered) - 1
        p50, p95 = ordered[round(last * 0.5)], ordered[round(last * 0.95)]
        return Lateness(p50 * 1e3, p95 * 1e3, ordered[-1] * 1e3, self._ticks)

    async def run(self) -> None:
        """Tick until cancelled."""
        while True:
            await self._occupied.wait()
            await self._run_until_empty()

    async def _run_until_empty(self) -> None:
        origin = self._time()
        index = 0
        while self._outputs:
            deadline = origin + index * PACKET_SECONDS
            # Even without time left the senders must run between two ticks: they hold one packet.
            await self._sleep(max(deadline - self._time(), 0.0))
            late_seconds = self._time() - deadline
            if late_seconds > SKIP_AFTER_SECONDS:
                missed = int(late_seconds / PACKET_SECONDS)
                index += missed
                self.skipped_ticks += missed
                for output in tuple(self._outputs):
                    output.skip(missed)
            self._late_seconds.append(max(late_seconds, 0.0))
            self.late.add(max(late_seconds, 0.0))
            self._ticks += 1
            for output in tuple(self._outputs):
                output.tick()
            index += 1

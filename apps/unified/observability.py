"""Who watches the server: its figures, and traces where they are configured."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from apps.unified.observability_figures import Figures
from apps.unified.observability_traces import Traces, tracing_trouble
from opentalking.core.turns import TurnObserver
from opentalking.settings.tracing import TraceTarget

log = structlog.get_logger(__name__)


class Observability:
    """Everything that watches one server; `observers` are lent to its worker."""

    def __init__(self, target: TraceTarget | None) -> None:
        self.figures = Figures()
        self._trouble = tracing_trouble(target)
        self._traces = Traces(target) if target is not None and not self._trouble else None

    @property
    def observers(self) -> tuple[TurnObserver, ...]:
        """Who is told how turns went."""
        return (self.figures,) if self._traces is None else (self.figures, self._traces)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Send traces while inside; without what that needs, a warning says so and all else goes on."""
        if self._trouble:
            log.warning("no traces", reason=self._trouble)
        if self._traces is None:
            yield
            return
        self._traces.start()
        try:
            yield
        finally:
            await self._traces.aclose()

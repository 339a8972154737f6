"""Which talking-head models there are, and whether each can be used right now."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Literal, Protocol

import structlog

from opentalking.core.errors import InvalidInput

_log = structlog.get_logger(__name__)
Backend = Literal["mock", "local", "omnirt", "direct_ws"]
Reason = Literal[
    "local_self_test",
    "local_runtime",
    "local_adapter_missing",
    "weights_missing",
    "omnirt",
    "omnirt_unavailable",
    "not_configured",
    "legacy_ws",
    "direct_ws",
    "direct_ws_unavailable",
]
_NOT_PROBED: dict[Backend, Reason] = {
    "mock": "not_configured",
    "local": "local_adapter_missing",
    "omnirt": "omnirt_unavailable",
    "direct_ws": "direct_ws_unavailable",
}


class ModelProbe(Protocol):
    """One model, and how to find out whether it answers."""

    @property
    def id(self) -> str:
        """The model's name in the API."""
        ...

    @property
    def backend(self) -> Backend:
        """Where it runs."""
        ...

    async def probe(self) -> tuple[bool, Reason]:
        """Whether it can be used now, and why (not)."""
        ...


@dataclass(frozen=True, slots=True)
class AlwaysConnected:
    """A `ModelProbe` of a renderer that needs nothing outside this process."""

    id: str
    backend: Backend = "local"

    async def probe(self) -> tuple[bool, Reason]:
        """Always usable."""
        return True, "local_self_test"


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """One model as last seen."""

    id: str
    backend: Backend
    connected: bool
    reason: Reason


@dataclass(frozen=True, slots=True)
class ProbeTimes:
    """How often models are probed and how long one probe may take, in seconds."""

    refresh_seconds: float = 15.0
    probe_timeout_seconds: float = 5.0
    first_round_seconds: float = 1.0


class ModelService:
    """Answers from what the last probe of each model found; `running()` keeps that fresh.

    The default model comes first, the others in the order given. A model that has not been
    probed yet counts as not connected, unless it is `AlwaysConnected`.
    """

    def __init__(
        self, probes: Sequence[ModelProbe], default_model: str, times: ProbeTimes | None = None
    ) -> None:
        self._probes = sorted(probes, key=lambda probe: probe.id != default_model)
        if not self._probes:
            raise ValueError("at least one model must be listed")
        self._times = times or ProbeTimes()
        self._statuses = {probe.id: _unprobed(probe) for probe in self._probes}

    @property
    def default_model(self) -> str:
        """The model that lists name first."""
        return self._probes[0].id

    def statuses(self) -> list[ModelStatus]:
        """Every model, the default first; instant."""
        return [self._statuses[probe.id] for probe in self._probes]

    def require_connected(self, model: str) -> None:
        """Raise `InvalidInput` naming the connected models unless `model` is one of them."""
        connected = [status.id for status in self.statuses() if status.connected]
        if model not in connected:
            known = "not connected" if model in self._statuses else "not known"
            raise InvalidInput(f"model is {known}; connected models: {', '.join(connected) or 'none'}")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Probe in the background while inside; enters when the first round is done or takes too long."""
        first_round = asyncio.Event()
        refreshing = asyncio.create_task(self._refresh_forever(first_round), name="model probes")
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(first_round.wait(), self._times.first_round_seconds)
            yield
        finally:
            refreshing.cancel()
            await asyncio.gather(refreshing, return_exceptions=True)

    async def refresh(self) -> None:
        """Probe every model once, all at the same time; one that hangs or fails hurts itself only."""
        await asyncio.gather(*(self._refresh_one(probe) for probe in self._probes))

    async def _refresh_forever(self, first_round: asyncio.Event) -> None:
        while True:
            await self.refresh()
            first_round.set()
            await asyncio.sleep(self._times.refresh_seconds)

    async def _refresh_one(self, probe: ModelProbe) -> None:
        status = await self._probe(probe)
        before = self._statuses[probe.id]
        self._statuses[probe.id] = status
        if status != before:
            _log.info("model.status", model=status.id, connected=status.connected, reason=status.reason)

    async def _probe(self, probe: ModelProbe) -> ModelStatus:
        # gather returns whatever a plug-in raises as a value, so that it ends in a log line.
        attempt = asyncio.wait_for(probe.probe(), self._times.probe_timeout_seconds)
        [result] = await asyncio.gather(attempt, return_exceptions=True)
        if isinstance(result, BaseException):
            _log.warning("model.probe_failed", model=probe.id, error=type(result).__name__)
            return ModelStatus(probe.id, probe.backend, connected=False, reason=_NOT_PROBED[probe.backend])
        connected, reason = result
        return ModelStatus(probe.id, probe.backend, connected, reason)


def _unprobed(probe: ModelProbe) -> ModelStatus:
    if isinstance(probe, AlwaysConnected):
        return ModelStatus(probe.id, probe.backend, connected=True, reason="local_self_test")
    return ModelStatus(probe.id, probe.backend, connected=False, reason=_NOT_PROBED[probe.backend])

"""A trace of each turn for an OpenTelemetry collector, made when the turn has ended."""

import asyncio
import importlib.util
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

import structlog

from apps.unified.observability_figures import stages
from opentalking import __version__
from opentalking.core.turns import TurnTimes
from opentalking.settings.tracing import TraceTarget

if TYPE_CHECKING:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer

QUEUED_SPANS = 2048
"""Spans that wait for the collector; with more of them the oldest are dropped."""
BATCH_SPANS = 256
EXPORT_SECONDS = 5.0
SHUTDOWN_SECONDS = 2.0
_MISSING = "traces are configured, but OpenTelemetry is not installed: pip install 'opentalking[otel]'"

log = structlog.get_logger(__name__)


def tracing_trouble(target: TraceTarget | None) -> str:
    """What keeps traces from being sent, and the remedy; "" also when nobody wants any."""
    if target is None:
        return ""
    return target.trouble or ("" if _is_installed() else _MISSING)


def _is_installed() -> bool:
    try:
        return importlib.util.find_spec("opentelemetry.exporter.otlp.proto.http") is not None
    except ModuleNotFoundError:  # a package around it is missing
        return False


class Traces:
    """A `TurnObserver` that sends a trace per turn; nothing happens before `start` and after `aclose`.

    Spans are made on the loop and sent from a thread of their own, which nobody waits for: a collector
    that is slow or gone costs the oldest spans and a log line.
    """

    def __init__(self, target: TraceTarget) -> None:
        self._target = target
        self._provider: TracerProvider | None = None
        self._exporter: OTLPSpanExporter | None = None
        self._tracer: Tracer | None = None

    def start(self) -> None:
        """Begin to send."""
        # Not installed unless somebody wants traces.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

        named = {"service.name": self._target.service_name, "service.version": __version__}
        self._provider = TracerProvider(resource=Resource.create(named), shutdown_on_exit=False)
        headers = dict(self._target.headers)
        exporter = self._exporter = OTLPSpanExporter(
            self._target.url, headers=headers, timeout=EXPORT_SECONDS
        )
        self._provider.add_span_processor(
            BatchSpanProcessor(exporter, max_queue_size=QUEUED_SPANS, max_export_batch_size=BATCH_SPANS)
        )
        self._tracer = self._provider.get_tracer("opentalking", __version__)

    async def aclose(self) -> None:
        """Send what waits, for at most `SHUTDOWN_SECONDS`; the rest is lost."""
        provider, self._provider, self._tracer = self._provider, None, None
        if provider is None:
            return
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def shut_down() -> None:
            provider.shutdown()
            with suppress(RuntimeError):  # nobody waits any longer
                loop.call_soon_threadsafe(done.set)

        # A daemon: a pool's thread would keep the process until a dead collector has timed out.
        threading.Thread(target=shut_down, name="traces", daemon=True).start()
        try:
            async with asyncio.timeout(SHUTDOWN_SECONDS):
                await done.wait()
        except TimeoutError:
            if self._exporter is not None:
                self._exporter.shutdown()  # type: ignore[no-untyped-call]  # no further try
            log.warning("the trace collector did not take the last traces in time")

    def turn_ended(self, times: TurnTimes) -> None:
        """Make the turn's trace."""
        if self._tracer is None:
            return
        from opentelemetry.trace import StatusCode, set_span_in_context  # noqa: PLC0415

        to_wall = time.time_ns() - time.monotonic_ns()

        def wall(at: float) -> int:
            return round(at * 1e9) + to_wall

        began_at = min(times.origin_at, times.ended_at)
        turn = self._tracer.start_span("turn", start_time=wall(began_at), attributes=_attributes(times))
        if times.outcome == "failed":
            turn.set_status(StatusCode.ERROR)
        if times.interrupted_at is not None:
            turn.add_event("interrupted", timestamp=wall(times.interrupted_at))
        context = set_span_in_context(turn)
        for stage, stage_began_at, stage_ended_at in stages(times):
            span = self._tracer.start_span(stage, context, start_time=wall(stage_began_at))
            span.end(wall(max(stage_began_at, stage_ended_at)))
        turn.end(wall(times.ended_at))

    def stage_failed(self, stage: str, code: str) -> None:
        """Not traced."""

    def page_fell_silent(self, after_ms: int) -> None:
        """Not traced."""

    def barge_in(self, outcome: Literal["ducked", "resumed", "interrupted"]) -> None:
        """Not traced."""


def _attributes(times: TurnTimes) -> Mapping[str, str | float]:
    """Ids and figures, never what was said."""
    found: dict[str, str | float] = {
        "opentalking.session_id": times.session_id,
        "opentalking.turn_id": times.turn_id,
        "opentalking.kind": times.kind,
        "opentalking.source": times.source,
        "opentalking.outcome": times.outcome,
    }
    if times.av_offset_ms is not None:
        found["opentalking.av_offset_ms"] = times.av_offset_ms
    if times.heard is not None and times.heard.end_of_turn is not None:
        found["opentalking.end_of_turn"] = times.heard.end_of_turn
    return found

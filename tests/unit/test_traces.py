"""A trace of each turn, as a real collector gets it; and what a bad one does to the server: nothing."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from apps.unified.container import build
from apps.unified.observability_traces import QUEUED_SPANS, SHUTDOWN_SECONDS, Traces, tracing_trouble
from opentalking.core.turns import HeardTimes, TurnTimes
from opentalking.settings import Environment
from opentalking.settings.tracing import TraceTarget, trace_target
from tests.support.vendors.collector import KEY, TraceCollector


@asynccontextmanager
async def sending(url: str, **headers: str) -> AsyncIterator[Traces]:
    traces = Traces(TraceTarget(url, "test-service", headers))
    traces.start()
    try:
        yield traces
    finally:
        await traces.aclose()


def turn(outcome: str = "completed", turn_id: str = "t") -> TurnTimes:
    """A spoken question whose speech ended 3 s ago."""
    end = time.monotonic() - 3
    heard = HeardTimes("microphone", end - 2, end, end + 0.2, end + 0.25, end + 0.5, 0.9)
    return TurnTimes(
        session_id="s",
        turn_id=turn_id,
        kind="chat",
        outcome=outcome,  # type: ignore[arg-type]
        accepted_at=end + 0.5,
        ended_at=end + 3,
        heard=heard,
        first_token_at=end + 0.75,
        first_sentence_at=end + 1,
        first_audio_at=end + 1.125,
        media_started_at=end + 1.25,
        first_frame_at=end + 1.25,
        last_audio_at=end + 2.5,
        interrupted_at=end + 2.75 if outcome == "interrupted" else None,
        av_offset_ms=0.0,
    )


def attributes(span: Span) -> dict[str, str | float]:
    found: dict[str, str | float] = {}
    for one in span.attributes:
        kind = one.value.WhichOneof("value")
        assert kind is not None
        found[one.key] = getattr(one.value, kind)
    return found


async def test_a_turn_is_one_trace_with_a_span_for_each_stage() -> None:
    async with TraceCollector() as collector:
        async with sending(f"{collector.base_url}/v1/traces", **{"x-api-key": KEY}) as traces:
            before = time.time()
            traces.turn_ended(turn("interrupted"))
        spans = {span.name: span for span in await collector.until(8)}
        assert collector.services == {"test-service"}
        assert collector.keys == [KEY]
        parent = spans.pop("turn")
        assert not parent.parent_span_id
        assert parent.start_time_unix_nano / 1e9 == pytest.approx(before - 3, abs=0.2)
        assert attributes(parent) == {
            "opentalking.session_id": "s",
            "opentalking.turn_id": "t",
            "opentalking.kind": "chat",
            "opentalking.source": "microphone",
            "opentalking.outcome": "interrupted",
            "opentalking.av_offset_ms": 0.0,
            "opentalking.end_of_turn": 0.9,
        }
        since = {
            name: (
                round((span.start_time_unix_nano - parent.start_time_unix_nano) / 1e6),
                round((span.end_time_unix_nano - parent.start_time_unix_nano) / 1e6),
            )
            for name, span in {**spans, "turn": parent}.items()
        }
        assert since == {
            "turn": (0, 3000),
            "end_of_turn": (0, 250),
            "recognition": (0, 500),
            "llm": (500, 750),
            "sentence": (750, 1000),
            "tts": (1000, 1125),
            "render": (1125, 1250),
            "playback": (1250, 2500),
        }
        for span in spans.values():
            assert (span.trace_id, span.parent_span_id) == (parent.trace_id, parent.span_id)
        [event] = parent.events
        assert event.name == "interrupted"
        assert (event.time_unix_nano - parent.start_time_unix_nano) / 1e6 == pytest.approx(2750, abs=1)


async def test_each_turn_has_a_trace_of_its_own_and_a_failed_one_says_so() -> None:
    async with TraceCollector() as collector:
        async with sending(f"{collector.base_url}/v1/traces") as traces:
            traces.turn_ended(turn("failed", "one"))
            traces.turn_ended(turn("completed", "two"))
        parents = [span for span in await collector.until(16) if span.name == "turn"]
        assert len({span.trace_id for span in parents}) == 2
        status = {attributes(span)["opentalking.turn_id"]: span.status.code for span in parents}
        assert status == {"one": Status.STATUS_CODE_ERROR, "two": Status.STATUS_CODE_UNSET}


@pytest.mark.parametrize("mode", ["stall", "refuse", "gone"])
async def test_a_bad_collector_costs_nobody_any_time(mode: str) -> None:
    async with TraceCollector(mode) as collector:
        url = "http://127.0.0.1:9/v1/traces" if mode == "gone" else f"{collector.base_url}/v1/traces"
        async with sending(url) as traces:
            for _ in range(2 * QUEUED_SPANS // 8):
                traces.turn_ended(turn())
                await asyncio.sleep(0)
            if mode != "gone":
                await asyncio.wait_for(collector.asked.wait(), 10)
            closing = time.monotonic()
        # An export that is not cut short takes 5 s.
        assert time.monotonic() - closing < SHUTDOWN_SECONDS + 1.5
        traces.turn_ended(turn())  # after the end it is just ignored


@pytest.mark.parametrize(
    ("own", "variables", "url"),
    [
        ("", {}, None),
        ("http://own:1", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://std:2"}, "http://own:1/v1/traces"),
        ("", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://std:2/"}, "http://std:2/v1/traces"),
        ("", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://std:2/a/v1/traces"}, "http://std:2/a/v1/traces"),
        ("", {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x:3/in"}, "http://x:3/in"),
    ],
)
def test_the_collector_is_named_as_the_standard_has_it(
    own: str, variables: dict[str, str], url: str | None
) -> None:
    target = trace_target(own, variables)
    assert (target.url if target else None) == url


def test_service_and_headers_come_from_the_standard_variables() -> None:
    variables = {"OTEL_SERVICE_NAME": "anna", "OTEL_EXPORTER_OTLP_HEADERS": "X-Api-Key=a%20b,broken, c = d "}
    target = trace_target("http://own:1", variables)
    assert target is not None
    assert target.service_name == "anna"
    assert target.headers == {"x-api-key": "a b", "c": "d"}
    assert "a b" not in repr(target)


@pytest.mark.parametrize(
    "address",
    [
        "collector:4317",
        "grpc://collector:4317",
        "http://",
        "nonsense",
        "http://[::1:4318",
        "http://c:43180000",
    ],
)
def test_an_address_that_cannot_be_is_told(address: str) -> None:
    assert "http(s)://host:port" in tracing_trouble(trace_target(address, {}))


async def test_without_opentelemetry_the_server_says_so_and_runs_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http", None)  # as if not installed
    environment = Environment(
        {
            "OPENTALKING_ENV_FILE": "/nonexistent",
            "OPENTALKING_DATA_DIR": str(tmp_path),
            "OPENTALKING_LLM_PROVIDER": "builtin",
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318",
        }
    )
    assert "opentalking[otel]" in tracing_trouble(environment.traces)
    server = build(environment)
    assert server.services.lifespan is not None
    async with server.services.lifespan():
        assert server.services.metrics is not None
        text, _ = await server.services.metrics("")
        assert b"opentalking_sessions" in text
    assert len(server.toolbox.observers) == 1

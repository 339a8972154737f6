"""A turn of a real server as it is seen in the log, the event stream, Prometheus and a trace collector."""

import json
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from opentalking.client import AsyncClient
from opentalking.core.events import StatusEvent, TurnMetricsEvent
from tests.support.llm_server import FakeLlm
from tests.support.rtc_client import RtcClient
from tests.support.server import RunningServer
from tests.support.vendors.collector import KEY, TraceCollector

PROMPT = "a secret that only the language model may hear"


async def chat(client: AsyncClient, session_id: str) -> TurnMetricsEvent:
    """A turn that a peer looks at, told by its event stream."""
    async with client.events(session_id) as events, RtcClient() as peer:
        await peer.accept((await client.offer(session_id, await peer.offer())).sdp)
        await peer.until(lambda: len(peer.pictures) > 5)
        await client.chat(session_id, PROMPT)
        seen = []
        async for event in events:
            seen.append(event)
            if isinstance(event, TurnMetricsEvent):
                break
    assert isinstance(seen[-2], StatusEvent)
    assert seen[-2].stage == "idle"
    assert isinstance(seen[-1], TurnMetricsEvent)
    return seen[-1]


def check_figures(metrics: TurnMetricsEvent) -> None:
    assert metrics.outcome == "completed"
    order = [
        metrics.accepted_ms,
        metrics.first_token_ms,
        metrics.first_sentence_ms,
        metrics.first_audio_ms,
        metrics.media_started_ms,
        metrics.last_audio_ms,
        metrics.ended_ms,
    ]
    times = [at for at in order if at is not None]
    assert times == sorted(times)
    assert len(times) == len(order)
    assert metrics.first_frame_ms is not None
    assert metrics.first_frame_ms >= times[4]
    assert metrics.av_offset_ms in (0.0, 40.0)


def check_page(text: str) -> None:
    families = {family.name: family for family in text_string_to_metric_families(text)}
    [done] = families["opentalking_turns"].samples
    assert done.labels == {"kind": "chat", "source": "text", "outcome": "completed"}
    sent = families["opentalking_pictures_sent"].samples
    assert next(one.value for one in sent if one.labels["source"] == "speaking") > 10


async def test_a_turn_is_seen_by_everybody_who_watches_and_its_words_by_nobody(
    base_settings: dict[str, str], llm: FakeLlm, tmp_path: Path
) -> None:
    async with TraceCollector() as collector:
        settings = {
            **base_settings,
            "OPENTALKING_LLM_BASE_URL": llm.base_url,
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.base_url,
            "OTEL_EXPORTER_OTLP_HEADERS": f"x-api-key={KEY}",
        }
        async with RunningServer(settings, tmp_path) as server, AsyncClient(server.url) as client:
            session_id = (await client.create_session("demo-avatar", "portrait")).session_id
            metrics = await chat(client, session_id)
            check_figures(metrics)
            logged = await server.logged("turn", turn_id=metrics.turn_id)
            shown = metrics.payload()
            assert {name: logged[name] for name in shown} == shown
            text = (await client.get_metrics()).decode()
            check_page(text)
            await client.delete_session(session_id)
        spans = {span.name for span in await collector.until(6)}
        assert spans == {"turn", "llm", "sentence", "tts", "render", "playback"}
        assert set(collector.keys) == {KEY}
        said = [json.dumps(record) for record in server.records] + [text, *map(repr, collector.bodies)]
        assert not [line for line in said if "secret" in line or KEY in line]

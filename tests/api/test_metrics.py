"""`GET /metrics`: what happened, in a text that Prometheus reads, under labels that nobody can multiply."""

import math
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families

from apps.api.access_tokens import KeyRing
from apps.api.client_limits import ClientLimits, ClientPlaces
from apps.unified.observability_figures import CODES, STAGES, TURN_BOUNDS
from opentalking.core.events import TurnMetricsEvent
from opentalking.core.sessions import SessionState
from opentalking.providers.fake import ScriptedListener
from tests.api.harness import Api, new_session
from tests.api.live import LiveApi
from tests.support.audio_files import KINDS, encode, sine

KEY = "k" * 16
Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
def api(tmp_path: Path) -> LiveApi:
    return LiveApi(tmp_path, {"local": ScriptedListener(name="local")})


@pytest.fixture
async def client(api: LiveApi) -> AsyncIterator[httpx.AsyncClient]:
    async with api.client() as client:
        yield client


async def scraped(client: httpx.AsyncClient) -> Samples:
    answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = list(text_string_to_metric_families(answer.text))
    assert len({family.name for family in families}) == len(families)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[(f"opentalking_{name}", frozenset(labels.items()))]


async def ended(api: Api, client: httpx.AsyncClient, session_id: str, turn: str) -> TurnMetricsEvent:
    """Let a turn run: `chat`, `speak` or `interrupted`."""
    async with api.events.subscribe(session_id) as events:
        if turn == "chat":
            await client.post(f"/sessions/{session_id}/chat", json={"prompt": "hi"})
        else:
            await client.post(f"/sessions/{session_id}/speak", json={"text": "one two three four."})
        if turn == "interrupted":
            await client.post(f"/sessions/{session_id}/interrupt")
        while True:
            event = (await events.next()).event
            if isinstance(event, TurnMetricsEvent):
                return event


async def test_turns_are_counted_with_the_times_that_their_clients_are_told(
    client: httpx.AsyncClient, api: LiveApi
) -> None:
    session_id = await new_session(client)
    chat = await ended(api, client, session_id, "chat")
    await ended(api, client, session_id, "interrupted")
    samples = await scraped(client)
    done = {"kind": "chat", "source": "text", "outcome": "completed"}
    assert value(samples, "turns_total", **done) == 1
    assert value(samples, "turns_total", kind="speak", source="text", outcome="interrupted") == 1
    figures = {
        "first_token": chat.first_token_ms,
        "first_sentence": chat.first_sentence_ms,
        "first_audio": chat.first_audio_ms,
        "media_started": chat.media_started_ms,
        "last_audio": chat.last_audio_ms,
        "ended": chat.ended_ms,
    }
    for moment, milliseconds in figures.items():
        assert milliseconds is not None
        seconds = value(samples, "turn_moment_seconds_sum", moment=moment, **done)
        assert seconds * 1000 == pytest.approx(milliseconds, abs=1)
        assert value(samples, "turn_moment_seconds_count", moment=moment, **done) == 1
        for bound in (*TURN_BOUNDS, math.inf):
            name = "+Inf" if bound == math.inf else str(bound)
            counted = value(samples, "turn_moment_seconds_bucket", moment=moment, le=name, **done)
            assert counted == (seconds <= bound)
    for stage in ("llm", "sentence", "tts", "render", "playback"):
        assert value(samples, "turn_stage_seconds_count", stage=stage, source="text") >= 1


async def test_a_question_by_sound_is_measured_from_the_end_of_the_sound(
    client: httpx.AsyncClient, api: LiveApi
) -> None:
    listener = api.recognisers["local"]
    assert isinstance(listener, ScriptedListener)
    listener.delay_seconds = 0.3
    session_id = await new_session(client)
    async with api.events.subscribe(session_id) as events:
        sound = {"file": ("q.wav", encode(sine(440, 0.5, 16_000), 16_000, KINDS["wav"]))}
        answer = await client.post(f"/sessions/{session_id}/speak_audio", files=sound)
        assert answer.status_code == 200
        while not isinstance(event := (await events.next()).event, TurnMetricsEvent):
            continue
    assert (event.kind, event.source) == ("chat", "audio")
    assert event.recognised_ms is not None
    assert event.recognised_ms >= 300
    assert event.accepted_ms is not None
    assert event.accepted_ms >= event.recognised_ms
    samples = await scraped(client)
    assert value(samples, "turn_stage_seconds_sum", stage="recognition", source="audio") >= 0.3


async def test_sessions_queue_clock_and_process_are_shown(client: httpx.AsyncClient, api: LiveApi) -> None:
    samples = await scraped(client)
    assert {value(samples, "sessions", state=state.value) for state in SessionState} == {0}
    session_id = await new_session(client)
    await ended(api, client, session_id, "speak")
    samples = await scraped(client)
    assert sum(value(samples, "sessions", state=state.value) for state in SessionState) == 1
    assert (value(samples, "queue_length"), value(samples, "slot_occupied")) == (0, 0)
    assert value(samples, "tick_late_seconds_count") > 50, "four words take 1.2 s: 60 ticks"
    assert value(samples, "pictures_sent_total", source="speaking") == 0, "nobody looks"
    assert samples[("process_cpu_seconds_total", frozenset())] > 0
    assert samples[("process_resident_memory_bytes", frozenset())] > 2**20
    [build] = [labels for name, labels in samples if name == "opentalking_build_info"]
    assert {name for name, _ in build} == {"version", "python"}


async def test_nobody_can_make_new_labels(client: httpx.AsyncClient, api: LiveApi) -> None:
    session_id = await new_session(client)
    before = {name for name in await scraped(client) if "errors" not in name[0]}
    secret = "what-nobody-shall-read-in-metrics"  # noqa: S105
    for index in range(20):
        api.figures.stage_failed(f"{secret}-{index}", f"{secret}\n# HELP {index}")
        api.figures.stage_failed("tts", f"tts_{index}")
        body = {"turn_id": f"{secret}-{index}", "silent_after_ms": 10 * index}
        answer = await client.post(f"/sessions/{session_id}/playout", json=body)
        assert answer.status_code == 200
        await client.post(f"/sessions/{secret}-{index}/chat", json={"prompt": secret})
        await client.post(f"/sessions/{session_id}/interrupt", json={"turn_id": f"{secret}-{index}"})
    text = (await client.get("/metrics")).text
    assert secret not in text
    assert session_id not in text
    samples = await scraped(client)
    assert {name for name in samples if "errors" not in name[0]} == before
    assert value(samples, "errors_total", stage="other", code="other") == 20
    assert value(samples, "errors_total", stage="tts", code="other") == 20
    for name, labels in samples:
        if name == "opentalking_errors_total":
            assert dict(labels)["stage"] in STAGES | {"other"}
            assert dict(labels)["code"] in CODES | {"other"}
    assert value(samples, "page_silence_seconds_count") == 20
    assert value(samples, "page_silence_seconds_bucket", le="0.1") == 11


async def test_barge_ins_are_counted_by_what_became_of_them(client: httpx.AsyncClient, api: LiveApi) -> None:
    api.figures.barge_in("ducked")
    api.figures.barge_in("ducked")
    api.figures.barge_in("resumed")
    samples = await scraped(client)
    counted = [value(samples, "barge_ins_total", outcome=o) for o in ("ducked", "resumed", "interrupted")]
    assert counted == [2, 1, 0]


async def test_openmetrics_is_given_to_who_asks_for_it(client: httpx.AsyncClient) -> None:
    accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
    answer = await client.get("/api/metrics", headers={"Accept": accept})
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert answer.headers["cache-control"] == "no-store"
    families = open_metrics(answer.text)  # type: ignore[no-untyped-call]
    assert "opentalking_sessions" in {family.name for family in families}


async def test_a_key_is_asked_for_where_keys_are_set(api: LiveApi) -> None:
    api.services.guard.ring = KeyRing([KEY], b"s" * 32, 900)
    async with api.client() as client:
        for path in ("/metrics", "/api/metrics"):
            assert (await client.get(path)).status_code == 401
            answer = await client.get(path, headers={"Authorization": f"Bearer {KEY}"})
            assert answer.status_code == 200
        made = await client.post(
            "/sessions",
            json={"avatar_id": "demo-avatar", "model": "portrait"},
            headers={"X-API-Key": KEY},
        )
        session_id = made.json()["session_id"]
        token = await client.post("/auth/token", json={"session_id": session_id}, headers={"X-API-Key": KEY})
        only_its_own = {"Authorization": f"Bearer {token.json()['access_token']}"}
        assert (await client.get("/metrics", headers=only_its_own)).status_code == 403


async def test_a_client_at_its_limit_still_gets_the_figures(tmp_path: Path) -> None:
    api = LiveApi(tmp_path, {})
    places = api.services.guard.places = ClientPlaces(ClientLimits(requests=1))
    async with api.client() as client:
        with places.requests.one("peer:127.0.0.1"):
            refused = await client.get("/healthz")
            assert (refused.status_code, (await client.get("/metrics")).status_code) == (429, 200)
            assert (await client.get("/api/metrics")).status_code == 200


async def test_a_server_that_keeps_none_says_so(tmp_path: Path) -> None:
    async with Api(tmp_path).client() as client:
        answer = await client.get("/metrics")
        assert answer.status_code == 404
        assert "metrics" in answer.json()["detail"]

import asyncio

import httpx
import pytest

from opentalking import __version__
from opentalking.core.errors import InvalidInput, Unavailable
from opentalking.services.models import AlwaysConnected, ModelService, ProbeTimes
from tests.api.harness import Api, SwitchedProbe


async def test_health_says_who_does_what(client: httpx.AsyncClient) -> None:
    assert (await client.get("/health")).json() == {
        "status": "ok",
        "version": __version__,
        "stt_key_set": False,
        "tts_key_set": True,
        "llm_key_set": True,
        "stt_provider": "local",
        "tts_provider": "local",
        "turn_detection": False,
        "llm": {"provider": "builtin", "model": "tiny", "demo": True},
        "ai_label": "AI-generated",
        "require_consent": False,
    }
    assert (await client.get("/healthz")).json() == {"status": "ok"}


@pytest.mark.parametrize("failure", [OSError("gone"), TimeoutError(), Unavailable("no worker")])
async def test_queue_status_never_fails(client: httpx.AsyncClient, api: Api, failure: Exception) -> None:
    assert (await client.get("/queue/status")).json() == {"slot_occupied": True, "queue_size": 2}
    api.queue = failure
    answer = await client.get("/queue/status")
    assert (answer.status_code, answer.json()) == (200, {"slot_occupied": False, "queue_size": 0})


async def test_models_are_listed_default_first(client: httpx.AsyncClient) -> None:
    body = (await client.get("/models")).json()
    assert body == {
        "models": ["portrait", "mock", "wav2lip"],
        "statuses": [
            {"id": "portrait", "backend": "local", "connected": True, "reason": "local_self_test"},
            {"id": "mock", "backend": "local", "connected": True, "reason": "local_self_test"},
            {"id": "wav2lip", "backend": "omnirt", "connected": False, "reason": "omnirt_unavailable"},
        ],
        "default_model": "portrait",
    }


async def test_a_model_that_comes_up_can_be_used(client: httpx.AsyncClient, api: Api) -> None:
    wanted = {"avatar_id": "demo-avatar", "model": "wav2lip"}
    assert (await client.post("/sessions", json=wanted)).status_code == 400
    api.remote.result = (True, "omnirt")
    await api.services.models.refresh()
    assert (await client.post("/sessions", json=wanted)).status_code == 200


async def test_one_dead_probe_hurts_itself_only() -> None:
    stalled = SwitchedProbe("stalled", stalls=True)
    broken = SwitchedProbe("broken", backend="direct_ws", result=ZeroDivisionError())
    fine = SwitchedProbe("fine")
    times = ProbeTimes(refresh_seconds=0.01, probe_timeout_seconds=0.05, first_round_seconds=1.0)
    service = ModelService([AlwaysConnected("portrait"), stalled, broken, fine], "portrait", times)
    assert [status.connected for status in service.statuses()] == [True, False, False, False]
    async with service.running():
        assert [(status.id, status.connected, status.reason) for status in service.statuses()] == [
            ("portrait", True, "local_self_test"),
            ("stalled", False, "omnirt_unavailable"),
            ("broken", False, "direct_ws_unavailable"),
            ("fine", True, "omnirt"),
        ]
        stalled.stalls = False
        async with asyncio.timeout(5):
            # A round has ended when the next but one has begun.
            for _ in range(4):
                await fine.rounds.acquire()
        assert service.statuses()[1].connected
    with pytest.raises(InvalidInput, match="portrait, stalled, fine"):
        service.require_connected("broken")


async def test_a_stalled_probe_does_not_hold_up_the_start() -> None:
    times = ProbeTimes(probe_timeout_seconds=60, first_round_seconds=0.05)
    service = ModelService(
        [AlwaysConnected("portrait"), SwitchedProbe("slow", stalls=True)], "portrait", times
    )
    async with asyncio.timeout(2), service.running():
        service.require_connected("portrait")

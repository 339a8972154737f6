"""Composition: which models are listed, what settings are refused, how a whole server starts and ends."""

import asyncio
from pathlib import Path

import psutil
import pytest

from apps.unified.container import build, parse_ice_servers
from apps.unified.listening import turn_detector_state
from opentalking.providers.fake import FakeTurnDetector
from opentalking.providers.vad.silero import SileroTurnDetector
from opentalking.rtc.peer import IceServer
from opentalking.services.models import ModelStatus
from opentalking.settings import Environment
from tests.support.server import eventually


def environment(tmp_path: Path, **variables: str) -> Environment:
    fixed = {
        "OPENTALKING_ENV_FILE": "/nonexistent",
        "OPENTALKING_DATA_DIR": str(tmp_path),
        "OPENTALKING_LLM_PROVIDER": "builtin",
    }
    return Environment({**fixed, **variables})


async def statuses(chosen: Environment) -> dict[str, ModelStatus]:
    server = build(chosen)
    assert server.services.lifespan is not None
    async with server.services.lifespan(), server.services.models.running():
        return {status.id: status for status in server.services.models.statuses()}


async def test_portrait_and_mock_are_always_there_and_the_default_comes_first(tmp_path: Path) -> None:
    found = await statuses(environment(tmp_path))
    assert list(found) == ["portrait", "mock"]
    assert all(s.connected and s.reason == "local_self_test" for s in found.values())
    found = await statuses(environment(tmp_path, OPENTALKING_DEFAULT_MODEL="mock"))
    assert list(found) == ["mock", "portrait"]


async def test_configured_backends_are_listed_with_honest_reasons(tmp_path: Path) -> None:
    found = await statuses(
        environment(
            tmp_path,
            OPENTALKING_WAV2LIP_BACKEND="mock",
            OPENTALKING_QUICKTALK_BACKEND="local",
            OPENTALKING_MUSETALK_BACKEND="omnirt",
            OPENTALKING_FLASHTALK_BACKEND="direct_ws",
        )
    )
    shown = {name: (s.backend, s.connected, s.reason) for name, s in found.items()}
    assert shown["wav2lip"] == ("mock", True, "local_self_test")
    assert shown["quicktalk"] == ("local", False, "local_adapter_missing")
    assert shown["musetalk"] == ("omnirt", False, "not_configured")
    assert shown["flashtalk"][:2] == ("direct_ws", False)


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"OPENTALKING_WAV2LIP_BACKEND": "cloud"}, "OPENTALKING_WAV2LIP_BACKEND must be one of"),
        ({"OPENTALKING_NOVEL_BACKEND": "mock"}, "names no known model"),
        ({"OPENTALKING_REDIS_MODE": "redis"}, "not built yet"),
        ({"OPENTALKING_API_KEYS": "k"}, "OPENTALKING_API_KEYS: key number 1"),
        ({"OPENTALKING_ICE_SERVERS": "[{}]"}, "OPENTALKING_ICE_SERVERS"),
    ],
)
def test_settings_that_cannot_work_are_refused_by_name(
    tmp_path: Path, variables: dict[str, str], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        build(environment(tmp_path, **variables))


async def test_a_server_without_model_files_starts_and_says_what_to_do(tmp_path: Path) -> None:
    server = build(environment(tmp_path))
    assert server.services.lifespan is not None
    async with server.services.lifespan():
        await asyncio.sleep(0)
        health = server.services.health()
        assert not health.tts_ready
        assert not health.stt_ready
        assert not health.llm.ready
        assert "opentalking models pull --embedded" in health.llm.reason


async def test_health_says_whether_the_chosen_recogniser_can_listen(tmp_path: Path, models_dir: Path) -> None:
    async def state(**variables: str) -> tuple[str, bool]:
        server = build(environment(tmp_path, **variables))
        assert server.services.lifespan is not None
        async with server.services.lifespan():
            health = server.services.health()
        return health.stt_provider, health.stt_ready

    assert await state(OPENTALKING_MODELS_DIR=str(models_dir)) == ("local", True)
    chosen = {"OPENTALKING_STT_DEFAULT_PROVIDER": "openai_compatible"}
    assert await state(**chosen) == ("openai_compatible", False)
    endpoint = {"OPENTALKING_STT_OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}
    assert await state(**chosen, **endpoint) == ("openai_compatible", True)
    assert await state(OPENTALKING_STT_PROVIDER="dashscope", OPENTALKING_STT_DASHSCOPE_API_KEY="k") == (
        "dashscope",
        True,
    )
    assert await state(OPENTALKING_STT_PROVIDER="nobody") == ("nobody", False)


async def test_the_ears_are_warm_soon_after_the_start_and_closed_with_the_rest(tmp_path: Path) -> None:
    server = build(environment(tmp_path, OPENTALKING_PREWARM_AVATARS=","))
    assert server.services.lifespan is not None
    detector = server.toolbox.turn_detector
    assert isinstance(detector, SileroTurnDetector)
    async with server.services.lifespan():
        assert server.services.health().turn_detection
        await eventually(lambda: len(detector.pids) == 2, "the turn detector runs", 60)
        engines = [psutil.Process(pid) for pid in detector.pids.values()]
    assert not any(engine.is_running() for engine in engines)


PLUG_IN = """
from opentalking.providers.fake import FakeTurnDetector

def make(context):
    options = context.options
    return FakeTurnDetector("loud", level=float(options["level"]), reason=options.get("reason", ""))
"""


@pytest.fixture
def plug_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package of somebody else's with a turn detector `loud`."""
    folder = tmp_path / "packages"
    about = folder / "loud_ears-1.0.dist-info"
    about.mkdir(parents=True)
    (folder / "loud_ears.py").write_text(PLUG_IN)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: loud-ears\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[opentalking.vad]\nloud = loud_ears:make\n")
    monkeypatch.syspath_prepend(str(folder))


@pytest.mark.usefixtures("plug_in")
async def test_a_turn_detector_of_somebody_else_is_found_by_its_name(tmp_path: Path) -> None:
    def chosen(**more: str) -> Environment:
        return environment(
            tmp_path, OPENTALKING_VAD_PROVIDER="loud", OPENTALKING_VAD_LOUD_LEVEL="0.25", **more
        )

    server = build(chosen())
    detector = server.toolbox.turn_detector
    assert isinstance(detector, FakeTurnDetector)
    assert (detector.name, detector.level) == ("loud", 0.25)
    assert server.services.health().turn_detection
    assert turn_detector_state(chosen()) == ("loud", "")
    reason = "wash your ears"
    assert turn_detector_state(chosen(OPENTALKING_VAD_LOUD_REASON=reason)) == ("loud", reason)
    assert turn_detector_state(environment(tmp_path)) == ("local", "")


async def test_without_its_turn_detector_a_server_starts_and_says_so(tmp_path: Path) -> None:
    missing = environment(tmp_path, OPENTALKING_VAD_PROVIDER="nobody")
    server = build(missing)
    assert server.services.lifespan is not None
    async with server.services.lifespan():
        assert server.toolbox.turn_detector is None
        assert not server.services.health().turn_detection
    assert turn_detector_state(missing) == ("nobody", "nobody is not installed")


@pytest.mark.parametrize(
    ("setting", "shown"),
    [
        ("", "AI-generated"),
        (" \t\u200b ", "AI-generated"),
        ("\u3164", "AI-generated"),
        ("...", "AI-generated"),
        ("  Made by\n AI ", "Made by AI"),
        ("由 AI 生成", "由 AI 生成"),
        ("k" * 60, "k" * 60),
    ],
)
def test_the_ai_label_can_be_worded_but_not_removed(tmp_path: Path, setting: str, shown: str) -> None:
    server = build(environment(tmp_path, OPENTALKING_AI_LABEL=setting, OPENTALKING_REQUIRE_CONSENT="true"))
    health = server.services.health()
    assert (health.ai_label, health.require_consent) == (shown, True)


@pytest.mark.parametrize("setting", ["k" * 61, "<b>AI</b>", "AI\x07", "AI\u202eIA"])
def test_an_ai_label_that_is_no_plain_text_is_refused(tmp_path: Path, setting: str) -> None:
    with pytest.raises(ValueError, match=r"(?s)ai_label.*must"):
        environment(tmp_path, OPENTALKING_AI_LABEL=setting)


def test_ice_servers_in_both_forms() -> None:
    assert parse_ice_servers("") == ()
    assert parse_ice_servers("stun:a:1, turn:b:2") == (IceServer(("stun:a:1",)), IceServer(("turn:b:2",)))
    text = '[{"urls": ["turn:b:2"], "username": "u", "credential": "c"}, {"urls": "stun:a"}]'
    assert parse_ice_servers(text) == (IceServer(("turn:b:2",), "u", "c"), IceServer(("stun:a",)))

"""From settings to a whole server: every part is made here, and only here."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import structlog

import opentalking
from apps.api.deps import ApiServices
from apps.unified.avatars import avatar_source
from apps.unified.exports import make_spool
from apps.unified.faces import make_faces
from apps.unified.listening import make_recognisers, make_turn_detector
from apps.unified.observability import Observability
from apps.unified.observability_metrics import MetricsPage
from apps.unified.recordings import recording_config, retention
from apps.unified.services import make_services
from apps.unified.voices import cloning
from apps.unified.warm_up import warm_up
from opentalking.bus.memory import MemoryCommandBus, MemoryEventBus, MemorySessionStore
from opentalking.catalog.avatars import AvatarCatalog
from opentalking.core.errors import OpenTalkingError
from opentalking.core.providers import ChatModel, TextToSpeech
from opentalking.engine.config import AdmissionConfig, EngineConfig, Toolbox
from opentalking.engine.worker import Worker
from opentalking.media.clock import MediaTicker
from opentalking.media.idle import IdleCache
from opentalking.media.recorder import recording_pool
from opentalking.providers.builtin import (
    DASHSCOPE_ENGINES,
    SPEECH_ALIASES,
    SPEECH_OPTIONS,
)
from opentalking.providers.registry import (
    ProviderContext,
    Registry,
    chat_registry,
    render_registry,
    speech_registry,
)
from opentalking.rtc.peer import IceServer, RtcConfig
from opentalking.services.avatars import AvatarService
from opentalking.services.models import ModelService
from opentalking.settings import Environment, Settings, parse_port_range

ENCODE_THREADS = 2
SHIPPED_AVATARS = Path(opentalking.__file__).parent / "assets" / "avatars"

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Server:
    """The parts of a unified server, for whoever runs or inspects it."""

    services: ApiServices
    worker: Worker
    toolbox: Toolbox


def build(environment: Environment, host: str | None = None) -> Server:
    """Make every part; nothing runs before the lifespan of `services` is entered.

    `host` is where the API will listen (default: the setting). Raises `ValueError` for settings
    that contradict each other.
    """
    settings = environment.settings
    _refuse_unbuilt(environment)
    cores = len(os.sched_getaffinity(0))
    faces = _faces(environment, cores)
    speakers = _speakers(environment)
    chat = chat_model(environment)
    catalog = AvatarCatalog([settings.avatars_path, SHIPPED_AVATARS], settings.portrait_max_pixels)
    avatars = AvatarService(catalog)
    pool = ThreadPoolExecutor(ENCODE_THREADS, thread_name_prefix="encode")
    idle_pool = ThreadPoolExecutor(1, thread_name_prefix="idle")
    said_pool = ThreadPoolExecutor(1, thread_name_prefix="said")
    film_pool = recording_pool()
    observability = Observability(environment.traces)
    toolbox = Toolbox(
        events=MemoryEventBus(),
        commands=MemoryCommandBus(),
        store=MemorySessionStore(),
        avatars=avatar_source(settings, avatars),
        renderers=faces.renderers,
        speakers=speakers,
        chat_model=chat,
        ticker=MediaTicker(),
        idle_cache=IdleCache(settings.cache_path / "idle", idle_pool),
        encode_pool=pool,
        said=make_spool(settings, said_pool),
        recording_pool=film_pool,
        recognisers=make_recognisers(environment),
        turn_detector=make_turn_detector(environment),
        observers=observability.observers,
    )
    config = _engine_config(settings, cores, host or settings.api_host)
    worker = Worker(toolbox, config)
    models = ModelService(faces.probes, settings.default_model)
    services = make_services(environment, toolbox, worker, models, avatars)
    services.metrics = MetricsPage(observability.figures, toolbox, worker).render
    pools = (pool, idle_pool, said_pool, film_pool)
    services.lifespan = lambda: _running(settings, worker, toolbox, services, observability, pools)
    return Server(services, worker, toolbox)


def chat_model(environment: Environment) -> ChatModel:
    """The chat model as configured; the caller closes it."""
    model: ChatModel = chat_registry().make("auto", _context(environment, "llm_"))
    return model


async def local_voices(environment: Environment) -> list[str]:
    """Names and languages of the voices that the embedded engines can speak with now."""
    speaker: TextToSpeech = speech_registry().make("local", _context(environment, "tts_local_"))
    voices = [f"{voice.voice_id} ({voice.language})" for voice in speaker.voices()]
    await speaker.aclose()
    return voices


def _refuse_unbuilt(environment: Environment) -> None:
    if environment.settings.redis_mode == "redis":
        raise ValueError("OPENTALKING_REDIS_MODE=redis is not built yet; use memory (one process)")


def _context(environment: Environment, prefix: str, threads: int = 1) -> ProviderContext:
    settings = environment.settings
    return ProviderContext(
        settings.models_path,
        settings.cache_path,
        environment.options(prefix),
        threads,
        settings.voices_path,
    )


def _speech_context(environment: Environment, name: str) -> ProviderContext:
    context = _context(environment, "tts_")
    options: dict[str, Any] = {}
    if name in DASHSCOPE_ENGINES:
        options["api_key"] = environment.settings.tts_dashscope_api_key
    for prefix in SPEECH_OPTIONS.get(name, (f"tts_{name}_",)):
        options |= environment.options(prefix)
    return replace(context, options=options)


def _faces(environment: Environment, cores: int) -> Any:
    registry = render_registry()
    threads = environment.settings.render_threads or min(cores, 4)
    contexts = {name: _context(environment, f"{name}_", threads) for name in registry.names}
    omnirt = bool(environment.variables.get("OMNIRT_ENDPOINT"))
    return make_faces(registry, contexts, environment.backends, omnirt)


def _speakers(environment: Environment) -> dict[str, TextToSpeech]:
    registry: Registry = speech_registry()
    found: dict[str, TextToSpeech] = {}
    for name in sorted(registry.names):
        try:
            found[name] = registry.make(name, _speech_context(environment, name))
        except OpenTalkingError as error:
            log.warning("voice engine left out", name=name, error=error.message)
    return found


def _engine_config(settings: Settings, cores: int, host: str) -> EngineConfig:
    loopback = settings.rtc_loopback == "on" or (
        settings.rtc_loopback == "auto" and host in ("127.0.0.1", "localhost", "::1")
    )
    return EngineConfig(
        admission=AdmissionConfig(
            max_sessions=settings.max_sessions or 4 * cores,
            queue_sessions=settings.queue_sessions,
            queue_max_size=settings.queue_max_size,
            slot_queue_max_size=settings.flashtalk_max_queue_size,
            slot_timeout_seconds=settings.flashtalk_slot_timeout_sec,
            slot_session_seconds=settings.flashtalk_max_session_sec,
        ),
        recordings=recording_config(settings),
        system_prompt=settings.llm_system_prompt,
        emotion_tags=settings.llm_emotion_tags,
        tts_provider=SPEECH_ALIASES.get(settings.tts_default_provider, settings.tts_default_provider),
        tts_fallback=None if settings.tts_fallback == "none" else settings.tts_fallback,
        first_audio_timeout_seconds=settings.tts_first_audio_timeout_sec,
        next_audio_timeout_seconds=settings.tts_first_audio_timeout_sec,
        stt_provider=settings.stt_default_provider,
        stt_fallback=None if settings.stt_fallback == "none" else settings.stt_fallback,
        recognition_seconds=settings.stt_timeout_sec,
        turn_taking=settings.turn_taking,
        history_messages=settings.llm_history_messages,
        connect_timeout_seconds=settings.session_connect_timeout,
        reconnect_timeout_seconds=settings.session_reconnect_timeout,
        idle_timeout_seconds=settings.session_idle_timeout,
        video_bitrate=settings.video_bitrate,
        rtc=RtcConfig(
            ice_servers=parse_ice_servers(settings.ice_servers),
            port_range=parse_port_range(settings.rtc_port_range),
            loopback=loopback,
        ),
    )


def parse_ice_servers(text: str) -> tuple[IceServer, ...]:
    """A comma list of URLs, or the JSON that browsers take; raises `ValueError` with the remedy."""
    if not text.lstrip().startswith("["):
        return tuple(IceServer((url.strip(),)) for url in text.split(",") if url.strip())
    try:
        entries = json.loads(text)
        return tuple(
            IceServer(
                tuple([entry["urls"]] if isinstance(entry["urls"], str) else entry["urls"]),
                entry.get("username"),
                entry.get("credential"),
            )
            for entry in entries
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError('OPENTALKING_ICE_SERVERS must look like [{"urls": "stun:host:3478"}]') from error


@asynccontextmanager
async def _running(
    settings: Settings,
    worker: Worker,
    toolbox: Toolbox,
    services: ApiServices,
    observability: Observability,
    pools: tuple[ThreadPoolExecutor, ...],
) -> AsyncIterator[None]:
    """Run the worker and warm the models while inside; afterwards everything is closed."""
    async with AsyncExitStack() as stack:
        for pool in pools:
            stack.callback(pool.shutdown, wait=True, cancel_futures=True)
        stack.push_async_callback(_close_providers, toolbox)
        await stack.enter_async_context(observability.running())
        stack.push_async_callback(toolbox.idle_cache.aclose)
        await stack.enter_async_context(cloning(services.voices, services.clones))
        working = asyncio.create_task(worker.run(), name="worker")
        working.add_done_callback(_end_with_worker)
        stack.push_async_callback(_stop, working)
        warming = asyncio.create_task(warm_up(settings, toolbox, services.avatars), name="warm-up")
        stack.push_async_callback(_stop, warming)
        sweeping = asyncio.create_task(retention(settings, services.exports.in_use).run(), name="retention")
        stack.push_async_callback(_stop, sweeping)
        yield


def _end_with_worker(working: "asyncio.Task[None]") -> None:
    """A server without its worker can serve nobody: end it, so that a supervisor starts it anew."""
    if not working.cancelled() and working.exception() is not None:
        log.critical("the worker crashed, the server ends", exc_info=working.exception())
        signal.raise_signal(signal.SIGTERM)


async def _stop(task: "asyncio.Task[None]") -> None:
    task.cancel()
    [outcome] = await asyncio.gather(task, return_exceptions=True)
    if isinstance(outcome, Exception):
        log.error("task failed", task=task.get_name(), exc_info=outcome)


async def _close_providers(toolbox: Toolbox) -> None:
    await toolbox.chat_model.aclose()
    for speaker in toolbox.speakers.values():
        await speaker.aclose()
    for recogniser in toolbox.recognisers.values():
        await recogniser.aclose()
    if toolbox.turn_detector is not None:
        await toolbox.turn_detector.aclose()
    for renderer in {id(renderer): renderer for renderer in toolbox.renderers.values()}.values():
        await renderer.aclose()

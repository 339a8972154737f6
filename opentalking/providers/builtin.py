"""Entry points of the built-in plug-ins: from a `ProviderContext` to a provider."""

import os
from typing import Any

from pydantic import SecretStr

from opentalking.core.providers import ChatModel, Renderer, TextToSpeech
from opentalking.inference import models
from opentalking.providers.llm.builtin import BuiltinChatModel, BuiltinConfig
from opentalking.providers.llm.discover import AutoChatModel, AutoConfig, LocalServer
from opentalking.providers.llm.history import HistoryLimits
from opentalking.providers.llm.openai_compatible import OpenAICompatibleConfig
from opentalking.providers.registry import ProviderContext
from opentalking.providers.render.mock import MockRenderer
from opentalking.providers.render.portrait import PortraitConfig, PortraitRenderer
from opentalking.providers.tts.child_engine import ChildLimits
from opentalking.providers.tts.local import LocalSpeechConfig, LocalTextToSpeech
from opentalking.providers.tts.piper import PiperStyle

SINGLE_SLOT_MODELS = frozenset({"flashtalk", "flashhead"})
"""Models whose services serve one session at a time."""
REMOTE_MODELS = ("wav2lip", "quicktalk", "musetalk", "flashtalk", "flashhead")
"""Model names that may be configured with a backend without a plug-in of that name."""
SPEECH_NAMES = frozenset(
    {"local", "edge", "dashscope", "cosyvoice", "sambert", "elevenlabs", "openai_compatible"}
)
RECOGNISER_NAMES = frozenset({"local", "dashscope", "openai_compatible"})
SPEECH_ALIASES = {"qwen_tts": "dashscope"}


def local_speech(context: ProviderContext) -> TextToSpeech:
    """Piper and Kokoro, each in a process of its own."""
    options = context.options
    length_scale = options.get("length_scale", 1.0)
    threads = options.get("threads") or min(2, len(os.sched_getaffinity(0)))
    return LocalTextToSpeech(
        LocalSpeechConfig(
            models_directory=context.models_dir,
            voice=options.get("voice") or "",
            piper=PiperStyle(
                length_scale=length_scale,
                noise_scale=options.get("noise_scale", 0.667),
                noise_w_scale=options.get("noise_w", 0.8),
            ),
            kokoro_speed=1 / length_scale,
            # Frames must not wait for sound that is far ahead of them.
            kokoro_limits=ChildLimits(threads=threads, niceness=5),
        )
    )


def auto_chat(context: ProviderContext) -> ChatModel:
    """The configured endpoint, else a server on this machine, else the built-in demo model."""
    options = context.options
    key: Any = options.get("api_key", "")
    limits: dict[str, Any] = {}
    if (first := options.get("first_token_timeout_sec")) is not None:
        limits["first_token_timeout_seconds"] = first
    if (total := options.get("timeout_sec")) is not None:
        limits["total_timeout_seconds"] = total
    endpoint = OpenAICompatibleConfig(
        base_url=options.get("base_url", ""),
        model=options.get("model", ""),
        api_key=key.get_secret_value() if isinstance(key, SecretStr) else key,
        max_tokens=options.get("max_tokens") or None,
        temperature=options.get("temperature"),
        history=HistoryLimits(max_messages=options.get("history_messages", 40)),
        **limits,
    )
    servers = (
        LocalServer("ollama", options.get("ollama_url", "http://127.0.0.1:11434/v1")),
        LocalServer("lm_studio", options.get("lmstudio_url", "http://127.0.0.1:1234/v1")),
    )
    config = AutoConfig(endpoint=endpoint, choice=options.get("provider", "auto"), local_servers=servers)
    weights = models.path(context.models_dir, "smollm2-135m")
    return AutoChatModel(config, BuiltinChatModel(BuiltinConfig(model_path=weights)))


def portrait(context: ProviderContext) -> Renderer:
    """The embedded talking head."""
    return PortraitRenderer(
        PortraitConfig(
            max_pixels=context.options.get("max_pixels", 409_600),
            render_threads=context.threads,
            cache_directory=context.cache_dir / "portrait",
        )
    )


def mock(context: ProviderContext) -> Renderer:
    """A still picture."""
    return MockRenderer(context.options.get("max_pixels", 409_600))

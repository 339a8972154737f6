"""Entry points of the built-in plug-ins: from a `ProviderContext` to a provider."""

import os
from typing import Any

from pydantic import SecretStr

from opentalking.core.providers import ChatModel, Renderer, SpeechToText, TextToSpeech, TurnDetector
from opentalking.inference import models
from opentalking.providers.llm.builtin import BuiltinChatModel, BuiltinConfig
from opentalking.providers.llm.discover import AutoChatModel, AutoConfig, LocalServer
from opentalking.providers.llm.history import HistoryLimits
from opentalking.providers.llm.openai_compatible import OpenAICompatibleConfig
from opentalking.providers.registry import ProviderContext
from opentalking.providers.render.mock import MockRenderer
from opentalking.providers.render.portrait import PortraitConfig, PortraitRenderer
from opentalking.providers.stt.dashscope import Paraformer, ParaformerConfig
from opentalking.providers.stt.local import LocalRecognitionConfig, LocalSpeechToText
from opentalking.providers.stt.openai_compatible import OpenAIRecognitionConfig, OpenAISpeechToText
from opentalking.providers.tts.child_engine import ChildLimits
from opentalking.providers.tts.local import LocalSpeechConfig, LocalTextToSpeech
from opentalking.providers.tts.piper import PiperStyle
from opentalking.providers.tts.remote.cosyvoice import CosyVoice, Sambert, TaskConfig
from opentalking.providers.tts.remote.edge import EdgeConfig, EdgeSpeech
from opentalking.providers.tts.remote.elevenlabs import ElevenLabs, ElevenLabsConfig
from opentalking.providers.tts.remote.openai_compatible import OpenAISpeech, OpenAISpeechConfig
from opentalking.providers.tts.remote.qwen import QwenConfig, QwenSpeech
from opentalking.providers.vad.silero import SileroConfig, SileroTurnDetector

SINGLE_SLOT_MODELS = frozenset({"flashtalk", "flashhead"})
"""Models whose services serve one session at a time."""
REMOTE_MODELS = ("wav2lip", "quicktalk", "musetalk", "flashtalk", "flashhead")
"""Model names that may be configured with a backend without a plug-in of that name."""
SPEECH_NAMES = frozenset(
    {"local", "edge", "dashscope", "cosyvoice", "sambert", "elevenlabs", "openai_compatible"}
)
RECOGNISER_NAMES = frozenset({"local", "dashscope", "openai_compatible"})
SPEECH_ALIASES = {"qwen_tts": "dashscope"}
CLOSED_ENGINES = frozenset({"local"})
"""Voice engines that have no other voices than those they list."""
SPEECH_OPTIONS = {"openai_compatible": ("tts_openai_",), "sambert": ("tts_cosyvoice_", "tts_sambert_")}
"""Prefixes of the settings of a voice engine, where they are not `tts_<name>_`; later ones win."""
DASHSCOPE_ENGINES = frozenset({"dashscope", "cosyvoice", "sambert"})
"""Engines that share DashScope's key."""


def local_speech(context: ProviderContext) -> TextToSpeech:
    """Piper, Kokoro and (for cloned voices) Pocket TTS, each in a process of its own."""
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
            kokoro_limits=ChildLimits(threads=threads, niceness=1),
            clones_directory=context.voices_dir / "clones" if context.voices_dir else None,
            pocket_language=options.get("pocket_language") or "english",
            pocket_cache=options.get("pocket_cache"),
            pocket_limits=ChildLimits(threads=threads, niceness=5),
        )
    )


def qwen_speech(context: ProviderContext) -> TextToSpeech:
    """DashScope's Qwen voices."""
    told = _told(context, "model", "voice", "service_url")
    return QwenSpeech(QwenConfig(api_key=_key(context), **told))


def cosyvoice_speech(context: ProviderContext) -> TextToSpeech:
    """DashScope's CosyVoice."""
    return CosyVoice(TaskConfig(api_key=_key(context), **_told(context, "model", "voice", "service_url")))


def sambert_speech(context: ProviderContext) -> TextToSpeech:
    """DashScope's Sambert."""
    return Sambert(TaskConfig(api_key=_key(context), voice="", **_told(context, "model", "service_url")))


def elevenlabs_speech(context: ProviderContext) -> TextToSpeech:
    """ElevenLabs."""
    told = _told(context, "base_url", "output_format", model="model_id", voice="voice_id")
    return ElevenLabs(ElevenLabsConfig(api_key=_key(context), **told))


def openai_speech(context: ProviderContext) -> TextToSpeech:
    """Any OpenAI-compatible voices."""
    told = _told(context, "base_url", "model", "voice", "response_format")
    return OpenAISpeech(OpenAISpeechConfig(api_key=_key(context), **told))


def edge_speech(context: ProviderContext) -> TextToSpeech:
    """Microsoft Edge's read-aloud voices."""
    return EdgeSpeech(EdgeConfig(**_told(context, "voice")))


def local_recogniser(context: ProviderContext) -> SpeechToText:
    """Whisper, in a process of its own."""
    threads = context.options.get("threads") or min(2, len(os.sched_getaffinity(0)))
    told = _told(context, "model")
    return LocalSpeechToText(
        LocalRecognitionConfig(context.models_dir, languages=_languages(context), threads=threads, **told)
    )


def dashscope_recogniser(context: ProviderContext) -> SpeechToText:
    """DashScope's Paraformer."""
    told = _told(context, "model", "service_url")
    return Paraformer(ParaformerConfig(api_key=_key(context), languages=_languages(context), **told))


def openai_recogniser(context: ProviderContext) -> SpeechToText:
    """The configured transcription endpoint."""
    told = _told(context, "base_url", "model", "language")
    return OpenAISpeechToText(OpenAIRecognitionConfig(api_key=_key(context), **told))


def turn_detector(context: ProviderContext) -> TurnDetector:
    """Silero VAD and Smart Turn, each in a process of its own."""
    cores = context.threads
    return SileroTurnDetector(SileroConfig(hearing=max(1, cores // 8), judging=max(1, cores // 2)))


def _key(context: ProviderContext) -> str:
    key: Any = context.options.get("api_key", "")
    return str(key.get_secret_value() if isinstance(key, SecretStr) else key)


def _told(context: ProviderContext, *names: str, **renamed: str) -> dict[str, Any]:
    """The options of these names that are set; `renamed` maps a configuration's field to an option."""
    wanted = {name: name for name in names} | renamed
    return {field: context.options[name] for field, name in wanted.items() if context.options.get(name)}


def _languages(context: ProviderContext) -> tuple[str, ...]:
    names = (name.strip().lower() for name in context.options.get("language_hints", "").split(","))
    return tuple(filter(None, names)) or ("en", "zh")


def auto_chat(context: ProviderContext) -> ChatModel:
    """The configured endpoint, else a server on this machine, else the built-in demo model."""
    options = context.options
    limits: dict[str, Any] = {}
    if (first := options.get("first_token_timeout_sec")) is not None:
        limits["first_token_timeout_seconds"] = first
    if (total := options.get("timeout_sec")) is not None:
        limits["total_timeout_seconds"] = total
    endpoint = OpenAICompatibleConfig(
        base_url=options.get("base_url", ""),
        model=options.get("model", ""),
        api_key=_key(context),
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

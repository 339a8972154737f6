"""Finds plug-ins by entry point; the built-in ones are found the same way as a third party's.

An entry point in one of the groups below names a function `(context: ProviderContext) -> provider`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, TypeVar

import structlog

from opentalking.core.errors import ProviderError
from opentalking.core.providers import ChatModel, Renderer, SpeechToText, TextToSpeech, TurnDetector

TTS_GROUP = "opentalking.tts"
STT_GROUP = "opentalking.stt"
VAD_GROUP = "opentalking.vad"
LLM_GROUP = "opentalking.llm"
RENDER_GROUP = "opentalking.render"

T = TypeVar("T")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ProviderContext:
    """What a plug-in is made with.

    `options` holds its own settings: `OPENTALKING_TTS_<NAME>_*`, `OPENTALKING_STT_<NAME>_*`,
    `OPENTALKING_VAD_<NAME>_*`, `OPENTALKING_LLM_*` or `OPENTALKING_<NAME>_*` in lower case without that
    prefix. `models_dir` holds model files, `cache_dir` is for what can be made again, `voices_dir` for what
    was made of people's voices.
    """

    models_dir: Path
    cache_dir: Path
    options: Mapping[str, Any] = field(default_factory=dict)
    threads: int = 1
    voices_dir: Path | None = None


class Registry:
    """The installed plug-ins of one kind, made when they are first asked for."""

    def __init__(self, group: str, stage: str) -> None:
        self._stage = stage
        self._found: dict[str, EntryPoint] = {point.name: point for point in entry_points(group=group)}

    @property
    def names(self) -> frozenset[str]:
        """Every installed plug-in's name."""
        return frozenset(self._found)

    def make(self, name: str, context: ProviderContext) -> Any:
        """A new provider; raises `ProviderError` when it is not installed or cannot be imported."""
        point = self._found.get(name)
        if point is None:
            raise ProviderError(f"{name} is not installed", stage=self._stage, provider=name)
        try:
            factory: Callable[[ProviderContext], Any] = point.load()
        except ImportError as error:
            log.warning("plug-in not importable", name=name, error=str(error))
            raise ProviderError(f"{name}: {error}", stage=self._stage, provider=name) from error
        return factory(context)


def speech_registry() -> Registry:
    """Plug-ins that make a `TextToSpeech`."""
    return Registry(TTS_GROUP, "tts")


def recognition_registry() -> Registry:
    """Plug-ins that make a `SpeechToText`."""
    return Registry(STT_GROUP, "stt")


def turn_detection_registry() -> Registry:
    """Plug-ins that make a `TurnDetector`."""
    return Registry(VAD_GROUP, "vad")


def chat_registry() -> Registry:
    """Plug-ins that make a `ChatModel`."""
    return Registry(LLM_GROUP, "llm")


def render_registry() -> Registry:
    """Plug-ins that make a `Renderer`."""
    return Registry(RENDER_GROUP, "render")


__all__ = [
    "ChatModel",
    "ProviderContext",
    "Registry",
    "Renderer",
    "SpeechToText",
    "TextToSpeech",
    "TurnDetector",
    "chat_registry",
    "recognition_registry",
    "render_registry",
    "speech_registry",
    "turn_detection_registry",
]

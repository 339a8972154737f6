"""Listening from the settings: who recognises words, who hears turns, and whether they can."""

import os

import structlog

from opentalking.core.errors import OpenTalkingError
from opentalking.core.providers import SpeechToText, TurnDetector
from opentalking.providers.registry import (
    ProviderContext,
    recognition_registry,
    turn_detection_registry,
)
from opentalking.settings import Environment

_PREFIXES = {"openai_compatible": "stt_openai_"}
"""Settings of providers whose prefix is not `stt_<name>_`."""

log = structlog.get_logger(__name__)


def make_recognisers(environment: Environment) -> dict[str, SpeechToText]:
    """Every installed recogniser; one that cannot be made is left out, with a log line."""
    registry = recognition_registry()
    found: dict[str, SpeechToText] = {}
    for name in sorted(registry.names):
        try:
            found[name] = registry.make(name, _context(environment, name))
        except OpenTalkingError as error:
            log.warning("recogniser left out", name=name, error=error.message)
    return found


def recogniser_state(environment: Environment) -> tuple[str, str]:
    """The default recogniser's name, and what keeps it from listening ("": nothing)."""
    name = environment.settings.stt_default_provider
    try:
        recogniser: SpeechToText = recognition_registry().make(name, _context(environment, name))
    except OpenTalkingError as error:
        return name, error.message
    return name, recogniser.ready()


def make_turn_detector(environment: Environment) -> TurnDetector | None:
    """Who hears when somebody speaks and whether they have finished; None, with a log line, is nobody."""
    try:
        return _turn_detector(environment)
    except OpenTalkingError as error:
        name = environment.settings.vad_provider
        log.warning("turn detector left out", name=name, error=error.message)
        return None


def turn_detector_state(environment: Environment) -> tuple[str, str]:
    """The turn detector's name, and what keeps it from hearing ("": nothing)."""
    try:
        return environment.settings.vad_provider, _turn_detector(environment).ready()
    except OpenTalkingError as error:
        return environment.settings.vad_provider, error.message


def _turn_detector(environment: Environment) -> TurnDetector:
    settings = environment.settings
    name, cores = settings.vad_provider, len(os.sched_getaffinity(0))
    options = environment.options(f"vad_{name}_")
    context = ProviderContext(settings.models_path, settings.cache_path, options, threads=cores)
    detector: TurnDetector = turn_detection_registry().make(name, context)
    return detector


def _context(environment: Environment, name: str) -> ProviderContext:
    settings = environment.settings
    options = environment.options(_PREFIXES.get(name, f"stt_{name}_"))
    options["language_hints"] = settings.stt_language_hints
    return ProviderContext(settings.models_path, settings.cache_path, options=options)

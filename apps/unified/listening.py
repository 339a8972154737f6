"""Listening from the settings: who recognises words, who hears turns, and whether they can."""

import os

import structlog

from opentalking.core.errors import OpenTalkingError
from opentalking.core.providers import SpeechToText, TurnDetector
from opentalking.providers.builtin import turn_detector
from opentalking.providers.registry import ProviderContext, recognition_registry
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


def make_turn_detector(environment: Environment) -> TurnDetector:
    """Who hears when somebody speaks and whether they have finished."""
    settings = environment.settings
    cores = len(os.sched_getaffinity(0))
    return turn_detector(ProviderContext(settings.models_path, settings.cache_path, threads=cores))


def _context(environment: Environment, name: str) -> ProviderContext:
    settings = environment.settings
    options = environment.options(_PREFIXES.get(name, f"stt_{name}_"))
    options["language_hints"] = settings.stt_language_hints
    return ProviderContext(settings.models_path, settings.cache_path, options=options)

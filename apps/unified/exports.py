"""Offline bundles of a unified server: where they lie, and what draws them in the job process."""

from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from apps.unified.faces import ALWAYS
from opentalking.engine.config import Toolbox
from opentalking.engine.said import SaidSpool
from opentalking.providers.registry import render_registry
from opentalking.services.customised import CustomisedAvatars
from opentalking.services.exports.render import RenderPlugin
from opentalking.services.exports.service import ExportConfig, ExportService
from opentalking.services.sessions import SessionPorts
from opentalking.settings import Environment, Settings


def make_spool(settings: Settings, executor: Executor) -> SaidSpool:
    """Where sessions keep what they say; `executor` has one thread."""
    return SaidSpool(settings.recordings_path, executor, settings.offline_bundle_said_sec)


def make_exports(environment: Environment, toolbox: Toolbox, avatars: CustomisedAvatars) -> ExportService:
    """The service of offline bundles."""
    settings = environment.settings
    config = ExportConfig(
        plugins=_plugins(environment, toolbox.renderers),
        at_once=settings.offline_bundle_jobs,
        waiting=settings.offline_bundle_queue,
        stall_seconds=settings.offline_bundle_stall_sec,
        job_seconds=settings.offline_bundle_timeout_sec,
    )
    ports = SessionPorts(toolbox.store, toolbox.commands, toolbox.events)
    return ExportService(settings.recordings_path, ports, avatars, config)


def _plugins(environment: Environment, models: Iterable[str]) -> dict[str, RenderPlugin]:
    """By model the installed plug-in that draws it; models that live elsewhere have none."""
    installed = render_registry().names
    found: dict[str, RenderPlugin] = {}
    for model in models:
        is_mocked = environment.backends.get(model) == "mock" and model not in ALWAYS
        name = "mock" if is_mocked else model
        if name in installed:
            settings = environment.settings
            found[model] = RenderPlugin(
                name=name,
                models_dir=settings.models_path.resolve(),
                cache_dir=settings.cache_path.resolve(),
                options=_plain(environment.options(f"{name}_")),
            )
    return found


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as JSON can carry them."""
    return {name: _plain_value(value) for name, value in options.items()}


def _plain_value(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return str(value) if isinstance(value, Path) else value

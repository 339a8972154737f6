"""The only reader of the environment: every setting, its type, default and meaning.

Sources, strongest first: process environment, `.env` (`OPENTALKING_ENV_FILE`), YAML
(`OPENTALKING_CONFIG_FILE`), defaults. Names are `OPENTALKING_<FIELD>`; an empty value means
"not set". `apps` read a `Settings` and pass sections of it down.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from dotenv import dotenv_values

from opentalking.settings.sessions import Settings, parse_port_range
from opentalking.settings.tracing import TraceTarget, trace_target

__all__ = ["ALIASES", "PREFIX", "Environment", "Settings", "parse_port_range"]

PREFIX = "OPENTALKING_"
_BACKEND = re.compile(rf"{PREFIX}([A-Z0-9_]+?)_BACKEND")
_NOT_MODELS = frozenset({"LLM", "TTS", "STT"})

ALIASES: dict[str, tuple[str, ...]] = {
    "api_host": ("UNIFIED_HOST",),
    "api_port": ("UNIFIED_PORT",),
    "tts_default_provider": ("TTS_PROVIDER",),
    "stt_default_provider": ("STT_PROVIDER",),
}
"""Older names of settings; the field's own name wins."""


def _read_config_file(path: Path) -> dict[str, Any]:
    parsed = yaml.safe_load(path.read_text(encoding="utf-8"))
    if parsed is None:
        return {}
    if not isinstance(parsed, dict):
        raise ValueError(f"{path}: the configuration file must be a mapping of setting: value")
    return {str(key).lower(): value for key, value in parsed.items()}


class Environment:
    """The process environment and the files it names, read once.

    `settings` is the typed part; `backends` the `OPENTALKING_<MODEL>_BACKEND` choices;
    `options(prefix)` whatever else starts with a prefix, for plug-ins.
    """

    def __init__(self, environ: Mapping[str, str] | None = None, **overrides: Any) -> None:
        process = dict(os.environ if environ is None else environ)
        env_file = process.get(f"{PREFIX}ENV_FILE") or ".env"
        from_file = (
            {k: v for k, v in dotenv_values(env_file).items() if v} if Path(env_file).is_file() else {}
        )
        self.variables: dict[str, str] = {**from_file, **{k: v for k, v in process.items() if v}}
        config = self.variables.get(f"{PREFIX}CONFIG_FILE")
        self._config = _read_config_file(Path(config).expanduser()) if config else {}
        self.settings = self._typed(overrides)

    def _typed(self, overrides: Mapping[str, Any]) -> Settings:
        values: dict[str, Any] = {k: v for k, v in self._config.items() if v is not None and v != ""}
        for field in Settings.model_fields:
            for name in (field.upper(), *ALIASES.get(field, ())):
                if PREFIX + name in self.variables:
                    values[field] = self.variables[PREFIX + name]
                    break
        return Settings.model_validate({**values, **overrides})

    @property
    def backends(self) -> dict[str, str]:
        """Backend by model id, e.g. `{"wav2lip": "mock"}`: `OPENTALKING_<MODEL>_BACKEND` and the file."""
        found = {
            key.removesuffix("_backend"): str(value).lower()
            for key, value in self._config.items()
            if key.endswith("_backend")
        }
        for name, value in self.variables.items():
            match = _BACKEND.fullmatch(name)
            if match and match[1] not in _NOT_MODELS:
                found[match[1].lower()] = value.lower()
        return found

    @property
    def traces(self) -> TraceTarget | None:
        """Where traces of turns go; None: nowhere."""
        return trace_target(self.settings.otel_endpoint, self.variables)

    def options(self, prefix: str) -> dict[str, Any]:
        """Values whose field name starts with `prefix`, the prefix cut off; typed where known."""
        typed = {
            name.removeprefix(prefix): getattr(self.settings, name)
            for name in Settings.model_fields
            if name.startswith(prefix)
        }
        start = PREFIX + prefix.upper()
        raw = {
            name.removeprefix(start).lower(): value
            for name, value in self.variables.items()
            if name.startswith(start)
        }
        return {**raw, **typed}

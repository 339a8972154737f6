"""The only reader of the environment: every setting, its type, default and meaning.

Sources, strongest first: process environment, `.env` (`OPENTALKING_ENV_FILE`), YAML
(`OPENTALKING_CONFIG_FILE`), defaults. Names are `OPENTALKING_<FIELD>`; an empty value means
"not set". `apps` read a `Settings` and pass sections of it down.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from dotenv import dotenv_values
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

PREFIX = "OPENTALKING_"
_BACKEND = re.compile(rf"{PREFIX}([A-Z0-9_]+?)_BACKEND")
_NOT_MODELS = frozenset({"LLM", "TTS", "STT"})


ALIASES: dict[str, tuple[str, ...]] = {
    "api_host": ("UNIFIED_HOST",),
    "api_port": ("UNIFIED_PORT",),
    "tts_default_provider": ("TTS_PROVIDER",),
}
"""Older names of settings; the field's own name wins."""


class Settings(BaseModel):
    """Every setting of the server."""

    model_config = ConfigDict(frozen=True, extra="ignore", validate_default=True)

    # --- service
    api_host: str = Field(
        "0.0.0.0",  # noqa: S104 - the documented default; `serve` warns about it
        description="Address the API listens on.",
    )
    api_port: int = Field(
        8000,
        ge=0,
        le=65535,
        description="Port the API listens on; 0 takes a free one.",
    )
    cors_origins: str = Field(
        "http://localhost:5173,http://127.0.0.1:5173",
        description="Comma list of origins that may call the API from a browser; `*`: any, no credentials.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Least severe log level shown."
    )
    log_format: Literal["auto", "json", "console"] = Field(
        "auto", description="`auto` is console on a terminal and JSON lines elsewhere."
    )
    redis_mode: Literal["memory", "redis"] = Field(
        "memory", description="Bus between API and workers. Only `memory` (one process) is built so far."
    )
    shutdown_timeout_sec: float = Field(
        5.0, gt=0, description="Time for sessions to end when the server stops."
    )

    # --- files
    data_dir: Path = Field(
        Path("~/.local/share/opentalking"), description="Where models, avatars and caches live by default."
    )
    models_dir: Path | None = Field(None, description="Model files; default `<data_dir>/models`.")
    avatars_dir: Path | None = Field(
        None, description="Your avatar bundles, beside the shipped ones; default `<data_dir>/avatars`."
    )
    cache_dir: Path | None = Field(
        None, description="Prepared avatars and idle loops; default `<data_dir>/cache`."
    )

    # --- models and faces
    default_model: str = Field("portrait", description="Talking-head model that lists name first.")
    prewarm_avatars: str = Field(
        "demo-avatar,*", description="Comma list of avatars prepared at start; `*`: then all others."
    )
    portrait_max_pixels: int = Field(
        409_600,
        ge=4096,
        le=4_194_304,
        description="Most pixels `portrait` streams; larger avatars are scaled down.",
    )
    render_threads: int = Field(
        0, ge=0, le=64, description="Threads that draw faces; 0 is one per core, at most 4."
    )

    # --- language model
    llm_provider: Literal["auto", "openai_compatible", "builtin"] = Field(
        "auto",
        description="`auto`: the configured endpoint, else Ollama or LM Studio here, else the built-in demo.",
    )
    llm_base_url: str = Field("", description="OpenAI-compatible endpoint, e.g. `http://127.0.0.1:11434/v1`.")
    llm_api_key: SecretStr = Field(SecretStr(""), description="Key of that endpoint, if it wants one.")
    llm_model: str = Field(
        "", description="Model name; empty takes the endpoint's first where that can be asked."
    )
    llm_system_prompt: str = Field(
        "", max_length=20_000, description="What the character is told about itself."
    )
    llm_emotion_tags: bool = Field(
        False,
        description="Tell the model that it may show feelings with tags such as `[happy]` (never spoken).",
    )
    llm_first_token_timeout_sec: float = Field(
        15.0, gt=0, description="Longest wait for the first token, and between two."
    )
    llm_timeout_sec: float = Field(90.0, gt=0, description="Longest time for a whole answer.")
    llm_max_tokens: int = Field(
        0, ge=0, description="Cap on an answer's tokens; 0 leaves it to the endpoint."
    )
    llm_temperature: float | None = Field(
        None, ge=0, le=2, description="Sampling temperature; empty: the endpoint's."
    )
    llm_history_messages: int = Field(
        40, ge=2, le=1000, description="Messages of a session that the model still sees."
    )
    llm_ollama_url: str = Field("http://127.0.0.1:11434/v1", description="Where `auto` looks for Ollama.")
    llm_lmstudio_url: str = Field("http://127.0.0.1:1234/v1", description="Where `auto` looks for LM Studio.")

    # --- speech
    tts_default_provider: str = Field(
        "local",
        description="Voice engine of sessions that name none.",
    )
    tts_fallback: str = Field(
        "local", description="Engine that steps in when another fails before its first sound; `none`: off."
    )
    tts_first_audio_timeout_sec: float = Field(
        20.0, gt=0, description="Longest wait for a sentence's first sound."
    )
    tts_local_voice: str = Field(
        "", description="Local voice of sessions and avatars that name none; empty: Joe if installed."
    )
    tts_local_threads: int = Field(
        0, ge=0, le=16, description="Threads of one Kokoro synthesis; 0 is two where there are two cores."
    )
    tts_local_noise_scale: float = Field(
        0.667, ge=0, le=2, description="Piper's variation of sound; 0 is repeatable."
    )
    tts_local_noise_w: float = Field(
        0.8, ge=0, le=2, description="Piper's variation of rhythm; 0 is repeatable."
    )
    tts_local_length_scale: float = Field(
        1.0, gt=0.2, le=4, description="Pace of local voices: 1 normal, 2 half as fast."
    )
    tts_preview_max_chars: int = Field(500, ge=1, le=10_000, description="Longest text of `/tts/preview`.")
    stt_default_provider: str = Field("local", description="Recogniser of sessions that name none.")
    speak_mode: Literal["verbatim", "chat"] = Field(
        "verbatim",
        description="`chat`: `/speak` answers like `/chat`, for clients that send the user's words there.",
    )

    # --- sessions
    max_sessions: int = Field(0, ge=0, description="Sessions at once; 0 is four per core.")
    queue_sessions: bool = Field(
        False, description="Let sessions wait when the server is full instead of 503."
    )
    queue_max_size: int = Field(
        32, ge=1, le=10_000, description="Most sessions that wait when `queue_sessions` is on."
    )
    session_connect_timeout: float = Field(
        300.0, ge=0, description="Close a session that no peer joined; seconds, 0 is off."
    )
    session_reconnect_timeout: float = Field(
        15.0, ge=0, description="Keep a session whose peer was lost; seconds, 0 is for ever."
    )
    session_idle_timeout: float = Field(
        1800.0, ge=0, description="Close a session that nobody uses; seconds, 0 is off."
    )
    flashtalk_max_queue_size: int = Field(3, ge=0, description="Sessions that wait for a single-slot model.")
    flashtalk_slot_timeout_sec: float = Field(
        3600.0, ge=0, description="Longest wait for its slot; 0 is off."
    )
    flashtalk_max_session_sec: float = Field(600.0, ge=0, description="Longest session on it; 0 is off.")

    # --- media
    ice_servers: str = Field(
        "",
        description="STUN/TURN servers: comma list of URLs, or JSON like a browser's `iceServers`.",
    )
    rtc_port_range: str = Field("", description="UDP ports for media, e.g. `40000-40100`; empty takes any.")
    rtc_loopback: Literal["auto", "on", "off"] = Field(
        "auto",
        description="Offer 127.0.0.1 as a media address; `auto`: when the API listens on loopback only.",
    )
    video_bitrate: int = Field(
        500_000, ge=100_000, le=8_000_000, description="Bits per second of live video."
    )

    @field_validator("data_dir", "models_dir", "avatars_dir", "cache_dir")
    @classmethod
    def _expand(cls, path: Path | None) -> Path | None:
        return path.expanduser() if path is not None else None

    @field_validator("rtc_port_range")
    @classmethod
    def _port_range(cls, text: str) -> str:
        parse_port_range(text)
        return text

    @property
    def models_path(self) -> Path:
        """Folder of the model files."""
        return self.models_dir or self.data_dir / "models"

    @property
    def avatars_path(self) -> Path:
        """Folder of the operator's own avatars."""
        return self.avatars_dir or self.data_dir / "avatars"

    @property
    def cache_path(self) -> Path:
        """Folder of what can be made again."""
        return self.cache_dir or self.data_dir / "cache"


def parse_port_range(text: str) -> tuple[int, int] | None:
    """`"40000-40100"` → (40000, 40100); "" → None; raises ValueError with the remedy."""
    if not text:
        return None
    found = re.fullmatch(r"\s*(\d{1,5})\s*-\s*(\d{1,5})\s*", text)
    low, high = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1024 <= low <= high <= 65535:
        raise ValueError("rtc_port_range must look like 40000-40100, both within 1024..65535")
    return low, high


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

"""Settings of the service: where it listens, where its files lie, what may be uploaded."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from opentalking.core.ai_label import AI_LABEL, label_of


class ServiceSettings(BaseModel):
    """Address, files and uploads."""

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
    otel_endpoint: str = Field(
        "",
        description="OpenTelemetry collector that gets a trace of each turn by OTLP over HTTP, e.g. "
        "`http://localhost:4318`; empty: that of `OTEL_EXPORTER_OTLP_ENDPOINT`, else none.",
    )
    redis_mode: Literal["memory", "redis"] = Field(
        "memory", description="Bus between API and workers. Only `memory` (one process) is built so far."
    )
    public_base_url: str = Field(
        "",
        description="Address at which others reach this server; voice services fetch samples from it.",
    )
    ai_label: str = Field(
        "",
        description=f"Words of the AI label on the page, at most 60 characters; empty: `{AI_LABEL}`, in the "
        "visitor's language. It cannot be switched off.",
    )
    shutdown_timeout_sec: float = Field(
        5.0, gt=0, description="Time for sessions to end when the server stops."
    )

    # --- access
    api_keys: SecretStr = Field(
        SecretStr(""),
        description="Comma list of keys, each of 16 characters or more; empty: everybody may use the API.",
    )
    api_token_secret: SecretStr = Field(
        SecretStr(""),
        description="Signs tokens (`POST /auth/token`), 32 characters or more; empty: new at each start.",
    )
    api_token_seconds: int = Field(900, ge=10, le=86_400, description="How long such a token is good.")
    trusted_proxies: str = Field(
        "",
        description="Comma list of addresses or networks of proxies whose `X-Forwarded-For` is believed.",
    )
    frame_ancestors: str = Field(
        "'self'",
        description="Who may show the page in a frame, as in a Content-Security-Policy, e.g. "
        "`https://example.org`.",
    )
    client_max_sessions: int = Field(
        100, ge=0, description="Sessions of one client (its key, else its address) at once; 0: no limit."
    )
    client_max_requests: int = Field(
        1000, ge=0, description="Requests of one client in work at once, event streams included; 0: no limit."
    )
    client_max_uploads: int = Field(
        32, ge=0, description="Uploads of one client in work at once; 0: no limit."
    )
    client_max_previews: int = Field(
        32, ge=0, description="Voice previews of one client in work at once; 0: no limit."
    )
    max_connections: int = Field(
        2000, ge=0, description="Open connections, idle ones included; further ones get 503; 0: no limit."
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
    sqlite_path: Path | None = Field(
        None, description="Catalogue of voices; default `<data_dir>/opentalking.sqlite3`."
    )
    voices_dir: Path | None = Field(None, description="Voice samples; default `<data_dir>/voices`.")
    flashtalk_recordings_dir: Path | None = Field(
        None, description="Recordings and offline bundles; default `<data_dir>/recordings`."
    )
    recording_max_sec: float = Field(
        3600.0, gt=0, description="A recording stops by itself after this time; seconds."
    )
    recording_max_mib: int = Field(
        2048, ge=1, le=4000, description="A recording stops by itself at this size; MiB."
    )
    recording_keep_deleted: bool = Field(
        False, description="Keep the recording of a session that a client deletes, until retention ends it."
    )
    retention_hours: float = Field(
        24.0, ge=0, description="Recordings and bundles older than this are deleted; 0 keeps them."
    )
    retention_gib: float = Field(
        10.0,
        ge=0,
        description="Recordings and bundles beyond this size are deleted, oldest first; 0: no limit.",
    )
    offline_bundle_jobs: int = Field(1, ge=1, le=16, description="Offline bundles rendered at once.")
    offline_bundle_queue: int = Field(
        32, ge=1, le=1000, description="Offline bundles that may wait, four of them of one session."
    )
    offline_bundle_stall_sec: float = Field(
        120.0, gt=0, description="An offline bundle without progress for this time is given up; seconds."
    )
    offline_bundle_timeout_sec: float = Field(
        3600.0, gt=0, description="Longest rendering of an offline bundle; seconds."
    )
    offline_bundle_said_sec: float = Field(
        1800.0,
        ge=0,
        description="How much of what a session says is kept for offline bundles, the oldest dropped; "
        "seconds, 0: nothing.",
    )

    # --- uploads
    custom_avatar_max_width: int = Field(
        720, ge=16, le=4096, description="Custom avatars are shrunk to this width; pixels."
    )
    custom_avatar_max_height: int = Field(
        1280, ge=16, le=4096, description="Custom avatars are shrunk to this height; pixels."
    )
    allow_shared_customize: bool = Field(
        True, description="Let clients change avatars that all clients share (`/sessions/customize`)."
    )
    require_consent: bool = Field(
        False, description="Refuse faces and voices that are uploaded without `consent=true`."
    )

    @field_validator("ai_label")
    @classmethod
    def _label(cls, text: str) -> str:
        label_of(text)
        return text

    @field_validator(
        "data_dir",
        "models_dir",
        "avatars_dir",
        "cache_dir",
        "sqlite_path",
        "voices_dir",
        "flashtalk_recordings_dir",
    )
    @classmethod
    def _expand(cls, path: Path | None) -> Path | None:
        return path.expanduser() if path is not None else None

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

    @property
    def database_path(self) -> Path:
        """File of the voice catalogue."""
        return self.sqlite_path or self.data_dir / "opentalking.sqlite3"

    @property
    def voices_path(self) -> Path:
        """Folder of voice samples."""
        return self.voices_dir or self.data_dir / "voices"

    @property
    def recordings_path(self) -> Path:
        """Folder of recordings and offline bundles."""
        return self.flashtalk_recordings_dir or self.data_dir / "recordings"

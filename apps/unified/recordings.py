"""Recordings of a unified server: where they go, and when they are deleted."""

from collections.abc import Callable, Sequence
from pathlib import Path

from opentalking.engine.config import RecordingConfig, Toolbox
from opentalking.services.recordings import RecordingService
from opentalking.services.retention import Retention, RetentionLimits
from opentalking.settings import Settings


def recording_config(settings: Settings) -> RecordingConfig:
    """What a worker needs to know."""
    return RecordingConfig(
        directory=settings.recordings_path,
        max_seconds=settings.recording_max_sec,
        max_bytes=settings.recording_max_mib * 2**20,
        keep_deleted=settings.recording_keep_deleted,
    )


def recording_service(settings: Settings, toolbox: Toolbox) -> RecordingService:
    """What the routes call."""
    return RecordingService(toolbox.store, toolbox.commands, settings.recordings_path)


def retention(settings: Settings, in_use: Callable[[], Sequence[Path]]) -> Retention:
    """The sweep, which spares what is `in_use`; whoever makes it runs it."""
    limits = RetentionLimits(settings.retention_hours * 3600, round(settings.retention_gib * 2**30))
    return Retention(settings.recordings_path, limits, in_use=in_use)

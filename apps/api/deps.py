"""What the API is built from, and how routes get at it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, cast

from fastapi import Depends, Request

from apps.api.guard import Guard
from apps.api.sse import StreamTimes
from opentalking.core.ports import EventBus
from opentalking.services.avatar_studio import AvatarStudio
from opentalking.services.avatars import AvatarService
from opentalking.services.customisations import CustomisationService
from opentalking.services.exports.service import ExportService
from opentalking.services.health import HealthInfo, QueueStatus
from opentalking.services.listening import ListeningService
from opentalking.services.models import ModelService
from opentalking.services.playing import PlayService
from opentalking.services.playout import PlayoutService
from opentalking.services.recognition import RecognitionService
from opentalking.services.recordings import RecordingService
from opentalking.services.sessions import SessionService
from opentalking.services.speech import SpeechService
from opentalking.services.voice_clones import VoiceCloneService
from opentalking.services.voices import VoiceService


@dataclass(frozen=True, slots=True)
class ApiLimits:
    """Sizes and times that hold for every request, enforced while its body is read."""

    json_body_bytes: int = 2**20
    image_bytes: int = 10 * 2**20
    audio_bytes: int = 15 * 2**20
    sample_bytes: int = 12 * 2**20
    body_idle_seconds: float = 20.0
    body_seconds: float = 120.0


@dataclass(slots=True)
class ApiServices:
    """Everything the routes call; made by whoever runs the API.

    `web_dist` is the built page (None: a hint how to build it is served). `lifespan` makes a context manager
    that is entered while the API serves: the place for worker and providers. `closing`
    is set when the server begins to shut down, and ends the event streams. `metrics` renders the server's
    figures for an `Accept` header: the text and its content type (None: none are kept).
    """

    sessions: SessionService
    avatars: AvatarService
    studio: AvatarStudio
    customisations: CustomisationService
    voices: VoiceService
    clones: VoiceCloneService
    recordings: RecordingService
    speech: SpeechService
    playing: PlayService
    playout: PlayoutService
    models: ModelService
    exports: ExportService
    recognition: RecognitionService
    listening: ListeningService
    events: EventBus
    health: Callable[[], HealthInfo]
    queue_status: Callable[[], Awaitable[QueueStatus]] | None = None
    metrics: Callable[[str], Awaitable[tuple[bytes, str]]] | None = None
    limits: ApiLimits = field(default_factory=ApiLimits)
    stream_times: StreamTimes = field(default_factory=StreamTimes)
    cors_origins: tuple[str, ...] = ("http://localhost:5173", "http://127.0.0.1:5173")
    guard: Guard = field(default_factory=Guard)
    web_dist: Path | None = None
    lifespan: Callable[[], AbstractAsyncContextManager[None]] | None = None
    closing: asyncio.Event = field(default_factory=asyncio.Event)


def services_of(request: Request) -> ApiServices:
    """The services of the application that handles this request."""
    return cast(ApiServices, request.app.state.services)


async def _services(request: Request) -> ApiServices:
    # A plain function would run in a thread, and requests would overtake each other on the way.
    return services_of(request)


Services = Annotated[ApiServices, Depends(_services)]

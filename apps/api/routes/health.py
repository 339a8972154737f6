"""Whether the server is up, what it can do, and whether a newcomer would wait."""

from fastapi import APIRouter

from apps.api.deps import Services
from apps.api.responses import errors
from apps.api.schemas.health import Health, Healthz, LlmHealth, QueueStatusBody
from opentalking import __version__
from opentalking.services.health import queue_status

router = APIRouter(tags=["health"])


@router.get("/health", operation_id="getHealth", summary="Health and providers", responses=errors())
async def health(services: Services) -> Health:
    """Say that the server is up, its version, and which stages can work as configured."""
    info = services.health()
    return Health(
        version=__version__,
        stt_key_set=info.stt_ready,
        tts_key_set=info.tts_ready,
        llm_key_set=info.llm.ready,
        stt_provider=info.stt_provider,
        tts_provider=info.tts_provider,
        llm=LlmHealth(provider=info.llm.provider, model=info.llm.model, demo=info.llm.demo),
        turn_detection=info.turn_detection,
        ai_label=info.ai_label,
        require_consent=info.require_consent,
    )


@router.get("/healthz", operation_id="getHealthz", summary="Liveness", responses=errors())
async def healthz() -> Healthz:
    """Say that the server is up; cheap enough for probes."""
    return Healthz()


@router.get("/queue/status", operation_id="getQueueStatus", summary="Queue", responses=errors())
async def queue(services: Services) -> QueueStatusBody:
    """Say whether a new session would wait and how many wait; a failure reads as an empty queue."""
    status = await queue_status(services.queue_status)
    return QueueStatusBody(slot_occupied=status.slot_occupied, queue_size=status.queue_size)

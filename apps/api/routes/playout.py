"""What pages report about the sound that their visitors hear."""

from fastapi import APIRouter

from apps.api.deps import Services
from apps.api.responses import errors
from apps.api.routes.sessions import SessionId
from apps.api.schemas.playout import NotedPlayout, PlayoutRequest
from apps.api.strict_json import StrictJsonRoute

router = APIRouter(tags=["sessions"], route_class=StrictJsonRoute)


@router.post(
    "/sessions/{session_id}/playout",
    operation_id="reportPlayout",
    summary="Report when an interrupted turn was silent",
    responses=errors(400, 404, 413, 429),
)
async def report(session_id: SessionId, body: PlayoutRequest, services: Services) -> NotedPlayout:
    """Count what a page measured after an interruption (`opentalking_page_silence_seconds`); nothing else."""
    await services.playout.fell_silent(session_id, body.turn_id, body.silent_after_ms)
    return NotedPlayout(session_id=session_id)

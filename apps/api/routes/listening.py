"""Listening to a session's microphone."""

from fastapi import APIRouter

from apps.api.deps import Services
from apps.api.responses import errors
from apps.api.routes.sessions import SessionId
from apps.api.schemas.listening import ListeningBody, ListeningRequest
from apps.api.strict_json import StrictJsonRoute

router = APIRouter(tags=["sessions"], route_class=StrictJsonRoute)


@router.post(
    "/sessions/{session_id}/listening",
    operation_id="setListening",
    summary="Choose how the microphone is listened to",
    responses=errors(400, 404, 409, 413, 429, 503),
)
async def set_listening(session_id: SessionId, body: ListeningRequest, services: Services) -> ListeningBody:
    """Choose hands-free, push-to-talk or off; hold or release the button (409 where there is none)."""
    listening = await services.listening.listen(session_id, body.turn_taking, body.talking)
    return ListeningBody(session_id=session_id, turn_taking=listening.turn_taking, talking=listening.talking)

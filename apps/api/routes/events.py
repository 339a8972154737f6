"""The event stream of a session."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Response

from apps.api.deps import Services
from apps.api.openapi_events import EVENT_ID, STREAM_RESPONSE
from apps.api.responses import errors
from apps.api.routes.sessions import SessionId
from apps.api.sse import EventStream, StreamRequest

router = APIRouter(tags=["events"])


@router.get(
    "/sessions/{session_id}/events",
    operation_id="events",
    summary="Follow a session's events",
    response_class=Response,
    responses={200: STREAM_RESPONSE, **errors(404, 429)},
)
async def events(
    session_id: SessionId,
    services: Services,
    last_event_id: Annotated[
        str | None,
        Query(description="Resume after this id, for clients that cannot set headers.", examples=[EVENT_ID]),
    ] = None,
    last_event_id_header: Annotated[
        str | None,
        Header(alias="Last-Event-ID", description="Resume after this id; wins.", examples=[EVENT_ID]),
    ] = None,
) -> Response:
    """Stream the session's events until it ends; several subscribers may listen."""
    await services.sessions.get(session_id)
    resume_after = last_event_id_header or last_event_id or None
    request = StreamRequest(session_id, resume_after, services.sessions.record)
    return EventStream(request, services.events, services.closing, services.stream_times)

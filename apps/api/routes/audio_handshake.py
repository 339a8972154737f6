"""The plain GET at the address of the audio WebSocket: it is there to be described, and to say what it is."""

from fastapi import APIRouter, Response

from apps.api.openapi_stream import RECEIVED_COMPONENT, SENT_COMPONENT, STREAM_EXTENSION
from apps.api.responses import errors
from apps.api.routes.sessions import SessionId
from opentalking.core.errors import InvalidInput

router = APIRouter(tags=["sessions"])


@router.get(
    "/sessions/{session_id}/speak_audio_stream",
    operation_id="streamAudio",
    summary="Stream sound by WebSocket",
    status_code=101,
    response_class=Response,
    responses={101: {"description": "Switching to the WebSocket protocol."}, **errors(400, 429)},
    openapi_extra={"x-webSocket": STREAM_EXTENSION},
    description=(
        "Connect with `ws://` or `wss://`. Sound drives the face as it arrives, or is recognised and "
        f"answered. Text frames are the schemas `{SENT_COMPONENT}` and `{RECEIVED_COMPONENT}`, binary ones "
        "PCM; `x-webSocket` says what belongs together. A GET that does not ask for a WebSocket is a 400."
    ),
)
async def handshake(session_id: SessionId) -> Response:
    """Refuse what is not a WebSocket handshake: that one goes to the WebSocket route of the same path."""
    raise InvalidInput("this address speaks WebSocket; connect to it with ws:// or wss://")

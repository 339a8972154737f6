"""The audio WebSocket: sound drives the face as it arrives, or is recognised and answered."""

import asyncio

import structlog
from fastapi import APIRouter, WebSocket

from apps.api.audio_play import Frame, play
from apps.api.audio_recognise import recognise
from apps.api.audio_socket import AudioSocket, ClientGone
from apps.api.deps import ApiServices
from opentalking.core.audio_stream import EndMessage, MetaMessage
from opentalking.core.errors import InvalidInput, OpenTalkingError

_LOGGED_ID_CHARACTERS = 64
_LOOK_SECONDS = 1.0
"""How often it is looked whether the session still lives, until a dialect is picked that notices itself."""

router = APIRouter()
_log = structlog.get_logger("opentalking.access")


@router.websocket("/sessions/{session_id}/speak_audio_stream")
async def audio_stream(websocket: WebSocket, session_id: str) -> None:
    """Accept, check, and let the first frame pick the dialect; see `opentalking.core.audio_stream`."""
    services: ApiServices = websocket.app.state.services
    await websocket.accept()
    socket = AudioSocket(websocket, services.playing.limits.socket_bytes)
    failure = ""
    try:
        with services.playing.socket(session_id):
            await _serve(socket, services, session_id)
        await socket.close()
    except ClientGone:
        failure = "client_gone"
    except OpenTalkingError as error:
        failure = error.code
        await socket.fail(error)
    finally:
        _log.info(
            "audio socket",
            session_id=session_id[:_LOGGED_ID_CHARACTERS],
            turns=socket.turns,
            received_bytes=socket.received_bytes,
            close_code=socket.close_code and int(socket.close_code),
            failure=failure,
        )


async def _serve(socket: AudioSocket, services: ApiServices, session_id: str) -> None:
    """Talk to the client until the end."""
    await services.sessions.require_talking(session_id)
    first = await _first(socket, services, session_id)
    if isinstance(first, MetaMessage | EndMessage):
        await recognise(socket, services, session_id, first)
    else:
        await play(socket, services, session_id, first)


async def _first(socket: AudioSocket, services: ApiServices, session_id: str) -> Frame:
    """The first frame; raises `NotFound` when the session ends before it, and `InvalidInput`."""
    now = asyncio.get_running_loop().time
    patience = services.playing.limits.first_frame_seconds
    deadline = now() + patience
    while (left := deadline - now()) > 0:
        try:
            async with asyncio.timeout(min(left, _LOOK_SECONDS)):
                return await socket.frame()
        except TimeoutError:
            await services.sessions.require_talking(session_id)
    raise InvalidInput(f"nothing came within {patience:g} s; begin with config or meta")

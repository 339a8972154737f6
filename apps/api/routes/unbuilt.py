"""Routes that the API will have: they answer 501 and are left out of the OpenAPI document."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.websockets import WebSocket

router = APIRouter(include_in_schema=False)
_DETAIL = {"detail": "not built yet"}
_BUNDLE = "/sessions/{session_id}/flashtalk-offline-bundle"
_AUDIO_STREAM = "/sessions/{session_id}/speak_audio_stream"
UNBUILT = (
    ("POST", "/avatars/custom"),
    ("DELETE", "/avatars/{avatar_id}"),
    ("POST", "/avatars/{avatar_id}/prewarm"),
    ("POST", "/sessions/customize"),
    ("POST", "/sessions/customize/prompt"),
    ("POST", "/sessions/customize/reference"),
    ("POST", "/sessions/{session_id}/transcribe"),
    ("POST", "/sessions/{session_id}/speak_audio"),
    ("POST", "/sessions/{session_id}/speak_flashtalk_audio"),
    ("POST", _BUNDLE),
    ("GET", f"{_BUNDLE}/{{job_id}}"),
    ("GET", f"{_BUNDLE}/{{job_id}}/download"),
    ("POST", "/voices/clone"),
    ("DELETE", "/voices/{entry_id}"),
    ("GET", "/voice-uploads/{token}"),
)


async def _not_built(request: Request) -> JSONResponse:
    return JSONResponse(_DETAIL, 501)


for _method, _path in UNBUILT:
    router.add_api_route(_path, _not_built, methods=[_method], response_model=None)


@router.websocket(_AUDIO_STREAM)
async def _audio_stream(websocket: WebSocket) -> None:
    if "websocket.http.response" in websocket.scope.get("extensions", {}):
        await websocket.send_denial_response(JSONResponse(_DETAIL, 501))
    else:
        await websocket.close()

"""Recordings of sessions."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Query, Request, Response
from starlette.responses import FileResponse, JSONResponse

from apps.api.deps import Services
from apps.api.downloads import Download
from apps.api.responses import errors
from apps.api.schemas.base import UUID_EXAMPLE
from apps.api.schemas.recording import RecordingStatus, StartedRecording, StoppedRecording

router = APIRouter(tags=["recordings"])
SessionId = Annotated[str, Path(description="From `POST /sessions`.", examples=[UUID_EXAMPLE])]
_JSON = "application/json"
_FILE: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_VTT_EXAMPLE = "WEBVTT\n\n00:00:01.240 --> 00:00:02.980\nHello, I am Nova.\n\n"
_RANGE = {"Content-Range": {"description": "Which bytes these are.", "schema": {"type": "string"}}}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The film, its subtitles, or how the recording stands.",
        "content": {
            "video/mp4": _FILE,
            "text/vtt": {"schema": {"type": "string"}, "example": _VTT_EXAMPLE},
            _JSON: {"schema": {"$ref": "#/components/schemas/RecordingStatus"}},
        },
    },
    206: {
        "description": "The bytes that were asked for.",
        "content": {"video/mp4": _FILE},
        "headers": _RANGE,
    },
    **errors(400, 404, 416, 429, 503),
}


@router.post(
    "/sessions/{session_id}/flashtalk-recording/start",
    operation_id="startRecording",
    summary="Record a session",
    responses=errors(404, 409, 429, 503),
)
async def start(session_id: SessionId, services: Services) -> StartedRecording:
    """Record picture and sound from now on, idle included, with or without a peer.

    A second start drops what was recorded before and begins anew.
    """
    await services.recordings.start(session_id)
    return StartedRecording(session_id=session_id)


@router.post(
    "/sessions/{session_id}/flashtalk-recording/stop",
    operation_id="stopRecording",
    summary="End the recording",
    responses=errors(404, 429, 503),
)
async def stop(session_id: SessionId, services: Services) -> StoppedRecording:
    """End the recording; the answer comes when the file is complete. Fine when nothing is recorded."""
    await services.recordings.stop(session_id)
    return StoppedRecording(session_id=session_id)


@router.get(
    "/sessions/{session_id}/flashtalk-recording",
    operation_id="getRecording",
    summary="Get the recording",
    response_class=Response,
    response_model=RecordingStatus,
    responses=_ANSWERS,
)
async def get(
    session_id: SessionId,
    services: Services,
    request: Request,
    wanted: Annotated[
        Literal["mp4", "json", "vtt", ""],
        Query(alias="format", description="What to send; beats `Accept`.", examples=["mp4"]),
    ] = "",
    accept: Annotated[
        str,
        Header(
            description="With `application/json` in it: how the recording stands.",
            examples=["application/json"],
        ),
    ] = "",
) -> Response:
    """Download the finished film (also in byte ranges) or its subtitles, or ask how the recording stands."""
    form = wanted or ("json" if _lists_json(accept) else "mp4")
    if form == "json":
        recorded = await services.recordings.status(session_id)
        url = f"{request.url.path}?format=mp4" if recorded.state == "complete" else None
        status = RecordingStatus(state=recorded.state, artifact_url=url, duration_ms=recorded.duration_ms)
        return JSONResponse(status.model_dump())
    path = await services.recordings.file(session_id, form)
    if form == "vtt":
        return FileResponse(path, media_type="text/vtt")
    return Download(path, media_type="video/mp4", filename=f"{session_id}_recording.mp4")


def _lists_json(accept: str) -> bool:
    """Whether `Accept` names JSON itself; `*/*` does not."""
    for entry in accept.lower().split(","):
        media_type, *parameters = (part.strip() for part in entry.split(";"))
        if media_type == _JSON and not any(_is_zero(parameter) for parameter in parameters):
            return True
    return False


def _is_zero(parameter: str) -> bool:
    name, _, value = parameter.partition("=")
    return name.strip() == "q" and set(value.strip()) <= set("0.")

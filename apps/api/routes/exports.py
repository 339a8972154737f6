"""Offline bundles: films of what a session has said, or of a sound file."""

from pathlib import PurePath
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from apps.api.audio_form import OptionalSoundForm, required
from apps.api.deps import Services
from apps.api.downloads import Download
from apps.api.forms import form_route
from apps.api.responses import Responses, errors
from apps.api.routes.sessions import SessionId
from apps.api.schemas.base import UUID_EXAMPLE
from apps.api.schemas.export import STATES, BundleStatus, QueuedBundle
from opentalking.services.exports.service import UploadedSound

router = APIRouter(tags=["sessions"], route_class=form_route(lambda limits: limits.audio_bytes))
JobId = Annotated[str, Path(description="From `POST …/flashtalk-offline-bundle`.", examples=[UUID_EXAMPLE])]
_MESSAGES = {"queued": "waiting to be rendered", "processing": "rendering", "done": "ready to download"}
_MEDIA_TYPES = {".mp4": "video/mp4", ".zip": "application/zip", ".wav": "audio/wav"}
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FILES: Responses = {
    200: {
        "description": "The file, as an attachment.",
        "content": {media_type: _BINARY for media_type in _MEDIA_TYPES.values()},
    },
    206: {
        "description": "The part of the file that `Range` asks for.",
        "content": {media_type: _BINARY for media_type in _MEDIA_TYPES.values()},
    },
}


@router.post(
    "/sessions/{session_id}/flashtalk-offline-bundle",
    operation_id="createOfflineBundle",
    summary="Render an offline bundle",
    responses=errors(400, 404, 409, 413, 429, 503),
)
async def create(
    session_id: SessionId, request: Request, services: Services, form: OptionalSoundForm
) -> QueuedBundle:
    """Render a film in the background, faster than it plays: of a sound file, or, without a body, of
    everything the session has said, as it was heard. One job of a session runs at a time and four more may
    wait. A job goes on when its session ends.
    """
    sound = None
    if request.headers.get("content-type", "").lower().startswith("multipart/"):
        sent = required(form)
        sound = UploadedSound(sent.file, services.limits.audio_bytes, sent.raw_rate)
    job_id = await services.exports.request(session_id, sound)
    return QueuedBundle(session_id=session_id, job_id=job_id)


@router.get(
    "/sessions/{session_id}/flashtalk-offline-bundle/{job_id}",
    operation_id="getOfflineBundle",
    summary="Get the state of an offline bundle",
    responses=errors(404),
)
async def status(session_id: SessionId, job_id: JobId, services: Services) -> BundleStatus:
    """Show how far a job is; also after the session has ended, and after a restart of the server."""
    view = await services.exports.status(session_id, job_id)
    record = view.record
    return BundleStatus(
        session_id=record.session_id,
        job_id=record.job_id,
        status=record.status,
        state=STATES[record.status],
        progress=round(view.progress, 4),
        error=record.error,
        message=record.error or _MESSAGES.get(record.status),
    )


@router.get(
    "/sessions/{session_id}/flashtalk-offline-bundle/{job_id}/download",
    operation_id="downloadOfflineBundle",
    summary="Download an offline bundle",
    response_class=Response,
    responses={**_FILES, **errors(400, 404, 409, 416)},
)
async def download(
    session_id: SessionId,
    job_id: JobId,
    services: Services,
    artifact: Annotated[
        Literal["bundle", "zip", "audio", "video", ""],
        Query(
            description="`bundle`: the film (MP4); `zip`: everything, with subtitles and metadata; "
            "`audio`: its sound (WAV, 48 kHz, mono); `video`: its pictures without sound (MP4).",
            examples=["bundle"],
        ),
    ] = "bundle",
) -> Response:
    """Download a file of a finished job, whole or in byte ranges."""
    wanted = artifact or "bundle"
    path = await services.exports.artifact(session_id, job_id, wanted)
    suffix = PurePath(path).suffix
    return Download(path, media_type=_MEDIA_TYPES[suffix], filename=f"{job_id}_{wanted}{suffix}")

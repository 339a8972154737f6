"""Hearing a voice without a session."""

from fastapi import APIRouter, Response

from apps.api.deps import Services
from apps.api.responses import binary, errors
from apps.api.schemas.voice import PreviewRequest
from apps.api.strict_json import StrictJsonRoute

router = APIRouter(tags=["voices"], route_class=StrictJsonRoute)


@router.post(
    "/tts/preview",
    operation_id="previewVoice",
    summary="Hear a voice",
    response_class=Response,
    responses={
        **binary("audio/wav", "PCM16, mono, 16 kHz."),
        **errors(400, 413, 429, 502),
    },
)
async def preview(body: PreviewRequest, services: Services) -> Response:
    """Speak a short text; no other provider steps in when the one asked for fails."""
    wav = await services.speech.preview(
        body.text, body.voice, body.tts_provider or body.provider, body.tts_model or body.model
    )
    return Response(wav, media_type="audio/wav", headers={"Cache-Control": "no-store"})

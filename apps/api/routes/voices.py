"""The voices that can be named in requests."""

from typing import Annotated

from fastapi import APIRouter, Query

from apps.api.deps import Services
from apps.api.responses import errors
from apps.api.schemas.voice import VoiceItem, Voices

router = APIRouter(tags=["voices"])


@router.get("/voices", operation_id="listVoices", summary="List voices", responses=errors())
async def voices(
    services: Services,
    provider: Annotated[
        str | None,
        Query(description="Only this voice engine's; an unknown one has none.", examples=["local"]),
    ] = None,
) -> Voices:
    """List the voices of one voice engine, or of all."""
    entries = await services.voices.all(provider or None)
    return Voices(
        items=[
            VoiceItem(
                id=entry.id,
                user_id=entry.user_id,
                provider=entry.voice.provider,
                voice_id=entry.voice.voice_id,
                display_label=entry.voice.display_label,
                target_model=entry.voice.target_model or None,
                source=entry.voice.source,
                language=entry.voice.language,
                gender=entry.voice.gender,
                engine=entry.voice.engine,
                licence=entry.voice.licence,
            )
            for entry in entries
        ]
    )

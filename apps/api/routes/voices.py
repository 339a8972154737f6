"""The voices that can be named in requests: listing, cloning, deleting."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from apps.api.deps import Services
from apps.api.forms import form_route
from apps.api.responses import Responses, binary, errors
from apps.api.schemas import clone_form as form
from apps.api.schemas.voice import ClonedVoice, DeletedVoice, VoiceItem, Voices
from opentalking.core.errors import InvalidInput
from opentalking.services.voice_clones import CloneForm
from opentalking.services.voice_samples import MIN_BYTES
from opentalking.services.voices import VoiceEntry

router = APIRouter(tags=["voices"])
forms = APIRouter(tags=["voices"], route_class=form_route(lambda limits: limits.sample_bytes, too_large=400))
_SAMPLE: Responses = binary("audio/wav", "WAV: PCM16, mono, 24 kHz.")
_TOKEN = "0123456789abcdef0123456789abcdef"  # noqa: S105 - an example


@router.get("/voices", operation_id="listVoices", summary="List voices", responses=errors(503))
async def voices(
    services: Services,
    provider: Annotated[
        str | None,
        Query(description="Only this voice engine's; an unknown one has none.", examples=["local"]),
    ] = None,
) -> Voices:
    """List the voices of one voice engine, or of all: system voices first, then cloned ones."""
    entries = await services.voices.all(provider or None)
    return Voices(items=[_item(entry) for entry in entries])


@forms.post(
    "/voices/clone",
    operation_id="cloneVoice",
    summary="Clone a voice",
    responses=errors(400, 429, 502, 503),
)
async def clone(  # noqa: PLR0913, PLR0917 - the fields of the form
    services: Services,
    provider: form.Provider,
    target_model: form.TargetModel,
    display_label: form.DisplayLabel,
    audio: form.Audio,
    prefix: form.Prefix = None,
    preferred_name: form.PreferredName = None,
    prompt_text: form.PromptText = None,
    consent: form.Consent = None,
) -> ClonedVoice:
    """Make a voice from a sample, at a service or on this machine, and list it from now on.

    A label that is taken by a clone of the same engine and model gets the time as a suffix. `cosyvoice`
    fetches the sample from this server, so `OPENTALKING_PUBLIC_BASE_URL` must be set. The sample itself
    is not kept.
    """
    fields = CloneForm(provider, target_model, display_label, prefix, preferred_name, prompt_text, consent)
    plan = services.clones.plan(fields)
    most = services.limits.sample_bytes
    data = await audio.read(most + 1)
    if not MIN_BYTES <= len(data) <= most:
        raise InvalidInput(f"audio must have {MIN_BYTES} to {most} bytes; send another file")
    made = await services.clones.clone(plan, data)
    kept = made.voice.display_label == plan.display_label
    return ClonedVoice(
        entry_id=made.id,
        voice_id=made.voice.voice_id,
        display_label=made.voice.display_label,
        provider=made.voice.provider,
        target_model=made.voice.target_model,
        message="the voice was made" if kept else "the voice was made; its label was taken and got a suffix",
    )


@router.delete(
    "/voices/{entry_id}",
    operation_id="deleteVoice",
    summary="Delete a cloned voice",
    responses=errors(400, 404, 502, 503),
    response_model_exclude_none=True,
)
async def delete(
    services: Services,
    entry_id: Annotated[
        str, Path(description="Number of a cloned voice, as in `GET /voices`.", examples=["310"])
    ],
) -> DeletedVoice:
    """Delete a cloned voice, at its service too, which frees a place in the account's quota.

    When the service does not delete it, the answer is 502 and the voice stays, for another try. Without a
    key of the service, it is deleted only here, and `message` says so.
    """
    done = await services.clones.delete(entry_id)
    return DeletedVoice(message=f"deleted here only: {done.left_at}" if done.left_at else None)


@router.get(
    "/voice-uploads/{token}",
    operation_id="getVoiceSample",
    summary="Fetch a voice sample",
    response_class=Response,
    responses={**_SAMPLE, **errors(404)},
)
async def sample(
    services: Services,
    token: Annotated[str, Path(description="32 hex digits.", examples=[_TOKEN])],
) -> Response:
    """Fetch the sample of a voice that is being made; for the service that makes it, for 300 s."""
    wav = await services.clones.sample(token)
    return Response(wav, media_type="audio/wav", headers={"Cache-Control": "no-store"})


def _item(entry: VoiceEntry) -> VoiceItem:
    voice = entry.voice
    return VoiceItem(
        id=entry.id,
        user_id=entry.user_id,
        provider=voice.provider,
        voice_id=voice.voice_id,
        display_label=voice.display_label,
        target_model=voice.target_model or None,
        source=voice.source,
        language=voice.language,
        gender=voice.gender,
        engine=voice.engine,
        licence=voice.licence,
        consent=entry.consent,
        created_at=entry.created_at,
    )


router.include_router(forms)

"""Recognising speech in a session."""

from typing import Annotated

from fastapi import APIRouter, Form, Request

from apps.api.audio_form import SoundForm
from apps.api.deps import Services
from apps.api.disconnect import while_connected
from apps.api.forms import form_route
from apps.api.responses import errors
from apps.api.routes.sessions import SessionId
from apps.api.schemas.recognition import TranscribedBody
from opentalking.services.recognition import Wanted

router = APIRouter(tags=["sessions"], route_class=form_route(lambda limits: limits.audio_bytes))


@router.post(
    "/sessions/{session_id}/transcribe",
    operation_id="transcribe",
    summary="Recognise speech",
    response_model_exclude_none=True,
    responses=errors(400, 404, 409, 413, 429, 502, 503),
)
async def transcribe(
    session_id: SessionId,
    request: Request,
    services: Services,
    sound: SoundForm,
    stt_provider: Annotated[
        str | None, Form(description="Recogniser; default: the session's.", examples=["local"])
    ] = None,
    trigger_chat: Annotated[
        bool, Form(description="Answer what was said, as in `/chat`.", examples=[False])
    ] = False,
) -> TranscribedBody:
    """Recognise an utterance; the answer comes after recognition, and as a `transcript` event.

    An interrupt, or a client that goes away, cancels it.
    """
    work = services.recognition.recognise(
        session_id, sound.file, Wanted(stt_provider, answer=trigger_chat), sound.raw_rate
    )
    heard = await while_connected(request, work)
    return TranscribedBody(
        session_id=session_id, text=heard.text, transcript=heard.text, turn_id=heard.turn_id
    )

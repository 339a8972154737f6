"""Uploaded sound: played through the face, or recognised and answered."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Request

from apps.api.audio_form import SoundForm, UploadedSound
from apps.api.deps import Services
from apps.api.disconnect import while_connected
from apps.api.forms import form_route
from apps.api.responses import errors
from apps.api.routes.sessions import SessionId
from apps.api.schemas.base import VOICE_EXAMPLE
from apps.api.schemas.recognition import SpokenTurnBody
from apps.api.schemas.session import TurnBody
from opentalking.core.commands import VoiceChoice
from opentalking.services.recognition import Wanted, require_words

router = APIRouter(tags=["sessions"], route_class=form_route(lambda limits: limits.audio_bytes))


@router.post(
    "/sessions/{session_id}/speak_flashtalk_audio",
    operation_id="playAudio",
    summary="Let the character speak with a sound of your own",
    responses=errors(400, 404, 409, 413, 429, 503),
)
async def speak_flashtalk_audio(session_id: SessionId, services: Services, sound: SoundForm) -> TurnBody:
    """Play a sound through the face, with any model; `file` wins over `audio`. A running turn is interrupted.

    Answered when the beginning of the sound is decoded; damage further on becomes an `error` event.
    """
    return await _play(services, session_id, sound)


async def _wanted(
    voice: Annotated[
        str | None,
        Form(description="Voice id of the answer; default: the session's.", examples=[VOICE_EXAMPLE]),
    ] = None,
    tts_provider: Annotated[
        str | None,
        Form(description="Voice engine of the answer; default: the session's.", examples=["local"]),
    ] = None,
    tts_model: Annotated[
        str | None,
        Form(description="Model of the voice engine; unknown ones are passed on.", examples=["tts-1"]),
    ] = None,
    stt_provider: Annotated[
        str | None, Form(description="Recogniser; default: the session's.", examples=["local"])
    ] = None,
) -> Wanted:
    choice = VoiceChoice(voice=voice, tts_provider=tts_provider, tts_model=tts_model)
    return Wanted(stt_provider, answer=True, voice=choice)


@router.post(
    "/sessions/{session_id}/speak_audio",
    operation_id="speakAudio",
    summary="Play a sound, or answer what is said in it",
    response_model_exclude_none=True,
    responses=errors(400, 404, 409, 413, 429, 502, 503),
)
async def speak_audio(
    session_id: SessionId,
    request: Request,
    services: Services,
    sound: SoundForm,
    wanted: Annotated[Wanted, Depends(_wanted)],
    mode: Annotated[
        Literal["play", "converse"] | None,
        Form(description="Default: `play` for `audio`, `converse` for `file`.", examples=["play"]),
    ] = None,
) -> SpokenTurnBody:
    """Play the field `audio` through the face; answer what is said in the field `file`, as `/chat` does.

    With both, `file` counts; `mode` decides whatever the field is. What is to be answered is recognised
    before the reply, which then has its `text`; an interrupt, or a client that goes away, cancels that.
    """
    if (mode or ("converse" if sound.field == "file" else "play")) == "play":
        played = await _play(services, session_id, sound)
        return SpokenTurnBody(**played.model_dump())
    work = services.recognition.recognise(session_id, sound.file, wanted, sound.raw_rate)
    heard = await while_connected(request, work)
    turn_id = require_words(heard)
    return SpokenTurnBody(session_id=session_id, turn_id=turn_id, status="queued", text=heard.text)


async def _play(services: Services, session_id: str, sound: UploadedSound) -> TurnBody:
    turn_id = await services.playing.play_file(session_id, sound.file, sound.raw_rate)
    return TurnBody(session_id=session_id, turn_id=turn_id, status="queued")

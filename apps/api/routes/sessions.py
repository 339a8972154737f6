"""Sessions: life cycle and talking."""

from typing import Annotated

from fastapi import APIRouter, Path, Request

from apps.api.clients import client_of
from apps.api.deps import Services
from apps.api.responses import errors
from apps.api.schemas.base import UUID_EXAMPLE, VoiceFields
from apps.api.schemas.session import (
    AnswerBody,
    ChatRequest,
    CreatedSession,
    CreateSessionRequest,
    DeletedSession,
    InterruptedSession,
    InterruptRequest,
    OfferRequest,
    SessionBody,
    SpeakRequest,
    StartedSession,
    StartRequest,
    TurnBody,
)
from apps.api.strict_json import StrictJsonRoute
from opentalking.core.commands import VoiceChoice
from opentalking.core.sessions import SessionRecord, SessionSettings

router = APIRouter(tags=["sessions"], route_class=StrictJsonRoute)
SessionId = Annotated[str, Path(description="From `POST /sessions`.", examples=[UUID_EXAMPLE])]


@router.post(
    "/sessions",
    operation_id="createSession",
    summary="Make a session",
    responses=errors(400, 404, 413, 429, 502, 503),
)
async def create(body: CreateSessionRequest, services: Services, request: Request) -> CreatedSession:
    """Make a session with an avatar and a model; providers and keys are looked at when they are used."""
    places = services.guard.places.sessions
    async with places.one(client_of(request.scope), services.sessions.exists) as take:
        session_id, status = await services.sessions.create(SessionSettings(**body.model_dump()))
        take(session_id)
    if await request.is_disconnected():
        # Nobody will ever learn this id: the place is for somebody who is there.
        await services.sessions.delete(session_id)
    return CreatedSession.model_validate({"session_id": session_id, "status": status})


@router.get(
    "/sessions/{session_id}",
    operation_id="getSession",
    summary="Get a session",
    response_model_exclude_none=True,
    responses=errors(404),
)
async def get(session_id: SessionId, services: Services) -> SessionBody:
    """Show what was asked for and the state."""
    return _session_body(await services.sessions.get(session_id))


@router.post(
    "/sessions/{session_id}/start",
    operation_id="startSession",
    summary="Make a session ready to talk",
    responses=errors(400, 404, 409, 413, 429, 503),
)
async def start(
    session_id: SessionId, services: Services, body: StartRequest | None = None
) -> StartedSession:
    """Make the session `ready`; optional, because the first turn does it too. 409 the second time."""
    await services.sessions.start(session_id)
    return StartedSession(session_id=session_id)


@router.delete(
    "/sessions/{session_id}",
    operation_id="deleteSession",
    summary="End a session",
    responses=errors(404, 503),
)
async def delete(session_id: SessionId, services: Services) -> DeletedSession:
    """End the session; the answer comes when everything of it is free."""
    await services.sessions.delete(session_id)
    return DeletedSession(session_id=session_id)


@router.post(
    "/sessions/{session_id}/chat",
    operation_id="chat",
    summary="Say something to the character",
    responses=errors(400, 404, 409, 413, 429, 503),
)
async def chat(session_id: SessionId, body: ChatRequest, services: Services) -> TurnBody:
    """Let the character answer; a turn that is running is interrupted."""
    emotion = body.emotion or "neutral"
    turn_id = await services.sessions.chat(session_id, body.words, _voice(body), emotion)
    return TurnBody(session_id=session_id, turn_id=turn_id, status="queued")


@router.post(
    "/sessions/{session_id}/speak",
    operation_id="speak",
    summary="Let the character say a text",
    responses=errors(400, 404, 409, 413, 429, 503),
)
async def speak(session_id: SessionId, body: SpeakRequest, services: Services) -> TurnBody:
    """Let the character say the text verbatim; with `OPENTALKING_SPEAK_MODE=chat` it answers it."""
    emotion = body.emotion or "neutral"
    turn_id = await services.sessions.speak(session_id, body.text, _voice(body), emotion)
    return TurnBody(session_id=session_id, turn_id=turn_id, status="queued")


@router.post(
    "/sessions/{session_id}/interrupt",
    operation_id="interrupt",
    summary="Silence the character",
    responses=errors(400, 404, 413, 429, 503),
)
async def interrupt(
    session_id: SessionId, services: Services, body: InterruptRequest | None = None
) -> InterruptedSession:
    """Cancel every turn accepted so far, or the one named; fine when there is none."""
    await services.sessions.interrupt(session_id, body.turn_id if body else None)
    return InterruptedSession(session_id=session_id)


@router.post(
    "/sessions/{session_id}/webrtc/offer",
    operation_id="offer",
    summary="Connect by WebRTC",
    responses=errors(400, 404, 409, 413, 429, 502, 503),
)
async def offer(session_id: SessionId, body: OfferRequest, services: Services) -> AnswerBody:
    """Answer an offer, with all candidates; a later offer replaces the connection, not the session."""
    return AnswerBody(sdp=await services.sessions.offer(session_id, body.sdp))


def _voice(body: VoiceFields) -> VoiceChoice:
    return VoiceChoice(voice=body.voice, tts_provider=body.tts_provider, tts_model=body.tts_model)


def _session_body(record: SessionRecord) -> SessionBody:
    settings = record.settings
    return SessionBody(
        session_id=record.session_id,
        state=record.state,
        created_at=record.created_at,
        llm_system_prompt_set=bool(settings.llm_system_prompt),
        **settings.model_dump(exclude={"llm_system_prompt"}),
    )

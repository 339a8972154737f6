"""The life of a session."""

from opentalking.client.models import CreatedSession, SdpAnswer, Session, SessionStatus
from opentalking.client.wire import Call, endpoint, parsed, place, sent
from opentalking.core.conversation import TurnTaking

_OFFER_SECONDS = 45.0  # an offer may wait 30 s for a session that is still loading


@endpoint("POST /sessions")
def create_session(  # noqa: PLR0913 - the fields of the request
    avatar_id: str,
    model: str,
    *,
    tts_provider: str | None = None,
    tts_voice: str | None = None,
    tts_model: str | None = None,
    stt_provider: str | None = None,
    stt_language: str | None = None,
    turn_taking: TurnTaking | None = None,
    llm_system_prompt: str | None = None,
    wav2lip_postprocess_mode: str | None = None,
) -> Call[CreatedSession]:
    """Make a session with an avatar and a talking-head model."""
    return Call(
        "POST",
        "/sessions",
        parsed(CreatedSession),
        json=sent(
            avatar_id=avatar_id,
            model=model,
            tts_provider=tts_provider,
            tts_voice=tts_voice,
            tts_model=tts_model,
            stt_provider=stt_provider,
            stt_language=stt_language,
            turn_taking=turn_taking,
            llm_system_prompt=llm_system_prompt,
            wav2lip_postprocess_mode=wav2lip_postprocess_mode,
        ),
    )


@endpoint("GET /sessions/{session_id}")
def get_session(session_id: str) -> Call[Session]:
    """What was asked for, and the session's state."""
    return Call("GET", place("/sessions/{session_id}", session_id=session_id), parsed(Session))


@endpoint("POST /sessions/{session_id}/start")
def start_session(session_id: str) -> Call[SessionStatus]:
    """Make a session ready to talk; optional, the first turn does it too."""
    return Call("POST", place("/sessions/{session_id}/start", session_id=session_id), parsed(SessionStatus))


@endpoint("DELETE /sessions/{session_id}")
def delete_session(session_id: str) -> Call[SessionStatus]:
    """End a session; the answer comes when everything of it is free."""
    return Call("DELETE", place("/sessions/{session_id}", session_id=session_id), parsed(SessionStatus))


@endpoint("POST /sessions/{session_id}/webrtc/offer")
def offer(session_id: str, sdp: str) -> Call[SdpAnswer]:
    """Connect by WebRTC: an offer with all its candidates in, the answer out."""
    return Call(
        "POST",
        place("/sessions/{session_id}/webrtc/offer", session_id=session_id),
        parsed(SdpAnswer),
        json={"sdp": sdp, "type": "offer"},
        read_seconds=_OFFER_SECONDS,
    )

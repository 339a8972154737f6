"""A session as it is recorded: what the client asked for, its state, who runs it."""

from datetime import UTC, datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from opentalking.core.conversation import TurnTaking
from opentalking.core.errors import Conflict


class SessionState(StrEnum):
    """Life cycle: queued → initializing → worker_ready → ready ⇄ speaking → closing; error ends it too."""

    QUEUED = "queued"
    INITIALIZING = "initializing"
    WORKER_READY = "worker_ready"
    READY = "ready"
    SPEAKING = "speaking"
    CLOSING = "closing"
    ERROR = "error"


_NEXT: dict[SessionState, frozenset[SessionState]] = {
    SessionState.QUEUED: frozenset({SessionState.INITIALIZING, SessionState.CLOSING, SessionState.ERROR}),
    SessionState.INITIALIZING: frozenset(
        {SessionState.WORKER_READY, SessionState.CLOSING, SessionState.ERROR}
    ),
    SessionState.WORKER_READY: frozenset({SessionState.READY, SessionState.CLOSING, SessionState.ERROR}),
    SessionState.READY: frozenset({SessionState.SPEAKING, SessionState.CLOSING, SessionState.ERROR}),
    SessionState.SPEAKING: frozenset({SessionState.READY, SessionState.CLOSING, SessionState.ERROR}),
    SessionState.ERROR: frozenset({SessionState.CLOSING}),
    SessionState.CLOSING: frozenset(),
}

CAN_TALK = frozenset({SessionState.WORKER_READY, SessionState.READY, SessionState.SPEAKING})
"""States in which a turn may start."""


class SessionSettings(BaseModel):
    """What the client asked for when it made the session."""

    model_config = ConfigDict(frozen=True)

    avatar_id: str
    model: str
    tts_provider: str | None = None
    tts_voice: str | None = None
    tts_model: str | None = None
    stt_provider: str | None = None
    stt_language: str | None = None
    turn_taking: TurnTaking | None = None
    llm_system_prompt: str | None = None
    wav2lip_postprocess_mode: str | None = None


class SessionRecord(BaseModel):
    """One row of the `SessionStore`. `queue_position` is ≥ 1 while queued, else 0."""

    model_config = ConfigDict(frozen=True)

    session_id: str
    settings: SessionSettings
    state: SessionState = SessionState.QUEUED
    worker_id: str = ""
    queue_position: int = 0
    created_at: datetime = Field(default_factory=lambda: datetime.now(UTC))


def transition(record: SessionRecord, to: SessionState) -> SessionRecord:
    """The record in its next state; raises `Conflict` when the life cycle has no such step."""
    if to not in _NEXT[record.state]:
        raise Conflict(f"session is {record.state}, it cannot become {to}")
    return record.model_copy(
        update={"state": to, "queue_position": 0 if to is not SessionState.QUEUED else record.queue_position}
    )

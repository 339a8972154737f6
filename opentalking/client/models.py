"""What the server answers, typed. Fields that a newer server adds are kept as extra attributes."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from opentalking.core.conversation import TurnTaking
from opentalking.core.sessions import SessionState


class Answer(BaseModel):
    """An answer of the server."""

    model_config = ConfigDict(frozen=True, extra="allow")


class LlmHealth(Answer):
    """Who answers; `demo` is true for the tiny built-in model."""

    provider: str
    model: str
    demo: bool


class Health(Answer):
    """What the server can do as it is configured, and which AI label belongs beside the face."""

    status: str
    version: str
    stt_key_set: bool
    tts_key_set: bool
    llm_key_set: bool
    stt_provider: str
    tts_provider: str
    llm: LlmHealth
    ai_label: str
    require_consent: bool
    turn_detection: bool = False


class Healthz(Answer):
    """The server is up."""

    status: str


class Token(Answer):
    """A token that stands in for an API key for `expires_in` seconds; of one session where that is named."""

    access_token: str
    token_type: str
    expires_in: int
    session_id: str | None


class QueueStatus(Answer):
    """Whether a new session would wait, and how many wait."""

    slot_occupied: bool
    queue_size: int


class ModelStatus(Answer):
    """One talking-head model."""

    id: str
    backend: str
    connected: bool
    reason: str


class Models(Answer):
    """Every model, the default first."""

    models: list[str]
    statuses: list[ModelStatus]
    default_model: str


class AvatarSummary(Answer):
    """An avatar; width and height are those of its video, in pixels."""

    id: str
    name: str
    model_type: str
    width: int
    height: int
    is_custom: bool


class AvatarManifest(AvatarSummary):
    """All that an avatar's bundle says about itself."""

    fps: float
    sample_rate: int
    version: str
    metadata: dict[str, Any]


class MadeAvatar(AvatarSummary):
    """A new avatar; `metadata` tells what was found in its picture."""

    metadata: dict[str, Any]


class DeletedAvatar(Answer):
    """The avatar is gone."""

    deleted: bool
    avatar_id: str
    status: str


class PrewarmedAvatar(Answer):
    """The avatar is ready for its next session."""

    avatar_id: str
    model: str
    status: str
    runtime_status: str


class SavedPrompt(Answer):
    """What later sessions of the avatar are told was saved."""

    avatar_id: str
    saved: bool


class SavedCustomisation(SavedPrompt):
    """What later sessions of the avatar shall be was saved."""

    image_updated: bool


class CreatedSession(Answer):
    """A new session; `queued` ones wait for their turn."""

    session_id: str
    status: Literal["created", "initializing", "queued"]


class Session(Answer):
    """A session: what was asked for, as far as it was set, and its state."""

    session_id: str
    avatar_id: str
    model: str
    state: SessionState
    tts_provider: str | None = None
    tts_voice: str | None = None
    tts_model: str | None = None
    stt_provider: str | None = None
    stt_language: str | None = None
    turn_taking: TurnTaking | None = None
    wav2lip_postprocess_mode: str | None = None
    llm_system_prompt_set: bool
    created_at: datetime


class SessionStatus(Answer):
    """What has become of a session or its recording."""

    session_id: str
    status: str


class Interrupted(SessionStatus):
    """Silence."""

    interrupted: bool


class Listening(Answer):
    """How the microphone is listened to, and whether the button of push-to-talk is held."""

    session_id: str
    turn_taking: TurnTaking
    talking: bool


class Turn(SessionStatus):
    """A turn was accepted; its output comes by events and WebRTC."""

    turn_id: str


class HeardTurn(Turn):
    """A turn of uploaded sound; `text` is what was recognised, None for sound that is only played."""

    text: str | None = None


class Transcription(Answer):
    """What was recognised, the same text twice; empty for nothing. `turn_id` is that of its answer."""

    session_id: str
    text: str
    transcript: str
    turn_id: str | None = None


class SdpAnswer(Answer):
    """The WebRTC answer with all its candidates."""

    sdp: str
    type: str


class Recording(Answer):
    """How far a recording is; `artifact_url` only when it is complete."""

    state: Literal["idle", "recording", "complete"]
    artifact_url: str | None
    duration_ms: int


class CreatedBundle(Answer):
    """A job that renders a bundle was accepted."""

    session_id: str
    job_id: str
    status: str


class Bundle(Answer):
    """How far a bundle's job is; `progress` from 0 to 1."""

    session_id: str
    job_id: str
    status: Literal["queued", "processing", "done", "error"]
    state: Literal["pending", "running", "complete", "failed"]
    progress: float
    error: str | None
    message: str | None


class Voice(Answer):
    """A voice that can be named in requests."""

    id: int
    user_id: int
    provider: str
    voice_id: str
    display_label: str
    target_model: str | None
    source: str
    language: str = ""
    gender: str = ""
    engine: str = ""
    licence: str = ""
    consent: str | None = None
    created_at: datetime | None = None


class Voices(Answer):
    """Voices of one provider, or of all."""

    items: list[Voice]


class ClonedVoice(Answer):
    """A new voice; `voice_id` is its name in requests."""

    ok: bool
    entry_id: int
    voice_id: str
    display_label: str
    provider: str
    target_model: str | None
    message: str


class DeletedVoice(Answer):
    """The voice is gone; `message` says what could not be deleted at its vendor."""

    deleted: bool
    ok: bool
    message: str | None = None

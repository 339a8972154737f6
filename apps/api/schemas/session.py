"""Sessions: life cycle and talking."""

import re
from datetime import datetime
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from apps.api.schemas.avatar import AVATAR_EXAMPLE
from apps.api.schemas.base import UUID_EXAMPLE, VOICE_EXAMPLE, RequestModel, VoiceFields
from apps.api.schemas.listening import TURN_TAKING_HELP
from opentalking.core.conversation import Emotion, TurnTaking
from opentalking.core.sessions import SessionState

_SDP_EXAMPLE = "v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n…"
TEXT_MAX_CHARACTERS = 10_000
_LANGUAGE = re.compile(r"^[a-z]{2,3}$")


class CreateSessionRequest(RequestModel):
    """What the session shall be."""

    keeps_empty: ClassVar[frozenset[str]] = frozenset({"llm_system_prompt"})

    avatar_id: str = Field(
        description="From `GET /avatars`.",
        examples=[AVATAR_EXAMPLE],
        json_schema_extra={"minLength": 1, "maxLength": 96},
    )
    model: str = Field(description="A connected one from `GET /models`.", examples=["portrait"])
    tts_provider: str | None = Field(
        None, description="Voice engine; default: the server's.", examples=["local"]
    )
    tts_voice: str | None = Field(
        None, description="Voice id, as in `GET /voices`.", examples=[VOICE_EXAMPLE]
    )
    tts_model: str | None = Field(
        None, description="Model of the voice engine; unknown ones are passed on.", examples=["tts-1"]
    )
    stt_provider: str | None = Field(
        None, description="Recogniser; default: the server's.", examples=["local"]
    )
    stt_language: str | None = Field(
        None,
        description="Language to recognise, as in ISO 639; default: told apart by the recogniser.",
        examples=["en"],
        json_schema_extra={"pattern": _LANGUAGE.pattern},
    )
    turn_taking: TurnTaking | None = Field(
        None, description=f"{TURN_TAKING_HELP}. Default: the server's.", examples=["auto"]
    )
    llm_system_prompt: str | None = Field(
        None,
        description="What the character is told about itself; an empty text clears the default.",
        examples=["You are a patient museum guide."],
        json_schema_extra={"maxLength": 20_000},
    )
    wav2lip_postprocess_mode: str | None = Field(
        None, description="Passed on to models that know it.", examples=["auto"]
    )

    @field_validator("stt_language")
    @classmethod
    def _is_language(cls, language: str | None) -> str | None:
        if language is not None and not _LANGUAGE.fullmatch(language):
            raise ValueError("stt_language must be a code of two or three small letters, such as en or zh")
        return language


class CreatedSession(BaseModel):
    """A new session."""

    session_id: str = Field(description="Name of the session (UUID4).", examples=[UUID_EXAMPLE])
    status: Literal["created", "initializing", "queued"] = Field(
        description="`created`: an offer works at once; `initializing`: still loading; `queued`: waits.",
        examples=["created"],
    )


class SessionBody(BaseModel):
    """A session: what was asked for (only what was set) and its state."""

    session_id: str = Field(description="Name of the session.", examples=[UUID_EXAMPLE])
    avatar_id: str = Field(description="Its avatar.", examples=[AVATAR_EXAMPLE])
    model: str = Field(description="Its talking-head model.", examples=["portrait"])
    state: SessionState = Field(description="Where it is in its life.", examples=["ready"])
    tts_provider: str | None = Field(None, description="As created.", examples=["local"])
    tts_voice: str | None = Field(None, description="As created.", examples=[VOICE_EXAMPLE])
    tts_model: str | None = Field(None, description="As created.", examples=["tts-1"])
    stt_provider: str | None = Field(None, description="As created.", examples=["local"])
    stt_language: str | None = Field(None, description="As created.", examples=["en"])
    turn_taking: TurnTaking | None = Field(
        None, description="As created; `/listening` tells how it is now.", examples=["auto"]
    )
    wav2lip_postprocess_mode: str | None = Field(None, description="As created.", examples=["auto"])
    llm_system_prompt_set: bool = Field(
        description="Whether the session has a system prompt of its own (its text stays private).",
        examples=[False],
    )
    created_at: datetime = Field(description="RFC 3339.", examples=["2026-01-31T12:00:00Z"])


class StartRequest(RequestModel):
    """Nothing: `{}` or no body at all."""


class StartedSession(BaseModel):
    """The session is ready to talk."""

    session_id: str = Field(description="Name of the session.", examples=[UUID_EXAMPLE])
    status: Literal["running"] = Field("running", description="Always `running`.", examples=["running"])


class DeletedSession(BaseModel):
    """The session has ended and everything of it is free."""

    session_id: str = Field(description="Name of the session.", examples=[UUID_EXAMPLE])
    status: Literal["terminated"] = Field(
        "terminated", description="Always `terminated`.", examples=["terminated"]
    )


class TurnFields(VoiceFields):
    """Voice and mood of one turn."""

    emotion: Emotion | None = Field(
        None,
        description=(
            "How the face looks while it speaks; default: `neutral`. A tag such as `[happy]` at the start of "
            "a sentence, in the text to say or in the model's answer, changes it from that sentence on, and "
            "so does a stage direction such as `(smiles)`; neither is spoken or shown."
        ),
        examples=["happy"],
    )


class ChatRequest(TurnFields):
    """What the user says. `prompt` is required; `text` is another name of it."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": ["prompt"]}, {"required": ["text"]}]})
    prompt: str | None = Field(
        None,
        description="What the user says (required, or `text` in its place).",
        examples=["What can you see from your window?"],
        json_schema_extra={"minLength": 1, "maxLength": TEXT_MAX_CHARACTERS},
    )
    text: str | None = Field(
        None,
        description="Same as `prompt`, which wins.",
        examples=["What can you see from your window?"],
        json_schema_extra={"minLength": 1, "maxLength": TEXT_MAX_CHARACTERS},
    )
    keeps_empty: ClassVar[frozenset[str]] = frozenset({"prompt", "text"})

    @model_validator(mode="after")
    def _has_words(self) -> "ChatRequest":
        if self.prompt is None and self.text is None:
            raise ValueError("prompt is required; send it as a string")
        return self

    @property
    def words(self) -> str:
        """What the user says; may be blank."""
        return self.prompt or self.text or ""


class SpeakRequest(TurnFields):
    """What the character shall say."""

    text: str = Field(
        description="Said verbatim, but for emotion tags and stage directions.",
        examples=["Welcome! I am glad that you are here."],
        json_schema_extra={"minLength": 1, "maxLength": TEXT_MAX_CHARACTERS},
    )


class TurnBody(BaseModel):
    """The turn was accepted; its output comes by events and WebRTC."""

    session_id: str = Field(description="Name of the session.", examples=[UUID_EXAMPLE])
    status: Literal["queued"] = Field("queued", description="Always `queued`.", examples=["queued"])
    turn_id: str = Field(description="Name of the turn, as in its events.", examples=[UUID_EXAMPLE])


class InterruptRequest(RequestModel):
    """What to interrupt; nothing: whatever was accepted so far."""

    turn_id: str | None = Field(None, description="Interrupt only this turn.", examples=[UUID_EXAMPLE])


class InterruptedSession(BaseModel):
    """Silence, also when nothing was being said."""

    session_id: str = Field(description="Name of the session.", examples=[UUID_EXAMPLE])
    status: Literal["interrupted"] = Field(
        "interrupted", description="Always `interrupted`.", examples=["interrupted"]
    )
    interrupted: Literal[True] = Field(True, description="Always true.", examples=[True])


class OfferRequest(RequestModel):
    """A WebRTC offer with all its candidates (no trickle)."""

    sdp: str = Field(
        description="The offer, at most 64 KiB.",
        examples=[_SDP_EXAMPLE],
        json_schema_extra={"minLength": 1, "maxLength": 65_536},
    )
    type: Literal["offer"] = Field(description="Always `offer`.", examples=["offer"])


class AnswerBody(BaseModel):
    """The WebRTC answer with all its candidates."""

    sdp: str = Field(description="The answer.", examples=[_SDP_EXAMPLE])
    type: Literal["answer"] = Field("answer", description="Always `answer`.", examples=["answer"])

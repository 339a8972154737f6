"""What all request and response models have in common."""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

UUID_EXAMPLE = "1b4e28ba-2fa1-4d3b-a3f5-ef19b5a7633b"
VOICE_EXAMPLE = "en_US-joe-medium"


class ErrorBody(BaseModel):
    """Every error: one sentence that a person can act on."""

    detail: str = Field(description="What went wrong and what to do.", examples=["session not found"])


class RequestModel(BaseModel):
    """A JSON body: unknown fields are ignored, "" in an optional field means "not sent"."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    keeps_empty: ClassVar[frozenset[str]] = frozenset()
    """Optional fields in which "" has a meaning of its own."""

    @model_validator(mode="before")
    @classmethod
    def _empty_is_not_sent(cls, body: Any) -> Any:
        if not isinstance(body, dict):
            return body
        fields = cls.model_fields
        return {
            key: value
            for key, value in body.items()
            if value != "" or key in cls.keeps_empty or key not in fields or fields[key].is_required()
        }


class VoiceFields(RequestModel):
    """Overrides of the session's voice, for one request."""

    voice: str | None = Field(
        None, description="Voice id, as in `GET /voices`; default: the session's.", examples=[VOICE_EXAMPLE]
    )
    tts_provider: str | None = Field(
        None, description="Voice engine; default: the session's.", examples=["local"]
    )
    tts_model: str | None = Field(
        None, description="Model of the voice engine; unknown ones are passed on.", examples=["tts-1"]
    )

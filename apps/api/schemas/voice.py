"""Voices and speech without a session."""

from typing import Literal

from pydantic import BaseModel, Field

from apps.api.schemas.base import VOICE_EXAMPLE, RequestModel

_VOICE_ITEM_EXAMPLE = {
    "id": 3183629461274624,
    "user_id": 1,
    "provider": "local",
    "voice_id": VOICE_EXAMPLE,
    "display_label": "Joe (en-US)",
    "target_model": None,
    "source": "system",
    "language": "en-US",
    "gender": "male",
    "engine": "piper",
    "licence": "CC0-1.0 (data set); engine GPL-3.0-or-later",
    "consent": None,
    "created_at": None,
}
CLONE_LABEL = "Amy"
CLONE_ID_EXAMPLE = "qwen-tts-vc-amy-voice-20260812105009984-838b"
CLONE_MODEL_EXAMPLE = "qwen3-tts-vc-realtime-2026-01-15"


class VoiceItem(BaseModel):
    """A voice that can be named in requests."""

    id: int = Field(description="Stable number of the entry.", examples=[3183629461274624])
    user_id: int = Field(description="Owner; 1 for everything of the server.", examples=[1])
    provider: str = Field(description="Voice engine.", examples=["local"])
    voice_id: str = Field(description="Value for `voice` and `tts_voice`.", examples=[VOICE_EXAMPLE])
    display_label: str = Field(max_length=200, description="Name for people.", examples=["Joe (en-US)"])
    target_model: str | None = Field(
        description="Model of the engine that it belongs to, if any.", examples=[None]
    )
    source: Literal["clone", "system"] = Field(description="Where it comes from.", examples=["system"])
    language: str = Field("", description="Language tag; empty: unknown or any.", examples=["en-US"])
    gender: Literal["", "female", "male"] = Field("", description="As it sounds.", examples=["male"])
    engine: str = Field("", description="The part of the provider that speaks it.", examples=["piper"])
    licence: str = Field(
        "",
        description="Of the voice and its engine.",
        examples=["CC0-1.0 (data set); engine GPL-3.0-or-later"],
    )
    consent: Literal["stated", "not stated"] | None = Field(
        None, description="Cloned voices: whether the uploader stated the person's consent.", examples=[None]
    )
    created_at: str | None = Field(
        None, description="Cloned voices: when they were made, RFC 3339.", examples=[None]
    )


class Voices(BaseModel):
    """Voices of one provider, or of all."""

    items: list[VoiceItem] = Field(description="May be empty.", examples=[[_VOICE_ITEM_EXAMPLE]])


class ClonedVoice(BaseModel):
    """A voice that was made from a sample."""

    ok: Literal[True] = Field(True, description="Always true.", examples=[True])
    entry_id: int = Field(ge=310, description="Its number, for `DELETE /voices/{entry_id}`.", examples=[310])
    voice_id: str = Field(description="Value for `voice` and `tts_voice`.", examples=[CLONE_ID_EXAMPLE])
    display_label: str = Field(
        max_length=200, description="As sent, or with the time as suffix.", examples=[CLONE_LABEL]
    )
    provider: str = Field(description="The voice engine that has it.", examples=["dashscope"])
    target_model: str = Field(description="The model that speaks with it.", examples=[CLONE_MODEL_EXAMPLE])
    message: str = Field(description="What happened, for people.", examples=["the voice was made"])


class DeletedVoice(BaseModel):
    """A cloned voice is gone."""

    deleted: Literal[True] = Field(True, description="Always true.", examples=[True])
    ok: Literal[True] = Field(True, description="Always true.", examples=[True])
    message: str | None = Field(
        None,
        description="Only when its service still has it, e.g. because its key is not set any more.",
        examples=["deleted here only: dashscope has no key; set OPENTALKING_TTS_DASHSCOPE_API_KEY"],
    )


class PreviewRequest(RequestModel):
    """A text to hear. `provider` and `model` are other names of `tts_provider` and `tts_model`."""

    text: str = Field(
        description="1 to `OPENTALKING_TTS_PREVIEW_MAX_CHARS` (500) characters.",
        examples=["Hello, nice to meet you."],
        json_schema_extra={"minLength": 1, "maxLength": 500},
    )
    voice: str | None = Field(None, description="Voice id; default: the engine's.", examples=[VOICE_EXAMPLE])
    tts_provider: str | None = Field(
        None,
        description="Voice engine; default: the server's.",
        examples=["local"],
    )
    provider: str | None = Field(None, description="Same as `tts_provider`.", examples=["local"])
    tts_model: str | None = Field(
        None, description="Model of the engine; unknown ones are passed on.", examples=["tts-1"]
    )
    model: str | None = Field(None, description="Same as `tts_model`.", examples=["tts-1"])

"""The messages of the audio WebSocket `/sessions/{id}/speak_audio_stream`, from both sides.

The client's first text frame picks the dialect: `config` drives the face with PCM as it arrives, `meta` has
the PCM recognised and answered. Binary frames are signed 16-bit little-endian mono PCM.
"""

from enum import IntEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from opentalking.core.errors import InvalidInput

DEFAULT_SAMPLE_RATE = 16_000
LOWEST_SAMPLE_RATE, HIGHEST_SAMPLE_RATE = 8_000, 48_000
_UUID_EXAMPLE = "1b4e28ba-2fa1-4d3b-a3f5-ef19b5a7633b"


class CloseCode(IntEnum):
    """Why the server closes the socket."""

    DONE = 1000
    FAILED = 1011
    NO_SESSION = 4004
    BAD_INPUT = 4400
    TOO_SLOW = 4408
    TAKEN_OVER = 4409


CLOSE_REASONS: dict[CloseCode, str] = {
    CloseCode.DONE: "Everything was played (`config`), or the answer was queued (`meta`).",
    CloseCode.FAILED: "The server or a service behind it failed.",
    CloseCode.NO_SESSION: "There is no such session, or it has ended.",
    CloseCode.BAD_INPUT: "A frame cannot be understood or is too large, or nothing was recognised.",
    CloseCode.TOO_SLOW: "Recognition took longer than 50 s after `end`.",
    CloseCode.TAKEN_OVER: "Another turn took over.",
}


class _FromClient(BaseModel):
    """A text frame of the client: unknown fields are ignored, "" in an optional one is "not sent"."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _empty_is_not_sent(cls, message: Any) -> Any:
        if not isinstance(message, dict):
            return message
        return {key: value for key, value in message.items() if value != ""}


class ConfigMessage(_FromClient):
    """First frame of the dialect that drives the face directly; answered with `ack`."""

    type: Literal["config"] = Field("config", description="Always `config`.", examples=["config"])
    sample_rate: int = Field(
        DEFAULT_SAMPLE_RATE,
        ge=LOWEST_SAMPLE_RATE,
        le=HIGHEST_SAMPLE_RATE,
        description="Rate of the PCM in the binary frames, Hz.",
        examples=[DEFAULT_SAMPLE_RATE],
    )


class InterruptMessage(_FromClient):
    """Cancels the turn; the socket stays open, and the next PCM starts a new turn."""

    type: Literal["interrupt"] = Field("interrupt", description="Always `interrupt`.", examples=["interrupt"])


class EosMessage(_FromClient):
    """No more PCM will come; the server closes with 1000 when all of it was played."""

    type: Literal["eos"] = Field("eos", description="Always `eos`.", examples=["eos"])


class MetaMessage(_FromClient):
    """First frame of the dialect that recognises and answers: who hears, and in which voice."""

    type: Literal["meta"] = Field("meta", description="Always `meta`.", examples=["meta"])
    voice: str | None = Field(
        None, description="Voice id of the answer; default: the session's.", examples=["en_US-joe-medium"]
    )
    tts_provider: str | None = Field(
        None, description="Voice engine of the answer; default: the session's.", examples=["local"]
    )
    tts_model: str | None = Field(
        None, description="Model of the voice engine; unknown ones are passed on.", examples=["tts-1"]
    )
    stt_provider: str | None = Field(
        None, description="Recogniser; default: the session's.", examples=["local"]
    )


class EndMessage(_FromClient):
    """The utterance is over; `queued` follows when it was recognised."""

    type: Literal["end"] = Field("end", description="Always `end`.", examples=["end"])


ClientMessage = Annotated[
    ConfigMessage | InterruptMessage | EosMessage | MetaMessage | EndMessage, Field(discriminator="type")
]
_client_adapter: TypeAdapter[ClientMessage] = TypeAdapter(ClientMessage)


def parse_client_message(text: str) -> ClientMessage:
    """One text frame of the client; raises `InvalidInput` for anything that is not one of its messages."""
    try:
        return _client_adapter.validate_json(text)
    except ValidationError as error:
        raise InvalidInput(_complaint(error)) from error


def _complaint(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    if first["type"].startswith("union_tag"):
        return 'type must be "config", "interrupt", "eos", "meta" or "end"'
    field = ".".join(str(part) for part in first["loc"][1:])
    if not field:
        return "a text frame must be a JSON object with a type"
    message = first["msg"]
    return f"{field} is not valid: {message[:1].lower()}{message[1:]}"


class AckMessage(BaseModel):
    """The server's answer to `config`: PCM may come."""

    type: Literal["ack"] = Field("ack", description="Always `ack`.", examples=["ack"])


class QueuedMessage(BaseModel):
    """The one answer of the `meta` dialect: what was recognised; the character answers it as in `/chat`."""

    session_id: str = Field(description="Name of the session.", examples=[_UUID_EXAMPLE])
    status: Literal["queued"] = Field("queued", description="Always `queued`.", examples=["queued"])
    turn_id: str = Field("", description="Name of the turn, as in its events.", examples=[_UUID_EXAMPLE])
    text: str = Field(description="What was recognised.", examples=["What is the time?"])


class ErrorMessage(BaseModel):
    """Sent before the server closes for a reason other than the end; `error` repeats `message`."""

    type: Literal["error"] = Field("error", description="Always `error`.", examples=["error"])
    code: str = Field(description="Stable name of the failure.", examples=["not_found"])
    message: str = Field(description="What went wrong and what to do.", examples=["session not found"])
    error: str = Field(description="The same as `message`.", examples=["session not found"])


CLIENT_MESSAGES: tuple[type[BaseModel], ...] = (
    ConfigMessage,
    InterruptMessage,
    EosMessage,
    MetaMessage,
    EndMessage,
)
SERVER_MESSAGES: tuple[type[BaseModel], ...] = (AckMessage, QueuedMessage, ErrorMessage)

"""Health, queue and models."""

from pydantic import BaseModel, ConfigDict, Field

from opentalking.core.ai_label import AI_LABEL
from opentalking.services.models import Backend, Reason


class LlmHealth(BaseModel):
    """Who answers."""

    provider: str = Field(description="Chat provider in use.", examples=["builtin"])
    model: str = Field(description="Its model; empty while not known.", examples=["SmolLM2-135M-Instruct"])
    demo: bool = Field(description="True for the tiny built-in model: a demo, often wrong.", examples=[True])


class Health(BaseModel):
    """The server is up; what can work as configured."""

    status: str = Field("ok", description="Always `ok`.", examples=["ok"])
    version: str = Field(description="Version of the server.", examples=["0.1.0"])
    stt_key_set: bool = Field(description="Speech recognition can work as configured.", examples=[True])
    tts_key_set: bool = Field(description="Speech synthesis can work as configured.", examples=[True])
    llm_key_set: bool = Field(description="The chat model can work as configured.", examples=[True])
    stt_provider: str = Field(description="Default recogniser.", examples=["local"])
    tts_provider: str = Field(description="Default voice engine.", examples=["local"])
    llm: LlmHealth = Field(
        description="Who answers in chats.",
        examples=[{"provider": "builtin", "model": "SmolLM2-135M-Instruct", "demo": True}],
    )
    turn_detection: bool = Field(
        description="The server hears when somebody speaks and has finished: turn_taking=auto can work.",
        examples=[True],
    )
    ai_label: str = Field(
        description="Plain text to show beside the face, so that people know that a machine made it; never "
        f"empty. `{AI_LABEL}` is the built-in wording, which pages may show in their own language.",
        examples=[AI_LABEL],
    )
    require_consent: bool = Field(
        description="Faces and voices are taken only with `consent=true`.", examples=[False]
    )


class Healthz(BaseModel):
    """The server is up."""

    status: str = Field("ok", description="Always `ok`.", examples=["ok"])


class QueueStatusBody(BaseModel):
    """Whether a new session would have to wait."""

    slot_occupied: bool = Field(
        description="A new session of a single-slot model (when the server is full: any) would wait.",
        examples=[False],
    )
    queue_size: int = Field(ge=0, description="How many sessions wait.", examples=[0])


class ModelStatusBody(BaseModel):
    """One talking-head model."""

    model_config = ConfigDict(from_attributes=True)

    id: str = Field(description="Name for `POST /sessions`.", examples=["portrait"])
    backend: Backend = Field(description="Where it runs.", examples=["local"])
    connected: bool = Field(description="Whether a session can be made with it now.", examples=[True])
    reason: Reason = Field(description="Why it is connected or not.", examples=["local_self_test"])


class Models(BaseModel):
    """Every model, the default first; both lists in the same order."""

    models: list[str] = Field(description="Model ids.", examples=[["portrait", "mock"]])
    statuses: list[ModelStatusBody] = Field(
        description="One entry per model.",
        examples=[
            [
                {"id": "portrait", "backend": "local", "connected": True, "reason": "local_self_test"},
                {"id": "mock", "backend": "mock", "connected": True, "reason": "local_self_test"},
            ]
        ],
    )
    default_model: str = Field(description="The model to take when in doubt.", examples=["portrait"])

"""What was recognised."""

from pydantic import BaseModel, Field

from apps.api.schemas.base import UUID_EXAMPLE
from apps.api.schemas.session import TurnBody


class TranscribedBody(BaseModel):
    """What was said; both fields hold the same text."""

    session_id: str = Field(description="Name of the session.", examples=[UUID_EXAMPLE])
    text: str = Field(description="What was said; empty when no words were recognised.", examples=["Hello."])
    transcript: str = Field(description="The same as `text`.", examples=["Hello."])
    turn_id: str | None = Field(
        None, description="The turn that answers it, with `trigger_chat`.", examples=[UUID_EXAMPLE]
    )


class SpokenTurnBody(TurnBody):
    """The turn was accepted; its output comes by events and WebRTC."""

    text: str | None = Field(
        None, description="What was recognised, where that is answered.", examples=["What is the time?"]
    )

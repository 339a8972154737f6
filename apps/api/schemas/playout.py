"""What a page reports about the sound that its visitor hears."""

from typing import Literal

from pydantic import BaseModel, Field

from apps.api.schemas.base import UUID_EXAMPLE, RequestModel


class PlayoutRequest(RequestModel):
    """When an interrupted turn was really silent."""

    turn_id: str = Field(
        min_length=1,
        max_length=64,
        description="The turn that was interrupted.",
        examples=["7d444840-9dc0-41d1-b245-5ffdce74fad2"],
    )
    silent_after_ms: int = Field(
        strict=True,
        ge=0,
        le=60_000,
        description="Milliseconds from learning of its end (`speech.ended`, or the page's own click) to its "
        "last sound at the loudspeaker, as far as the page can measure.",
        examples=[85],
    )


class NotedPlayout(BaseModel):
    """The report is taken."""

    session_id: str = Field(description="Name of the session.", examples=[UUID_EXAMPLE])
    status: Literal["noted"] = Field("noted", description="Always this.", examples=["noted"])

"""Tokens for browsers."""

from typing import Literal

from pydantic import BaseModel, Field

from apps.api.schemas.base import UUID_EXAMPLE, RequestModel


class TokenRequest(RequestModel):
    """What the token shall be good for."""

    session_id: str | None = Field(
        None,
        max_length=100,
        description="Only for this session's routes; default: for everything that the key may do.",
        examples=[UUID_EXAMPLE],
    )


class TokenBody(BaseModel):
    """A token that stands in for the key for a while."""

    access_token: str = Field(
        description="Send it as `Authorization: Bearer`, or as the query's `access_token` where no header "
        "can be set (EventSource, WebSocket, `<img>`, downloads).",
        examples=["eyJrZXkiOiI1YTRmIiwic2Vzc2lvbiI6IiJ9.6nq1o7vB2mJ4XH0k"],
    )
    token_type: Literal["bearer"] = Field("bearer", description="As in OAuth 2.0.", examples=["bearer"])
    expires_in: int = Field(description="Seconds that it is good for.", examples=[900])
    session_id: str | None = Field(
        description="The one session it is good for; null: all.", examples=[UUID_EXAMPLE]
    )

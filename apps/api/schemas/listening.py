"""How a session's microphone is listened to."""

from pydantic import BaseModel, Field

from apps.api.schemas.base import UUID_EXAMPLE, RequestModel
from opentalking.core.conversation import TurnTaking

TURN_TAKING_HELP = (
    "`auto`: hands-free, turns begin and end by voice; `push_to_talk`: while the button is held; "
    "`off`: not heard"
)


class ListeningRequest(RequestModel):
    """What to change; nothing: `{}` only asks."""

    turn_taking: TurnTaking | None = Field(
        None, description=f"{TURN_TAKING_HELP}. Default: as it is.", examples=["push_to_talk"]
    )
    talking: bool | None = Field(
        None,
        strict=True,
        description=(
            "The button of `push_to_talk`: `true` when it goes down (the character falls silent), "
            "`false` when it comes up (what was said is answered). Both may be repeated."
        ),
        examples=[True],
    )


class ListeningBody(BaseModel):
    """How the microphone is listened to now."""

    session_id: str = Field(description="Name of the session.", examples=[UUID_EXAMPLE])
    turn_taking: TurnTaking = Field(description=f"{TURN_TAKING_HELP}.", examples=["push_to_talk"])
    talking: bool = Field(description="Whether the button of `push_to_talk` is held.", examples=[True])

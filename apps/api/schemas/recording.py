"""Recordings."""

from typing import Literal

from pydantic import BaseModel, Field

from apps.api.schemas.base import UUID_EXAMPLE
from opentalking.core.recordings import RecordingState


class StartedRecording(BaseModel):
    """A recording runs."""

    session_id: str = Field(description="The session.", examples=[UUID_EXAMPLE])
    status: Literal["recording"] = Field("recording", description="It runs.", examples=["recording"])


class StoppedRecording(BaseModel):
    """No recording runs any more."""

    session_id: str = Field(description="The session.", examples=[UUID_EXAMPLE])
    status: Literal["stopped"] = Field(
        "stopped", description="The file is complete, if anything was recorded.", examples=["stopped"]
    )


class RecordingStatus(BaseModel):
    """How the recording of a session stands."""

    state: RecordingState = Field(
        description="`idle`: there is none; `recording`: it runs or is being completed; `complete`.",
        examples=["complete"],
    )
    artifact_url: str | None = Field(
        description="Path of the finished film; null while there is none.",
        examples=[f"/sessions/{UUID_EXAMPLE}/flashtalk-recording?format=mp4"],
    )
    duration_ms: int = Field(description="How long it is so far.", examples=[61_240])

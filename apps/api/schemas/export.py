"""Offline bundles."""

from typing import Literal

from pydantic import BaseModel, Field

from apps.api.schemas.base import UUID_EXAMPLE

STATES: dict[str, Literal["pending", "running", "complete", "failed"]] = {
    "queued": "pending",
    "processing": "running",
    "done": "complete",
    "error": "failed",
}


class QueuedBundle(BaseModel):
    """The bundle is going to be rendered."""

    session_id: str = Field(description="Name of the session.", examples=[UUID_EXAMPLE])
    job_id: str = Field(description="Name of the job, for its status and its files.", examples=[UUID_EXAMPLE])
    status: Literal["queued"] = Field("queued", description="Always `queued`.", examples=["queued"])


class BundleStatus(BaseModel):
    """How a job stands."""

    session_id: str = Field(description="Name of the session.", examples=[UUID_EXAMPLE])
    job_id: str = Field(description="Name of the job.", examples=[UUID_EXAMPLE])
    status: Literal["queued", "processing", "done", "error"] = Field(
        description="`done` can be downloaded; `error` says why in `error`.", examples=["processing"]
    )
    state: Literal["pending", "running", "complete", "failed"] = Field(
        description="The same in other words: they move together.", examples=["running"]
    )
    progress: float = Field(ge=0, le=1, description="Share that is done; never falls.", examples=[0.42])
    error: str | None = Field(description="Why the job failed.", examples=[None])
    message: str | None = Field(description="What happens now, for people.", examples=["rendering"])

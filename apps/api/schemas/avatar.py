"""Avatars."""

from pydantic import BaseModel, ConfigDict, Field

from opentalking.core.ids import SLUG_MAX_CHARACTERS

AVATAR_EXAMPLE = "demo-avatar"


class AvatarSummary(BaseModel):
    """An avatar in a list. Any avatar works with any connected model."""

    model_config = ConfigDict(from_attributes=True)

    id: str = Field(
        max_length=SLUG_MAX_CHARACTERS, description="Name for requests.", examples=[AVATAR_EXAMPLE]
    )
    name: str = Field(description="Name for people.", examples=["Demo avatar"])
    model_type: str = Field(description="Model it was made for; a hint.", examples=["portrait"])
    width: int = Field(ge=2, description="Width of the streamed video, pixels (even).", examples=[512])
    height: int = Field(ge=2, description="Height of the streamed video, pixels (even).", examples=[640])
    is_custom: bool = Field(description="Made through the API, so it can be deleted.", examples=[False])


class AvatarManifest(AvatarSummary):
    """The whole manifest of a bundle; keys of its own are passed on, absolute paths are not."""

    model_config = ConfigDict(extra="allow")

    fps: float = Field(description="Frames per second of the bundle's own pictures.", examples=[25])
    sample_rate: int = Field(description="Sound rate the bundle was prepared for, Hz.", examples=[16000])
    version: str = Field(description="Version of the bundle.", examples=["1"])
    metadata: dict[str, object] = Field(
        description="Whatever the bundle says about itself; `animation` holds landmarks (0..1).",
        examples=[{"animation": {"mouth_center": [0.5, 0.6]}}],
    )

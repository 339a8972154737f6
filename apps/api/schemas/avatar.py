"""Avatars."""

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from apps.api.schemas.base import RequestModel
from opentalking.core.ids import SLUG_MAX_CHARACTERS

AVATAR_EXAMPLE = "demo-avatar"
CUSTOM_EXAMPLE = "custom-anna-20260131-120000-123"


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


class MadeAvatar(AvatarSummary):
    """The new avatar, and what was found in its picture."""

    id: str = Field(
        max_length=SLUG_MAX_CHARACTERS,
        description="Name for requests, made of name and time.",
        examples=[CUSTOM_EXAMPLE],
    )
    name: str = Field(description="Name for people.", examples=["Anna"])
    is_custom: bool = Field(description="Made through the API, so it can be deleted.", examples=[True])
    metadata: dict[str, object] = Field(
        description="As in the manifest: `base_avatar_id`, `consent`, `animation` (landmarks, 0..1), and "
        "`hint`, what to do for a livelier face, where there is something to say.",
        examples=[
            {
                "custom_avatar": True,
                "base_avatar_id": AVATAR_EXAMPLE,
                "consent": "stated",
                "animation": {"mode": "face", "mouth_center": [0.5, 0.6], "mouth_rx": 0.09, "mouth_ry": 0.03},
            }
        ],
    )


class DeletedAvatar(BaseModel):
    """The avatar is gone."""

    deleted: Literal[True] = Field(True, description="Always true.", examples=[True])
    avatar_id: str = Field(description="The avatar.", examples=[CUSTOM_EXAMPLE])
    status: Literal["deleted"] = Field("deleted", description="Always `deleted`.", examples=["deleted"])


class PrewarmRequest(RequestModel):
    """What to prepare the avatar for."""

    model: str | None = Field(
        None, description="A connected model of `GET /models`; default: the first.", examples=["portrait"]
    )


class PrewarmedAvatar(BaseModel):
    """The avatar is ready: a session with it starts at once."""

    avatar_id: str = Field(description="The avatar.", examples=[AVATAR_EXAMPLE])
    model: str = Field(description="The model it was prepared for.", examples=["portrait"])
    status: Literal["ready"] = Field("ready", description="Always `ready`.", examples=["ready"])
    runtime_status: Literal["ready"] = Field("ready", description="Always `ready`.", examples=["ready"])


class PromptRequest(RequestModel):
    """What the avatar is told from now on."""

    keeps_empty: ClassVar[frozenset[str]] = frozenset({"llm_system_prompt"})

    avatar_id: str = Field(description="From `GET /avatars`.", examples=[AVATAR_EXAMPLE])
    llm_system_prompt: str | None = Field(
        None,
        description="At most 20 000 characters; missing or empty: back to the avatar's own.",
        examples=["You are a patient teacher. Answer in one or two short sentences."],
    )


class CustomizedPrompt(BaseModel):
    """The change is kept and holds for sessions made later."""

    avatar_id: str = Field(description="The avatar.", examples=[AVATAR_EXAMPLE])
    saved: Literal[True] = Field(True, description="Always true.", examples=[True])


class CustomizedAvatar(CustomizedPrompt):
    """The change is kept and holds for sessions made later."""

    image_updated: bool = Field(description="Whether the picture was changed.", examples=[True])

"""Avatars, and what their later sessions shall be."""

from opentalking.client.models import (
    AvatarManifest,
    AvatarSummary,
    DeletedAvatar,
    MadeAvatar,
    PrewarmedAvatar,
    SavedCustomisation,
    SavedPrompt,
)
from opentalking.client.wire import (
    SLOW_CALL_SECONDS,
    Call,
    FileSource,
    body,
    endpoint,
    parsed,
    place,
    sent,
)


@endpoint("GET /avatars")
def list_avatars() -> Call[list[AvatarSummary]]:
    """The avatars, by id."""
    return Call("GET", "/avatars", parsed(list[AvatarSummary]))


@endpoint("GET /avatars/{avatar_id}")
def get_avatar(avatar_id: str) -> Call[AvatarManifest]:
    """All that an avatar's bundle says about itself."""
    return Call("GET", place("/avatars/{avatar_id}", avatar_id=avatar_id), parsed(AvatarManifest))


@endpoint("GET /avatars/{avatar_id}/preview")
def get_avatar_preview(avatar_id: str) -> Call[bytes]:
    """An avatar's picture as PNG."""
    return Call("GET", place("/avatars/{avatar_id}/preview", avatar_id=avatar_id), body)


@endpoint("POST /avatars/custom")
def create_custom_avatar(
    name: str,
    base_avatar_id: str,
    image: FileSource,
    *,
    crop: bool | None = None,
    consent: bool | None = None,
) -> Call[MadeAvatar]:
    """Make an avatar of a photo; `crop` cuts a small face out, `consent`: the person in it agrees."""
    return Call(
        "POST",
        "/avatars/custom",
        parsed(MadeAvatar),
        form=sent(name=name, base_avatar_id=base_avatar_id, crop=_flag(crop), consent=_flag(consent)),
        files={"image": image},
        read_seconds=SLOW_CALL_SECONDS,
    )


@endpoint("DELETE /avatars/{avatar_id}")
def delete_avatar(avatar_id: str) -> Call[DeletedAvatar]:
    """Delete a custom avatar."""
    return Call("DELETE", place("/avatars/{avatar_id}", avatar_id=avatar_id), parsed(DeletedAvatar))


@endpoint("POST /avatars/{avatar_id}/prewarm")
def prewarm_avatar(avatar_id: str, *, model: str | None = None) -> Call[PrewarmedAvatar]:
    """Prepare an avatar, so that its next session starts at once; `model`: for this model."""
    return Call(
        "POST",
        place("/avatars/{avatar_id}/prewarm", avatar_id=avatar_id),
        parsed(PrewarmedAvatar),
        json=sent(model=model),
        read_seconds=SLOW_CALL_SECONDS,
    )


@endpoint("POST /sessions/customize")
def customize(
    avatar_id: str,
    *,
    llm_system_prompt: str | None = None,
    reference_image: FileSource | None = None,
    consent: bool | None = None,
) -> Call[SavedCustomisation]:
    """Change what later sessions of an avatar are told ("" clears it) and look like."""
    return Call(
        "POST",
        "/sessions/customize",
        parsed(SavedCustomisation),
        form=sent(avatar_id=avatar_id, llm_system_prompt=llm_system_prompt, consent=_flag(consent)),
        files=sent(reference_image=reference_image),
        read_seconds=SLOW_CALL_SECONDS,
    )


@endpoint("POST /sessions/customize/prompt")
def customize_prompt(avatar_id: str, *, llm_system_prompt: str | None = None) -> Call[SavedPrompt]:
    """Change what later sessions of an avatar are told; None clears it."""
    return Call(
        "POST",
        "/sessions/customize/prompt",
        parsed(SavedPrompt),
        json=sent(avatar_id=avatar_id, llm_system_prompt=llm_system_prompt),
    )


@endpoint("POST /sessions/customize/reference")
def customize_reference(
    avatar_id: str,
    *,
    reference_image: FileSource | None = None,
    reset: bool | None = None,
    consent: bool | None = None,
) -> Call[SavedCustomisation]:
    """Change what later sessions of an avatar look like; `reset` gives it its own picture back."""
    return Call(
        "POST",
        "/sessions/customize/reference",
        parsed(SavedCustomisation),
        form=sent(avatar_id=avatar_id, reset=_flag(reset), consent=_flag(consent)),
        files=sent(reference_image=reference_image),
        read_seconds=SLOW_CALL_SECONDS,
    )


def _flag(value: bool | None) -> str | None:
    return None if value is None else str(value).lower()

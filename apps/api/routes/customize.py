"""Changing avatars for later sessions. Included before the sessions, whose ids these words could be."""

from typing import Annotated

from fastapi import APIRouter, File, Form, Request, UploadFile

from apps.api.deps import ApiServices, Services
from apps.api.forms import form_route, read_file
from apps.api.responses import errors
from apps.api.schemas.avatar import AVATAR_EXAMPLE, CustomizedAvatar, CustomizedPrompt, PromptRequest
from apps.api.strict_json import StrictJsonRoute
from opentalking.core.errors import InvalidInput

router = APIRouter(tags=["sessions"], route_class=StrictJsonRoute)
_forms = APIRouter(tags=["sessions"], route_class=form_route(lambda limits: limits.image_bytes))
_PROMPT = "llm_system_prompt"
AvatarIdField = Annotated[str, Form(description="From `GET /avatars`.", examples=[AVATAR_EXAMPLE])]
Picture = Annotated[
    UploadFile | None,
    File(
        description="PNG, JPEG or WebP, at most 10 MiB and 40 megapixels; cropped to the avatar's size.",
        examples=["anna.jpg"],
    ),
]
ConsentField = Annotated[
    str | None,
    Form(description="`true`: the person in the picture has agreed. Kept with it.", examples=["true"]),
]


@_forms.post(
    "/sessions/customize",
    operation_id="customizeAvatar",
    summary="Change an avatar's prompt and picture",
    responses=errors(400, 403, 404, 413, 429, 502, 503),
)
async def customize(
    services: Services,
    request: Request,
    avatar_id: AvatarIdField,
    llm_system_prompt: Annotated[
        str | None,
        Form(
            description="What the character is told; absent: unchanged, empty: back to the avatar's own.",
            examples=["You are a patient teacher. Answer in one or two short sentences."],
        ),
    ] = None,
    reference_image: Picture = None,
    consent: ConsentField = None,
) -> CustomizedAvatar:
    """Change what sessions made later with this avatar are told and look like; running ones keep theirs.

    Kept over restarts, beside the bundle: its manifest and preview stay. Both fields are changed, or neither.
    """
    # The framework takes an empty field for a missing one; here it clears.
    prompt = llm_system_prompt or ("" if _PROMPT in await request.form() else None)
    if prompt is None and reference_image is None:
        raise InvalidInput(f"nothing to change; send {_PROMPT} or reference_image")
    await _change(services, avatar_id, prompt, reference_image, consent)
    return CustomizedAvatar(avatar_id=avatar_id, image_updated=reference_image is not None)


@router.post(
    "/sessions/customize/prompt",
    operation_id="customizePrompt",
    summary="Change an avatar's prompt",
    responses=errors(400, 403, 404, 413, 503),
)
async def customize_prompt(body: PromptRequest, services: Services) -> CustomizedPrompt:
    """Change what sessions made later with this avatar are told; a missing or empty prompt clears it.

    A prompt of the session's own comes first, then this one, then the avatar's, then the server's.
    """
    avatar = await services.customisations.avatar(body.avatar_id)
    await services.customisations.change(avatar, prompt=body.llm_system_prompt or "")
    return CustomizedPrompt(avatar_id=body.avatar_id)


@_forms.post(
    "/sessions/customize/reference",
    operation_id="customizeReference",
    summary="Change an avatar's picture",
    responses=errors(400, 403, 404, 413, 429, 502, 503),
)
async def customize_reference(
    services: Services,
    avatar_id: AvatarIdField,
    reference_image: Picture = None,
    reset: Annotated[
        bool, Form(description="Go back to the avatar's own picture instead.", examples=[False])
    ] = False,
    consent: ConsentField = None,
) -> CustomizedAvatar:
    """Give sessions made later with this avatar another picture, or (`reset=true`) its own again."""
    if reset == (reference_image is not None):
        raise InvalidInput("send either reference_image or reset=true")
    if reset:
        await services.customisations.reset_picture(await services.customisations.avatar(avatar_id))
    else:
        await _change(services, avatar_id, None, reference_image, consent)
    return CustomizedAvatar(avatar_id=avatar_id, image_updated=True)


async def _change(
    services: ApiServices, avatar_id: str, prompt: str | None, image: UploadFile | None, consent: str | None
) -> None:
    agreed = services.customisations.consent(consent) if image is not None else "not stated"
    avatar = await services.customisations.avatar(avatar_id)
    picture = None
    if image is not None:
        picture = await read_file(image, "reference_image", services.limits.image_bytes)
    await services.customisations.change(avatar, prompt=prompt, picture=picture, consent=agreed)


router.include_router(_forms)

"""The avatars and their pictures; making, preparing and deleting them."""

from typing import Annotated

from fastapi import APIRouter, File, Form, Header, Path, Request, Response, UploadFile

from apps.api.deps import Services
from apps.api.forms import form_route, read_file
from apps.api.responses import binary, errors
from apps.api.schemas.avatar import (
    AVATAR_EXAMPLE,
    AvatarManifest,
    AvatarSummary,
    DeletedAvatar,
    MadeAvatar,
    PrewarmedAvatar,
    PrewarmRequest,
)
from apps.api.strict_json import StrictJsonRoute
from opentalking.services.custom_avatars import NewAvatar

router = APIRouter(tags=["avatars"], route_class=StrictJsonRoute)
_uploads = APIRouter(tags=["avatars"], route_class=form_route(lambda limits: limits.image_bytes))
AvatarId = Annotated[str, Path(description="From `GET /avatars`.", examples=[AVATAR_EXAMPLE])]
_ETAG = {"ETag": {"description": "For `If-None-Match`.", "schema": {"type": "string"}}}


@router.get("/avatars", operation_id="listAvatars", summary="List avatars", responses=errors())
async def avatars(services: Services) -> list[AvatarSummary]:
    """List the avatars by directory name, without hidden ones."""
    return [AvatarSummary.model_validate(bundle) for bundle in await services.avatars.all()]


@router.get("/avatars/{avatar_id}", operation_id="getAvatar", summary="Get an avatar", responses=errors(404))
async def avatar(avatar_id: AvatarId, services: Services) -> AvatarManifest:
    """Show a bundle's whole manifest, defaults filled in; width and height are the streamed size."""
    return AvatarManifest.model_validate(await services.avatars.manifest(avatar_id))


@router.get(
    "/avatars/{avatar_id}/preview",
    operation_id="getAvatarPreview",
    summary="Get an avatar's picture",
    response_class=Response,
    responses={
        **binary("image/png", "The picture.", _ETAG),
        304: {"description": "The picture has not changed.", "headers": _ETAG},
        **errors(404),
    },
)
async def preview(
    avatar_id: AvatarId,
    services: Services,
    if_none_match: Annotated[
        str | None, Header(description="ETag of the picture at hand.", examples=['"5d41402abc4b2a76"'])
    ] = None,
) -> Response:
    """Show the picture; with `If-None-Match` only when it has changed."""
    picture = await services.avatars.preview(avatar_id)
    headers = {"ETag": picture.etag, "Cache-Control": "no-cache"}
    if if_none_match is not None and _matches(if_none_match, picture.etag):
        return Response(status_code=304, headers=headers)
    return Response(picture.png, media_type="image/png", headers=headers)


def _matches(if_none_match: str, etag: str) -> bool:
    """Weak comparison of RFC 9110, section 13.1.2."""
    wanted = (tag.strip().removeprefix("W/") for tag in if_none_match.split(","))
    return any(tag in ("*", etag) for tag in wanted)


@_uploads.post(
    "/avatars/custom",
    operation_id="createCustomAvatar",
    summary="Make an avatar from a photo",
    responses=errors(400, 404, 413, 429, 502, 503),
)
async def create(  # noqa: PLR0913 - one field of the form each
    services: Services,
    request: Request,
    *,
    name: Annotated[str, Form(description="Name for people, at most 100 characters.", examples=["Anna"])],
    base_avatar_id: Annotated[
        str, Form(description="Avatar whose voices the new one gets.", examples=[AVATAR_EXAMPLE])
    ],
    image: Annotated[
        UploadFile,
        File(
            description="PNG, JPEG or WebP, at most 10 MiB and 40 megapixels; one face is best.",
            examples=["anna.jpg"],
        ),
    ],
    consent: Annotated[
        str | None,
        Form(
            description="`true`: the person in the picture has agreed. Kept with the avatar.",
            examples=["true"],
        ),
    ] = None,
    crop: Annotated[
        bool, Form(description="Cut a picture with a small face to head and shoulders.", examples=[False])
    ] = False,
) -> MadeAvatar:
    """Make an avatar from a photo, ready for its first session.

    The picture is turned upright, laid on light grey where it is transparent, and shrunk (never enlarged).
    Of several faces the largest speaks; without one the picture only moves gently (see `metadata.hint`).
    """
    agreed = services.studio.consent(consent)
    base = await services.studio.base(name, base_avatar_id)
    picture = await read_file(image, "image", services.limits.image_bytes)
    made = await services.studio.create(NewAvatar(picture, name, base=base, consent=agreed, crop=crop))
    if await request.is_disconnected():
        # Nobody will ever learn this id, and who asks again must not find two.
        await services.studio.delete(made.id)
    return MadeAvatar.model_validate(
        {**AvatarSummary.model_validate(made).model_dump(), "metadata": made.manifest["metadata"]}
    )


@router.post(
    "/avatars/{avatar_id}/prewarm",
    operation_id="prewarmAvatar",
    summary="Prepare an avatar",
    responses=errors(400, 404, 413, 429, 502, 503),
)
async def prewarm(
    avatar_id: AvatarId, services: Services, body: PrewarmRequest | None = None
) -> PrewarmedAvatar:
    """Prepare the avatar for a model, so that a session with both starts at once; answers when it is done."""
    model = await services.studio.prewarm(avatar_id, body.model if body else None)
    return PrewarmedAvatar(avatar_id=avatar_id, model=model)


@router.delete(
    "/avatars/{avatar_id}",
    operation_id="deleteAvatar",
    summary="Delete a custom avatar",
    responses=errors(403, 404),
)
async def delete(avatar_id: AvatarId, services: Services) -> DeletedAvatar:
    """Delete a custom avatar with its customisations; live sessions keep the copy that they have loaded."""
    await services.studio.delete(avatar_id)
    return DeletedAvatar(avatar_id=avatar_id)


router.include_router(_uploads)

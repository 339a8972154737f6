"""The avatars and their pictures."""

from typing import Annotated

from fastapi import APIRouter, Header, Path, Response

from apps.api.deps import Services
from apps.api.responses import binary, errors
from apps.api.schemas.avatar import AVATAR_EXAMPLE, AvatarManifest, AvatarSummary

router = APIRouter(tags=["avatars"])
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

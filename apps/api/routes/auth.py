"""Short-lived tokens for browsers, which must not know an API key."""

from typing import cast

from fastapi import APIRouter, Request, Response

from apps.api.access import PASS
from apps.api.access_tokens import Pass
from apps.api.deps import Services
from apps.api.responses import errors
from apps.api.schemas.auth import TokenBody, TokenRequest
from apps.api.strict_json import StrictJsonRoute
from opentalking.core.errors import Conflict, Forbidden

router = APIRouter(tags=["access"], route_class=StrictJsonRoute)


@router.post(
    "/auth/token",
    operation_id="createToken",
    summary="Make a token for a browser",
    responses=errors(400, 409, 413),
)
async def create_token(
    services: Services, request: Request, response: Response, body: TokenRequest | None = None
) -> TokenBody:
    """Make a token that stands in for the API key of this request for some minutes; 409 without keys."""
    ring = services.guard.ring
    if ring is None:
        raise Conflict("this server asks for no API key; call it without a token")
    shown = cast(Pass, request.scope[PASS])
    if not shown.is_key:
        raise Forbidden("a token cannot make another; send the API key")
    session_id = body.session_id if body else None
    response.headers["Cache-Control"] = "no-store"
    return TokenBody(
        access_token=ring.issue(shown.key_name, session_id or ""),
        token_type="bearer",  # noqa: S106 - a type, no password
        expires_in=ring.seconds,
        session_id=session_id,
    )

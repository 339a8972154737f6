"""Who may use the API: nobody needs a key unless keys are set."""

import re
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from apps.api.access_tokens import KeyRing, Pass
from apps.api.clients import CLIENT, PeerNames
from apps.api.refusals import refuse

PASS = "opentalking.pass"  # noqa: S105 - a key of the ASGI scope, no secret
"""Key of the ASGI scope under which the accepted credential is found."""
TOKEN_PARAMETER = "access_token"  # noqa: S105 - the name of a parameter
_OPEN = re.compile(r"/(healthz|openapi\.json|assets/.*|voice-uploads/[^/]+)?", re.DOTALL)
"""Paths that need no key. Keep in step with docs/security.md."""
_CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_MISSING = "this server wants an API key; send it as `Authorization: Bearer <key>` or `X-API-Key: <key>`"
_WRONG = "the API key or token is not valid or has expired; send a valid one"
_OTHER_SESSION = "this token is for one session only, and not for this request; use an API key"
_CROSS_SITE = "web pages of another site may not do this; add the page's origin to OPENTALKING_CORS_ORIGINS"


def is_open(path: str) -> bool:
    """Whether a path, without `/api`, may be used without a key."""
    return _OPEN.fullmatch(path) is not None


class Access:
    """ASGI middleware: asks for a key or token where keys are set, and names the client.

    Keys come as `Authorization: Bearer` or `X-API-Key`; tokens as `Authorization: Bearer`, or
    as the query's `access_token`, which is taken out before anything else sees the request.
    Open to everybody are liveness, the page and its assets, the OpenAPI document, and voice
    uploads, whose address is a secret. Changes asked for by web pages of other sites are
    refused unless their origin is in `origins`: browsers send forms there without asking first.
    """

    def __init__(
        self, app: ASGIApp, ring: KeyRing | None, peers: PeerNames, origins: tuple[str, ...]
    ) -> None:
        self._app = app
        self._ring = ring
        self._peers = peers
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or answer 401 or 403."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        token = _take_token(scope)
        scope[CLIENT] = self._peers.name(scope)
        if self._is_cross_site(scope, headers):
            await refuse(scope, receive, send, (403, _CROSS_SITE), {})
            return
        if self._ring is not None and not is_open(_plain_path(scope)):
            presented = _presented(headers, token)
            accepted = _check(self._ring, presented)
            if accepted is None:
                await refuse(
                    scope, receive, send, (401, _WRONG if presented else _MISSING), _challenge(presented)
                )
                return
            if accepted.session_id and not _is_of_session(_plain_path(scope), accepted.session_id):
                await refuse(scope, receive, send, (403, _OTHER_SESSION), {})
                return
            scope[PASS] = accepted
            scope[CLIENT] = f"key:{accepted.key_name}"
        await self._app(scope, receive, send)

    def _is_cross_site(self, scope: Scope, headers: Headers) -> bool:
        if headers.get("sec-fetch-site") != "cross-site" or "*" in self._origins:
            return False
        changes = scope["type"] == "websocket" or scope["method"] in _CHANGING
        return changes and headers.get("origin") not in self._origins


def _plain_path(scope: Scope) -> str:
    path: str = scope["path"]
    return path.removeprefix("/api") if path.startswith("/api/") else path


def _is_of_session(path: str, session_id: str) -> bool:
    return path == f"/sessions/{session_id}" or path.startswith(f"/sessions/{session_id}/")


def _take_token(scope: Scope) -> str:
    """The token of the query, which is left without it."""
    query: bytes = scope["query_string"]
    if TOKEN_PARAMETER.encode() not in query:
        return ""
    fields = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    kept = [(name, value) for name, value in fields if name != TOKEN_PARAMETER]
    scope["query_string"] = urlencode(kept).encode()
    return next((value for name, value in fields if name == TOKEN_PARAMETER), "")


def _presented(headers: Headers, token: str) -> list[tuple[str, bool]]:
    """What the request shows, and whether that may be a key: a query ends up in too many logs."""
    shown = []
    scheme, _, credential = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and credential.strip():
        shown.append((credential.strip(), True))
    if key := headers.get("x-api-key", "").strip():
        shown.append((key, True))
    if token:
        shown.append((token, False))
    return shown


def _check(ring: KeyRing, presented: list[tuple[str, bool]]) -> Pass | None:
    for credential, may_be_key in presented:
        accepted = ring.check_token(credential) or (ring.check_key(credential) if may_be_key else None)
        if accepted is not None:
            return accepted
    return None


def _challenge(presented: object) -> dict[str, str]:
    """RFC 6750, section 3."""
    error = ', error="invalid_token"' if presented else ""
    return {"WWW-Authenticate": f'Bearer realm="OpenTalking"{error}'}

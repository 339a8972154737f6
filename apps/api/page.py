"""The web page: `/` and `/assets/*`, and nothing else."""

from pathlib import Path

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

_PERMISSIONS = "microphone=(self), camera=(), geolocation=(), payment=(), usb=(), display-capture=()"
_HINT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>OpenTalking</title></head>
<body><h1>OpenTalking</h1>
<p>The server is running, but its web page has not been built.</p>
<p>In a checkout, <code>make run</code> builds it; by hand:
<code>cd apps/web &amp;&amp; npm ci &amp;&amp; npm run build</code>, then restart the server.</p>
<p>The API is described in <a href="openapi.json">openapi.json</a>.</p></body></html>
"""


def page_headers(frame_ancestors: str) -> dict[str, str]:
    """Headers of the page: it runs its own scripts and styles only, none of them inline.

    `frame_ancestors` is the source list of who may show it in a frame.
    """
    policy = (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob: mediastream:",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        f"frame-ancestors {frame_ancestors}",
    )
    return {
        "Cache-Control": "no-cache",
        "Content-Security-Policy": "; ".join(policy),
        "Permissions-Policy": _PERMISSIONS,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }


class _Assets(StaticFiles):
    """Files whose names change with their content: browsers may keep them for ever."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        return response


def install_page(app: FastAPI, dist: Path | None, frame_ancestors: str = "'self'") -> None:
    """Serve the built page from `dist`, or a hint how to build it."""
    headers = page_headers(frame_ancestors)
    index = dist / "index.html" if dist is not None else None

    async def page(request: Request) -> Response:
        if index is None or not index.is_file():
            return HTMLResponse(_HINT, headers=headers)
        return FileResponse(index, headers=headers)

    app.router.routes.append(Route("/", page, methods=["GET"]))
    if dist is not None:
        assets = _Assets(directory=dist / "assets", check_dir=False)
        app.router.routes.append(Mount("/assets", assets))

"""The web page: `/` and `/assets/*`, and nothing else."""

from pathlib import Path

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

_CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob: mediastream:",
        "connect-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    )
)
_PAGE_HEADERS = {"Cache-Control": "no-cache", "Content-Security-Policy": _CONTENT_SECURITY_POLICY}
_HINT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>OpenTalking</title></head>
<body><h1>OpenTalking</h1>
<p>The server is running, but its web page has not been built.</p>
<p>In a checkout, <code>make run</code> builds it; by hand:
<code>cd apps/web &amp;&amp; npm ci &amp;&amp; npm run build</code>, then restart the server.</p>
<p>The API is described in <a href="openapi.json">openapi.json</a>.</p></body></html>
"""


class _Assets(StaticFiles):
    """Files whose names change with their content: browsers may keep them for ever."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def install_page(app: FastAPI, dist: Path | None) -> None:
    """Serve the built page from `dist`, or a hint how to build it."""
    index = dist / "index.html" if dist is not None else None

    async def page(request: Request) -> Response:
        if index is None or not index.is_file():
            return HTMLResponse(_HINT, headers=_PAGE_HEADERS)
        return FileResponse(index, headers=_PAGE_HEADERS)

    app.router.routes.append(Route("/", page, methods=["GET"]))
    if dist is not None:
        assets = _Assets(directory=dist / "assets", check_dir=False)
        app.router.routes.append(Mount("/assets", assets))

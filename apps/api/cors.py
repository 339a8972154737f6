"""CORS whose refusals look like every other error."""

from fastapi.responses import JSONResponse
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response


class Cors(CORSMiddleware):
    """Starlette's middleware; a preflight that it refuses is answered with `{"detail": str}`."""

    def preflight_response(self, request_headers: Headers) -> Response:
        """The answer to a preflight: 200, or 400 with what is not allowed."""
        answer = super().preflight_response(request_headers)
        if answer.status_code < 400:
            return answer
        kept = {
            name: value
            for name, value in answer.headers.items()
            if name not in ("content-length", "content-type")
        }
        return JSONResponse({"detail": bytes(answer.body).decode()}, answer.status_code, kept)

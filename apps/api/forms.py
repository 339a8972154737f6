"""Multipart forms with files: one route class for each size of body, and how files are taken out.

    router = APIRouter(route_class=form_route(lambda limits: limits.image_bytes))

A file lies in memory up to 1 MiB, beyond that in a temporary file that goes with the request.
"""

from collections.abc import AsyncGenerator, Callable

from fastapi import UploadFile
from python_multipart.multipart import parse_options_header
from starlette.exceptions import HTTPException

from apps.api.bodies import BoundedRequest, BoundedRoute
from apps.api.deps import ApiLimits
from opentalking.core.errors import InvalidInput, OpenTalkingError, TooLarge

_EPILOGUE_BYTES = 1024
FIELDS_BYTES = 256 * 1024
"""Room for the other fields of a form and its boundaries."""


def form_route(most_bytes: Callable[[ApiLimits], int], *, too_large: int = 413) -> type[BoundedRoute]:
    """A route class for forms with files of `most_bytes`; larger bodies get status `too_large`."""

    class FormRequest(BoundedRequest):
        @staticmethod
        def limit(limits: ApiLimits) -> int:
            return most_bytes(limits) + FIELDS_BYTES

        async def stream(self) -> AsyncGenerator[bytes, None]:
            end = b"--" + _boundary(self.headers.get("content-type", "")) + b"--"
            tail = b""
            async for chunk in super().stream():
                tail = (tail + chunk)[-len(end) - _EPILOGUE_BYTES :]
                yield chunk
            if len(end) > len("----") and end not in tail:
                # The framework would take what has come for the whole form.
                raise HTTPException(400, "the form is cut short; send it with its last boundary")

    FormRequest.too_large = too_large

    class FormRoute(BoundedRoute):
        request_class = FormRequest

    return FormRoute


def _boundary(content_type: str) -> bytes:
    _, options = parse_options_header(content_type)
    return options.get(b"boundary", b"")


async def read_file(
    upload: UploadFile, field: str, most: int, error: type[OpenTalkingError] = TooLarge
) -> bytes:
    """The whole file; raises `InvalidInput` when it is empty, `error` when it has more than `most` bytes."""
    data = await upload.read(most + 1)
    if not data:
        raise InvalidInput(f"{field} is empty; send a file")
    if len(data) > most:
        raise error(f"{field} is larger than {most} bytes; send a smaller file")
    return data

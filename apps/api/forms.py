"""Multipart forms with files: one route class for each size of body, and how files are taken out.

    router = APIRouter(route_class=form_route(lambda limits: limits.image_bytes))

A file lies in memory up to 1 MiB, beyond that in a temporary file that goes with the request.
"""

from collections.abc import Callable

from fastapi import UploadFile

from apps.api.bodies import BoundedRequest, BoundedRoute
from apps.api.deps import ApiLimits
from opentalking.core.errors import InvalidInput, OpenTalkingError, TooLarge

FIELDS_BYTES = 256 * 1024
"""Room for the other fields of a form and its boundaries."""


def form_route(most_bytes: Callable[[ApiLimits], int], *, too_large: int = 413) -> type[BoundedRoute]:
    """A route class for forms with files of `most_bytes`; larger bodies get status `too_large`."""

    class FormRequest(BoundedRequest):
        @staticmethod
        def limit(limits: ApiLimits) -> int:
            return most_bytes(limits) + FIELDS_BYTES

    FormRequest.too_large = too_large

    class FormRoute(BoundedRoute):
        request_class = FormRequest

    return FormRoute


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

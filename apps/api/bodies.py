"""Reading request bodies: bounded in size and time while they arrive."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from typing import Any, ClassVar

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from apps.api.deps import ApiLimits, services_of


class BoundedRequest(Request):
    """A request whose body is refused as soon as it is known to be too large or too slow.

    `too_large` is the status of a body beyond `limit`.
    """

    too_large: ClassVar[int] = 413

    @staticmethod
    def limit(limits: ApiLimits) -> int:
        """The most bytes of a body."""
        return limits.json_body_bytes

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """The body in pieces; raises `HTTPException`."""
        limits = services_of(self).limits
        most = self.limit(limits)
        declared = self.headers.get("content-length", "")
        if declared.isascii() and declared.isdigit() and len(declared) < 20 and int(declared) > most:
            raise self._refused(most)
        size = 0
        deadline = asyncio.get_running_loop().time() + limits.body_seconds
        async with aclosing(super().stream()) as chunks:
            while True:
                chunk = await _within(chunks, min(limits.body_idle_seconds, _left(deadline)))
                if chunk is None:
                    return
                size += len(chunk)
                if size > most:
                    raise self._refused(most)
                yield chunk

    def _refused(self, most: int) -> HTTPException:
        # The framework turns every other exception of a body into "400 error parsing the body". The
        # rest of it is not waited for (`apps/api/connections.py`): closing at once would keep many
        # clients from reading the answer.
        return HTTPException(self.too_large, f"the body is larger than {most} bytes; send less")


def _left(deadline: float) -> float:
    return max(0.0, deadline - asyncio.get_running_loop().time())


async def _within(chunks: AsyncGenerator[bytes, None], seconds: float) -> bytes | None:
    try:
        async with asyncio.timeout(seconds):
            return await anext(chunks, None)
    except TimeoutError:
        raise HTTPException(400, "the body did not arrive in time; send it without pauses") from None


class BoundedRoute(APIRoute):
    """A route that reads its body by a kind of `BoundedRequest`."""

    request_class: ClassVar[type[BoundedRequest]]

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The framework's handler, given our request."""
        handle = super().get_route_handler()

        async def bounded(request: Request) -> Response:
            return await handle(self.request_class(request.scope, request.receive))

        return bounded

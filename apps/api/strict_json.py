"""Reading JSON bodies: bounded while they arrive, and nothing but JSON."""

import json
import re
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from apps.api.deps import services_of

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class StrictJsonRequest(Request):
    """A request whose body is read up to a limit and parsed as RFC 8259 JSON in UTF-8."""

    async def body(self) -> bytes:
        """The whole body; raises 413 as soon as it is known to be too large."""
        if not hasattr(self, "_body"):
            limit = services_of(self).limits.json_body_bytes
            declared = self.headers.get("content-length", "")
            if declared.isascii() and declared.isdigit() and len(declared) < 20 and int(declared) > limit:
                raise _too_large(limit)
            chunks = bytearray()
            async for chunk in self.stream():
                chunks += chunk
                if len(chunks) > limit:
                    raise _too_large(limit)
            self._body = bytes(chunks)
        return self._body

    async def json(self) -> Any:
        """The parsed body; raises `JSONDecodeError` for everything that is not sound JSON."""
        return parse(await self.body())


class StrictJsonRoute(APIRoute):
    """A route that reads its body by `StrictJsonRequest`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The framework's handler, given our request."""
        handle = super().get_route_handler()

        async def strict(request: Request) -> Response:
            return await handle(StrictJsonRequest(request.scope, request.receive))

        return strict


def parse(raw: bytes) -> Any:
    """Parse one JSON text; raises `json.JSONDecodeError` only.

    Refused besides bad syntax: other encodings than UTF-8, NaN and infinities, lone
    surrogates, numbers and nesting beyond what the parser takes.
    """
    try:
        text = raw.decode("utf-8-sig")
        value = json.loads(text, parse_constant=_refuse)
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise json.JSONDecodeError(f"{error.msg} at character {error.pos}", "", 0) from None
    except UnicodeError as error:
        raise json.JSONDecodeError("it must be valid Unicode in UTF-8", "", 0) from error
    except RecursionError as error:
        raise json.JSONDecodeError("it is nested too deeply", "", 0) from error
    except ValueError as error:
        raise json.JSONDecodeError("a number in it is out of range", "", 0) from error
    return value


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _too_large(limit: int) -> HTTPException:
    # The framework turns every other exception of a body into "400 error parsing the body".
    # Closing the connection keeps the client from sending the rest.
    return HTTPException(
        413, f"the body is larger than {limit} bytes; send less", headers={"Connection": "close"}
    )

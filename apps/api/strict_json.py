"""Reading JSON bodies: bounded while they arrive, and nothing but JSON."""

import json
import re
from typing import Any

from apps.api.bodies import BoundedRequest, BoundedRoute

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class StrictJsonRequest(BoundedRequest):
    """A request whose body is read up to a limit and parsed as RFC 8259 JSON in UTF-8."""

    async def json(self) -> Any:
        """The parsed body; raises `JSONDecodeError` for everything that is not sound JSON."""
        return parse(await self.body())


class StrictJsonRoute(BoundedRoute):
    """A route that reads its body by `StrictJsonRequest`."""

    request_class = StrictJsonRequest


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

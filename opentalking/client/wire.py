"""Requests and answers as values, without any I/O: what both clients share.

A `Call` is one request and the way to read its answer. `opentalking.client.calls` makes them, a transport
sends them.
"""

import json
import mimetypes
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Generic, ParamSpec, TypeVar
from urllib.parse import quote

from pydantic import TypeAdapter, ValidationError

from opentalking.client.errors import ApiError, ProtocolError, api_error

FileSource = str | Path | bytes | BinaryIO
"""A file to upload: where it lies, its bytes, or an open binary file. It is read while it is sent."""
CALL_SECONDS = 30.0
SLOW_CALL_SECONDS = 150.0
"""For calls that the server answers only after recognition, cloning or preparation."""
_DETAIL_CHARACTERS = 300

T = TypeVar("T")
P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the server: header names in lower case, the whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request, and how its successful answer is read; `read_seconds` is the longest wait for it."""

    method: str
    path: str
    read: Callable[[Reply], T]
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Mapping[str, Any] | None = None
    form: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, FileSource] = field(default_factory=dict)
    read_seconds: float = CALL_SECONDS

    def result(self, reply: Reply) -> T:
        """What the answer says; raises `ApiError` for a refusal, `ProtocolError` for nonsense."""
        if reply.status != 200:
            raise refusal(reply)
        return self.read(reply)


def refusal(reply: Reply) -> ApiError:
    """The exception for an answer that is not a success."""
    text = reply.body.decode("utf-8", errors="replace")
    try:
        body = json.loads(text)
        detail = body["detail"] if isinstance(body["detail"], str) else text
    except (ValueError, KeyError, TypeError):
        detail = text.strip() or "no detail"  # a proxy may answer in words of its own
    return api_error(reply.status, detail[:_DETAIL_CHARACTERS], reply.headers)


def parsed(answer: type[T]) -> Callable[[Reply], T]:
    """Reads a JSON body as this type."""
    adapter: TypeAdapter[T] = TypeAdapter(answer)

    def read(reply: Reply) -> T:
        try:
            return adapter.validate_json(reply.body)
        except ValidationError as error:
            raise ProtocolError(f"the answer is not what the API promises: {error}") from error

    return read


def body(reply: Reply) -> bytes:
    """The body as it is."""
    return reply.body


def sent(**fields: T | None) -> dict[str, T]:
    """The fields that were given a value."""
    return {name: value for name, value in fields.items() if value is not None}


def place(template: str, **parts: str | int) -> str:
    """A path with its parameters filled in; raises `ValueError` for one that would lead elsewhere."""
    for name, part in parts.items():
        if str(part) in ("", ".", ".."):
            raise ValueError(f"{name} must not be {str(part)!r}")
    return template.format_map({name: quote(str(part), safe="") for name, part in parts.items()})


@dataclass(frozen=True, slots=True)
class FileRequest:
    """A file that is fetched in pieces."""

    path: str
    query: Mapping[str, str]


R = TypeVar("R", bound="Call[Any] | FileRequest")
ENDPOINTS: dict[str, list[Callable[..., Any]]] = {}
"""Which functions make the requests of a route, such as "GET /sessions/{session_id}"."""


def endpoint(route: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Notes that a function makes requests of this route."""

    def note(build: Callable[P, R]) -> Callable[P, R]:
        ENDPOINTS.setdefault(route, []).append(build)
        return build

    return note


@contextmanager
def opened(files: Mapping[str, FileSource]) -> Iterator[dict[str, tuple[str, BinaryIO | bytes, str]]]:
    """Files with name and media type, for a multipart body; those named by path are closed again."""
    with ExitStack() as stack:
        ready: dict[str, tuple[str, BinaryIO | bytes, str]] = {}
        for name, source in files.items():
            if isinstance(source, str | Path):
                path = Path(source)
                ready[name] = (path.name, stack.enter_context(path.open("rb")), _media_type(path.name))
            else:
                file_name = Path(str(getattr(source, "name", name))).name
                ready[name] = (file_name, source, _media_type(file_name))
        yield ready


def _media_type(file_name: str) -> str:
    return mimetypes.guess_type(file_name)[0] or "application/octet-stream"

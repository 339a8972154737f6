"""What the OpenAPI document says that can be attacked: paths with parameters, forms, JSON bodies."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from apps.api.main import write_document

PARAMETER = re.compile(r"\{(\w+)\}")
JSON, FORM = "application/json", "multipart/form-data"


@dataclass(frozen=True)
class Route:
    """One operation; `body` is the JSON schema of its body, resolved one level deep."""

    method: str
    path: str
    media: str
    body: tuple[tuple[str, Any], ...]
    statuses: frozenset[int]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def parameters(self) -> list[str]:
        return PARAMETER.findall(self.path)

    @property
    def files(self) -> list[str]:
        """Fields of the form that take files."""
        return [
            name for name, schema in self.body if "binary" in str(schema) or "contentMedia" in str(schema)
        ]

    def filled(self, **values: str) -> str:
        """The path with its parameters replaced; what is not given is a plausible id."""
        return PARAMETER.sub(lambda found: values.get(found[1], PLAUSIBLE.get(found[1], "x")), self.path)


PLAUSIBLE = {"avatar_id": "demo-avatar", "entry_id": "1", "token": "0" * 32}


@cache
def whole() -> dict[str, Any]:
    """The document."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "openapi.json"
        write_document(path)
        made: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return made


@cache
def routes() -> tuple[Route, ...]:
    return tuple(_routes())


def _routes() -> Iterator[Route]:
    document = whole()
    schemas = document["components"]["schemas"]
    for path, item in document["paths"].items():
        for method, operation in item.items():
            content = operation.get("requestBody", {}).get("content", {})
            media = next(iter(content), "")
            schema = content.get(media, {}).get("schema", {})
            references = [schema, *schema.get("anyOf", ())]
            named = next((one["$ref"] for one in references if "$ref" in one), None)
            resolved = schemas[named.rpartition("/")[2]] if named else schema
            properties = tuple(resolved.get("properties", {}).items())
            statuses = frozenset(int(status) for status in operation["responses"])
            yield Route(method.upper(), path, media, properties, statuses)

"""Which fields of answers are always there: all that cannot be null.

The framework calls a field with a default optional, also in answers, where defaults are sent like any value.
"""

from collections.abc import Iterable, Iterator
from typing import Any

Schemas = dict[str, Any]


def require_what_is_always_sent(operations: Iterable[dict[str, Any]], schemas: Schemas) -> None:
    """Mark the fields of answers that are always there as required; models of requests stay as they are."""
    operations = list(operations)
    taken = {name for one in operations for name in _named(one.get("requestBody", {}), schemas)}
    given = {name for one in operations for name in _named(one["responses"], schemas)}
    for name in given - taken:
        schema = schemas[name]
        if "properties" in schema:
            always = [
                field for field, described in schema["properties"].items() if not can_be_null(described)
            ]
            schema["required"] = sorted({*schema.get("required", ()), *always})


def can_be_null(schema: dict[str, Any]) -> bool:
    """Whether a schema allows null."""
    return {"type": "null"} in schema.get("anyOf", ()) or schema.get("type") == "null"


def _named(node: Any, schemas: Schemas) -> Iterator[str]:
    """Names of the component schemas that a part of the document refers to, through other schemas too."""
    waiting, seen = [node], set[str]()
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting.extend(part)
        elif isinstance(part, dict):
            waiting.extend(value for key, value in part.items() if key != "$ref")
            name = str(part.get("$ref", "")).rpartition("/")[2]
            if name and name not in seen:
                seen.add(name)
                yield name
                waiting.append(schemas[name])

"""Whole examples in the OpenAPI document, put together from those of the single fields; and what answers are.

Of a request the smallest that works: its required fields, or the first field when none is required. Of a
response every field.
"""

from typing import Any

ERROR_EXAMPLES = {
    "400": "text is required; send it in the body",
    "401": "an API key is required; send it as Authorization: Bearer",
    "403": "avatar demo-avatar is not a custom one, so it cannot be deleted",
    "404": "session not found",
    "405": "Method Not Allowed",
    "409": "session is closing",
    "413": "the body is larger than 1048576 bytes; send less",
    "416": "the file has 1048576 bytes; ask for a range within them",
    "429": "too many requests at once; try again in 5 seconds",
    "500": "Internal Server Error",
    "502": "local did not answer in time",
    "503": "the server is full; try again later",
}
_FRAMEWORKS_WORDS = "Successful Response"
Schemas = dict[str, Any]


def add_examples(operation: dict[str, Any], schemas: Schemas) -> None:
    """Give every body of an operation an example, unless it has one."""
    for content in operation.get("requestBody", {}).get("content", {}).values():
        _add(content, lambda schema: _of(schema, schemas, whole=False))
    for status, response in operation["responses"].items():
        json_body = response.get("content", {}).get("application/json")
        if json_body is None:
            continue
        if response["description"] == _FRAMEWORKS_WORDS:
            response["description"] = _description(json_body["schema"], schemas)
        if status in ERROR_EXAMPLES:
            json_body.setdefault("example", {"detail": ERROR_EXAMPLES[status]})
        else:
            _add(json_body, lambda schema: _of(schema, schemas, whole=True))


def _description(schema: dict[str, Any], schemas: Schemas) -> str:
    """What a body is: the words of its model."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    return str(schema.get("description") or "As many as there are.")


def _add(content: dict[str, Any], made: Any) -> None:
    if "example" in content or "examples" in content or "schema" not in content:
        return
    example = made(content["schema"])
    if example is not None:
        content["example"] = example


def _of(schema: dict[str, Any], schemas: Schemas, *, whole: bool) -> Any:
    """An example of a value of this schema; None where it has none."""
    if schema.get("examples"):
        return _with_nulls(schema["examples"][0], schema, schemas)
    if "$ref" in schema:
        return _of(schemas[schema["$ref"].rpartition("/")[2]], schemas, whole=whole)
    for option in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        if "$ref" in option:
            return _of(option, schemas, whole=whole)
    if schema.get("type") == "array":
        item = _of(schema["items"], schemas, whole=whole)
        return [] if item is None else [item]
    properties = schema.get("properties")
    if properties is None:
        return None
    wanted = properties if whole else _fewest(schema)
    return {name: _of(properties[name], schemas, whole=whole) for name in wanted}


def _with_nulls(example: Any, schema: dict[str, Any], schemas: Schemas) -> Any:
    """The example with the nulls of its objects, which the framework leaves out of the document."""
    if isinstance(example, list) and "$ref" in schema.get("items", {}):
        return [_with_nulls(item, schema["items"], schemas) for item in example]
    if isinstance(example, dict) and "$ref" in schema:
        required = schemas[schema["$ref"].rpartition("/")[2]].get("required", ())
        return {name: example.get(name) for name in (*required, *example)}
    return example


def _fewest(schema: dict[str, Any]) -> list[str]:
    """The required fields of an object, else those of its first alternative, else its first field."""
    alternatives = [option["required"] for option in schema.get("anyOf", ()) if "required" in option]
    required = schema.get("required") or (alternatives[0] if alternatives else ())
    return [name for name in schema["properties"] if name in required] or list(schema["properties"])[:1]

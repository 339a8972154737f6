"""The Python client has what the OpenAPI document has: methods, parameters, every field of the answers."""

import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel, TypeAdapter

from opentalking.client import AsyncClient, Client
from opentalking.client.wire import ENDPOINTS, Call, Reply

DOCUMENT: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "openapi.json").read_text(encoding="utf-8")
)
STREAMS = {
    "GET /sessions/{session_id}/events": ("events", {"session_id", "last_event_id"}),
    "GET /sessions/{session_id}/speak_audio_stream": ("stream_audio", {"session_id"}),
}
"""Routes without a call of their own: the method, and its parameters of the route."""
OTHER_NAMES = {
    "POST /sessions/{session_id}/chat": {"text"},
    "POST /tts/preview": {"provider", "model"},
}
"""Fields that are only other names of a parameter."""
FIXED = {"POST /sessions/{session_id}/webrtc/offer": {"type"}}
"""Fields that have but one value."""
ROUTES = [f"{verb.upper()} {path}" for path, item in DOCUMENT["paths"].items() for verb in item]


def operation_of(route: str) -> dict[str, Any]:
    method, _, path = route.partition(" ")
    found: dict[str, Any] = DOCUMENT["paths"][path][method.lower()]
    return found


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        found: dict[str, Any] = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return found
    options = [one for one in schema.get("anyOf", ()) if one.get("type") != "null" and "required" not in one]
    return resolved(options[0]) if len(options) == 1 else schema


def request_fields(operation: dict[str, Any]) -> set[str]:
    return {
        name
        for content in operation.get("requestBody", {}).get("content", {}).values()
        for name in resolved(content["schema"]).get("properties", {})
    }


@pytest.mark.parametrize("client", [Client, AsyncClient])
@pytest.mark.parametrize("route", ROUTES)
def test_every_operation_has_a_method_with_its_parameters(route: str, client: type[Any]) -> None:
    operation = operation_of(route)
    wanted = {one["name"] for one in operation.get("parameters", ()) if one["in"] != "header"}
    wanted |= request_fields(operation) - OTHER_NAMES.get(route, set()) - FIXED.get(route, set())
    if route in STREAMS:
        name, parameters = STREAMS[route]
        assert wanted == parameters
        assert set(inspect.signature(getattr(client, name)).parameters) >= parameters
        return
    offered: set[str] = set()
    for build in ENDPOINTS[route]:
        parameters = set(inspect.signature(build).parameters)
        assert parameters <= set(inspect.signature(getattr(client, build.__name__)).parameters)
        offered |= parameters
    assert wanted <= offered
    assert offered == wanted


def test_both_clients_have_the_same_methods() -> None:
    def public(client: type[Any]) -> dict[str, list[str]]:
        return {
            name: list(inspect.signature(member).parameters)
            for name, member in vars(client).items()
            if callable(member) and not name.startswith("_") and name not in ("close", "aclose")
        }

    assert public(Client) == public(AsyncClient)


@pytest.mark.parametrize("route", [route for route in ROUTES if route not in STREAMS])
def test_answers_are_read_whole(route: str) -> None:
    content = operation_of(route)["responses"]["200"]["content"].get("application/json")
    if content is None:
        return
    [answer] = answer_types(route)
    read = TypeAdapter(answer).validate_python(content["example"])
    assert TypeAdapter(answer).dump_python(read, mode="json", exclude_unset=True) == content["example"]
    assert list(uncovered(content["schema"], answer)) == []


def answer_types(route: str) -> list[Any]:
    """The types that a route's calls read."""
    found = []
    for build in ENDPOINTS[route]:
        returned: Any = inspect.get_annotations(build, eval_str=True)["return"]
        origin: Any = get_origin(returned)
        if origin is Call:
            found += [one for one in get_args(returned) if one is not bytes]
    return found


def uncovered(schema: dict[str, Any], answer: Any) -> Iterator[str]:
    """Properties that the type leaves out, and fields it demands though the schema does not promise them."""
    schema = resolved(schema)
    if schema.get("type") == "array":
        yield from uncovered(schema["items"], get_args(answer)[0])
    elif isinstance(answer, type) and issubclass(answer, BaseModel):
        for name, described in schema["properties"].items():
            field = answer.model_fields.get(name)
            if field is None:
                yield f"{answer.__name__} lacks {name}"
            elif "properties" in str(resolved(described)) or "$ref" in str(described):
                yield from uncovered(described, field.annotation)
        for name, field in answer.model_fields.items():
            if field.is_required() and name not in schema.get("required", ()):
                yield f"{answer.__name__} demands {name}"


def test_what_a_newer_server_adds_is_kept() -> None:
    [build] = ENDPOINTS["GET /healthz"]
    answer = build().result(Reply(200, {}, b'{"status":"ok","more":1}'))
    assert (answer.status, answer.more) == ("ok", 1)

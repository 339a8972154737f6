"""The OpenAPI document: complete, truthful about errors, and the one that is checked in."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest
from jsonschema_rs import validator_for

from apps.api.main import write_document
from opentalking.core.events import Event

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("openapi") / "written.json"
    write_document(path)
    made: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return made


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method, path, operation


def test_every_operation_is_explained(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(ids)) == len(ids)
    for method, path, operation in operations(document):
        assert operation["summary"], (method, path)
        assert operation["description"], (method, path)
        assert operation["tags"], (method, path)
        for parameter in operation.get("parameters", []):
            assert parameter["description"], (method, path, parameter["name"])
            assert parameter["schema"].get("examples"), (method, path, parameter["name"])


def test_errors_are_documented_and_422_is_not(document: dict[str, Any]) -> None:
    assert "422" not in json.dumps(document)
    assert "ValidationError" not in document["components"]["schemas"]
    for method, path, operation in operations(document):
        failures = {status for status in operation["responses"] if status >= "400"}
        assert "500" in failures
        for status in failures:
            content = operation["responses"][status]["content"]["application/json"]
            assert content["schema"] == {"$ref": "#/components/schemas/ErrorBody"}, (method, path, status)
            assert content["example"]["detail"], (method, path, status)
            waits = "Retry-After" in operation["responses"][status].get("headers", {})
            assert waits == (status in ("429", "503")), (method, path, status)
    assert document["components"]["schemas"]["ErrorBody"]["properties"]["detail"]["type"] == "string"


def test_every_field_has_a_type_a_description_and_an_example(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        if name == "SessionEvents":
            continue
        for field, described in schema.get("properties", {}).items():
            typed = {"type", "anyOf", "$ref", "const", "enum"} & set(described)
            assert typed, (name, field)
            assert described.get("description"), (name, field)
            assert described.get("examples"), (name, field)


def test_every_json_body_has_an_example_that_its_schema_accepts(document: dict[str, Any]) -> None:
    bodies = list(_json_bodies(document))
    assert len(bodies) > len(document["paths"])
    for place, content in bodies:
        schema = {**content["schema"], "components": document["components"]}
        complaints = [error.message for error in validator_for(schema).iter_errors(content["example"])]
        assert complaints == [], (place, content["example"])


def test_a_request_without_its_required_fields_is_no_example(document: dict[str, Any]) -> None:
    chat = document["paths"]["/sessions/{session_id}/chat"]["post"]["requestBody"]["content"]
    assert chat["application/json"]["example"] == {"prompt": "What can you see from your window?"}
    create = document["paths"]["/sessions"]["post"]["requestBody"]["content"]["application/json"]["example"]
    assert create == {"avatar_id": "demo-avatar", "model": "portrait"}


def test_what_answers_always_have_is_required_and_what_requests_may_leave_out_is_not(
    document: dict[str, Any],
) -> None:
    schemas = document["components"]["schemas"]
    assert set(schemas["TurnBody"]["required"]) == {"session_id", "status", "turn_id"}
    session = schemas["SessionBody"]
    left_out = {"tts_provider", "tts_voice", "tts_model", "stt_provider", "stt_language", "turn_taking"}
    left_out |= {"wav2lip_postprocess_mode"}
    assert set(session["properties"]) - set(session["required"]) == left_out
    assert set(schemas["CreateSessionRequest"]["required"]) == {"avatar_id", "model"}
    assert set(schemas["StatusEvent"]["required"]) == {"session_id", "stage", "message"}
    assert schemas["SpeechEndedEvent"]["required"] == ["session_id", "reason"]


def test_every_answer_is_described_in_words_of_ours(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        for status, response in operation["responses"].items():
            assert response["description"] not in ("", "Successful Response"), (method, path, status)
        for content in operation.get("requestBody", {}).get("content", {}).values():
            assert content.get("example") is not None, (method, path)


def _json_bodies(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for method, path, operation in operations(document):
        holders = {"request": operation.get("requestBody", {}), **operation["responses"]}
        for name, holder in holders.items():
            if content := holder.get("content", {}).get("application/json"):
                yield f"{method} {path} {name}", content


def test_references_lead_somewhere(document: dict[str, Any]) -> None:
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(_references(document)) <= known


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            else:
                yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def test_event_payloads_are_what_the_wire_shows(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    events = schemas["SessionEvents"]["properties"]
    classes = get_args(get_args(Event)[0])
    assert set(events) == {event.model_fields["type"].default for event in classes}
    for reference in events.values():
        payload = schemas[reference["$ref"].rpartition("/")[2]]
        assert "session_id" in payload["required"]
        assert "type" not in payload["properties"]
        assert "turn_id" in payload["properties"]
        assert '"null"' not in json.dumps(payload)


def test_it_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert set(document) >= {"openapi", "info", "paths", "components", "tags"}
    used = {tag for _, _, operation in operations(document) for tag in operation["tags"]}
    assert used == {tag["name"] for tag in document["tags"]}
    for _, path, operation in operations(document):
        in_path = {part[1:-1] for part in path.split("/") if part.startswith("{")}
        declared = {one["name"] for one in operation.get("parameters", []) if one["in"] == "path"}
        assert declared == in_path


def test_writing_it_is_repeatable_and_the_checked_in_one_is_current(tmp_path: Path) -> None:
    for name in ("one.json", "two.json"):
        write_document(tmp_path / name)
    one = (tmp_path / "one.json").read_text(encoding="utf-8")
    assert one == (tmp_path / "two.json").read_text(encoding="utf-8")
    checked_in = (ROOT / "openapi.json").read_text(encoding="utf-8")
    assert checked_in == one, "run `opentalking openapi` and check it in"


async def test_the_served_document_is_the_written_one(
    document: dict[str, Any], client: httpx.AsyncClient
) -> None:
    answer = await client.get("/openapi.json")
    assert (answer.status_code, answer.json()) == (200, document)


async def test_answers_keep_their_promises(document: dict[str, Any], client: httpx.AsyncClient) -> None:
    for path, schema_name in (("/health", "Health"), ("/models", "Models"), ("/voices", "Voices")):
        schema = document["components"]["schemas"][schema_name]
        body = (await client.get(path)).json()
        assert set(body) == set(schema["properties"])

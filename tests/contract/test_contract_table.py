"""The OpenAPI document and the settings have all that the contract's tables promise."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.api.main import write_document
from opentalking.settings import ALIASES, PREFIX, Environment, Settings
from tests.contract.contract_table import (
    EVENT_CHOICES,
    EVENTS,
    FORM,
    INTEGERS,
    JSON,
    SETTINGS,
    STREAM_CLOSE_CODES,
    STREAM_RECEIVED,
    STREAM_SENT,
    TABLE,
    Row,
)

AWAITED_SETTINGS = frozenset(
    {
        "REDIS_URL",
        "WORKER_HOST",
        "WORKER_PORT",
        "WORKER_URL",
        "FLASHTALK_WS_URL",
        "FLASHHEAD_WS_URL",
        "FLASHHEAD_BASE_URL",
        "FLASHHEAD_MODEL",
    }
)
"""Settings of parts that are not built yet: machines apart, remote models, and what is being made."""


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("openapi") / "openapi.json"
    write_document(path)
    made: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return made


def test_the_table_has_36_endpoints() -> None:
    assert len([row for row in TABLE if not row.additive]) == 36
    assert len({row.route for row in TABLE}) == len(TABLE)


def test_every_route_of_the_document_has_its_row(document: dict[str, Any]) -> None:
    described = {f"{verb.upper()} {path}" for path, item in document["paths"].items() for verb in item}
    assert described == {row.route for row in TABLE}


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.route)
def test_route(row: Row, document: dict[str, Any]) -> None:
    method, _, path = row.route.partition(" ")
    operation = document["paths"][path][method.lower()]
    in_path = {part[1:-1] for part in path.split("/") if part.startswith("{")}
    parameters = {(one["in"], one["name"]) for one in operation.get("parameters", ())}
    assert parameters >= {("path", name) for name in in_path} | {
        ("query", name) for name in row.query.split()
    }
    _check_request(row, operation, document)
    _check_answers(row, operation, document)


def _check_request(row: Row, operation: dict[str, Any], document: dict[str, Any]) -> None:
    for words, media in ((row.json, JSON), (row.form, FORM)):
        if not words:
            continue
        schema = operation["requestBody"]["content"][media]["schema"]
        assert _missing(words, schema, document) == []
        required = {word.removesuffix("!") for word in words.split() if word.endswith("!")}
        assert set(_resolved(schema, document).get("required", ())) == required
        if row.one_of:
            options = [set(option["required"]) for option in _resolved(schema, document)["anyOf"]]
            assert options == [{name} for name in row.one_of.split()]
    if not row.json and not row.form and operation.get("requestBody"):
        assert not operation["requestBody"].get("required")


def _check_answers(row: Row, operation: dict[str, Any], document: dict[str, Any]) -> None:
    responses = operation["responses"]
    statuses = set(row.errors.split()) | set(row.also.split()) | {"500"} | ({"200"} if row.media else set())
    assert statuses <= set(responses), f"undocumented: {statuses - set(responses)}"
    assert not {"201", "202", "204", "422"} & set(responses)
    if not row.media:
        return
    content = responses["200"]["content"]
    assert set(row.media.split()) <= set(content)
    if row.answer:
        schema = content[JSON]["schema"]
        assert _missing(row.answer, schema, document) == []
        for field, values in row.choices.items():
            offered = _choices(_field(field, schema, document), document)
            assert set(values.split()) <= offered, field


@pytest.mark.parametrize("name", EVENTS)
def test_event(name: str, document: dict[str, Any]) -> None:
    schema = document["components"]["schemas"]["SessionEvents"]["properties"][name]
    words = f"session_id! turn_id {EVENTS[name]}"
    assert _missing(words, schema, document) == []
    required = set(_resolved(schema, document)["required"])
    assert required >= {word.removesuffix("!") for word in words.split() if word.endswith("!")}
    for field, values in EVENT_CHOICES.get(name, {}).items():
        assert _choices(_field(field, schema, document), document) == set(values.split())


@pytest.mark.parametrize("kind", STREAM_SENT)
def test_message_to_the_audio_stream(kind: str, document: dict[str, Any]) -> None:
    sent = document["components"]["schemas"]["AudioStreamSent"]
    schema = {"$ref": sent["discriminator"]["mapping"][kind]}
    assert schema in sent["oneOf"]
    assert _missing(f"type {STREAM_SENT[kind]}", schema, document) == []
    assert _resolved(schema, document)["required"] == ["type"]


@pytest.mark.parametrize("name", STREAM_RECEIVED)
def test_message_from_the_audio_stream(name: str, document: dict[str, Any]) -> None:
    reference = {"$ref": f"#/components/schemas/{name}"}
    assert reference in document["components"]["schemas"]["AudioStreamReceived"]["anyOf"]
    assert _missing(STREAM_RECEIVED[name], reference, document) == []


def test_close_codes_and_dialects_of_the_audio_stream(document: dict[str, Any]) -> None:
    operation = document["paths"]["/sessions/{session_id}/speak_audio_stream"]["get"]
    extension = operation["x-webSocket"]
    assert set(extension["closeCodes"]) == set(STREAM_CLOSE_CODES.split())
    assert set(extension["dialects"]) == {"config", "meta"}
    used = json.dumps(extension["dialects"])
    mapping = document["components"]["schemas"]["AudioStreamSent"]["discriminator"]["mapping"]
    assert all(reference in used for reference in mapping.values())


def test_numbers_are_integers_where_the_contract_says_so(document: dict[str, Any]) -> None:
    found = [
        (name, field, described)
        for name, schema in document["components"]["schemas"].items()
        for field, described in schema.get("properties", {}).items()
        if field in INTEGERS.split()
    ]
    assert {field for _, field, _ in found} >= {"ms_elapsed", "position", "pts_ms", "remaining_sec"}
    assert [entry for entry in found if entry[2].get("type") != "integer"] == []


@pytest.mark.parametrize("name", SETTINGS.split())
def test_setting(name: str) -> None:
    names = {field.upper() for field in Settings.model_fields} | {
        alias for aliases in ALIASES.values() for alias in aliases
    }
    assert (name in names) != (name in AWAITED_SETTINGS), "take it out of AWAITED_SETTINGS when it is built"


def test_files_and_backends_are_named_by_the_environment(tmp_path: Path) -> None:
    config, env_file = tmp_path / "c.yaml", tmp_path / "e.env"
    config.write_text("default_model: mock\n", encoding="utf-8")
    env_file.write_text(f"{PREFIX}API_PORT=1234\n", encoding="utf-8")
    named = {
        f"{PREFIX}CONFIG_FILE": str(config),
        f"{PREFIX}ENV_FILE": str(env_file),
        f"{PREFIX}WAV2LIP_BACKEND": "mock",
    }
    read = Environment(named)
    assert (read.settings.default_model, read.settings.api_port) == ("mock", 1234)
    assert read.backends == {"wav2lip": "mock"}


def _resolved(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """The object that a schema describes: references followed, of a list its items, of an optional itself."""
    while True:
        if "$ref" in schema:
            schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        elif schema.get("type") == "array":
            schema = schema["items"]
        elif "properties" not in schema and (options := list(_options(schema))):
            schema = options[0]
        else:
            return schema


def _options(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for option in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        if option.get("type") != "null":
            yield option


def _field(words: str, schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    found = schema
    for name in words.split("."):
        found = _resolved(found, document)["properties"][name]
    return found


def _missing(words: str, schema: dict[str, Any], document: dict[str, Any]) -> list[str]:
    missing = []
    for word in words.split():
        try:
            _field(word.removesuffix("!"), schema, document)
        except KeyError:
            missing.append(word)
    return missing


def _choices(schema: dict[str, Any], document: dict[str, Any]) -> set[str]:
    schema = _resolved(schema, document)
    return {*schema.get("enum", ())} | ({schema["const"]} if "const" in schema else set())

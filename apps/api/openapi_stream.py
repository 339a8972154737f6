"""The audio WebSocket in the OpenAPI document, which has no WebSockets of its own.

Its handshake is a GET, so it is described as one, with the answer 101. The extension `x-webSocket` of that
operation names what may be sent either way; the messages themselves are component schemas.
"""

from typing import Any

from opentalking.core.audio_stream import (
    CLIENT_MESSAGES,
    CLOSE_REASONS,
    SERVER_MESSAGES,
    AckMessage,
    ConfigMessage,
    EndMessage,
    EosMessage,
    ErrorMessage,
    InterruptMessage,
    MetaMessage,
    QueuedMessage,
)

_REF = "#/components/schemas/{model}"
SENT_COMPONENT, RECEIVED_COMPONENT = "AudioStreamSent", "AudioStreamReceived"


def _refs(*models: type[Any]) -> list[dict[str, str]]:
    return [{"$ref": _REF.format(model=model.__name__)} for model in models]


STREAM_EXTENSION: dict[str, Any] = {
    "description": (
        "The handshake is accepted, then checked; every failure is an `ErrorMessage` and a close code. The "
        "first text frame picks the dialect."
    ),
    "dialects": {
        "config": {
            "description": (
                "PCM drives the face directly, as it arrives. `config` may be left out: binary frames, `eos` "
                "or `interrupt` at once mean 16 kHz, without an `ack`. `interrupt` cancels the turn, and "
                "the next PCM starts a new one. After `eos` the server closes when all was played. Dropped "
                "without `eos`: what came is played."
            ),
            "clientMessages": _refs(ConfigMessage, InterruptMessage, EosMessage),
            "serverMessages": _refs(AckMessage, ErrorMessage),
        },
        "meta": {
            "description": (
                "PCM (16 kHz) is recognised until `end`; partial results are `transcript` events. The one "
                "`QueuedMessage` has the text, then the server closes and the character answers as in "
                "`/chat`. Dropped without `end`: forgotten."
            ),
            "clientMessages": _refs(MetaMessage, EndMessage),
            "serverMessages": _refs(QueuedMessage, ErrorMessage),
        },
    },
    "binaryFrames": {
        "from": "client",
        "format": "signed 16-bit little-endian mono PCM; an odd byte is carried over to the next frame",
        "maxFrameBytes": 2**20,
        "maxSocketBytes": 15 * 2**20,
    },
    "closeCodes": {str(int(code)): reason for code, reason in CLOSE_REASONS.items()},
}


def stream_schemas() -> dict[str, Any]:
    """Component schemas of every message of the audio WebSocket, and one for each direction."""
    schemas: dict[str, Any] = {
        model.__name__: model.model_json_schema(ref_template=_REF)
        for model in (*CLIENT_MESSAGES, *SERVER_MESSAGES)
    }
    kinds = {model.model_fields["type"].default: model.__name__ for model in CLIENT_MESSAGES}
    for model in CLIENT_MESSAGES:
        schema = schemas[model.__name__]
        schema["required"] = ["type"]
        for field in schema["properties"].values():
            if field.get("default", ...) is None:
                del field["default"]
    for model in SERVER_MESSAGES:
        schemas[model.__name__]["required"] = [name for name in model.model_fields if name != "turn_id"]
    schemas[SENT_COMPONENT] = {
        "title": SENT_COMPONENT,
        "description": "A text frame that the client sends to `/sessions/{session_id}/speak_audio_stream`.",
        "oneOf": _refs(*CLIENT_MESSAGES),
        "discriminator": {
            "propertyName": "type",
            "mapping": {kind: _REF.format(model=name) for kind, name in sorted(kinds.items())},
        },
    }
    schemas[RECEIVED_COMPONENT] = {
        "title": RECEIVED_COMPONENT,
        "description": "A text frame that the server sends on `/sessions/{session_id}/speak_audio_stream`.",
        "anyOf": _refs(*SERVER_MESSAGES),
    }
    return schemas

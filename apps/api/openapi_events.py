"""The session's events in the OpenAPI document."""

from typing import Any

from apps.api.openapi_required import can_be_null
from apps.api.openapi_turn_metrics import FIGURES
from opentalking.core.events import event_adapter

_REF = "#/components/schemas/{model}"
STREAM_COMPONENT = "SessionEvents"
EVENT_ID = "734512000001000000004"
_EXAMPLE = f"""\
: connected

id: {EVENT_ID}
event: llm
data: {{"session_id":"…","turn_id":"…","delta":"Hello"}}

"""
STREAM_RESPONSE: dict[str, Any] = {
    "description": (
        "Server-sent events, until 1 s after `session.terminated`. Each has an `id`, an `event` name and "
        "JSON `data`: the names and their payloads are the properties of the schema "
        f"`{STREAM_COMPONENT}`. Comments come every 15 s; `event: ping` with `data: {{}}` and without id "
        "after 30 s without events. A new subscriber first gets `session.state_changed` (and "
        "`session.queued` while waiting); one that resumes by id gets what it missed instead. One that "
        "cannot keep up loses `frame` events, then the stream ends with the comment `: lagged`; resume by id."
    ),
    "content": {"text/event-stream": {"schema": {"type": "string"}, "example": _EXAMPLE}},
    "headers": {
        "Cache-Control": {"description": "Never cached or transformed.", "schema": {"type": "string"}},
        "X-Accel-Buffering": {"description": "`no`: for proxies.", "schema": {"type": "string"}},
    },
}
_DESCRIPTIONS = {
    "session_id": "The session.",
    "turn_id": "The turn, on events inside one.",
    "is_final": "Whether nothing more of it follows.",
    "delta": "The next piece of the answer.",
    "stage": "Which step.",
    "ms_elapsed": "Milliseconds since the turn began.",
    "sentence_index": "Counts the turn's sentences from 0.",
    "frame_idx": "Counts the turn's frames from 0.",
    "pts_ms": "Presentation time within the turn, milliseconds.",
    "message": "What happened, for people.",
    "code": "Stable name of the failure.",
    "position": "Place in the queue: ≥ 1 waiting, 0 slot acquired, −1 timed out.",
    "state": "The session's new state.",
    "remaining_sec": "Seconds left.",
    "reason": "Why.",
    "start_ms": "Milliseconds since the turn's first sound.",
    "end_ms": "Milliseconds since the turn's first sound.",
    "words": "Times of the single words, where the voice engine tells them.",
} | {name: meaning for name, (meaning, _) in FIGURES.items()}
_SPECIAL = {
    ("TranscriptEvent", "text"): "What was recognised so far.",
    ("SpeechStartedEvent", "text"): "What the user said, or the text to say; empty for played audio.",
    ("SpeechEndedEvent", "text"): "What was said; only when completed.",
    ("SubtitleEvent", "text"): "The caption; all of a turn concatenate to the spoken text.",
    ("SubtitleWord", "text"): "The word.",
    ("AssistantMessageEvent", "text"): "The whole answer.",
    ("QueuedEvent", "message"): "What became of the wait.",
    ("ExpiredEvent", "message"): "Why the session is closed.",
    ("SpeechEndedEvent", "reason"): "How the turn ended.",
    ("TerminatedEvent", "reason"): "Why the session ended.",
    ("StatusEvent", "stage"): "What the character is doing.",
    ("TtsEvent", "stage"): "How far the sentence's synthesis is.",
}
_EXAMPLES: dict[str, Any] = {
    "session_id": "1b4e28ba-2fa1-4d3b-a3f5-ef19b5a7633b",
    "turn_id": "7d444840-9dc0-41d1-b245-5ffdce74fad2",
    "text": "Hello there.",
    "is_final": True,
    "delta": "Hello",
    "stage": "start",
    "ms_elapsed": 180,
    "sentence_index": 0,
    "frame_idx": 0,
    "pts_ms": 40,
    "code": "tts_failed",
    "position": 1,
    "state": "ready",
    "remaining_sec": 60,
    "start_ms": 0,
    "end_ms": 720,
    "message": "the voice engine did not answer in time",
    "reason": "deleted",
    "words": [{"text": "Hello", "start_ms": 0, "end_ms": 310}],
} | {name: example for name, (_, example) in FIGURES.items()}


def event_schemas() -> dict[str, Any]:
    """Component schemas of every event's payload, and one that maps event names to them."""
    schema = event_adapter.json_schema(ref_template=_REF, mode="serialization")
    components: dict[str, Any] = {}
    properties: dict[str, Any] = {}
    for name, definition in schema["$defs"].items():
        event_type = definition["properties"].get("type", {}).get("const")
        components[name] = _payload(name, definition)
        if event_type is not None:
            properties[event_type] = {"$ref": _REF.format(model=name)}
    components[STREAM_COMPONENT] = {
        "type": "object",
        "title": STREAM_COMPONENT,
        "description": "Not a message: maps the name of each server-sent event to its payload.",
        "properties": dict(sorted(properties.items())),
    }
    return components


def _payload(component: str, definition: dict[str, Any]) -> dict[str, Any]:
    """What the wire shows: `type` is the event's name, and fields without a value are left out."""
    shown: dict[str, Any] = {}
    for name, field in definition["properties"].items():
        if name == "type":
            continue
        options = [option for option in field.get("anyOf", ()) if option != {"type": "null"}]
        plain = {key: value for key, value in field.items() if key not in ("anyOf", "default")}
        shown[name] = (options[0] if len(options) == 1 else {}) | plain
        shown[name]["description"] = _SPECIAL.get((component, name)) or _DESCRIPTIONS.get(name, "")
        if "enum" in shown[name]:
            shown[name]["examples"] = shown[name]["enum"][:1]
        elif name in _EXAMPLES:
            shown[name].setdefault("examples", [_EXAMPLES[name]])
    required = [name for name in shown if not can_be_null(definition["properties"][name])]
    return {**definition, "properties": shown, "required": required}

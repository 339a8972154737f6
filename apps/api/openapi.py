"""The OpenAPI document: authoritative for clients, the same for the same code."""

import json
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from apps.api.openapi_access import add_access
from apps.api.openapi_events import event_schemas
from apps.api.openapi_examples import add_examples
from apps.api.openapi_required import require_what_is_always_sent
from apps.api.openapi_stream import stream_schemas
from opentalking import __version__

TITLE = "OpenTalking"
_DESCRIPTION = (
    "Real-time digital humans: make a session, connect by WebRTC, talk, and follow the events. "
    'Every error is `{"detail": str}`. The same routes are served under `/api`.'
)
_TAGS = [
    {"name": "access", "description": "Keys and tokens, where the server asks for them."},
    {"name": "health", "description": "Is it up, and what can it do."},
    {"name": "models", "description": "Talking-head models."},
    {"name": "avatars", "description": "Characters."},
    {"name": "sessions", "description": "Life cycle and talking."},
    {"name": "recordings", "description": "Recordings of sessions."},
    {"name": "events", "description": "What happens, as it happens."},
    {"name": "voices", "description": "Voices and speech without a session."},
]
_FRAMEWORKS_OWN = ("HTTPValidationError", "ValidationError")


def document(app: FastAPI) -> dict[str, Any]:
    """The document of an application's routes, keys in order."""
    made = get_openapi(
        title=TITLE,
        version=__version__,
        description=_DESCRIPTION,
        routes=app.routes,
        tags=_TAGS,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    schemas = made["components"]["schemas"]
    for name in _FRAMEWORKS_OWN:
        schemas.pop(name, None)
    schemas.update(event_schemas())
    schemas.update(stream_schemas())
    add_access(made)
    operations = [operation for path in made["paths"].values() for operation in path.values()]
    for operation in operations:
        operation["responses"].pop("422", None)
    require_what_is_always_sent(operations, schemas)
    for operation in operations:
        add_examples(operation, schemas)
    ordered: dict[str, Any] = json.loads(json.dumps(made, sort_keys=True))
    return ordered

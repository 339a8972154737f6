"""A typed client of the OpenTalking API, for programs with an event loop and for those without.

    with Client("http://127.0.0.1:8000") as client:
        session_id = client.create_session("demo-avatar", "portrait").session_id
        with client.events(session_id) as events:
            events.wait_until_ready()
            client.speak(session_id, "Hello.")
            for event in events:
                print(event)

`AsyncClient` has the same methods to be awaited. Nothing of the server is imported but `opentalking.core`.
"""

from opentalking.client import models
from opentalking.client.asynchronous import AsyncClient
from opentalking.client.asynchronous_streams import AsyncAudioStream, AsyncEventFeed
from opentalking.client.blocking import Client
from opentalking.client.blocking_streams import AudioStream, EventFeed
from opentalking.client.errors import (
    ApiError,
    BadRequest,
    ClientError,
    Conflict,
    ConnectionFailed,
    Forbidden,
    NotFound,
    ProtocolError,
    RangeNotSatisfiable,
    StreamClosed,
    TimedOut,
    TooLarge,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    UpstreamFailed,
)
from opentalking.client.events import OtherEvent, SessionEvent

__all__ = [
    "ApiError",
    "AsyncAudioStream",
    "AsyncClient",
    "AsyncEventFeed",
    "AudioStream",
    "BadRequest",
    "Client",
    "ClientError",
    "Conflict",
    "ConnectionFailed",
    "EventFeed",
    "Forbidden",
    "NotFound",
    "OtherEvent",
    "ProtocolError",
    "RangeNotSatisfiable",
    "SessionEvent",
    "StreamClosed",
    "TimedOut",
    "TooLarge",
    "TooManyRequests",
    "Unauthorized",
    "Unavailable",
    "UpstreamFailed",
    "models",
]

"""A session's event stream without any I/O: bytes in, typed events out, and when to come back after a drop.

The format is that of server-sent events (WHATWG HTML, section 9.2), its lines ended by LF or CRLF.
"""

import codecs
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from opentalking.client.errors import ApiError, ConnectionFailed, NotFound, ProtocolError, TimedOut
from opentalking.client.wire import place
from opentalking.core.events import Event, StateChangedEvent, event_adapter
from opentalking.core.sessions import CAN_TALK

SILENCE_SECONDS = 45.0
"""The server comments every 15 s; a connection that is silent for so long is dead."""
_PAUSES_SECONDS = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0)
_LONGEST_MESSAGE_BYTES = 4 * 2**20
_LAST_EVENT = "session.terminated"


class OtherEvent(BaseModel):
    """An event that this client does not know yet: its name and its payload."""

    model_config = ConfigDict(frozen=True)

    type: str
    session_id: str = ""
    turn_id: str | None = None
    data: dict[str, Any]


SessionEvent = Event | OtherEvent


def can_talk(event: SessionEvent) -> bool:
    """Whether the event says that the session is able to talk."""
    return isinstance(event, StateChangedEvent) and event.state in CAN_TALK


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the stream; `id` is that of the last one that had any."""

    event: str
    data: str
    id: str


class MessageParser:
    """Cuts the bytes of an event stream into messages; comments are left out."""

    def __init__(self, last_id: str = "") -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._text = ""
        self._event, self._data, self._id = "", list[str](), last_id
        self._size = 0

    def feed(self, chunk: bytes) -> Iterator[Message]:
        """The messages that these bytes complete; raises `ProtocolError` for one that never ends."""
        self._size += len(chunk)
        self._text += self._decoder.decode(chunk)
        *lines, self._text = self._text.split("\n")
        for line in lines:
            message = self._line(line.removesuffix("\r"))
            if message is not None:
                yield message
        if self._size > _LONGEST_MESSAGE_BYTES:
            raise ProtocolError("a message of the event stream does not end")

    def _line(self, line: str) -> Message | None:
        if not line:
            return self._dispatch()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            self._event = value
        elif name == "data":
            self._data.append(value)
        elif name == "id" and "\0" not in value:
            self._id = value
        return None

    def _dispatch(self) -> Message | None:
        event, data = self._event or "message", self._data
        self._event, self._data, self._size = "", [], len(self._text)
        return Message(event, "\n".join(data), self._id) if data else None


def typed(message: Message) -> SessionEvent:
    """The event of a message; raises `ProtocolError` when it is no JSON object."""
    try:
        data = json.loads(message.data)
    except ValueError as error:
        raise ProtocolError(f"the event {message.event} is not JSON") from error
    if not isinstance(data, dict):
        raise ProtocolError(f"the event {message.event} is not a JSON object")
    try:
        return event_adapter.validate_python({**data, "type": message.event})
    except ValidationError:
        turn_id = data.get("turn_id")
        return OtherEvent(
            type=message.event,
            session_id=str(data.get("session_id", "")),
            turn_id=turn_id if isinstance(turn_id, str) else None,
            data=data,
        )


class Following:
    """Follows a session from one connection to the next; `ended` after its last event.

    A transport opens `path` with `headers()`, feeds what comes to `read`, and after a drop asks
    `pause_seconds` how long to wait before the next attempt.
    """

    def __init__(
        self,
        session_id: str,
        last_event_id: str = "",
        patience_seconds: float | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = place("/sessions/{session_id}/events", session_id=session_id)
        self.last_event_id = last_event_id
        self.ended = False
        self._patience_seconds = patience_seconds
        self._now = now
        self._heard_at = now()
        self._parser = MessageParser(last_event_id)
        self._drops = 0
        self._was_open = False

    def headers(self) -> dict[str, str]:
        """Of the next request: it goes on behind the last event."""
        resume = {"Last-Event-ID": self.last_event_id} if self.last_event_id else {}
        return {"Accept": "text/event-stream", "Cache-Control": "no-cache", **resume}

    def opened(self) -> None:
        """The server accepted; a half message of the connection before is forgotten."""
        self._was_open = True
        self._parser = MessageParser(self.last_event_id)

    def read(self, chunk: bytes) -> Iterator[SessionEvent]:
        """The events that these bytes complete; raises `TimedOut` when there was none for too long."""
        for message in self._parser.feed(chunk):
            self._drops = 0
            self.last_event_id = message.id
            if message.event == "ping":
                continue
            self._heard_at = self._now()
            self.ended = self.ended or message.event == _LAST_EVENT
            yield typed(message)
        waited_seconds = self._now() - self._heard_at
        if self._patience_seconds is not None and waited_seconds > self._patience_seconds:
            raise TimedOut(f"the session was silent for {waited_seconds:.0f} s")

    def pause_seconds(self, trouble: Exception | None = None) -> float:
        """How long to wait before the next attempt, after a drop or a refusal.

        Raises the refusal when it is final, `ConnectionFailed` after too many attempts; a session that is
        gone since the stream was open just ends it.
        """
        if isinstance(trouble, NotFound) and self._was_open:
            self.ended = True
            return 0.0
        if isinstance(trouble, ApiError) and trouble.status not in (429, 500, 502, 503, 504):
            raise trouble
        if self._drops == len(_PAUSES_SECONDS):
            raise trouble or ConnectionFailed("the event stream was dropped again and again")
        pause = _PAUSES_SECONDS[self._drops]
        self._drops += 1
        asked = trouble.retry_after if isinstance(trouble, ApiError) else None
        return max(pause, min(asked or 0.0, 30.0))

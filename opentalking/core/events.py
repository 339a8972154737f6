"""Everything a session tells its clients: one union of typed events.

On the wire (SSE) `type` becomes the event's name and the other set fields its JSON payload;
fields that are None are left out.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True)

    session_id: str
    turn_id: str | None = None

    def payload(self) -> dict[str, Any]:
        """The JSON object that clients see: every set field but `type`."""
        return self.model_dump(mode="json", exclude={"type"}, exclude_none=True)


class TranscriptEvent(_Event):
    """Partial or final recognition of what the user said."""

    type: Literal["transcript"] = "transcript"
    text: str
    is_final: bool


class LlmEvent(_Event):
    """One piece of the answer, as the language model streams it."""

    type: Literal["llm"] = "llm"
    delta: str


class TtsEvent(_Event):
    """Progress of one sentence's synthesis; milliseconds since the turn began."""

    type: Literal["tts"] = "tts"
    stage: Literal["start", "first_audio", "complete"]
    ms_elapsed: int
    sentence_index: int


class FrameEvent(_Event):
    """A video frame of the turn went out; counts from 0 in each turn."""

    type: Literal["frame"] = "frame"
    frame_idx: int
    pts_ms: int


class StatusEvent(_Event):
    """State of the turn."""

    type: Literal["status"] = "status"
    stage: Literal["listening", "thinking", "speaking", "idle", "interrupted", "error"]
    message: str = ""


class ErrorEvent(_Event):
    """Something failed; `code` is stable (`llm_failed`, `tts_failed`, `recording_failed`, …)."""

    type: Literal["error"] = "error"
    code: str
    message: str


class QueuedEvent(_Event):
    """Place in the queue: ≥ 1 waiting, 0 slot acquired, −1 timed out."""

    type: Literal["session.queued"] = "session.queued"
    position: int
    message: Literal["waiting", "slot_acquired", "timeout"]


class StateChangedEvent(_Event):
    """The session moved to another state."""

    type: Literal["session.state_changed"] = "session.state_changed"
    state: str


class ExpiringEvent(_Event):
    """A limit will close the session soon."""

    type: Literal["session.expiring"] = "session.expiring"
    remaining_sec: int


class ExpiredEvent(_Event):
    """The session is closed for a reason other than DELETE."""

    type: Literal["session.expired"] = "session.expired"
    message: Literal["session_expired", "peer_lost", "worker_lost"]


class TerminatedEvent(_Event):
    """Last event of a session."""

    type: Literal["session.terminated"] = "session.terminated"
    reason: str


class SpeechStartedEvent(_Event):
    """A turn was accepted: the user's text, or the text to say, or "" for played audio."""

    type: Literal["speech.started"] = "speech.started"
    text: str


class MediaStartedEvent(_Event):
    """First sound and frame of the turn go out."""

    type: Literal["speech.media_started"] = "speech.media_started"


class SubtitleWord(BaseModel):
    """One word of a caption; times in ms since the turn's first sound."""

    text: str
    start_ms: int
    end_ms: int


class SubtitleEvent(_Event):
    """A sentence whose sound starts playing now; times in ms since the turn's first sound."""

    type: Literal["subtitle.chunk"] = "subtitle.chunk"
    text: str
    is_final: bool
    start_ms: int
    end_ms: int
    words: list[SubtitleWord] | None = None


class AssistantMessageEvent(_Event):
    """The whole answer of a chat turn."""

    type: Literal["assistant.message"] = "assistant.message"
    text: str


class SpeechEndedEvent(_Event):
    """End of playback; `text` only when completed."""

    type: Literal["speech.ended"] = "speech.ended"
    text: str | None = None
    reason: Literal["completed", "interrupted", "failed"]


class TurnMetricsEvent(_Event):
    """What a turn took, after its end; milliseconds since its origin, None where it did not come to that.

    The origin is the end of the user's speech where the turn answers speech, else the request.
    """

    type: Literal["turn.metrics"] = "turn.metrics"
    kind: Literal["chat", "speak", "play"]
    source: Literal["text", "audio", "microphone"]
    outcome: Literal["completed", "interrupted", "failed"]
    speech_ms: int | None = None
    pause_noticed_ms: int | None = None
    turn_end_ms: int | None = None
    end_of_turn: float | None = None
    recognised_ms: int | None = None
    accepted_ms: int | None = None
    first_token_ms: int | None = None
    first_sentence_ms: int | None = None
    first_audio_ms: int | None = None
    media_started_ms: int | None = None
    first_frame_ms: int | None = None
    last_audio_ms: int | None = None
    interrupted_ms: int | None = None
    ended_ms: int | None = None
    av_offset_ms: float | None = None


Event = Annotated[
    TranscriptEvent
    | LlmEvent
    | TtsEvent
    | FrameEvent
    | StatusEvent
    | ErrorEvent
    | QueuedEvent
    | StateChangedEvent
    | ExpiringEvent
    | ExpiredEvent
    | TerminatedEvent
    | SpeechStartedEvent
    | MediaStartedEvent
    | SubtitleEvent
    | AssistantMessageEvent
    | SpeechEndedEvent
    | TurnMetricsEvent,
    Field(discriminator="type"),
]

event_adapter: TypeAdapter[Event] = TypeAdapter(Event)
"""Parses and dumps any event, for buses that cross a process."""

NOT_REPLAYED = frozenset({"frame", "session.queued"})
"""Event types that are delivered live only, never from the backlog."""
DROPPED_FIRST = frozenset({"frame"})
"""Event types that a slow subscriber loses first."""

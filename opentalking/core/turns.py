"""When things happened in a turn, and who wants to know."""

from dataclasses import dataclass
from typing import Literal, Protocol

TurnKind = Literal["chat", "speak", "play"]
TurnSource = Literal["text", "audio", "microphone"]
TurnOutcome = Literal["completed", "interrupted", "failed"]


@dataclass(frozen=True, slots=True)
class HeardTimes:
    """How an utterance was heard; `time.monotonic()` seconds, None where there was no such thing.

    `ended_at` is the last of the speech itself, `noticed_at` when the pause was noticed, `decided_at` when
    the turn was taken for finished, `recognised_at` when its final words were there.
    `end_of_turn` is what the turn detector believed (0..1).
    """

    source: TurnSource
    began_at: float | None = None
    ended_at: float | None = None
    noticed_at: float | None = None
    decided_at: float | None = None
    recognised_at: float | None = None
    end_of_turn: float | None = None


@dataclass(frozen=True, slots=True)
class TurnTimes:
    """How a turn went; times are `time.monotonic()` seconds, None where it did not come to that.

    `media_started_at` is the first packet of sound and the first picture, `last_audio_at` the last packet of
    the turn's own sound.
    """

    session_id: str
    turn_id: str
    kind: TurnKind
    outcome: TurnOutcome
    accepted_at: float
    ended_at: float
    heard: HeardTimes | None = None
    first_token_at: float | None = None
    first_sentence_at: float | None = None
    first_audio_at: float | None = None
    media_started_at: float | None = None
    first_frame_at: float | None = None
    last_audio_at: float | None = None
    interrupted_at: float | None = None
    av_offset_ms: float | None = None

    @property
    def origin_at(self) -> float:
        """From when a user waits: the end of their speech, else the request."""
        ended = self.heard.ended_at if self.heard else None
        return self.accepted_at if ended is None else ended

    @property
    def source(self) -> TurnSource:
        """Where the turn's words or sound came from."""
        if self.heard is not None:
            return self.heard.source
        return "audio" if self.kind == "play" else "text"


class TurnObserver(Protocol):
    """Sees how turns went; called on the event loop, must neither block nor raise."""

    def turn_ended(self, times: TurnTimes) -> None:
        """A turn has ended."""
        ...

    def stage_failed(self, stage: str, code: str) -> None:
        """A stage ("stt", "llm", "tts", "render", "vad", …) failed; `code` is that of its `error` event."""
        ...

    def page_fell_silent(self, after_ms: int) -> None:
        """A page measured how long an interrupted voice still sounded."""
        ...

    def barge_in(self, outcome: Literal["ducked", "resumed", "interrupted"]) -> None:
        """Somebody spoke while the avatar did."""
        ...

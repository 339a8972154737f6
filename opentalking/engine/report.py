"""A turn's voice towards its clients: every event of the turn, with its ids and its clock."""

import time
from collections.abc import Callable
from typing import Literal

import structlog

from opentalking.core.errors import OpenTalkingError
from opentalking.core.events import (
    AssistantMessageEvent,
    ErrorEvent,
    Event,
    FrameEvent,
    LlmEvent,
    MediaStartedEvent,
    SpeechEndedEvent,
    SpeechStartedEvent,
    StatusEvent,
    SubtitleEvent,
    TtsEvent,
)
from opentalking.engine.captions import Caption

Outcome = Literal["completed", "interrupted", "failed"]
Emit = Callable[[Event], None]

log = structlog.get_logger(__name__)


class TurnReport:
    """Emits one turn's events; exactly one `speech.started` and one `speech.ended` leave it.

    What a stage that does not heed its cancellation says after the end is not passed on.
    """

    def __init__(self, session_id: str, turn_id: str, emit: Emit) -> None:
        self._ids = {"session_id": session_id, "turn_id": turn_id}
        self._emit = emit
        self._began = time.monotonic()
        self._ended = False
        self._log = log.bind(**self._ids)

    def started(self, text: str, *, thinking: bool) -> None:
        """The turn is accepted."""
        self._log.info("turn started")
        self._say(SpeechStartedEvent(**self._ids, text=text))
        if thinking:
            self._say(StatusEvent(**self._ids, stage="thinking"))

    def llm(self, delta: str) -> None:
        """A piece of the answer."""
        self._say(LlmEvent(**self._ids, delta=delta))

    def tts(self, stage: Literal["start", "first_audio", "complete"], sentence_index: int) -> None:
        """Progress of a sentence's synthesis."""
        elapsed = round((time.monotonic() - self._began) * 1000)
        self._say(TtsEvent(**self._ids, stage=stage, ms_elapsed=elapsed, sentence_index=sentence_index))

    def media_started(self) -> None:
        """First sound and frame go out."""
        self._say(StatusEvent(**self._ids, stage="speaking"))
        self._say(MediaStartedEvent(**self._ids))
        self._log.info("turn speaks", after_ms=round((time.monotonic() - self._began) * 1000))

    def frame(self, frame_index: int, pts_ms: int) -> None:
        """A video frame goes out."""
        self._say(FrameEvent(**self._ids, frame_idx=frame_index, pts_ms=pts_ms))

    def caption(self, caption: Caption, *, is_final: bool) -> None:
        """A sentence starts to sound."""
        self._say(
            SubtitleEvent(
                **self._ids,
                text=caption.text,
                is_final=is_final,
                start_ms=caption.start_ms,
                end_ms=caption.end_ms,
                words=caption.words,
            )
        )

    def error(self, error: OpenTalkingError, *, code: str | None = None) -> None:
        """Something failed; the turn may go on."""
        self._log.warning("turn error", code=code or error.code, error=error.message)
        self._say(ErrorEvent(**self._ids, code=code or error.code, message=error.message))

    def ended(self, outcome: Outcome, text: str = "", answer: str | None = None) -> None:
        """End of playback, or of the turn; later calls do nothing."""
        if self._ended:
            return
        self._ended = True
        if outcome == "completed":
            if answer is not None:
                self._emit(AssistantMessageEvent(**self._ids, text=answer))
            self._emit(SpeechEndedEvent(**self._ids, reason=outcome, text=text))
        else:
            self._emit(SpeechEndedEvent(**self._ids, reason=outcome))
        if outcome == "interrupted":
            self._emit(StatusEvent(**self._ids, stage="interrupted"))
        self._emit(StatusEvent(**self._ids, stage="idle"))
        self._log.info("turn ended", outcome=outcome, after_ms=round((time.monotonic() - self._began) * 1000))

    def _say(self, event: Event) -> None:
        if not self._ended:
            self._emit(event)

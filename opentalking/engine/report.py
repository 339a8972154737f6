"""A turn's voice towards its clients: every event of the turn, with its ids and its clock."""

from collections.abc import Callable
from typing import Literal

import structlog

from opentalking.core.errors import OpenTalkingError, ProviderError
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
from opentalking.engine.stopwatch import Stopwatch, as_event
from opentalking.media.figures import TurnFigures

Outcome = Literal["completed", "interrupted", "failed"]
Emit = Callable[[Event], None]

log = structlog.get_logger(__name__)


class TurnReport:
    """Emits one turn's events; exactly one `speech.started`, `speech.ended` and `turn.metrics` leave it.

    What a stage that does not heed its cancellation says after the end is not passed on. `watch`
    belongs to this turn.
    """

    def __init__(self, session_id: str, turn_id: str, emit: Emit, watch: Stopwatch | None = None) -> None:
        self.turn_id = turn_id
        self._ids = {"session_id": session_id, "turn_id": turn_id}
        self._emit = emit
        self._watch = watch or Stopwatch()
        self._ended = False
        self._log = log.bind(**self._ids)

    @property
    def figures(self) -> TurnFigures:
        """What the output fills in about the turn's sound and pictures."""
        return self._watch.figures

    def started(self, text: str, *, thinking: bool) -> None:
        """The turn is accepted."""
        self._log.info("turn started")
        self._say(SpeechStartedEvent(**self._ids, text=text))
        if thinking:
            self._say(StatusEvent(**self._ids, stage="thinking"))

    def llm(self, delta: str) -> None:
        """A piece of the answer."""
        self._watch.first("first_token_at")
        self._say(LlmEvent(**self._ids, delta=delta))

    def tts(self, stage: Literal["start", "first_audio", "complete"], sentence_index: int) -> None:
        """Progress of a sentence's synthesis."""
        if stage == "start":
            self._watch.first("first_sentence_at")
        elif stage == "first_audio":
            self._watch.first("first_audio_at")
        elapsed = self._watch.elapsed_ms
        self._say(TtsEvent(**self._ids, stage=stage, ms_elapsed=elapsed, sentence_index=sentence_index))

    def media_started(self) -> None:
        """First sound and frame go out."""
        self._watch.first("media_started_at")
        self._say(StatusEvent(**self._ids, stage="speaking"))
        self._say(MediaStartedEvent(**self._ids))
        self._log.info("turn speaks", after_ms=self._watch.elapsed_ms)

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

    def interrupted(self) -> None:
        """From now on nothing of the turn is heard."""
        self._watch.first("interrupted_at")

    def error(self, error: OpenTalkingError, *, code: str | None = None) -> None:
        """Something failed; the turn may go on."""
        code = code or error.code
        self._log.warning("turn error", code=code, error=error.log_message)
        if not self._ended:
            self._watch.failed(_stage(error, code), code)
        self._say(ErrorEvent(**self._ids, code=code, message=error.message))

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
        metrics = as_event(self._watch.stop(**self._ids, outcome=outcome))
        self._emit(metrics)
        self._log.info("turn", **metrics.model_dump(exclude={"type", *self._ids}, exclude_none=True))

    def _say(self, event: Event) -> None:
        if not self._ended:
            self._emit(event)


def _stage(error: OpenTalkingError, code: str) -> str:
    """Where it failed: what the error says, else what its code says (`tts_failed`)."""
    return error.stage if isinstance(error, ProviderError) else code.partition("_")[0]

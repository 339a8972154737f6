"""One turn: from the user's words, a text to say or a sound to play, to the end of its playback."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from opentalking.core.commands import StartChat, StartSpeak
from opentalking.core.conversation import Message
from opentalking.core.errors import OpenTalkingError
from opentalking.core.media import SAMPLES_PER_PACKET, Mark, Speech
from opentalking.core.providers import ChatModel, Face
from opentalking.engine.captions import Captions
from opentalking.engine.history import History
from opentalking.engine.report import Outcome, TurnReport
from opentalking.engine.stages import Speaker, SpeechFailed, generate, render_and_play, split
from opentalking.engine.streams import Stream
from opentalking.engine.voice import TurnVoice
from opentalking.media.output import MediaOutput, TurnDropped
from opentalking.text.cues import Expressed, take_cues, text_of
from opentalking.text.splitter import Sentence

MAX_PENDING_CHARACTERS = 20_000
MAX_PENDING_SENTENCES = 400
AHEAD_SECONDS = 0.6

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TurnParts:
    """What a session lends to a turn."""

    face: Face
    output: MediaOutput
    chat_model: ChatModel
    voice: TurnVoice
    history: History
    report: TurnReport


class Turn(ABC):
    """Runs the stages of one turn in one task group, and tells its clients about it."""

    def __init__(self, turn_id: str, parts: TurnParts) -> None:
        self.id = turn_id
        self._parts = parts
        self._outcome: Outcome | None = None
        self._why = ""

    @abstractmethod
    def accept(self) -> None:
        """Tell the clients that the turn is taken; once, before `run`."""

    def silence(self, why: str) -> None:
        """Nothing of this turn is heard from the next media tick on; `why` is for who feeds it."""
        self._why = why
        self._parts.report.interrupted()
        self._parts.output.drop(self.id)

    async def run(self) -> None:
        """Run to the end of playback. Failures end as events; only cancellation is raised."""
        report, output = self._parts.report, self._parts.output
        try:
            outcome = await self._play()
        except Exception:
            log.exception("turn crashed", turn_id=self.id)
            report.error(OpenTalkingError("internal error; the log has details"), code="internal_error")
            outcome = "failed"
        if outcome == "failed":
            output.drop(self.id)
        self.finish(outcome)

    async def _play(self) -> Outcome:
        outcome: Outcome = "completed"
        try:
            await self._parts.output.begin(self.id, self._parts.report.figures)
            async with asyncio.TaskGroup() as stages:
                self._start_stages(stages.create_task)
            await self._parts.output.drained(self.id)
        except* TurnDropped:
            outcome = "interrupted"
        except* SpeechFailed:
            outcome = "failed"
        except* OpenTalkingError as errors:
            self._parts.report.error(_first(errors))
            outcome = "failed"
        return outcome

    @abstractmethod
    def _start_stages(self, start: Callable[..., object]) -> None:
        """Start every stage of the turn as a task."""

    # -- what the output tells, on the media tick

    def media_started(self) -> None:
        """First sound and frame go out."""
        self._parts.report.media_started()

    def frame(self, frame_index: int, pts_ms: int) -> None:
        """A video frame goes out."""
        self._parts.report.frame(frame_index, pts_ms)

    @abstractmethod
    def mark(self, mark: Mark) -> None:
        """A marked sample starts to sound."""

    # -- the end

    def finish(self, outcome: Outcome) -> None:
        """Tell the clients the end, whatever came of the turn; later calls do nothing."""
        if self._outcome is None:
            self._outcome = outcome
            self._conclude(outcome)

    @abstractmethod
    def _conclude(self, outcome: Outcome) -> None:
        """Tell the clients the end."""

    @abstractmethod
    async def let_go(self) -> None:
        """Release what comes from outside; after `finish`."""

    @property
    def ending(self) -> str:
        """How it ended, after `finish`: "completed", "failed", or why it was interrupted."""
        outcome = self._outcome or ""
        return self._why or outcome if outcome == "interrupted" else outcome


class SpokenTurn(Turn):
    """Five stages, for the user's prompt (chat) or a text to say."""

    def __init__(self, command: StartChat | StartSpeak, parts: TurnParts) -> None:
        super().__init__(command.turn_id, parts)
        self._chat = isinstance(command, StartChat)
        self._to_say = [] if isinstance(command, StartChat) else take_cues(command.text)
        self._text = command.prompt if isinstance(command, StartChat) else text_of(self._to_say)
        self._emotion = command.emotion
        self._captions = Captions()
        self._answer = "" if self._chat else self._text
        self._messages: Sequence[Message] = ()
        self._final_sent = False
        self._speaker = Speaker(parts.voice, parts.report, self._captions)
        self._sentences: Stream[Sentence] = Stream(MAX_PENDING_SENTENCES, lambda _: 1)

    def accept(self) -> None:
        """Tell the clients that the turn is taken; once, before `run`.

        What was asked is remembered even when the turn is interrupted before it runs.
        """
        if self._chat:
            self._messages = self._parts.history.ask(self._text)
        self._parts.report.started(self._text, thinking=self._chat)

    def _start_stages(self, start: Callable[..., object]) -> None:
        deltas: Stream[Expressed] = Stream(MAX_PENDING_CHARACTERS, lambda part: len(part.text))
        sound: Stream[Speech] = Stream(AHEAD_SECONDS, lambda speech: speech.seconds)
        start(self._generate(deltas))
        start(split(deltas, self._sentences, self._emotion))
        start(self._speaker.run(self._sentences, sound))
        start(render_and_play(self._parts.face, sound, self._parts.output, self.id))

    async def _generate(self, deltas: Stream[Expressed]) -> None:
        if self._chat:
            model, report = self._parts.chat_model, self._parts.report
            self._answer = await generate(model, self._messages, report, deltas)
        else:
            for part in self._to_say:
                await deltas.put(part)
            deltas.close()

    def mark(self, mark: Mark) -> None:
        """A sentence starts to sound."""
        # The mark lies in the packet that has just left.
        heard = self._parts.output.heard_samples(self.id)
        caption = self._captions.started(mark.sentence_index, max(0, heard - SAMPLES_PER_PACKET))
        if caption is not None:
            is_last = mark.sentence_index == self._speaker.latest_index
            self._final_sent = is_last and self._sentences.exhausted
            self._parts.report.caption(caption, is_final=self._final_sent)

    def _conclude(self, outcome: Outcome) -> None:
        """Put what was heard into the history and tell the clients the end."""
        spoken = self._captions.spoken_text
        if outcome == "completed" and self._captions.any_sound and not self._final_sent:
            self._parts.report.caption(self._captions.closing(), is_final=True)
        if self._chat:
            heard = self._answer
            if outcome != "completed":
                heard = self._captions.heard_text(self._parts.output.heard_samples(self.id))
            self._parts.history.heard(heard, interrupted=outcome != "completed")
        self._parts.report.ended(outcome, spoken, self._answer if self._chat else None)

    async def let_go(self) -> None:
        """Nothing comes from outside."""


def _first(errors: BaseExceptionGroup[OpenTalkingError]) -> OpenTalkingError:
    for error in errors.exceptions:
        return _first(error) if isinstance(error, BaseExceptionGroup) else error
    raise AssertionError("an exception group is never empty")

"""From an utterance of the microphone to the turn that answers it."""

from collections.abc import Callable
from dataclasses import replace

import structlog

from opentalking.core.commands import StartChat
from opentalking.core.errors import Conflict, NotFound, OpenTalkingError, ProviderError
from opentalking.core.events import ErrorEvent, StatusEvent
from opentalking.engine.ear.ahead import ReadAhead
from opentalking.engine.ear.parts import EarParts, EarWays
from opentalking.engine.ear.user_turn import UserTurn
from opentalking.engine.hearing import Sound
from opentalking.engine.recognition import interrupted

log = structlog.get_logger(__name__)


class Answers:
    """Has utterances recognised and answered, one after another, and tells the clients about it.

    `on_words` is called with all words of an utterance once its sound has ended, `on_failure` when they
    cannot be had, `on_change` whenever `is_answering` may have changed.
    """

    def __init__(
        self,
        parts: EarParts,
        ways: EarWays,
        *,
        on_words: Callable[[UserTurn, str], None],
        on_failure: Callable[[UserTurn], None],
        on_change: Callable[[], None],
    ) -> None:
        self._parts = parts
        self._ways = ways
        self._on_words = on_words
        self._on_failure = on_failure
        self._on_change = on_change
        self._ahead = ReadAhead(parts, ways)
        self._answering: UserTurn | None = None

    @property
    def is_answering(self) -> bool:
        """Whether words are on their way that will begin a turn."""
        return self._answering is not None

    def begin(self, said: UserTurn) -> None:
        """Recognise an utterance from now on; interrupts concern it."""
        self._parts.hearing.enter(said.recognition)
        self._ways.spawn(self._follow(said))

    def answer(self, said: UserTurn) -> None:
        """Its sound has ended, and its words begin a turn, once they are there and if there are any."""
        self._answering = said
        said.decide(answers=True)
        self._on_change()

    def discard(self, said: UserTurn) -> None:
        """It comes to nothing."""
        said.stop(interrupted())
        self._tell_idle(said)

    def settle(self, said: UserTurn) -> None:
        """Its turn has begun, or never will."""
        if not said.has_begun:
            self._tell_idle(said)
        if said is self._answering:
            self._answering = None
            self._on_change()

    def take_floor(self, said: UserTurn) -> None:
        """Silence the avatar for `said`, and end its turn; what was about to be answered goes into `said`."""
        silenced = self._parts.talk.silence()
        earlier = self._answering
        if earlier is not None and earlier.has_begun:
            silenced = earlier.turn_id
        elif earlier is not None:
            said.go_on_from(earlier)
            self._answering = None
        self._ways.spawn(self._end_turn(silenced, said))
        self._on_change()

    def tell_listening(self, said: UserTurn) -> None:
        """The clients learn that somebody is listened to, and from now on what is recognised."""
        said.is_told = True
        self._tell_status("listening", said)
        if words := said.so_far(said.partial):
            self._parts.hearing.tell(said.turn_id, words, is_final=False)

    # -- tasks

    async def _end_turn(self, turn_id: str | None, said: UserTurn) -> None:
        async with self._parts.hearing.order:
            if turn_id is not None:
                await self._parts.talk.interrupt(turn_id)
            if said.fate.done() or said.is_told:
                return
            self.tell_listening(said)

    async def _follow(self, said: UserTurn) -> None:
        try:
            await self._recognise(said)
            await said.sound.ended.wait()
            text, parts = await said.words(), said.parts
            self._on_words(said, text)
            if not said.is_held and await said.fate:
                if said.parts != parts:  # by those words it took the floor, and an earlier part along
                    text = await said.words()
                await self._answer(said, text)
        finally:
            self._parts.hearing.leave(said.recognition)
            self.settle(said)

    async def _recognise(self, said: UserTurn) -> None:
        def on_partial(text: str) -> None:
            words = said.so_far(text)
            if words:
                self._ways.touch()
            if said.is_told and not said.is_held:
                self._parts.hearing.tell(said.turn_id, words, is_final=False)
                self._ahead.hear(words)

        sound = Sound(said.sound, None, on_partial, lambda: None)
        try:
            said.found(await self._parts.hearing.words(said.recognition, sound))
        except OpenTalkingError as error:
            said.found("")
            if not isinstance(error, ProviderError | Conflict | NotFound):
                self._tell_error(said, error)
            self._on_failure(said)

    async def _answer(self, said: UserTurn, text: str) -> None:
        parts = self._parts
        if said.is_held:
            return
        if not text and said.partial and said.is_told:
            parts.hearing.tell(said.turn_id, "", is_final=True)
        if not text:
            return
        self._ways.touch()
        heard = replace(said.heard, recognised_at=self._parts.tools.clock())
        await self._ahead.settle()
        chat = StartChat(session_id=parts.session_id, turn_id=said.turn_id, prompt=text)
        try:
            async with parts.hearing.order:
                said.recognition.require_wanted()
                if said.is_held:
                    return
                said.has_begun = True
                await parts.talk.interrupt()
                parts.hearing.tell(said.turn_id, text, is_final=True)
                await self._ways.begin_turn(chat, heard)
        except OpenTalkingError as error:
            said.has_begun = False
            log.info("not answered", session_id=parts.session_id, code=error.code)

    # -- events

    def _tell_idle(self, said: UserTurn) -> None:
        if said.is_told and not said.is_held:
            said.is_told = False
            self._tell_status("idle", said)

    def _tell_status(self, stage: str, said: UserTurn) -> None:
        event = StatusEvent(session_id=self._parts.session_id, turn_id=said.turn_id, stage=stage)
        self._parts.emit(event)

    def _tell_error(self, said: UserTurn, error: OpenTalkingError) -> None:
        ids = {"session_id": self._parts.session_id, "turn_id": said.turn_id}
        self._parts.emit(ErrorEvent(**ids, code="stt_failed", message=error.message))

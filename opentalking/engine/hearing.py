"""What a session listens to: each recognition a task of its own, beside the session's other commands."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import structlog

from opentalking.core.commands import Command, ExpectSound, Recognised, StartChat, StartRecognition
from opentalking.core.errors import Conflict, NotFound, OpenTalkingError, ProviderError
from opentalking.core.events import ErrorEvent, Event, TranscriptEvent
from opentalking.core.ports import AudioOutlet
from opentalking.core.sessions import SessionSettings
from opentalking.core.turns import HeardTimes
from opentalking.engine.config import EngineConfig, Toolbox
from opentalking.engine.recognition import Recognition, interrupted
from opentalking.engine.utterance import Recognisers, Utterance

MAX_EXPECTED = 64
TOO_LATE = "stt_timeout"
"""Code of the error when the words of an utterance do not come in time."""

BeginTurn = Callable[[StartChat, HeardTimes], Awaitable[None]]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Sound:
    """What is to be recognised, by whom (None: the session's recogniser), and who learns of it.

    `on_partial` gets partial transcripts, `on_sound` is called whenever sound arrives.
    """

    outlet: AudioOutlet
    provider: str | None
    on_partial: Callable[[str], None]
    on_sound: Callable[[], None]


class Hearing:
    """The recognitions of one session, and the sounds that are still being read, oldest first.

    `touch` is called whenever a client's sound arrives. `begin_turn` starts the turn that answers; it is
    called with `order` held, which whoever carries out a command of the session holds too.
    """

    def __init__(
        self,
        session_id: str,
        settings: SessionSettings,
        toolbox: Toolbox,
        config: EngineConfig,
        *,
        emit: Callable[[Event], None],
        touch: Callable[[], None],
    ) -> None:
        self.order = asyncio.Lock()
        self._session_id = session_id
        self._provider = settings.stt_provider or config.stt_provider
        self._language = settings.stt_language
        self._toolbox = toolbox
        self._config = config
        self._emit = emit
        self._touch = touch
        self._running: list[Recognition] = []

    def expect(self, command: ExpectSound) -> None:
        """Take note of a sound that is still being read: from now on `interrupt` and `overtake` concern it.

        Whether it ever comes is unknown, so the oldest are forgotten when there are many.
        """
        expected = [one for one in self._running if one.is_expected]
        if len(expected) >= MAX_EXPECTED:
            self._running.remove(expected[0])
        self._running.append(Recognition(command.turn_id, answer=command.answer, is_expected=True))

    def accept(self, command: StartRecognition, begin_turn: BeginTurn) -> Callable[[], Awaitable[Recognised]]:
        """Take a recognition; what is returned carries it out. From now on `interrupt` concerns it."""
        recognition = self._find(command.turn_id)
        if recognition is None:
            recognition = self.enter(Recognition(command.turn_id, answer=command.answer))
        recognition.is_expected, recognition.answer = False, command.answer
        return partial(self._carry_out, recognition, command, begin_turn)

    def enter(self, recognition: Recognition) -> Recognition:
        """Take a recognition that somebody else carries out; `leave` when it is over."""
        self._running.append(recognition)
        return recognition

    def leave(self, recognition: Recognition) -> None:
        """A recognition is over."""
        self._running.remove(recognition)

    def interrupt(self, turn_id: str | None = None, error: OpenTalkingError | None = None) -> None:
        """Cancel every recognition accepted so far, or the one of `turn_id`; they fail with `error`."""
        for recognition in tuple(self._running):
            if turn_id in (None, recognition.turn_id):
                recognition.stop(error or interrupted())

    def overtake(self, turn_id: str) -> None:
        """A turn begins: what was accepted before it does not start another one any more.

        Raises `Conflict` when its own sound was expected and something accepted later has cancelled it.
        """
        own = self._find(turn_id)
        if own is not None and own.is_expected:
            own.require_wanted()
        for recognition in tuple(self._running):
            if recognition is own:
                break
            if recognition.answer:
                recognition.stop(interrupted())
        if own is not None and own.is_expected:
            self._running.remove(own)

    async def words(self, recognition: Recognition, sound: Sound) -> str:
        """What is said in a sound, "" when nothing is; raises what the recognition fails or is stopped with.

        A recogniser's failure is told, where a turn would have answered.
        """
        try:
            text = await recognition.within_limits(partial(self._listen, recognition, sound))
        except ProviderError as error:
            log.warning("recognition failed", session_id=self._session_id, error=error.log_message)
            self._failed(error)
            if recognition.answer:
                ids = {"session_id": self._session_id, "turn_id": recognition.turn_id}
                self._emit(ErrorEvent(**ids, code="stt_failed", message=error.message))
            raise
        except (Conflict, NotFound):
            raise  # nobody wants it any more, or its sound broke off
        except OpenTalkingError as error:
            self._failed(error)
            raise
        except Exception as error:
            log.exception("recognition crashed", session_id=self._session_id)
            crash = OpenTalkingError("recognition crashed; the log has details")
            self._failed(crash)
            raise crash from error
        finally:
            await sound.outlet.aclose("the recognition has ended")
        log.info("recognised", session_id=self._session_id, characters=len(text))
        return text

    def refused(self, command: Command, error: OpenTalkingError) -> None:
        """There is no room for a command; a recognition counts as failed."""
        if isinstance(command, StartRecognition):
            self._failed(error)

    def _failed(self, error: OpenTalkingError) -> None:
        for observer in self._toolbox.observers:
            observer.stage_failed("stt", error.code)

    def tell(self, turn_id: str | None, text: str, *, is_final: bool) -> None:
        """Tell the clients what was recognised; a recognition that starts no turn has none to name."""
        self._emit(
            TranscriptEvent(session_id=self._session_id, turn_id=turn_id, text=text, is_final=is_final)
        )

    def _find(self, turn_id: str) -> Recognition | None:
        return next((one for one in self._running if one.turn_id == turn_id), None)

    async def _carry_out(
        self, recognition: Recognition, command: StartRecognition, begin_turn: BeginTurn
    ) -> Recognised:
        try:
            text = await self._recognise(recognition, command)
            if not text or not command.answer:
                return Recognised(text=text)
            heard = HeardTimes("audio", ended_at=recognition.ended_at, recognised_at=self._toolbox.clock())
            async with self.order:
                recognition.require_wanted()
                self.tell(command.turn_id, text, is_final=True)
                chat = StartChat(
                    session_id=self._session_id, turn_id=command.turn_id, prompt=text, voice=command.voice
                )
                await begin_turn(chat, heard)
            return Recognised(text=text)
        except asyncio.CancelledError:
            recognition.require_wanted()  # the session ends: whoever waits is told that, not the cancellation
            raise
        finally:
            self.leave(recognition)

    async def _recognise(self, recognition: Recognition, command: StartRecognition) -> str:
        has_partial = False
        named = command.turn_id if command.answer else None

        def partial_text(text: str) -> None:
            nonlocal has_partial
            has_partial = True
            self.tell(named, text, is_final=False)

        outlet = await self._toolbox.commands.audio(command.stream_id)
        sound = Sound(outlet, command.stt_provider, partial_text, self._touch)
        text = await self.words(recognition, sound)
        # Where words start a turn, the final transcript goes out together with it.
        if (has_partial or text) and not (text and command.answer):
            self.tell(named, text, is_final=True)
        return text

    async def _listen(self, recognition: Recognition, sound: Sound) -> str:
        config = self._config
        provider = sound.provider or self._provider
        late = ProviderError(
            f"{provider} did not find the words within {config.recognition_seconds:g} s",
            stage="stt",
            provider=provider,
            retryable=True,
            code=TOO_LATE,
        )

        def on_end() -> None:
            recognition.ended_at = self._toolbox.clock()
            recognition.stop_after(config.recognition_seconds, late)

        recognisers = Recognisers(self._toolbox.recognisers, provider, config.stt_fallback, self._language)
        keep = recognisers.stand_in is not None
        utterance = Utterance(sound.outlet, sound.on_sound, on_end, keep=keep)
        return await recognisers.recognise(utterance, sound.on_partial)

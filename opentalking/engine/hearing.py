"""What a session listens to: each recognition a task of its own, beside the session's other commands."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import structlog

from opentalking.core.commands import ExpectSound, Recognised, StartChat, StartRecognition
from opentalking.core.errors import Conflict, OpenTalkingError, ProviderError
from opentalking.core.events import ErrorEvent, Event, TranscriptEvent
from opentalking.core.ports import AudioOutlet
from opentalking.core.sessions import SessionSettings
from opentalking.engine.config import EngineConfig, Toolbox
from opentalking.engine.utterance import Recognisers, Utterance

MAX_EXPECTED = 64
TOO_LATE = "stt_timeout"
"""Code of the error when the words of an utterance do not come in time."""

log = structlog.get_logger(__name__)


class Hearing:
    """The recognitions of one session, and the sounds that are still being read, oldest first.

    `touch` is called whenever sound arrives. `begin_turn` starts the turn that answers; it is called
    with `order` held, which whoever carries out a command of the session holds too.
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
        self._toolbox = toolbox
        self._config = config
        self._emit = emit
        self._touch = touch
        self._running: list[_Recognition] = []

    def expect(self, command: ExpectSound) -> None:
        """Take note of a sound that is still being read: from now on `interrupt` and `overtake` concern it.

        Whether it ever comes is unknown, so the oldest are forgotten when there are many.
        """
        expected = [one for one in self._running if isinstance(one.command, ExpectSound)]
        if len(expected) >= MAX_EXPECTED:
            self._running.remove(expected[0])
        self._running.append(_Recognition(command))

    def accept(
        self, command: StartRecognition, begin_turn: Callable[[StartChat], Awaitable[None]]
    ) -> Callable[[], Awaitable[Recognised]]:
        """Take a recognition; what is returned carries it out. From now on `interrupt` concerns it."""
        recognition = self._find(command.turn_id)
        if recognition is None:
            recognition = _Recognition(command)
            self._running.append(recognition)
        recognition.command = command
        return partial(self._carry_out, recognition, command, begin_turn)

    def interrupt(self, turn_id: str | None = None, error: OpenTalkingError | None = None) -> None:
        """Cancel every recognition accepted so far, or the one of `turn_id`; they fail with `error`."""
        for recognition in self._running:
            if turn_id in (None, recognition.command.turn_id):
                recognition.stop(error or _interrupted())

    def overtake(self, turn_id: str) -> None:
        """A turn begins: what was accepted before it does not start another one any more.

        Raises `Conflict` when its own sound was expected and something accepted later has cancelled it.
        """
        own = self._find(turn_id)
        if own is not None and isinstance(own.command, ExpectSound):
            own.require_wanted()
        for recognition in self._running:
            if recognition is own:
                break
            if recognition.command.answer:
                recognition.stop(_interrupted())
        if own is not None and isinstance(own.command, ExpectSound):
            self._running.remove(own)

    def _find(self, turn_id: str) -> "_Recognition | None":
        return next((one for one in self._running if one.command.turn_id == turn_id), None)

    async def _carry_out(
        self,
        recognition: "_Recognition",
        command: StartRecognition,
        begin_turn: Callable[[StartChat], Awaitable[None]],
    ) -> Recognised:
        try:
            text = await self._recognise(recognition, command)
            if not text or not command.answer:
                return Recognised(text=text)
            async with self.order:
                recognition.require_wanted()
                self._tell(command, text, is_final=True)
                chat = StartChat(
                    session_id=self._session_id, turn_id=command.turn_id, prompt=text, voice=command.voice
                )
                await begin_turn(chat)
            return Recognised(text=text)
        except asyncio.CancelledError:
            recognition.require_wanted()  # the session ends: whoever waits is told that, not the cancellation
            raise
        finally:
            self._running.remove(recognition)

    async def _recognise(self, recognition: "_Recognition", command: StartRecognition) -> str:
        outlet = await self._toolbox.commands.audio(command.stream_id)
        try:
            text = await recognition.within_limits(partial(self._listen, recognition, command, outlet))
        except ProviderError as error:
            log.warning("recognition failed", session_id=self._session_id, error=error.message)
            if command.answer:
                self._emit(ErrorEvent(**_ids(command), code="stt_failed", message=error.message))
            raise
        except OpenTalkingError:
            raise
        except Exception as error:
            log.exception("recognition crashed", session_id=self._session_id)
            raise OpenTalkingError("recognition crashed; the log has details") from error
        finally:
            await outlet.aclose("the recognition has ended")
        log.info("recognised", session_id=self._session_id, characters=len(text))
        return text

    async def _listen(
        self, recognition: "_Recognition", command: StartRecognition, outlet: AudioOutlet
    ) -> str:
        config = self._config
        provider = command.stt_provider or self._provider
        has_partial = False

        def partial_text(text: str) -> None:
            nonlocal has_partial
            has_partial = True
            self._tell(command, text, is_final=False)

        late = ProviderError(
            f"{provider} did not find the words within {config.recognition_seconds:g} s",
            stage="stt",
            provider=provider,
            retryable=True,
            code=TOO_LATE,
        )
        on_end = partial(recognition.stop_after, config.recognition_seconds, late)
        recognisers = Recognisers(self._toolbox.recognisers, provider, config.stt_fallback)
        utterance = Utterance(outlet, self._touch, on_end, keep=recognisers.stand_in is not None)
        text = await recognisers.recognise(utterance, partial_text)
        # Where words start a turn, the final transcript goes out together with it.
        if (has_partial or text) and not (text and command.answer):
            self._tell(command, text, is_final=True)
        return text

    def _tell(self, command: StartRecognition, text: str, *, is_final: bool) -> None:
        self._emit(TranscriptEvent(**_ids(command), text=text, is_final=is_final))


class _Recognition:
    """One recognition, at first perhaps only expected; `stop` ends it with an error, wherever it is."""

    def __init__(self, command: ExpectSound | StartRecognition) -> None:
        self.command = command
        self._error: OpenTalkingError | None = None
        self._timeout: asyncio.Timeout | None = None
        self._timer: asyncio.TimerHandle | None = None

    def stop(self, error: OpenTalkingError) -> None:
        """End it soon; the first error stays. It may take its time to end: later calls do nothing."""
        if self._error is not None:
            return
        self._error = error
        if self._timeout is not None:
            self._timeout.reschedule(asyncio.get_running_loop().time())

    def stop_after(self, seconds: float, error: OpenTalkingError) -> None:
        """End it if it takes that much longer."""
        self._timer = asyncio.get_running_loop().call_later(seconds, self.stop, error)

    def require_wanted(self) -> None:
        """Raise what it was stopped with, if it was."""
        if self._error is not None:
            raise self._error

    async def within_limits(self, work: Callable[[], Awaitable[str]]) -> str:
        """What `work` finds; raises what it is stopped with meanwhile."""
        self.require_wanted()
        try:
            async with asyncio.timeout(None) as self._timeout:
                text = await work()
        except TimeoutError:
            self.require_wanted()
            raise
        finally:
            self._timeout = None
            if self._timer is not None:
                self._timer.cancel()
        self.require_wanted()
        return text


def _ids(command: StartRecognition) -> dict[str, str]:
    """A recognition that starts no turn has none to name."""
    turn = {"turn_id": command.turn_id} if command.answer else {}
    return {"session_id": command.session_id, **turn}


def _interrupted() -> Conflict:
    return Conflict("interrupted: it was cancelled by an interrupt or a new turn", code="interrupted")

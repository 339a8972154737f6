"""The turns of one session: at most one at a time, a new one takes over from the old one."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence

import structlog

from opentalking.core.avatars import AvatarBundle
from opentalking.core.commands import StartChat, StartPlay, StartSpeak, VoiceChoice
from opentalking.core.conversation import Message
from opentalking.core.media import Mark
from opentalking.core.providers import Face
from opentalking.core.sessions import SessionSettings
from opentalking.core.turns import HeardTimes
from opentalking.engine.config import EngineConfig, Toolbox
from opentalking.engine.history import History
from opentalking.engine.played import PlayedTurn
from opentalking.engine.report import Emit, TurnReport
from opentalking.engine.said import Said
from opentalking.engine.stopwatch import Stopwatch
from opentalking.engine.turn import SpokenTurn, Turn, TurnParts
from opentalking.engine.voice import TurnVoice, VoiceTimeouts
from opentalking.media.output import MediaOutput

CANCEL_SECONDS = 2.0

log = structlog.get_logger(__name__)


class Conversation:
    """Starts and interrupts turns; forwards what the output plays to the turn it belongs to.

    `on_speaking(True)` is awaited before a turn's first event, `on_speaking(False)` after its last,
    and always in turns.
    """

    def __init__(
        self,
        session_id: str,
        settings: SessionSettings,
        toolbox: Toolbox,
        config: EngineConfig,
        emit: Emit,
        on_speaking: Callable[[bool], Awaitable[None]],
    ) -> None:
        self._session_id = session_id
        self._settings = settings
        self._toolbox = toolbox
        self._config = config
        self._emit = emit
        self._on_speaking = on_speaking
        self.said = Said(toolbox.said, session_id)
        self._history: History | None = None
        self._own_voices: Mapping[str, str] = {}
        self._turn: Turn | None = None
        self._task: asyncio.Task[None] | None = None

    def meet(self, avatar: AvatarBundle | None) -> None:
        """Learn who speaks, once that is known; before the first turn. Later calls change nothing."""
        if self._history is None and avatar is not None:
            self._history = History(self._prompt(avatar), self._config.history_messages)
            self._own_voices = avatar.voices

    def asking(self, prompt: str) -> Sequence[Message]:
        """What a chat model would be asked with these words; nothing before anybody was met."""
        return self._history.asking(prompt) if self._history is not None else ()

    async def start(
        self,
        turn: Turn,
        spawn: Callable[[Coroutine[None, None, None]], asyncio.Task[None]],
    ) -> None:
        """Interrupt what runs and run `turn` in a task of its own."""
        await self.interrupt()
        await self._on_speaking(True)
        self._turn = turn
        turn.accept()
        self._task = spawn(self._run(turn))

    async def turn(
        self,
        command: StartChat | StartSpeak | StartPlay,
        face: Face,
        output: MediaOutput,
        heard: HeardTimes | None = None,
    ) -> Turn:
        """The turn that a command asks for; `meet` comes first. `NotFound` when its sound is gone.

        `heard` says how the words of the command were heard.
        """
        report = self._report(command, heard)
        if isinstance(command, StartPlay):
            sound = await self._toolbox.commands.audio(command.stream_id)
            return PlayedTurn(command.turn_id, sound, self._parts(report, face, output))
        return SpokenTurn(command, self._parts(report, face, output, command.voice))

    def _report(self, command: StartChat | StartSpeak | StartPlay, heard: HeardTimes | None) -> TurnReport:
        tools = self._toolbox
        watch = Stopwatch(command.type, heard, tools.observers, tools.clock)
        return TurnReport(self._session_id, command.turn_id, self._emit, watch)

    def _parts(
        self, report: TurnReport, face: Face, output: MediaOutput, voice: VoiceChoice | None = None
    ) -> TurnParts:
        if self._history is None:
            raise RuntimeError("nobody has been met yet")
        return TurnParts(
            face=self.said.listening(face, report.turn_id, output),
            output=output,
            chat_model=self._toolbox.chat_model,
            voice=self._voice(voice or VoiceChoice()),
            history=self._history,
            report=report,
        )

    def silence(self) -> str | None:
        """Silence the turn that runs, which `interrupt` is then to end; its id."""
        if self._turn is None:
            return None
        self._turn.silence("interrupted")
        return self._turn.id

    async def interrupt(self, turn_id: str | None = None, why: str = "interrupted") -> None:
        """Silence first, then cancel the turn and wait for its end; nothing when another turn is meant.

        Who feeds the turn from outside is told `why`.
        """
        turn, task = self._turn, self._task
        if turn is None or task is None or turn_id not in (None, turn.id):
            return
        turn.silence(why)
        task.cancel()
        _, late = await asyncio.wait({task}, timeout=CANCEL_SECONDS)
        if late:
            log.error("turn did not end in time", session_id=self._session_id, turn_id=turn.id)
        await self._over(turn)

    def page_fell_silent(self, after_ms: int) -> None:
        """A page heard the last of an interrupted turn so long after it learnt of its end."""
        for observer in self._toolbox.observers:
            observer.page_fell_silent(after_ms)

    async def _run(self, turn: Turn) -> None:
        try:
            await turn.run()
        finally:
            await self._over(turn)

    async def _over(self, turn: Turn) -> None:
        """Once per turn: by its task, or by whoever interrupts one that never began or does not end."""
        if self._turn is turn:
            turn.finish("interrupted")
            self.said.over(turn.id)
            self._turn = self._task = None
            await self._on_speaking(False)
            await turn.let_go()

    def _prompt(self, avatar: AvatarBundle) -> str:
        return self._config.instructions(self._settings.llm_system_prompt, avatar.persona_prompt)

    def _voice(self, choice: VoiceChoice) -> TurnVoice:
        settings, config = self._settings, self._config
        provider = choice.tts_provider or settings.tts_provider or config.tts_provider
        same = provider == (settings.tts_provider or config.tts_provider)
        return TurnVoice(
            speakers=self._toolbox.speakers,
            provider=provider,
            voice=choice.voice or (settings.tts_voice if same else None),
            model=choice.tts_model or (settings.tts_model if same else None),
            own_voices=self._own_voices,
            fallback=config.tts_fallback,
            timeouts=VoiceTimeouts(config.first_audio_timeout_seconds, config.next_audio_timeout_seconds),
        )

    # -- OutputListener, on the media tick

    def started(self, turn_id: str) -> None:
        """First sound and frame of a turn go out."""
        if self._turn is not None and self._turn.id == turn_id:
            self._turn.media_started()

    def mark(self, turn_id: str, mark: Mark) -> None:
        """A mark's sample starts to play."""
        if self._turn is not None and self._turn.id == turn_id:
            self._turn.mark(mark)

    def frame(self, turn_id: str, frame_index: int, pts_ms: int) -> None:
        """A video frame goes out."""
        if self._turn is not None and self._turn.id == turn_id:
            self._turn.frame(frame_index, pts_ms)

"""Sessions: the checks that need no worker, then a typed command to the worker that runs it."""

from dataclasses import dataclass
from typing import NoReturn

import structlog

from opentalking.core.commands import (
    Answer,
    CloseSession,
    Command,
    ConnectPeer,
    Created,
    CreateSession,
    Interrupt,
    Reply,
    StartChat,
    StartSession,
    StartSpeak,
    Touch,
    VoiceChoice,
)
from opentalking.core.conversation import Emotion
from opentalking.core.errors import Conflict, InvalidInput, NotFound, TooLarge, Unavailable
from opentalking.core.events import TerminatedEvent
from opentalking.core.ids import is_slug, new_id
from opentalking.core.ports import CommandBus, EventBus, SessionStore
from opentalking.core.sessions import CAN_TALK, SessionRecord, SessionSettings, SessionState
from opentalking.services.avatars import AvatarService
from opentalking.services.models import ModelService
from opentalking.services.names import ProviderNames
from opentalking.services.voice_choice import VoiceChoices

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """Sizes of content, and how long a worker may take to answer (seconds).

    `create_seconds` and `offer_seconds` are longer than the 10 and 30 s after which a worker
    itself says "initializing" and `Unavailable`; `speak_as_chat` answers `/speak` like `/chat`.
    """

    text_characters: int = 10_000
    system_prompt_characters: int = 20_000
    sdp_bytes: int = 64 * 1024
    create_seconds: float = 12.0
    offer_seconds: float = 32.0
    command_seconds: float = 10.0
    close_seconds: float = 10.0
    speak_as_chat: bool = False


@dataclass(frozen=True, slots=True)
class SessionPorts:
    """Where records, commands and events go."""

    store: SessionStore
    commands: CommandBus
    events: EventBus


@dataclass(frozen=True, slots=True)
class Offered:
    """What sessions can be made of."""

    avatars: AvatarService
    models: ModelService
    providers: ProviderNames
    voices: VoiceChoices


class SessionService:
    """Everything that clients ask of a session.

    Common errors: `NotFound` when there is no such session, `Conflict` when its state does
    not allow the request, `InvalidInput`/`TooLarge` for content, `Unavailable` when its
    worker is gone or does not answer in time; checked in this order.
    """

    def __init__(self, ports: SessionPorts, offered: Offered, limits: SessionLimits | None = None) -> None:
        self._store = ports.store
        self._bus = ports.commands
        self._events = ports.events
        self._offered = offered
        self._limits = limits or SessionLimits()

    async def create(self, wanted: SessionSettings) -> tuple[str, str]:
        """Make a session; returns its id and "created", "initializing" or "queued".

        Raises `InvalidInput`, `NotFound` (avatar), `Unavailable` (full, or no worker); then
        nothing of the session is left.
        """
        record = SessionRecord(session_id=new_id(), settings=await self._checked(wanted))
        is_made = False
        try:
            await self._store.put(record)
            command = CreateSession(session_id=record.session_id, record=record)
            reply = await self._bus.call(command, self._limits.create_seconds)
            status = reply.status if isinstance(reply, Created) else _unexpected(reply)
            is_made = True
        finally:
            if not is_made:
                await self._discard(record.session_id)
        return record.session_id, status

    async def get(self, session_id: str) -> SessionRecord:
        """The session's record, on behalf of a client: it counts as use of the session."""
        record = await self.record(session_id)
        await self._touch(session_id)
        return record

    async def record(self, session_id: str) -> SessionRecord:
        """The session's record, without a trace."""
        record = await self._store.get(session_id)
        if record is None:
            raise NotFound("session not found")
        return record

    async def exists(self, session_id: str) -> bool:
        """Whether there is such a session, without a trace."""
        return await self._store.get(session_id) is not None

    async def start(self, session_id: str) -> None:
        """Make a session ready to talk; `Conflict` the second time."""
        await self.require_talking(session_id)
        await self._call(StartSession(session_id=session_id))

    async def chat(
        self, session_id: str, prompt: str, voice: VoiceChoice, emotion: Emotion = "neutral"
    ) -> str:
        """Let the character answer `prompt`; returns the turn's id at once."""
        turn_id, voice = await self._new_turn(session_id, "prompt", prompt, voice)
        await self._call(
            StartChat(session_id=session_id, turn_id=turn_id, prompt=prompt, voice=voice, emotion=emotion)
        )
        return turn_id

    async def speak(
        self, session_id: str, text: str, voice: VoiceChoice, emotion: Emotion = "neutral"
    ) -> str:
        """Let the character say `text` (or answer it: `speak_as_chat`); returns the turn's id at once."""
        if self._limits.speak_as_chat:
            return await self.chat(session_id, text, voice, emotion)
        turn_id, voice = await self._new_turn(session_id, "text", text, voice)
        await self._call(
            StartSpeak(session_id=session_id, turn_id=turn_id, text=text, voice=voice, emotion=emotion)
        )
        return turn_id

    async def interrupt(self, session_id: str, turn_id: str | None = None) -> None:
        """Silence every turn accepted so far, or only `turn_id`; no effect when there is none."""
        record = await self._require_open(session_id)
        if record.state in CAN_TALK:
            await self._call(Interrupt(session_id=session_id, turn_id=turn_id))
        else:
            await self._touch(session_id)

    async def offer(self, session_id: str, sdp: str) -> str:
        """Answer a WebRTC offer; returns the answer's SDP."""
        record = await self.record(session_id)
        if record.state not in CAN_TALK | {SessionState.INITIALIZING}:
            raise Conflict(_why_not(record))
        if not sdp.strip():
            raise InvalidInput("sdp is blank; send the offer's description")
        if len(sdp.encode()) > self._limits.sdp_bytes:
            raise TooLarge(f"sdp is larger than {self._limits.sdp_bytes} bytes")
        reply = await self._call(ConnectPeer(session_id=session_id, sdp=sdp), self._limits.offer_seconds)
        return reply.sdp if isinstance(reply, Answer) else _unexpected(reply)

    async def delete(self, session_id: str) -> None:
        """End the session; returns when everything of it is free, also when its worker is gone."""
        await self.record(session_id)
        try:
            await self._bus.call(CloseSession(session_id=session_id), self._limits.close_seconds)
        except NotFound:
            _log.debug("session.closed_meanwhile", session_id=session_id)
        except Unavailable as error:
            if error.code != "worker_gone":
                raise
            await self._bury(session_id)
        await self._store.delete(session_id)

    async def _checked(self, wanted: SessionSettings) -> SessionSettings:
        if not is_slug(wanted.avatar_id):
            raise InvalidInput("avatar_id is not valid; take one from GET /avatars")
        await self._offered.avatars.bundle(wanted.avatar_id)
        self._offered.models.require_connected(wanted.model)
        names = self._offered.providers
        provider = names.tts_name(wanted.tts_provider)
        update = {
            "tts_provider": provider,
            "tts_model": wanted.tts_model or self._offered.voices.own_model(wanted.tts_voice, provider),
            "stt_provider": names.stt_name(wanted.stt_provider),
        }
        most = self._limits.system_prompt_characters
        if len(wanted.llm_system_prompt or "") > most:
            raise InvalidInput(f"llm_system_prompt is longer than {most} characters; shorten it")
        return wanted.model_copy(update=update)

    async def _new_turn(
        self, session_id: str, field: str, text: str, voice: VoiceChoice
    ) -> tuple[str, VoiceChoice]:
        record = await self.require_talking(session_id)
        if not text.strip():
            raise InvalidInput(f"{field} is blank; send at least one character")
        if len(text) > self._limits.text_characters:
            raise InvalidInput(
                f"{field} is longer than {self._limits.text_characters} characters; shorten it"
            )
        return new_id(), self.checked_voice(record, voice)

    async def _require_open(self, session_id: str) -> SessionRecord:
        record = await self.record(session_id)
        if record.state is SessionState.CLOSING:
            raise NotFound("session not found")
        return record

    async def require_talking(self, session_id: str) -> SessionRecord:
        """The record; raises `NotFound` or `Conflict` unless the session can talk."""
        record = await self._require_open(session_id)
        if record.state not in CAN_TALK:
            raise Conflict(f"{_why_not(record)}; it cannot talk")
        return record

    def checked_voice(self, record: SessionRecord, choice: VoiceChoice) -> VoiceChoice:
        """The voice of one turn; raises `InvalidInput` where its parts do not go together. Instant."""
        return self._offered.voices.checked(choice, record.settings.tts_provider)

    async def _call(self, command: Command, timeout_seconds: float | None = None) -> Reply:
        await self._touch(command.session_id)
        return await self._bus.call(command, timeout_seconds or self._limits.command_seconds)

    async def _touch(self, session_id: str) -> None:
        await self._bus.send(Touch(session_id=session_id))

    async def _discard(self, session_id: str) -> None:
        """Undo a creation that failed half-way; a worker that still loads is told to stop."""
        await self._bus.send(CloseSession(session_id=session_id))
        await self._store.delete(session_id)

    async def _bury(self, session_id: str) -> None:
        """Say in a dead worker's place that the session has ended."""
        await self._bus.disown(session_id)
        await self._events.publish(TerminatedEvent(session_id=session_id, reason="deleted"))


def _why_not(record: SessionRecord) -> str:
    if record.state is SessionState.ERROR:
        return "session failed to start, make a new one"
    return f"session is {record.state}"


def _unexpected(reply: Reply) -> NoReturn:
    raise TypeError(f"a worker answered with {type(reply).__name__}")

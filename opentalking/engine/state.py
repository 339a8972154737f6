"""A session's record and its way from queued to ready: the one place that moves it."""

import asyncio

import structlog

from opentalking.core.avatars import AvatarBundle
from opentalking.core.errors import Conflict, OpenTalkingError, ProviderError, Unavailable
from opentalking.core.events import ErrorEvent, QueuedEvent, StateChangedEvent
from opentalking.core.providers import Face
from opentalking.core.sessions import CAN_TALK, SessionRecord, SessionState, transition
from opentalking.engine.admission import Ticket
from opentalking.engine.config import EngineConfig, Toolbox
from opentalking.engine.report import Emit

log = structlog.get_logger(__name__)


class SessionLife:
    """Keeps the record: waits for a place, loads the face, moves the state, tells the clients.

    `loaded` resolves when an offer works, or carries the error that kept it from working.
    """

    def __init__(self, record: SessionRecord, toolbox: Toolbox, config: EngineConfig, emit: Emit) -> None:
        self.record = record
        self.loaded: asyncio.Future[Face] = asyncio.get_running_loop().create_future()
        self._tools = toolbox
        self._config = config
        self._emit = emit
        self._id = record.session_id
        self._opened: Face | None = None
        self._was_started = False
        self.avatar: AvatarBundle | None = None
        """The avatar, once loaded."""

    @property
    def state(self) -> SessionState:
        """The current state."""
        return self.record.state

    @property
    def can_talk(self) -> bool:
        """Whether a turn may start."""
        return self.state in CAN_TALK

    @property
    def face(self) -> Face | None:
        """The face, once loaded."""
        done = self.loaded.done() and not self.loaded.cancelled() and self.loaded.exception() is None
        return self.loaded.result() if done else None

    async def face_for_offer(self) -> Face:
        """Wait a while for the face; raises `Conflict` while queued, `Unavailable` when it takes too long."""
        if self.state is SessionState.QUEUED:
            raise Conflict("session is queued")
        try:
            async with asyncio.timeout(self._config.offer_wait_seconds):
                return await asyncio.shield(self.loaded)
        except TimeoutError:
            raise Unavailable("the session is still loading; send the offer again") from None

    async def move(self, to: SessionState) -> None:
        """Go to another state of the life cycle and say so."""
        self.record = transition(self.record, to)
        self._emit(StateChangedEvent(session_id=self._id, state=to.value))
        await self._tools.store.put(self.record)

    async def speaking(self, is_speaking: bool) -> None:
        """A turn begins, which also starts a session that was not started, or has ended."""
        if is_speaking:
            if self.state is SessionState.WORKER_READY:
                await self.move(SessionState.READY)
            await self.move(SessionState.SPEAKING)
        elif self.state is SessionState.SPEAKING:
            await self.move(SessionState.READY)

    async def queued_at(self, position: int) -> None:
        """The place in the queue is now `position` (≥ 1); ignored when it waits no longer."""
        if self.state is not SessionState.QUEUED:
            return
        self.record = self.record.model_copy(update={"queue_position": position})
        self._emit(QueuedEvent(session_id=self._id, position=position, message="waiting"))
        await self._tools.store.put(self.record)

    async def prepare(self, ticket: Ticket) -> bool:
        """Wait for a place and load the face; whether that worked. Failures leave the state `error`."""
        try:
            waited = await self._wait_for_place(ticket)
            await self.move(SessionState.INITIALIZING)
            async with asyncio.timeout(self._config.load_timeout_seconds):
                face = await self._load()
            await self.move(SessionState.WORKER_READY)
        except TimeoutError:
            await self._failed(Unavailable("the avatar did not load in time", code="load_timeout"))
            return False
        except OpenTalkingError as error:
            await self._failed(error)
            return False
        if waited:
            self._emit(QueuedEvent(session_id=self._id, position=0, message="slot_acquired"))
        self.loaded.set_result(face)
        return True

    async def start(self) -> None:
        """Become ready to talk, as a client asks once; raises `Conflict` otherwise."""
        if self._was_started:
            raise Conflict("the session was started before; it can be started once")
        if self.state not in CAN_TALK:
            raise Conflict(f"the session is {self.state}; it cannot be started now")
        self._was_started = True
        if self.state is SessionState.WORKER_READY:
            await self.move(SessionState.READY)

    async def aclose(self) -> None:
        """The session ends: whoever waits for `loaded` learns it, and the face goes, however far it came."""
        if not self.loaded.done():
            self._refuse(Unavailable("the session ended before it was ready"))
        face, self._opened = self._opened, None
        if face is not None:
            await face.aclose()

    async def _wait_for_place(self, ticket: Ticket) -> bool:
        if ticket.granted.is_set():
            return False
        await self.queued_at(ticket.position)
        try:
            async with asyncio.timeout(self._config.admission.slot_timeout_seconds or None):
                await ticket.granted.wait()
        except TimeoutError:
            self._emit(QueuedEvent(session_id=self._id, position=-1, message="timeout"))
            raise Unavailable("no slot became free in time", code="queue_timeout") from None
        return True

    async def _load(self) -> Face:
        settings = self.record.settings
        bundle = self.avatar = await self._tools.avatars.bundle(settings.avatar_id)
        try:
            face = self._opened = await self._tools.renderers[settings.model].open(bundle)
        except ProviderError:
            await self._tools.avatars.bundle(settings.avatar_id)  # deleted meanwhile: `NotFound` says so
            raise
        await self._tools.idle_cache.get(face.idle_key, "h264", face.idle_frames)
        return face

    async def _failed(self, error: OpenTalkingError) -> None:
        log.error("session failed to start", session_id=self._id, code=error.code, error=error.log_message)
        self._emit(ErrorEvent(session_id=self._id, code=error.code, message=error.message))
        for observer in self._tools.observers:
            observer.stage_failed("load", error.code)
        await self.move(SessionState.ERROR)
        self._refuse(error)

    def _refuse(self, error: OpenTalkingError) -> None:
        self.loaded.set_exception(error)
        self.loaded.exception()  # marks it as seen: nobody has to wait for it

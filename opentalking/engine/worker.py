"""A worker: takes commands from the bus, owns live sessions, keeps their media clock."""

import asyncio

import structlog

from opentalking.core.commands import Created, CreateSession
from opentalking.core.errors import InvalidInput, NotFound, OpenTalkingError
from opentalking.core.events import ErrorEvent, ExpiredEvent, TerminatedEvent
from opentalking.core.ids import new_id
from opentalking.core.ports import Delivery
from opentalking.engine.admission import Admission, Ticket
from opentalking.engine.config import EngineConfig, Toolbox
from opentalking.engine.inbox import Ending
from opentalking.engine.session import Session

log = structlog.get_logger(__name__)


class Worker:
    """Runs sessions until cancelled; `admission` tells how full it is."""

    def __init__(self, toolbox: Toolbox, config: EngineConfig, worker_id: str = "") -> None:
        self.id = worker_id or new_id()
        self.admission = Admission(config.admission)
        self._tools = toolbox
        self._config = config
        self._sessions: dict[str, Session] = {}
        self._group = asyncio.TaskGroup()

    async def run(self) -> None:
        """Serve commands until cancelled; then every session ends, with its events."""
        async with self._group:
            clock = self._group.create_task(self._tools.ticker.run())
            try:
                async for delivery in self._tools.commands.deliveries(self.id):
                    await self._dispatch(delivery)
            finally:
                await self._end_all()
                clock.cancel()

    def session(self, session_id: str) -> Session | None:
        """A live session of this worker."""
        return self._sessions.get(session_id)

    async def _end_all(self) -> None:
        sessions = list(self._sessions.values())
        for session in sessions:
            session.end(Ending("shutdown"))
        limit = asyncio.get_running_loop().time() + 2 * self._config.close_timeout_seconds
        for session in sessions:
            try:
                async with asyncio.timeout_at(limit):
                    await session.ended.wait()
            except TimeoutError:
                log.warning("session did not end in time", session_id=session.id)

    async def _dispatch(self, delivery: Delivery) -> None:
        command = delivery.command
        if isinstance(command, CreateSession):
            try:
                await self._create(delivery, command)
            except OpenTalkingError as error:
                await delivery.fail(error)
            return
        session = self.session(command.session_id)
        if session is None:
            await delivery.fail(NotFound("session not found"))
        else:
            await session.submit(delivery)

    async def _create(self, delivery: Delivery, command: CreateSession) -> None:
        record = command.record.model_copy(update={"worker_id": self.id})
        renderer = self._tools.renderers.get(record.settings.model)
        if renderer is None:
            raise InvalidInput(f"model {record.settings.model} is not available on this worker")
        slot = record.settings.model if renderer.capabilities.single_slot else None
        session: Session

        def moved(position: int) -> None:
            session.queue_position(position)

        ticket = self.admission.enter(record.session_id, slot, moved)
        session = Session(record, self._tools, self._config, lambda: self._release(record.session_id, ticket))
        self._sessions[record.session_id] = session
        await self._tools.store.put(record)
        await self._tools.commands.own(record.session_id, self.id)
        self._group.create_task(self._run_session(session, ticket))
        self._group.create_task(self._tell_created(delivery, session, ticket))

    async def _tell_created(self, delivery: Delivery, session: Session, ticket: Ticket) -> None:
        if not ticket.granted.is_set():
            await delivery.reply(Created(status="queued"))
            return
        try:
            async with asyncio.timeout(self._config.create_reply_seconds):
                await asyncio.shield(session.loaded)
        except TimeoutError:
            await delivery.reply(Created(status="initializing"))
        except OpenTalkingError as error:
            session.end(Ending("error"))
            await delivery.fail(error)
        else:
            await delivery.reply(Created(status="created"))

    async def _run_session(self, session: Session, ticket: Ticket) -> None:
        try:
            await session.run(ticket)
        except Exception:
            log.exception("session crashed", session_id=session.id)
            await self._tell_crash(session.id)
        finally:
            session.ended.set()
            await self._release(session.id, ticket)
            await self._tools.events.forget(session.id)

    async def _tell_crash(self, session_id: str) -> None:
        for observer in self._tools.observers:
            observer.stage_failed("session", "internal_error")
        message = "the session crashed; the log has details"
        publish = self._tools.events.publish
        await publish(ErrorEvent(session_id=session_id, code="internal_error", message=message))
        await publish(ExpiredEvent(session_id=session_id, message="worker_lost"))
        await publish(TerminatedEvent(session_id=session_id, reason="crashed"))

    async def _release(self, session_id: str, ticket: Ticket) -> None:
        ticket.leave()
        if self._sessions.pop(session_id, None) is not None:
            await self._tools.store.delete(session_id)
            await self._tools.commands.disown(session_id)

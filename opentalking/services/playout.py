"""What pages report about the sound that their visitors hear."""

import structlog

from opentalking.core.commands import ReportSilence
from opentalking.core.errors import NotFound
from opentalking.core.ports import CommandBus
from opentalking.core.sessions import SessionState
from opentalking.services.sessions import SessionService

_log = structlog.get_logger(__name__)


class PlayoutService:
    """Takes reports; they change nothing but the server's figures."""

    def __init__(self, sessions: SessionService, commands: CommandBus) -> None:
        self._sessions, self._bus = sessions, commands

    async def fell_silent(self, session_id: str, turn_id: str, after_ms: int) -> None:
        """A page heard the last of an interrupted turn so long after it learnt of its end; `NotFound`."""
        record = await self._sessions.record(session_id)
        if record.state is SessionState.CLOSING:
            raise NotFound("session not found")
        await self._bus.send(ReportSilence(session_id=session_id, turn_id=turn_id, after_ms=after_ms))
        _log.info("page fell silent", session_id=session_id, turn_id=turn_id, after_ms=after_ms)

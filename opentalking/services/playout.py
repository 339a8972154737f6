"""What pages report about the sound that their visitors hear."""

import math
import time
from collections.abc import Callable

import structlog

from opentalking.core.commands import ReportSilence
from opentalking.core.errors import NotFound, TooMany
from opentalking.core.ports import CommandBus
from opentalking.core.sessions import SessionState
from opentalking.services.sessions import SessionService

MAX_AT_ONCE = 60
REPORTS_PER_SECOND = 4.0
"""A session has at most eight event streams: eight pages that stop an avatar every other second."""

_log = structlog.get_logger(__name__)


class PlayoutService:
    """Takes reports; they change nothing but the server's figures.

    Of one session it takes `MAX_AT_ONCE`, and from then on `REPORTS_PER_SECOND` by `clock` (seconds).
    """

    def __init__(
        self, sessions: SessionService, commands: CommandBus, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._sessions, self._bus, self._clock = sessions, commands, clock
        self._full_again_at: dict[str, float] = {}

    async def fell_silent(self, session_id: str, turn_id: str, after_ms: int) -> None:
        """A page heard the last of an interrupted turn so long after it learnt of its end.

        Raises `NotFound`, and `TooMany` when the session reports too much.
        """
        record = await self._sessions.record(session_id)
        if record.state is SessionState.CLOSING:
            raise NotFound("session not found")
        self._take_place(session_id)
        await self._bus.send(ReportSilence(session_id=session_id, turn_id=turn_id, after_ms=after_ms))
        _log.info("page fell silent", session_id=session_id, turn_id=turn_id, after_ms=after_ms)

    def _take_place(self, session_id: str) -> None:
        now = self._clock()
        for known, full_at in tuple(self._full_again_at.items()):
            if full_at <= now:
                del self._full_again_at[known]  # as one that never reported
        full_at = self._full_again_at.get(session_id, now) + 1 / REPORTS_PER_SECOND
        too_early_seconds = full_at - now - MAX_AT_ONCE / REPORTS_PER_SECOND
        if too_early_seconds > 0:
            raise TooMany(
                f"this session reports too often; at most {REPORTS_PER_SECOND:g} reports a second are taken",
                retry_after_seconds=math.ceil(too_early_seconds),
            )
        self._full_again_at[session_id] = full_at

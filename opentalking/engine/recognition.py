"""One recognition on its way: what may stop it, and how it learns."""

import asyncio
from collections.abc import Awaitable, Callable

from opentalking.core.errors import Conflict, OpenTalkingError


class Recognition:
    """One recognition, at first perhaps only expected; `stop` ends it with an error, wherever it is.

    `answer`: its words start the turn `turn_id`. `on_stop` is called at once when somebody stops it.
    """

    def __init__(
        self,
        turn_id: str,
        *,
        answer: bool,
        is_expected: bool = False,
        on_stop: Callable[[], None] = lambda: None,
    ) -> None:
        self.turn_id = turn_id
        self.answer = answer
        self.is_expected = is_expected
        self.ended_at: float | None = None
        """When the last of a client's sound was there (monotonic seconds)."""
        self._on_stop = on_stop
        self._error: OpenTalkingError | None = None
        self._timeout: asyncio.Timeout | None = None
        self._timer: asyncio.TimerHandle | None = None

    def stop(self, error: OpenTalkingError) -> None:
        """End it soon; the first error stays. It may take its time to end: later calls do nothing."""
        if self._error is None:
            self._end(error)
            self._on_stop()

    def stop_after(self, seconds: float, error: OpenTalkingError) -> None:
        """End it if it takes that much longer."""
        self._timer = asyncio.get_running_loop().call_later(seconds, self._end, error)

    def _end(self, error: OpenTalkingError) -> None:
        if self._error is not None:
            return
        self._error = error
        if self._timeout is not None:
            self._timeout.reschedule(asyncio.get_running_loop().time())

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


def interrupted() -> Conflict:
    """What a recognition is stopped with by an interrupt or a new turn."""
    return Conflict("interrupted: it was cancelled by an interrupt or a new turn", code="interrupted")

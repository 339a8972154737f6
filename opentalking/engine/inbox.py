"""The commands of one session: in order, bounded, and none of them left without an answer."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from opentalking.core.commands import CloseSession, Command, Interrupt, Reply
from opentalking.core.errors import NotFound, OpenTalkingError, TooMany, Unavailable
from opentalking.core.ports import Delivery
from opentalking.engine.expiry import ExpiryReason

MAX_PENDING_COMMANDS = 64
MAX_PENDING_ASIDE = 4
"""Of each kind of command that is carried out beside the queue."""


@dataclass(frozen=True, slots=True)
class Ending:
    """The session ends: `reason` for the log and the clients; `expired` unless DELETE asked for it."""

    reason: str
    expired: ExpiryReason | None = "session_expired"


@dataclass(frozen=True, slots=True)
class Moved:
    """The session's place in the queue is now `position`."""

    position: int


class Inbox:
    """Takes commands from outside and the server's own news; `close` answers whatever is left.

    `on_refused` is told of each command for which there is no room beside the queue.
    """

    def __init__(self, on_refused: Callable[[Command, TooMany], None]) -> None:
        self._on_refused = on_refused
        self._queue: asyncio.Queue[Delivery | Ending | Moved] = asyncio.Queue()
        self._aside: set[Delivery] = set()
        self._closed = False

    async def submit(self, delivery: Delivery) -> None:
        """Queue a command behind the earlier ones; a flood is refused."""
        if self._closed:
            await delivery.fail(NotFound("session not found"))
        elif self._queue.qsize() >= self._limit_for(delivery.command):
            await delivery.fail(TooMany("too many commands wait for this session; slow down"))
        else:
            self._queue.put_nowait(delivery)

    def _limit_for(self, command: Command) -> float:
        """The more talk waits, the more an interrupt is needed: it has room of its own."""
        match command:
            case CloseSession():
                return math.inf
            case Interrupt():
                return 2 * MAX_PENDING_COMMANDS
        return MAX_PENDING_COMMANDS

    def tell(self, news: Ending | Moved) -> None:
        """Queue news of the server's own; there are few, and they are always taken."""
        self._queue.put_nowait(news)

    async def next(self) -> Delivery | Ending | Moved:
        """The next item."""
        return await self._queue.get()

    async def set_aside(self, delivery: Delivery) -> bool:
        """Note a command that is going to be answered beside the queue; a flood of a kind is refused."""
        kind = delivery.command.type
        if sum(1 for other in self._aside if other.command.type == kind) >= MAX_PENDING_ASIDE:
            error = TooMany(f"too many '{kind}' requests of this session wait; slow down")
            self._on_refused(delivery.command, error)
            await delivery.fail(error)
            return False
        self._aside.add(delivery)
        return True

    async def answer(self, delivery: Delivery, work: Callable[[], Awaitable[Reply]]) -> None:
        """Reply with what `work` gives or raises; a failure that is none of ours goes on."""
        try:
            reply = await work()
        except OpenTalkingError as error:
            await delivery.fail(error)
        except BaseException:
            await delivery.fail(Unavailable("the session ended before it could answer"))
            raise
        else:
            await delivery.reply(reply)
        finally:
            self._aside.discard(delivery)

    async def close(self) -> None:
        """The session is gone; also who was set aside and cancelled before a first step learns it."""
        self._closed = True
        left = [item for item in self._drain() if isinstance(item, Delivery)]
        for delivery in [*self._aside, *left]:
            await delivery.fail(NotFound("session not found"))
        self._aside.clear()

    def _drain(self) -> list[Delivery | Ending | Moved]:
        return [self._queue.get_nowait() for _ in range(self._queue.qsize())]

"""Jobs that wait: of each session one runs at a time, and the sessions take turns."""

import asyncio
from collections import Counter, OrderedDict, deque
from typing import Generic, TypeVar

from opentalking.core.errors import Unavailable

T = TypeVar("T")
_RETRY_SECONDS = 30


class JobQueue(Generic[T]):
    """A bounded queue of jobs by session; `next` gives the longest-waiting session that runs none.

    A place is reserved before a job is prepared, and given back by `release` when it is done or came
    to nothing. `per_session` and `in_all` count places, those of running jobs too.
    """

    def __init__(self, per_session: int, in_all: int) -> None:
        self._per_session = per_session
        self._in_all = in_all
        self._places: Counter[str] = Counter()
        self._waiting: OrderedDict[str, deque[T]] = OrderedDict()
        self._running: set[str] = set()
        self._changed = asyncio.Event()

    def reserve(self, session_id: str) -> None:
        """Take a place; raises `Unavailable` when the session, or all of them, have no more."""
        if self._places[session_id] >= self._per_session:
            raise Unavailable(
                f"{self._places[session_id]} jobs of this session are not done yet; wait for one of them",
                retry_after_seconds=_RETRY_SECONDS,
            )
        if self._places.total() >= self._in_all:
            raise Unavailable(
                "too many jobs wait on this server; try again later", retry_after_seconds=_RETRY_SECONDS
            )
        self._places[session_id] += 1

    def release(self, session_id: str) -> None:
        """Give a place back."""
        self._places[session_id] -= 1
        if not self._places[session_id]:
            del self._places[session_id]

    def put(self, session_id: str, job: T) -> None:
        """Let a job wait, in the place reserved for it."""
        self._waiting.setdefault(session_id, deque()).append(job)
        self._changed.set()

    async def next(self) -> tuple[str, T]:
        """The next job to run, and its session; `done` must follow."""
        while True:
            for session_id, jobs in self._waiting.items():
                if session_id not in self._running:
                    return session_id, self._take(session_id, jobs)
            self._changed.clear()
            await self._changed.wait()

    def _take(self, session_id: str, jobs: deque[T]) -> T:
        self._running.add(session_id)
        job = jobs.popleft()
        if jobs:
            self._waiting.move_to_end(session_id)
        else:
            del self._waiting[session_id]
        return job

    def done(self, session_id: str) -> None:
        """The session's job has ended; its place is free."""
        self._running.discard(session_id)
        self.release(session_id)
        self._changed.set()

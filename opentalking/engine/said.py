"""What a session has said, as it was heard: kept on disk while the session lives, for offline bundles."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import aclosing
from functools import partial
from pathlib import Path

import structlog

from opentalking.core.commands import Done
from opentalking.core.errors import Conflict, Unavailable
from opentalking.core.media import I420, MEDIA_RATE, Segment, Speech
from opentalking.core.providers import Face
from opentalking.media.output import MediaOutput
from opentalking.media.said import (
    SaidPiece,
    SaidTurn,
    append,
    copy_turns,
    end_after,
    forget,
    job_folder,
    remove,
    session_folder,
)

MAX_UNWRITTEN_BYTES = 32 * 2**20
"""Of all sessions: while the disk is that far behind, nothing more is kept."""

log = structlog.get_logger(__name__)


class SaidSpool:
    """Where all sessions of a worker keep what they say: below `root`, written by `executor` in order.

    A session keeps the last `max_seconds` of what was heard, by whole turns: the oldest are dropped. Of
    a turn that is longer, only its beginning is kept. The executor must have one thread.
    """

    def __init__(self, root: Path, executor: Executor, max_seconds: float = 1800.0) -> None:
        self.root = root
        self.max_samples = int(max_seconds * MEDIA_RATE)
        self._executor = executor
        self._unwritten: dict[Future[None], int] = {}

    def submit(self, work: Callable[[], None], size: int = 0) -> Future[None] | None:
        """Do `work`, which holds `size` bytes, after all that came before; None when too much waits."""
        self._unwritten = {f: held for f, held in self._unwritten.items() if not f.done()}
        if size and sum(self._unwritten.values()) + size > MAX_UNWRITTEN_BYTES:
            return None
        future = self._executor.submit(work)
        self._unwritten[future] = size
        return future


class _KeptTurn:
    """One turn while it runs: takes its pieces until it is over."""

    def __init__(
        self, name: str, output: MediaOutput, write: Callable[["_KeptTurn", SaidPiece], None]
    ) -> None:
        self.name = name
        self.end_samples = 0
        self.is_over = self.is_full = False
        self._output = output
        self._write = write

    def said(self, turn_id: str) -> SaidTurn:
        """What was heard of it by now."""
        return SaidTurn(self.name, min(self._output.heard_samples(turn_id), self.end_samples))

    async def listen(self, speech: AsyncIterator[Speech]) -> AsyncIterator[Speech]:
        """Hand the pieces on, and keep them."""
        async for piece in speech:
            if not self.is_over and not self.is_full:
                begins = any(mark.kind == "sentence_start" for mark in piece.marks)
                start, self.end_samples = self.end_samples, end_after(self.end_samples, piece)
                self._write(self, SaidPiece(piece, start, begins))
            yield piece


class _ListeningFace:
    """The face of one turn: draws as `face` does, and tells `turn` what it draws to."""

    def __init__(self, face: Face, turn: _KeptTurn, began: Callable[[], None]) -> None:
        self._face, self._turn, self._began = face, turn, began
        self.width, self.height, self.idle_key = face.width, face.height, face.idle_key

    def idle_frames(self) -> Iterator[I420]:
        """As the face's own."""
        return self._face.idle_frames()

    async def render(
        self, speech: AsyncIterator[Speech], turn_id: str, idle_position: int = 0
    ) -> AsyncGenerator[Segment, None]:
        """As the face's own."""
        self._began()
        frames = self._face.render(self._turn.listen(speech), turn_id, idle_position)
        async with aclosing(frames) as segments:
            async for segment in segments:
                yield segment

    async def aclose(self) -> None:
        """The face belongs to the session."""


class Said:
    """One session's sound so far: of each turn what was heard of it, on disk (without a `spool`: nothing)."""

    def __init__(self, spool: SaidSpool | None, session_id: str) -> None:
        self._spool = spool
        self._session_id = session_id
        self._turns: deque[SaidTurn] = deque()
        self._running: dict[str, _KeptTurn] = {}
        self._count = 0

    def listening(self, face: Face, turn_id: str, output: MediaOutput) -> Face:
        """`face`, for one turn whose sound is to be kept as `output` plays it."""
        if self._spool is None or not self._spool.max_samples:
            return face
        self._count += 1
        turn = _KeptTurn(f"{self._count:06}", output, self._keep)
        return _ListeningFace(face, turn, partial(self._running.__setitem__, turn_id, turn))

    def over(self, turn_id: str) -> None:
        """The turn will not be heard any more."""
        turn = self._running.pop(turn_id, None)
        if turn is None or self._spool is None:
            return
        turn.is_over = True
        said = turn.said(turn_id)
        if said.heard_samples:
            self._turns.append(said)
            self._make_room(0)
        else:
            self._spool.submit(partial(remove, self._folder, turn.name))

    def copy_for(self, job_id: str) -> Callable[[], Awaitable[Done]]:
        """Put what was heard until this moment beside a job; what is returned waits until that is done.

        The session may go on, or end. It raises `Conflict` when nothing was heard, `Unavailable` when the
        disk refuses.
        """
        running = (turn.said(turn_id) for turn_id, turn in self._running.items())
        turns = [turn for turn in (*self._turns, *running) if turn.heard_samples]
        if self._spool is None or not turns:
            return partial(_copied, None)
        target = job_folder(self._spool.root, self._session_id, job_id) / "work" / "said"
        return partial(_copied, self._submit(partial(copy_turns, self._folder, target, turns)))

    async def aclose(self) -> None:
        """Forget everything; what was copied for a job stays."""
        if self._spool is not None and self._count:
            self._turns.clear()
            self._running.clear()
            forgotten = self._submit(partial(forget, self._folder))
            # Whoever waits may give up; what was said must go all the same.
            await asyncio.shield(asyncio.wrap_future(forgotten))

    @property
    def _folder(self) -> Path:
        assert self._spool is not None  # noqa: S101 - callers check
        return session_folder(self._spool.root, self._session_id)

    def _submit(self, work: Callable[[], None]) -> Future[None]:
        assert self._spool is not None  # noqa: S101 - callers check
        future = self._spool.submit(work)
        assert future is not None  # noqa: S101 - work without sound is never refused
        return future

    def _keep(self, turn: _KeptTurn, piece: SaidPiece) -> None:
        assert self._spool is not None  # noqa: S101 - only a spool makes kept turns
        write = partial(self._append, turn.name, piece)
        too_long = turn.end_samples > self._spool.max_samples
        if too_long or self._spool.submit(write, piece.speech.pcm.nbytes) is None:
            turn.is_full = True
            turn.end_samples = piece.start_samples
            log.warning("rest of the turn not kept", session_id=self._session_id, too_long=too_long)
        else:
            self._make_room(turn.end_samples)

    def _append(self, name: str, piece: SaidPiece) -> None:
        try:
            append(self._folder, name, piece)
        except OSError as error:
            log.warning("what was said is not kept", session_id=self._session_id, error=error.strerror)

    def _make_room(self, running_samples: int) -> None:
        assert self._spool is not None  # noqa: S101 - callers check
        kept = sum(turn.heard_samples for turn in self._turns) + running_samples
        while kept > self._spool.max_samples and self._turns:
            oldest = self._turns.popleft()
            kept -= oldest.heard_samples
            self._spool.submit(partial(remove, self._folder, oldest.name))


async def _copied(copy: Future[None] | None) -> Done:
    if copy is None:
        raise Conflict("the session has said nothing yet that could be rendered; let it speak first")
    try:
        await asyncio.wrap_future(copy)
    except OSError as error:
        raise Unavailable(f"what was said cannot be read: {error.strerror}") from error
    return Done()

"""Who may run now, who waits, and who is turned away."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from opentalking.core.errors import Unavailable
from opentalking.engine.config import AdmissionConfig


@dataclass(eq=False, slots=True)
class Ticket:
    """A session's place: running once `granted` is set, else `position` ≥ 1 in its line."""

    session_id: str
    slot: str | None
    on_position: Callable[[int], None]
    on_leave: Callable[["Ticket"], None]
    granted: asyncio.Event = field(default_factory=asyncio.Event)
    position: int = 0

    def leave(self) -> None:
        """Give the place back (running or waiting); whoever can run now is granted. Idempotent."""
        self.on_leave(self)


class Admission:
    """Counts running sessions, one per single-slot model among them; first come, first served per line.

    `slot` names a model that serves one session at a time; its sessions always wait in
    line, the others only when the configuration lets them.
    """

    def __init__(self, config: AdmissionConfig) -> None:
        self._config = config
        self._running: set[Ticket] = set()
        self._waiting: list[Ticket] = []

    @property
    def slot_occupied(self) -> bool:
        """Whether a new session of a single-slot model (or any, when the server is full) would wait."""
        return self._full or any(ticket.slot for ticket in self._running)

    @property
    def queue_size(self) -> int:
        """How many sessions wait."""
        return len(self._waiting)

    @property
    def _full(self) -> bool:
        return len(self._running) >= self._config.max_sessions

    def enter(self, session_id: str, slot: str | None, on_position: Callable[[int], None]) -> Ticket:
        """A ticket, granted at once where there is room; raises `Unavailable` when waiting is impossible."""
        ticket = Ticket(session_id, slot, on_position, self._leave)
        line = [other for other in self._waiting if other.slot == slot]
        if not line and self._has_room(ticket):
            self._grant(ticket)
            return ticket
        limit = self._config.slot_queue_max_size if slot else self._config.queue_max_size
        if not slot and not self._config.queue_sessions:
            raise Unavailable(
                f"the server is full: {self._config.max_sessions} sessions are running; try again later"
            )
        if len(line) >= limit:
            raise Unavailable(f"{len(line)} sessions wait already; try again later")
        ticket.position = len(line) + 1
        self._waiting.append(ticket)
        return ticket

    def _leave(self, ticket: Ticket) -> None:
        self._running.discard(ticket)
        if ticket in self._waiting:
            self._waiting.remove(ticket)
        for other in list(self._waiting):
            if self._has_room(other) and self._first_in_line(other):
                self._waiting.remove(other)
                self._grant(other)
        self._renumber()

    def _has_room(self, ticket: Ticket) -> bool:
        taken = ticket.slot is not None and any(other.slot == ticket.slot for other in self._running)
        return not self._full and not taken

    def _first_in_line(self, ticket: Ticket) -> bool:
        return next(other for other in self._waiting if other.slot == ticket.slot) is ticket

    def _grant(self, ticket: Ticket) -> None:
        ticket.position = 0
        self._running.add(ticket)
        ticket.granted.set()

    def _renumber(self) -> None:
        counts: dict[str | None, int] = {}
        for ticket in self._waiting:
            counts[ticket.slot] = position = counts.get(ticket.slot, 0) + 1
            if ticket.position != position:
                ticket.position = position
                ticket.on_position(position)

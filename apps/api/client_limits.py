"""How much one client may have in work at once."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from apps.api.clients import CLIENT
from apps.api.refusals import refuse
from opentalking.core.errors import TooMany

RETRY_AFTER_SECONDS = 5


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """The most of each kind for one client at once; 0 is no limit."""

    sessions: int = 0
    requests: int = 0
    uploads: int = 0
    previews: int = 0


class Places:
    """Places of one kind, so many for each client."""

    def __init__(self, most: int, what: str) -> None:
        self.most = most
        self.what = what
        self._taken: Counter[str] = Counter()

    @property
    def clients(self) -> int:
        """How many clients have any place."""
        return len(self._taken)

    def taken(self, client: str) -> int:
        """How many places a client has."""
        return self._taken.get(client, 0)

    @contextmanager
    def one(self, client: str, besides: int = 0) -> Iterator[None]:
        """Hold one place while inside; `besides` counts as taken. Raises `TooMany`."""
        if self.most and self.taken(client) + besides >= self.most:
            raise TooMany(
                f"this client has {self.most} {self.what} already; wait until one ends",
                retry_after_seconds=RETRY_AFTER_SECONDS,
            )
        self._taken[client] += 1
        try:
            yield
        finally:
            self._taken[client] -= 1
            if not self._taken[client]:
                del self._taken[client]


class SessionPlaces:
    """The sessions of each client, counted while they live.

    `is_live` says whether a session still exists: a place is free as soon as its session is
    gone, for whatever reason.
    """

    def __init__(self, most: int) -> None:
        self._coming = Places(most, "sessions")
        self._made: dict[str, set[str]] = {}

    @asynccontextmanager
    async def one(
        self, client: str, is_live: Callable[[str], Awaitable[bool]]
    ) -> AsyncIterator[Callable[[str], None]]:
        """A place for a session; the block calls what it gets with the session's id. Raises `TooMany`."""
        await self._forget_ended(is_live)
        with self._coming.one(client, len(self._made.get(client, ()))):
            yield lambda session_id: self._made.setdefault(client, set()).add(session_id)

    async def _forget_ended(self, is_live: Callable[[str], Awaitable[bool]]) -> None:
        for client, ids in list(self._made.items()):
            for session_id in list(ids):
                if not await is_live(session_id):
                    ids.discard(session_id)
            if not ids and self._made.get(client) is ids:
                del self._made[client]


@dataclass(slots=True)
class ClientPlaces:
    """The places of all kinds."""

    limits: ClientLimits = field(default_factory=ClientLimits)
    sessions: SessionPlaces = field(init=False)
    requests: Places = field(init=False)
    uploads: Places = field(init=False)
    previews: Places = field(init=False)

    def __post_init__(self) -> None:
        self.sessions = SessionPlaces(self.limits.sessions)
        self.requests = Places(self.limits.requests, "requests in work")
        self.uploads = Places(self.limits.uploads, "uploads in work")
        self.previews = Places(self.limits.previews, "voice previews in work")

    def wanted(self, scope: Scope) -> Sequence[Places]:
        """What a request takes places of."""
        if scope["path"] in ("/metrics", "/api/metrics"):
            return ()  # a full server is just what its figures should show
        kinds = [self.requests]
        if Headers(scope=scope).get("content-type", "").lower().startswith("multipart/"):
            kinds.append(self.uploads)
        if scope["path"] in ("/tts/preview", "/api/tts/preview"):
            kinds.append(self.previews)
        return kinds


class LimitedClients:
    """ASGI middleware: a request holds its client's places until it is over, else it gets 429."""

    def __init__(self, app: ASGIApp, places: ClientPlaces) -> None:
        self._app = app
        self._places = places

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or answer 429."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        with ExitStack() as held:
            try:
                for kind in self._places.wanted(scope):
                    held.enter_context(kind.one(scope[CLIENT]))
            except TooMany as error:
                held.close()
                retry = {"Retry-After": str(error.retry_after_seconds)}
                await refuse(scope, receive, send, (429, error.message), retry)
                return
            await self._app(scope, receive, send)

"""Has the chat model read a question while it is still spoken."""

import asyncio

import structlog

from opentalking.core.errors import ProviderError
from opentalking.core.providers import ReadsAhead
from opentalking.engine.ear.parts import EarParts, EarWays

SETTLE_SECONDS = 1.0
"""How long an answer waits at most for what is being read: it is the beginning of what it needs."""
_READ_SECONDS = 5.0

log = structlog.get_logger(__name__)


class ReadAhead:
    """One reading at a time, of the latest words; words that came meanwhile are read next.

    Does nothing with a chat model that does not read ahead. Its failures are left to the answer.
    """

    def __init__(self, parts: EarParts, ways: EarWays) -> None:
        self._parts = parts
        self._spawn = ways.spawn
        self._reading: asyncio.Task[None] | None = None
        self._next = ""

    def hear(self, words: str) -> None:
        """These are the words so far."""
        if not words or not isinstance(self._parts.tools.chat_model, ReadsAhead):
            return
        self._next = words
        if self._reading is None or self._reading.done():
            self._reading = self._spawn(self._read())

    async def settle(self) -> None:
        """The words are all there: read nothing more, and wait for what is being read."""
        self._next = ""
        if self._reading is None:
            return
        _, late = await asyncio.wait({self._reading}, timeout=SETTLE_SECONDS)
        for reading in late:
            reading.cancel()

    async def _read(self) -> None:
        model = self._parts.tools.chat_model
        while self._next and isinstance(model, ReadsAhead):
            words, self._next = self._next, ""
            messages = self._parts.talk.asking(words)
            try:
                async with asyncio.timeout(_READ_SECONDS):
                    if messages:
                        await model.read_ahead(messages)
            except (ProviderError, TimeoutError) as error:
                log.info("not read ahead", session_id=self._parts.session_id, error=type(error).__name__)
            except Exception:
                log.exception("reading ahead crashed", session_id=self._parts.session_id)

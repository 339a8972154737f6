"""Has the chat model read a question while it is still spoken."""

import asyncio

import structlog

from opentalking.core.errors import ProviderError
from opentalking.core.providers import ReadsAhead
from opentalking.engine.ear.parts import EarParts, EarWays

READ_SECONDS = 3.0
"""A reading takes at most so long, and an answer waits for its end: it is the beginning of what it needs."""

log = structlog.get_logger(__name__)


class ReadAhead:
    """One reading at a time, of the latest words; those that came meanwhile are read next.

    After a reading it rests for as long as that took: where others need the processor, too, less is read.
    Does nothing with a chat model that does not read ahead. Its failures are left to the answer.
    """

    def __init__(self, parts: EarParts, ways: EarWays) -> None:
        self._parts = parts
        self._spawn = ways.spawn
        self._reading: asyncio.Task[None] | None = None
        self._next = ""
        self._rests_until = 0.0

    def hear(self, words: str) -> None:
        """These are the words so far."""
        if not words or not isinstance(self._parts.tools.chat_model, ReadsAhead):
            return
        self._next = words
        is_resting = asyncio.get_running_loop().time() < self._rests_until
        if not is_resting and (self._reading is None or self._reading.done()):
            self._reading = self._spawn(self._read())

    async def settle(self) -> None:
        """The words are all there: read nothing more, and wait for what is being read."""
        self._next = ""
        if self._reading is not None:
            await asyncio.wait({self._reading})

    async def _read(self) -> None:
        time = asyncio.get_running_loop().time
        while self._next:
            words, self._next = self._next, ""
            began_at = time()
            await self._read_once(words)
            self._rests_until = 2 * time() - began_at

    async def _read_once(self, words: str) -> None:
        model, messages = self._parts.tools.chat_model, self._parts.talk.asking(words)
        if not messages or not isinstance(model, ReadsAhead):
            return
        try:
            async with asyncio.timeout(READ_SECONDS):
                await model.read_ahead(messages)
        except (ProviderError, TimeoutError) as error:
            log.info("not read ahead", session_id=self._parts.session_id, error=type(error).__name__)
        except Exception:
            log.exception("reading ahead crashed", session_id=self._parts.session_id)

"""Asks, in a pause, whether the speaker has finished."""

import asyncio
from collections.abc import Callable

import structlog

from opentalking.core.errors import ProviderError, provider_errors
from opentalking.core.media import Samples
from opentalking.engine.ear.parts import EarParts, EarWays

ASK_SECONDS = 2.0
"""The longest that an answer is waited for; the decision does not wait."""

log = structlog.get_logger(__name__)


class TurnEnds:
    """Asks the turn detector about one pause at a time; `on_answer` gets the pause and what is believed.

    None is believed when it fails, or there is none: that costs a longer wait, and clients are not told.
    """

    def __init__(
        self, parts: EarParts, ways: EarWays, on_answer: Callable[[int, float | None], None]
    ) -> None:
        self._parts = parts
        self._spawn = ways.spawn
        self._on_answer = on_answer
        self._asking: asyncio.Task[None] | None = None

    def ask(self, pause: int, sound: Samples) -> None:
        """Whether the turn whose `sound` ends in a pause is over; an earlier question is void."""
        if self._asking is not None:
            self._asking.cancel()
        self._asking = self._spawn(self._ask(pause, sound))

    async def _ask(self, pause: int, sound: Samples) -> None:
        probability = None
        detector = self._parts.tools.turn_detector
        if detector is not None:
            try:
                with provider_errors("vad", detector.name):
                    async with asyncio.timeout(ASK_SECONDS):
                        probability = await detector.end_of_turn(sound)
            except ProviderError as error:
                note_failure(self._parts, error.code, error.message)
            except Exception:
                log.exception("turn detector crashed", session_id=self._parts.session_id)
                note_failure(self._parts, "vad_failed", "it crashed; the log has details")
        self._on_answer(pause, probability)


def note_failure(parts: EarParts, code: str, message: str) -> None:
    """Log that the turn detector failed, and tell whoever observes."""
    log.warning("turn detector failed", session_id=parts.session_id, code=code, error=message)
    for observer in parts.tools.observers:
        observer.stage_failed("vad", code)

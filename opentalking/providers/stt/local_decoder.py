"""Who decodes when: one stretch of sound at a time for all utterances, answers before captions."""

import asyncio
from dataclasses import dataclass
from typing import Any

from opentalking.core.errors import TooMany
from opentalking.core.media import Samples
from opentalking.inference.host import InferenceProcess


@dataclass(frozen=True, slots=True)
class Heard:
    """What the engine found in a stretch of sound.

    With `is_new` False nobody speaks after what was known, and the rest means nothing. `share` (0..1) is
    how sure the language is.
    """

    is_new: bool
    text: str = ""
    language: str = ""
    share: float = 0.0
    speech_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """Sound to hear, in one of `languages`; the words of its first `known_samples` are known."""

    pcm: Samples
    languages: tuple[str, ...]
    known_samples: int = 0


class Decoder:
    """Shares the engine among utterances.

    What an answer waits for is decoded in the order in which it was asked for; more than `max_waiting` that
    wait are refused. What is only shown meanwhile is decoded when the engine is free, gives way to an answer,
    and takes no more than half of the time.
    """

    def __init__(self, process: InferenceProcess, max_waiting: int) -> None:
        self._process = process
        self._max_waiting = max_waiting
        self._urgent = 0
        self._casual: asyncio.Task[Heard] | None = None
        self._rests_until = 0.0
        self.decoded = 0
        """How many stretches of sound were decoded."""

    async def urgent(self, stretch: Stretch, *, is_let_in: bool) -> Heard:
        """Decode for an answer; raises `TooMany` for who is not let in when too many wait."""
        if not is_let_in and self._urgent > self._max_waiting:
            raise TooMany("too many utterances wait to be recognised; try again in a moment")
        self._urgent += 1
        self.give_way()
        try:
            return await self._ask(stretch)
        finally:
            self._urgent -= 1

    async def casual(self, stretch: Stretch) -> Heard | None:
        """Decode for a caption, while `free_in` is 0; None when it had to give way."""
        time = asyncio.get_running_loop().time
        began_at = time()

        def rest(_: object) -> None:
            self._casual = None
            self._rests_until = 2 * time() - began_at

        self._casual = task = asyncio.create_task(self._ask(stretch), name="caption of an utterance")
        # Not behind the wait below: whoever is cancelled twice never gets there.
        task.add_done_callback(rest)
        try:
            await asyncio.wait({task})
        finally:
            task.cancel()
            await asyncio.wait({task})
        return None if task.cancelled() else task.result()

    @property
    def free_in(self) -> float | None:
        """Seconds until a caption may be asked for, 0 now; None: when another request is done."""
        if self._urgent or self._casual:
            return None
        return max(0.0, self._rests_until - asyncio.get_running_loop().time())

    def give_way(self) -> None:
        """Stop decoding for a caption: an answer is wanted."""
        if self._casual is not None:
            self._casual.cancel()

    async def _ask(self, stretch: Stretch) -> Heard:
        order: dict[str, Any] = {"languages": stretch.languages, "known_samples": stretch.known_samples}
        part = await self._process.call("transcribe", order, stretch.pcm.tobytes())
        heard = Heard(**part.header)
        self.decoded += heard.is_new and heard.speech_seconds > 0
        return heard

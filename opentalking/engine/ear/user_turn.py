"""One utterance on its way from the microphone to its words, and to the turn that answers it."""

import asyncio
from collections.abc import Callable

from opentalking.core.errors import OpenTalkingError
from opentalking.core.turns import HeardTimes
from opentalking.engine.ear.sound import LiveSound
from opentalking.engine.recognition import Recognition, interrupted

JOIN_SECONDS = 3.0
"""How long the words of an utterance wait for those of the one that it goes on from."""
_MOST_JOINED = 4


class UserTurn:
    """What is known of utterance `number`; `turn_id` names the turn that would answer it.

    `on_stop` is called at once when somebody else ends it.
    """

    def __init__(self, number: int, turn_id: str, on_stop: Callable[["UserTurn"], None]) -> None:
        self.number = number
        self.sound = LiveSound()
        self.recognition = Recognition(turn_id, answer=True, on_stop=lambda: on_stop(self))
        self.heard = HeardTimes("microphone")
        self.is_told = False
        """Whether the clients know that it is listened to."""
        self.is_held = False
        """Whether another one goes on from it, and takes its words along."""
        self.has_begun = False
        """Whether the turn that answers it has begun."""
        self.fate: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        """True when its words are a turn."""
        self.partial = ""
        self._before: UserTurn | None = None
        self._words: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @property
    def turn_id(self) -> str:
        """Names the turn that would answer it."""
        return self.recognition.turn_id

    @property
    def parts(self) -> int:
        """How many utterances it consists of."""
        return 1 if self._before is None else 1 + self._before.parts

    def go_on_from(self, before: "UserTurn") -> None:
        """Take along the words of one that comes to no turn of its own, and the name of that turn."""
        before.is_held = True
        self.is_told = self.is_told or before.is_told
        before.decide(answers=False)
        self._first()._before = before
        self.recognition.turn_id = before.turn_id
        self._forget_oldest()

    def found(self, words: str) -> None:
        """These are its own words."""
        if not self._words.done():
            self._words.set_result(words)

    def so_far(self, partial: str) -> str:
        """What is recognised up to now, with what it goes on from."""
        self.partial = partial
        before = self._before
        if before is None:
            return partial
        return _joined(before._words.result() if before._words.done() else before.partial, partial)

    async def words(self) -> str:
        """All words, when they are there; those that it goes on from only if they come in time."""
        own = await asyncio.shield(self._words)
        if self._before is None:
            return own
        try:
            async with asyncio.timeout(JOIN_SECONDS):
                earlier = await self._before.words()
        except TimeoutError:
            earlier = self._before.partial
            self._before.found(earlier)
            self._before.stop(interrupted())
        return _joined(earlier, own)

    def decide(self, *, answers: bool) -> None:
        """Its words are a turn, or it comes to nothing."""
        if not self.fate.done():
            self.fate.set_result(answers)

    def stop(self, error: OpenTalkingError) -> None:
        """It comes to nothing: cancel its recognition."""
        self.sound.drop()
        self.recognition.stop(error)
        self.decide(answers=False)
        if self._before is not None:
            self._before.stop(error)

    def _first(self) -> "UserTurn":
        """The oldest of those that it goes on from, or itself."""
        return self if self._before is None else self._before._first()

    def _forget_oldest(self) -> None:
        last, count = self, 0
        while last._before is not None and count < _MOST_JOINED:
            last, count = last._before, count + 1
        if last._before is not None:
            last._before.stop(interrupted())
            last._before = None


def _joined(earlier: str, later: str) -> str:
    """Both texts, with a space between them where the script has any."""
    wants_space = earlier[-1:].isascii() or later[:1].isascii()
    return (f"{earlier} {later}" if wants_space else earlier + later).strip()

"""A scene at a microphone, frame by frame, and what is decided about it."""

from collections.abc import Iterable

from opentalking.core.conversation import TurnTaking
from opentalking.engine.ear.rules import (
    Begin,
    Decision,
    Pause,
    Rules,
)
from opentalking.engine.ear.turn_taking import TurnTaker

FRAME = 512
"""Samples of a frame."""


class Scene:
    """A turn taker, and what it decided at which frame (counted from 1)."""

    def __init__(
        self, mode: TurnTaking = "auto", rules: Rules | None = None, *, avatar: bool = False
    ) -> None:
        self.taker = TurnTaker(rules or Rules(), mode)
        self.now = 0
        self.decided: list[tuple[int, Decision]] = []
        if avatar:
            self.avatar(has_floor=True)

    def hear(self, frames: int, probability: float) -> "Scene":
        for _ in range(frames):
            self.now += 1
            self.note(self.taker.frame(probability))
        return self

    def speak(self, frames: int, probability: float = 0.9) -> "Scene":
        return self.hear(frames, probability)

    def pause(self, frames: int, probability: float = 0.02) -> "Scene":
        return self.hear(frames, probability)

    def avatar(self, *, has_floor: bool) -> "Scene":
        self.note(self.taker.avatar_floor(has_floor))
        return self

    def believe(self, probability: float | None) -> "Scene":
        pause = [decision.frame for _, decision in self.decided if isinstance(decision, Pause)][-1]
        self.note(self.taker.end_of_turn(pause, probability))
        return self

    def words(self, text: str | None) -> "Scene":
        self.note(self.taker.words(self.utterance, text))
        return self

    def note(self, decisions: Iterable[Decision]) -> None:
        self.decided += [(self.now, decision) for decision in decisions]

    @property
    def utterance(self) -> int:
        return [decision.number for _, decision in self.decided if isinstance(decision, Begin)][-1]

    @property
    def kinds(self) -> list[str]:
        return [type(decision).__name__ for _, decision in self.decided]

    def at(self, kind: type[Decision]) -> int:
        return next(now for now, decision in self.decided if isinstance(decision, kind))

    def only(self, kind: type[Decision]) -> Decision:
        [found] = [decision for _, decision in self.decided if isinstance(decision, kind)]
        return found

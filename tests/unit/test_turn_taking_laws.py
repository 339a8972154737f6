"""What holds of taking turns whatever happens: what begins ends, once."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from opentalking.core.conversation import TurnTaking
from opentalking.engine.ear.rules import (
    Answer,
    Begin,
    Breath,
    Decision,
    Discard,
    Duck,
    End,
    HasFloor,
    Interrupt,
    Pause,
    Unduck,
)
from tests.support.turn_scene import FRAME, Scene

Step = Callable[[Scene], object]


def _hear(count: int, probability: float) -> Step:
    return lambda scene: scene.hear(count, probability)


def _floor(has_floor: bool) -> Step:
    return lambda scene: scene.avatar(has_floor=has_floor)


def _believe(probability: float | None) -> Step:
    return lambda scene: scene.believe(probability) if "Pause" in scene.kinds else None


def _words(text: str | None) -> Step:
    return lambda scene: scene.words(text) if "Begin" in scene.kinds else None


def _press(scene: Scene) -> None:
    if scene.taker.mode == "push_to_talk":
        scene.note(scene.taker.press())


def _change(mode: TurnTaking) -> Step:
    return lambda scene: scene.note(scene.taker.change(mode))


_steps = st.one_of(
    st.builds(_hear, st.integers(1, 40), st.sampled_from([0.02, 0.4, 0.55, 0.9])),
    st.builds(_floor, st.booleans()),
    st.builds(_believe, st.sampled_from([0.1, 0.5, 0.9, None])),
    st.builds(_words, st.sampled_from(["", "mm-hm", "stop", None])),
    st.sampled_from([_press, lambda scene: scene.taker.release()]),
    st.just(lambda scene: scene.note(scene.taker.cancel())),
    st.builds(_change, st.sampled_from(["auto", "push_to_talk", "off"])),
)


class Ledger:
    """What is open at a moment, and whether what is decided then may be."""

    def __init__(self) -> None:
        self.is_ducked = False
        self.open: int | None = None
        self.judged: int | None = None

    def take(self, now: int, decision: Decision) -> None:
        match decision:
            case Duck() | Unduck():
                assert self.is_ducked is isinstance(decision, Unduck), now
                self.is_ducked = isinstance(decision, Duck)
            case Interrupt():
                self.is_ducked = False
            case Begin(number, since, _, goes_on):
                assert self.open is None, now
                assert goes_on == (self.judged is not None), now
                assert 0 <= since <= now * FRAME
                self.open, self.judged = number, None
            case End():
                self.end(now, decision)
            case Answer(number):
                assert number == self.judged, now
                self.judged = None
            case Discard(number):
                assert number in (self.open, self.judged), now
                self.open = self.judged = None
            case Breath() | Pause() | HasFloor():
                assert self.open is not None, now

    def end(self, now: int, end: End) -> None:
        assert end.number == self.open, now
        assert end.spoken.began is not None
        assert end.spoken.ended is not None
        assert end.spoken.began <= end.spoken.ended <= now * FRAME
        self.open, self.judged = None, None if end.answers else end.number


@given(st.lists(_steps, max_size=60))
def test_whatever_happens_every_beginning_has_one_end(steps: list[Step]) -> None:
    scene = Scene()
    for step in steps:
        seen = len(scene.decided)
        step(scene)
        for _, decision in scene.decided[seen:]:
            if isinstance(decision, Interrupt | End | Answer):
                # whoever carries a decision out tells who has the floor then
                scene.avatar(has_floor=not isinstance(decision, Interrupt))
    scene.note(scene.taker.change("auto" if scene.taker.mode == "off" else "off"))
    ledger = Ledger()
    for now, decision in scene.decided:
        ledger.take(now, decision)
    assert (ledger.is_ducked, ledger.open, ledger.judged) == (False, None, None)

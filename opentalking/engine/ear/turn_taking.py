"""Who has the floor: decides from probabilities of speech, words and a button when somebody's turn is."""

from collections.abc import Callable
from enum import Enum

from opentalking.core.conversation import TurnTaking
from opentalking.core.providers import VAD_FRAME_SAMPLES
from opentalking.engine.ear.rules import (
    Answer,
    Begin,
    Decision,
    Discard,
    Duck,
    End,
    HasFloor,
    Interrupt,
    Rules,
    Unduck,
    frames,
)
from opentalking.engine.ear.speech import Heard, Onset, Past
from opentalking.text.backchannels import is_backchannel, takes_the_floor


class State(Enum):
    """What is going on at the microphone."""

    QUIET = "nobody speaks"
    OVER_AVATAR = "somebody speaks while the avatar has the floor"
    JUDGED = "they have stopped; their words decide"
    WON = "their words won them the floor; they may go on"
    HEARING = "somebody speaks and has the floor"
    HELD = "the button is held"
    RELEASED = "the button was released just now"
    UNHEARD = "what is said is not wanted, until a pause"


_OPEN = frozenset({State.OVER_AVATAR, State.HEARING, State.HELD, State.RELEASED})
"""States in which an utterance's sound comes in."""


class TurnTaker:
    """Takes turns by `Rules`; pure: its clock is the number of frames it was given.

    Every method returns what follows, in order. The avatar has the floor while a turn runs, or the answer to
    an utterance that has ended is on its way; whoever carries out the decisions tells.
    """

    def __init__(self, rules: Rules, mode: TurnTaking) -> None:
        self._rules = rules
        self.mode = mode
        self.state = State.QUIET
        self.has_avatar_floor = False
        self._is_ducked = False
        self._now = 0
        self._number = 0
        self._onset = Onset()
        self._heard = Heard(0, 0, 0)
        self._past = Past()
        self._waited = 0
        self._meanings: dict[State, Callable[[float], list[Decision]]] = {
            State.QUIET: self._quiet,
            State.OVER_AVATAR: self._over_avatar,
            State.JUDGED: self._judged,
            State.WON: self._won,
            State.HEARING: self._hearing,
            State.HELD: lambda _: self._end() if self._heard.is_too_long(self._now, self._rules) else [],
            State.RELEASED: self._released,
            State.UNHEARD: self._unheard,
        }

    @property
    def is_idle(self) -> bool:
        """Whether nothing follows from time alone."""
        return self.state in (State.QUIET, State.UNHEARD)

    @property
    def is_pausing(self) -> bool:
        """Whether the speaker is silent and may have finished."""
        return self._heard.is_breath

    def frame(self, probability: float) -> list[Decision]:
        """The next frame's probability of speech."""
        self._now += 1
        return self._meanings[self.state](probability)

    def avatar_floor(self, has_floor: bool) -> list[Decision]:
        """The avatar takes the floor, or has finished by itself."""
        self.has_avatar_floor = has_floor
        if has_floor or not self._is_ducked:
            return []
        self._is_ducked = False
        if self.state is State.OVER_AVATAR:
            self.state = State.HEARING
            return [Unduck(), HasFloor(self._number)]
        return [Unduck()]

    def end_of_turn(self, pause: int, probability: float | None) -> list[Decision]:
        """The probability that the turn ended with a pause; None: nobody knows."""
        if pause != self._heard.noticed:
            return []
        self._heard.end_of_turn = probability
        if self.state not in (State.HEARING, State.WON) or not self._heard.has_ended(self._rules):
            return []
        return self._end() if self.state is State.HEARING else self._answer()

    def words(self, number: int, text: str | None) -> list[Decision]:
        """The words of utterance `number`, whose sound has ended; None: they cannot be had."""
        if self.state is not State.JUDGED or number != self._number:
            return []
        over = self.has_avatar_floor
        if text is None or not (takes_the_floor(text) if over else not is_backchannel(text)):
            return self._come_to_nothing(text)
        self.state, self._is_ducked = State.WON, False
        answer = self._answer() if self._heard.has_ended(self._rules) else []
        return [Interrupt(number), *answer] if over else answer

    def press(self) -> list[Decision]:
        """The button goes down, or is still down."""
        if self.state is State.RELEASED:
            self.state = State.HELD
        if self.state is State.HELD:
            return []
        self._open(self._now, 0, State.HELD)
        begin = Begin(self._number, self._now * VAD_FRAME_SAMPLES, has_floor=not self.has_avatar_floor)
        return [begin] if begin.has_floor else [begin, Interrupt(self._number)]

    def release(self) -> None:
        """The button goes up, or is still up."""
        if self.state is State.HELD:
            self.state, self._waited = State.RELEASED, 0

    def cancel(self) -> list[Decision]:
        """What is being heard is not wanted, nor what follows it without a pause."""
        if self.is_idle:
            return []
        decisions = self._come_to_nothing()
        self.state = State.UNHEARD if self.mode == "auto" else State.QUIET
        return decisions

    def change(self, mode: TurnTaking) -> list[Decision]:
        """Take turns in another way; what is being heard is dropped."""
        if mode == self.mode:
            return []
        decisions = self.cancel()
        self.mode = mode
        self.state = State.QUIET
        return decisions

    # -- what a frame means

    def _quiet(self, probability: float) -> list[Decision]:
        if self.mode != "auto":
            return []
        over = self.has_avatar_floor and self.state is not State.WON
        if not (length := self._onset.hear(self._now - 1, probability, self._rules, over=over)):
            return []
        goes_on = self.state in (State.JUDGED, State.WON)
        voiced = length + self._heard.voiced if goes_on else length
        self._open(self._onset.began, voiced, State.OVER_AVATAR if over else State.HEARING)
        since = self._past.since(self._onset.began, self._rules) * VAD_FRAME_SAMPLES
        begin = Begin(self._number, since, has_floor=not over, goes_on=goes_on)
        if not over or self._is_ducked:
            return [begin]
        self._is_ducked = True
        return [begin, Duck()]

    def _open(self, began: int, voiced: int, state: State) -> None:
        self._number += 1
        self._heard = Heard(began, self._now, voiced)
        self.state = state

    def _over_avatar(self, probability: float) -> list[Decision]:
        rules, heard = self._rules, self._heard
        if probability >= rules.goes_on:
            heard.speech(frames(rules.bridged_ms))
            if heard.voiced < frames(rules.interrupts_ms):
                return []
            self.state, self._is_ducked = State.HEARING, False
            return [Interrupt(self._number)]
        pauses = heard.silence(self._now, rules)
        return self._end() if heard.silent >= frames(rules.short_pause_ms) else pauses

    def _hearing(self, probability: float) -> list[Decision]:
        rules, heard = self._rules, self._heard
        if heard.is_too_long(self._now, rules):
            return self._end()
        if probability >= (rules.goes_on if heard.noticed is None else rules.begins):
            heard.speech(frames(rules.bridged_ms))
            return []
        pauses = heard.silence(self._now, rules)
        return self._end() if heard.has_ended(rules) else pauses

    def _end(self) -> list[Decision]:
        trailing = self._waited if self.state is State.RELEASED else self._heard.silent
        spoken = self._heard.spoken(self._now - trailing)
        answers = self.state is not State.OVER_AVATAR
        self.state = State.QUIET if answers else State.JUDGED
        self._sound_ends()
        return [End(self._number, spoken, answers)]

    def _judged(self, probability: float) -> list[Decision]:
        if begun := self._quiet(probability):
            return begun
        self._heard.silent += 1
        if self._is_ducked:
            self._waited += 1
        return self._come_to_nothing() if self._waited >= frames(self._rules.words_wait_ms) else []

    def _won(self, probability: float) -> list[Decision]:
        if begun := self._quiet(probability):
            return begun
        self._heard.silent += 1
        return self._answer() if self._heard.has_ended(self._rules) else []

    def _answer(self) -> list[Decision]:
        self.state = State.QUIET
        return [Answer(self._number, self._heard.spoken(self._now - self._heard.silent))]

    def _come_to_nothing(self, words: str | None = None) -> list[Decision]:
        self._past.came_to_nothing(words)
        if self.state in _OPEN:
            self._sound_ends()
        self.state = State.QUIET
        was_ducked, self._is_ducked = self._is_ducked, False
        return [Discard(self._number), *([Unduck()] if was_ducked else [])]

    def _sound_ends(self) -> None:
        self._past.until, self._waited = self._now, 0
        self._onset.forget()

    def _released(self, _probability: float) -> list[Decision]:
        self._waited += 1
        return self._end() if self._waited >= frames(self._rules.release_ms) else []

    def _unheard(self, probability: float) -> list[Decision]:
        self._waited = 0 if probability >= self._rules.goes_on else self._waited + 1
        if self._waited >= frames(self._rules.unheard_pause_ms):
            self._sound_ends()
            self.state = State.QUIET
        return []

"""The ear of a session: hears its microphone, and decides with it when somebody's turn is."""

from typing import Literal

from opentalking.core.commands import Listen, Listening
from opentalking.core.conversation import TurnTaking
from opentalking.core.errors import Conflict
from opentalking.core.events import ErrorEvent
from opentalking.core.ids import new_id
from opentalking.core.media import Samples
from opentalking.core.providers import RECOGNITION_RATE
from opentalking.core.turns import HeardTimes
from opentalking.engine.ear.answers import Answers
from opentalking.engine.ear.microphone import Frame, Microphone
from opentalking.engine.ear.parts import EarParts, EarWays
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
    Rules,
    Spoken,
    Unduck,
)
from opentalking.engine.ear.sound import Recent
from opentalking.engine.ear.turn_ends import TurnEnds, note_failure
from opentalking.engine.ear.turn_taking import State, TurnTaker
from opentalking.engine.ear.user_turn import UserTurn

LOST_SECONDS = 1.0
"""A microphone that says nothing for so long while somebody speaks is silent."""
END_OF_TURN_SECONDS = 8.0
"""What of an utterance the turn detector is given."""


class Ear:
    """Owns what the microphone of one session hears; `hear` takes it, `run` listens to it.

    What it decides is carried out at once, except for what takes time: recognition, and the end of a turn
    that is interrupted.
    """

    def __init__(self, parts: EarParts, ways: EarWays, mode: TurnTaking) -> None:
        self._parts = parts
        self._ways = ways
        self._taker = TurnTaker(Rules(), mode)
        self._microphone = Microphone(
            parts.session_id, parts.tools.echo_guard, parts.tools.turn_detector, self._detector_failed
        )
        self._answers = Answers(
            parts, ways, on_words=self._found, on_failure=self._failed, on_change=self._tell_floor
        )
        self._ends = TurnEnds(parts, ways, self._believed)
        self._recent = Recent(END_OF_TURN_SECONDS + 1)
        self._current: UserTurn | None = None
        """The utterance that is heard or judged."""
        self._since = 0
        self._is_turn_running = self._is_closed = False

    # -- from outside

    def hear(self, samples: Samples) -> None:
        """Take a piece of the microphone's sound, mono int16 at 16 kHz; never waits."""
        if self._is_closed or self._taker.mode == "off" or not self._ways.can_talk():
            return
        self._parts.output.reference = self._microphone.played
        self._microphone.hear(samples)

    async def run(self) -> None:
        """Listen until cancelled."""
        while True:
            patience = None if self._taker.is_idle else LOST_SECONDS
            detects = self._taker.mode == "auto"
            for frame in await self._microphone.frames(patience, detects=detects):
                self._take(frame)

    def listen(self, command: Listen) -> Listening:
        """Change how turns are taken, or press or release the button; raises `Conflict`."""
        taker = self._taker
        mode = command.turn_taking or taker.mode
        if command.talking is not None and mode != "push_to_talk":
            raise Conflict(f"the session takes turns by {mode}; talking needs push_to_talk")
        if command.talking is not None and not self._ways.can_talk():
            raise Conflict("the session cannot listen yet; wait until it is ready")
        if mode != taker.mode:
            self._do(taker.change(mode))
            self._microphone.start_anew()
        if command.talking:
            self._do(taker.press())
        elif command.talking is False:
            taker.release()
        self._microphone.wake()
        return Listening(turn_taking=mode, talking=taker.state is State.HELD)

    def peer(self, connected: bool) -> None:
        """Whoever has the microphone is there, or is gone: then nobody can release the button any more."""
        if not connected:
            self._taker.release()

    def turn_runs(self, is_running: bool) -> None:
        """A turn begins, or has ended."""
        self._is_turn_running = is_running
        self._tell_floor()

    def close(self) -> None:
        """Hear nothing any more."""
        self._is_closed = True
        self._parts.output.reference = None

    # -- decisions

    def _take(self, frame: Frame) -> None:
        if self._is_closed:
            return
        self._recent.add(frame.pcm)
        if self._current is not None:
            self._current.sound.put(frame.pcm)
        self._do(self._taker.frame(frame.probability))
        if self._current is not None and not self._taker.is_pausing:
            self._current.sound.go_on()

    def _do(self, decisions: list[Decision]) -> None:
        for decision in decisions:
            self._carry_out(decision)

    def _carry_out(self, decision: Decision) -> None:
        match decision:
            case Begin():
                self._begin(decision)
            case Duck():
                self._parts.output.duck()
                self._tell_barge_in("ducked")
            case Unduck():
                self._parts.output.unduck()
                self._tell_barge_in("resumed")
            case _ if self._current is not None:
                self._go_on(decision, self._current)

    def _begin(self, begin: Begin) -> None:
        said = UserTurn(begin.number, new_id(), self._stopped)
        if begin.goes_on and self._current is not None:
            said.go_on_from(self._current)
        self._current, self._since = said, begin.since
        if len(before := self._recent.since(begin.since)):  # an empty piece would be a pause
            said.sound.put(before)
        self._answers.begin(said)
        if begin.has_floor and not said.is_told:
            self._answers.tell_listening(said)

    def _go_on(self, decision: Decision, said: UserTurn) -> None:
        match decision:
            case Breath():
                said.sound.pause()
            case Pause(frame):
                earliest = self._recent.end - round(END_OF_TURN_SECONDS * RECOGNITION_RATE)
                self._ends.ask(frame, self._recent.since(max(self._since, earliest)))
            case End(spoken=spoken, answers=answers):
                said.heard = self._times(spoken)
                said.sound.finish()
                if answers:
                    self._answer(said)
            case Answer(spoken=spoken):
                said.heard = self._times(spoken)
                self._answer(said)
            case HasFloor():
                self._answers.tell_listening(said)
            case Interrupt():
                self._answers.take_floor(said)
                self._parts.output.unduck()
                self._tell_barge_in("interrupted")
            case Discard():
                self._current = None
                self._answers.discard(said)

    def _answer(self, said: UserTurn) -> None:
        self._current = None
        self._answers.answer(said)

    # -- what comes back

    def _stopped(self, said: UserTurn) -> None:
        if said is self._current:
            self._do(self._taker.cancel())
        else:
            self._answers.settle(said)

    def _found(self, said: UserTurn, text: str) -> None:
        self._do(self._taker.words(said.number, text))

    def _failed(self, said: UserTurn) -> None:
        if said is self._current:
            has_ended = said.sound.ended.is_set()
            self._do(self._taker.words(said.number, None) if has_ended else self._taker.cancel())

    def _tell_floor(self) -> None:
        has_floor = self._is_turn_running or self._answers.is_answering
        if has_floor != self._taker.has_avatar_floor:
            self._do(self._taker.avatar_floor(has_floor))

    def _believed(self, pause: int, probability: float | None) -> None:
        self._do(self._taker.end_of_turn(pause, probability))

    def _detector_failed(self, code: str, message: str) -> None:
        note_failure(self._parts, code, message)
        self._parts.emit(ErrorEvent(session_id=self._parts.session_id, code=code, message=message))

    # -- what others are told

    def _times(self, spoken: Spoken) -> HeardTimes:
        now, heard = self._parts.tools.clock(), self._recent.end + self._microphone.unread

        def at(sample: int | None) -> float | None:
            return None if sample is None else now - (heard - sample) / RECOGNITION_RATE

        return HeardTimes(
            "microphone",
            began_at=at(spoken.began),
            ended_at=at(spoken.ended),
            noticed_at=at(spoken.noticed),
            decided_at=now,
            end_of_turn=spoken.end_of_turn,
        )

    def _tell_barge_in(self, outcome: Literal["ducked", "resumed", "interrupted"]) -> None:
        for observer in self._parts.tools.observers:
            observer.barge_in(outcome)

"""When what happened in a turn: collected while it runs, told once when it has ended."""

import time
from collections.abc import Callable, Sequence
from typing import Literal

from opentalking.core.events import TurnMetricsEvent
from opentalking.core.turns import HeardTimes, TurnKind, TurnObserver, TurnOutcome, TurnTimes
from opentalking.media.figures import TurnFigures

Moment = Literal[
    "first_token_at", "first_sentence_at", "first_audio_at", "media_started_at", "interrupted_at"
]


class Stopwatch:
    """Keeps the first time of each moment of one turn; it starts when the turn is asked for.

    `clock` gives monotonic seconds, the same as those in `heard`.
    """

    def __init__(
        self,
        kind: TurnKind = "chat",
        heard: HeardTimes | None = None,
        observers: Sequence[TurnObserver] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kind = kind
        self._heard = heard
        self._observers = observers
        self._clock = clock
        self._accepted_at = clock()
        self._moments: dict[Moment, float] = {}
        self.figures = TurnFigures(clock)
        """Of the turn's sound and pictures; the output fills it in."""

    @property
    def elapsed_ms(self) -> int:
        """Milliseconds since the turn was asked for."""
        return round((self._clock() - self._accepted_at) * 1000)

    def first(self, moment: Moment) -> None:
        """It happens now; only the first time counts."""
        if moment not in self._moments:
            self._moments[moment] = self._clock()

    def failed(self, stage: str, code: str) -> None:
        """A stage of the turn failed; the turn may go on."""
        for observer in self._observers:
            observer.stage_failed(stage, code)

    def stop(self, session_id: str, turn_id: str, outcome: TurnOutcome) -> TurnTimes:
        """The turn has ended: tell the observers; once."""
        if outcome == "interrupted":
            self.first("interrupted_at")
        else:
            self._moments.pop("interrupted_at", None)
        times = TurnTimes(
            session_id=session_id,
            turn_id=turn_id,
            kind=self._kind,
            outcome=outcome,
            accepted_at=self._accepted_at,
            ended_at=self._clock(),
            heard=self._heard,
            first_frame_at=self.figures.first_picture_at,
            last_audio_at=self.figures.last_sound_at,
            av_offset_ms=self.figures.av_offset_ms,
            **self._moments,
        )
        for observer in self._observers:
            observer.turn_ended(times)
        return times


def as_event(times: TurnTimes) -> TurnMetricsEvent:
    """A turn's times as clients see them: milliseconds since its origin."""
    heard = times.heard
    origin = times.origin_at

    def since(at: float | None) -> int | None:
        return None if at is None else round((at - origin) * 1000)

    return TurnMetricsEvent(
        session_id=times.session_id,
        turn_id=times.turn_id,
        kind=times.kind,
        source=times.source,
        outcome=times.outcome,
        speech_ms=_lasting(heard),
        pause_noticed_ms=since(heard.noticed_at) if heard else None,
        turn_end_ms=since(heard.decided_at) if heard else None,
        end_of_turn=round(heard.end_of_turn, 3) if heard and heard.end_of_turn is not None else None,
        recognised_ms=since(heard.recognised_at) if heard else None,
        accepted_ms=since(times.accepted_at),
        first_token_ms=since(times.first_token_at),
        first_sentence_ms=since(times.first_sentence_at),
        first_audio_ms=since(times.first_audio_at),
        media_started_ms=since(times.media_started_at),
        first_frame_ms=since(times.first_frame_at),
        last_audio_ms=since(times.last_audio_at),
        interrupted_ms=since(times.interrupted_at),
        ended_ms=since(times.ended_at),
        av_offset_ms=times.av_offset_ms,
    )


def _lasting(heard: HeardTimes | None) -> int | None:
    if heard is None or heard.began_at is None or heard.ended_at is None:
        return None
    return round((heard.ended_at - heard.began_at) * 1000)

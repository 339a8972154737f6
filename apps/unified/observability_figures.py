"""What happened on this server since its start, counted under labels with values known beforehand."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Literal

from opentalking.core.turns import TurnTimes
from opentalking.media.figures import TimeCounts

TURN_BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
SILENCE_BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0)
OTHER = "other"
STAGES = frozenset({"stt", "vad", "llm", "tts", "render", "load", "recording", "session", "internal"})
CODES = frozenset(
    {
        "conflict",
        "internal_error",
        "invalid_input",
        "llm_failed",
        "load_timeout",
        "not_found",
        "provider_failed",
        "queue_timeout",
        "recording_failed",
        "render_failed",
        "stt_failed",
        "stt_timeout",
        "too_large",
        "too_many",
        "tts_failed",
        "unavailable",
        "vad_failed",
        "vad_unavailable",
    }
)
"""Every other name of a stage or of an error is counted as `other`, so that nobody can make new series."""

Labels = tuple[str, ...]


class Figures:
    """Counts for all sessions of one server; a `TurnObserver`. Costs some µs per turn and keeps no turn."""

    def __init__(self) -> None:
        self.turns: Counter[Labels] = Counter()
        """By (kind, source, outcome)."""
        self.moments: defaultdict[Labels, TimeCounts] = defaultdict(_turn_counts)
        """Since the turn's origin, by (moment, kind, source, outcome)."""
        self.stages: defaultdict[Labels, TimeCounts] = defaultdict(_turn_counts)
        """How long single stages took, by (stage, source)."""
        self.av_offset = TimeCounts((0.0, 0.04, 0.08, 0.12, 0.2, 0.5))
        self.page_silence = TimeCounts(SILENCE_BOUNDS)
        self.errors: Counter[Labels] = Counter()
        """By (stage, code)."""
        self.barge_ins: Counter[Labels] = Counter({("ducked",): 0, ("resumed",): 0, ("interrupted",): 0})

    def copy(self) -> "Figures":
        """As they are now, for another thread to read."""
        same = Figures()
        same.turns, same.errors = self.turns.copy(), self.errors.copy()
        same.barge_ins = self.barge_ins.copy()
        same.moments.update({labels: counts.copy() for labels, counts in self.moments.items()})
        same.stages.update({labels: counts.copy() for labels, counts in self.stages.items()})
        same.av_offset, same.page_silence = self.av_offset.copy(), self.page_silence.copy()
        return same

    def turn_ended(self, times: TurnTimes) -> None:
        """Count a turn."""
        labels = (times.kind, times.source, times.outcome)
        self.turns[labels] += 1
        for moment, at in moments(times):
            self.moments[(moment, *labels)].add(max(at - times.origin_at, 0.0))
        for stage, began_at, ended_at in stages(times):
            self.stages[(stage, times.source)].add(max(ended_at - began_at, 0.0))
        if times.av_offset_ms is not None:
            self.av_offset.add(times.av_offset_ms / 1000)

    def stage_failed(self, stage: str, code: str) -> None:
        """Count a failure."""
        known_stage = stage if stage in STAGES else OTHER
        self.errors[(known_stage, code if code in CODES else OTHER)] += 1

    def page_fell_silent(self, after_ms: int) -> None:
        """Count what a page measured."""
        self.page_silence.add(after_ms / 1000)

    def barge_in(self, outcome: Literal["ducked", "resumed", "interrupted"]) -> None:
        """Count a barge-in."""
        self.barge_ins[(outcome,)] += 1


def moments(times: TurnTimes) -> Iterator[tuple[str, float]]:
    """What happened in a turn, and when; what it did not come to is left out."""
    heard = times.heard
    found = {
        "pause_noticed": heard.noticed_at if heard else None,
        "turn_end": heard.decided_at if heard else None,
        "recognised": heard.recognised_at if heard else None,
        "accepted": times.accepted_at,
        "first_token": times.first_token_at,
        "first_sentence": times.first_sentence_at,
        "first_audio": times.first_audio_at,
        "media_started": times.media_started_at,
        "first_frame": times.first_frame_at,
        "last_audio": times.last_audio_at,
        "interrupted": times.interrupted_at,
        "ended": times.ended_at,
    }
    for moment, at in found.items():
        if at is not None:
            yield moment, at


def stages(times: TurnTimes) -> Iterator[tuple[str, float, float]]:
    """Each stage that a turn came through: its name, from when and until when it was waited for.

    Recognition runs ahead during the pause, so it and `end_of_turn` overlap.
    """
    heard = times.heard
    if heard is not None and heard.ended_at is not None:
        yield from _whole("end_of_turn", heard.ended_at, heard.decided_at)
        yield from _whole("recognition", heard.ended_at, heard.recognised_at)
    yield from _whole("llm", times.accepted_at, times.first_token_at)
    yield from _whole("sentence", times.first_token_at, times.first_sentence_at)
    yield from _whole("tts", times.first_sentence_at, times.first_audio_at)
    begins_at = times.first_audio_at if times.kind != "play" else times.accepted_at
    yield from _whole("render", begins_at, times.media_started_at)
    yield from _whole("playback", times.media_started_at, times.last_audio_at)


def _whole(stage: str, began_at: float | None, ended_at: float | None) -> Iterator[tuple[str, float, float]]:
    if began_at is not None and ended_at is not None:
        yield stage, began_at, ended_at


def _turn_counts() -> TimeCounts:
    return TimeCounts(TURN_BOUNDS)

"""Events as a client received them, and the order that the contract promises."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any


@dataclass(frozen=True)
class Event:
    """One server event; `at` is its arrival in seconds of the client's clock."""

    name: str
    data: dict[str, Any]
    id: int
    at: float

    @property
    def turn_id(self) -> str | None:
        turn: str | None = self.data.get("turn_id")
        return turn

    @property
    def label(self) -> str:
        """The name and, where it has one, the stage: "tts first_audio"."""
        return f"{self.name} {self.data['stage']}" if "stage" in self.data else self.name


def labels(events: Sequence[Event]) -> list[str]:
    return [event.label for event in events]


def names(events: Sequence[Event]) -> set[str]:
    return {event.name for event in events}


def positions(events: Sequence[Event], label: str) -> list[int]:
    return [index for index, event in enumerate(events) if event.label == label]


def assert_in_order(events: Sequence[Event], *wanted: str) -> None:
    """The first occurrences of these labels are all there, one after another."""
    seen = labels(events)
    missing = [label for label in wanted if label not in seen]
    assert not missing, f"{missing} missing in {seen}"
    firsts = [seen.index(label) for label in wanted]
    assert firsts == sorted(firsts), f"wanted {wanted}, got {[label for label in seen if label != 'frame']}"


def assert_common_rules(events: Sequence[Event], session_id: str) -> None:
    """Rules for every whole turn: ids grow, all belongs to it, one start, one end, frames count from 0.

    The figures of a turn may come before or after its last state.
    """
    assert {event.data["session_id"] for event in events} == {session_id}
    assert all(one.id < two.id for one, two in pairwise(events)), [event.id for event in events]
    seen = [label for label in labels(events) if label != "turn.metrics"]
    assert seen.count("speech.started") == 1
    assert seen.count("speech.ended") == 1
    assert seen[0] == "speech.started"
    assert seen[-1] == "status idle"
    after_end = seen[seen.index("speech.ended") + 1 :]
    assert after_end in (["status idle"], ["status interrupted", "status idle"]), after_end
    frames = [event.data for event in events if event.name == "frame"]
    assert [frame["frame_idx"] for frame in frames] == list(range(len(frames)))
    assert all(one["pts_ms"] < two["pts_ms"] for one, two in pairwise(frames))
    if frames:
        assert seen.index("speech.media_started") < seen.index("frame")


def assert_spoken_whole(events: Sequence[Event], text: str) -> None:
    """The turn was completed and its captions are exactly `text`, with the last one marked."""
    [ended] = [event.data for event in events if event.name == "speech.ended"]
    assert ended["reason"] == "completed"
    assert ended["text"] == text
    chunks = [event.data for event in events if event.name == "subtitle.chunk"]
    assert "".join(chunk["text"] for chunk in chunks) == text
    assert [chunk["is_final"] for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    starts = [chunk["start_ms"] for chunk in chunks]
    assert starts == sorted(starts)

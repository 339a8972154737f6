"""The client's event stream: cutting messages, typing them, and coming back after drops."""

import json

import pytest

from opentalking.client.errors import (
    Conflict,
    ConnectionFailed,
    NotFound,
    ProtocolError,
    TimedOut,
    Unavailable,
)
from opentalking.client.events import Following, Message, MessageParser, OtherEvent, typed
from opentalking.core.events import LlmEvent, TerminatedEvent

TEXT = (
    ": connected\n\n"
    'id: 7\nevent: llm\ndata: {"session_id":"s","turn_id":"t","delta":"Grüße 你好"}\n\n'
    "event: ping\ndata: {}\n\n"
    "data: one\ndata: two\n\n"
    "event: without data\n\n"
    'id: 8\r\nevent: session.terminated\r\ndata: {"session_id":"s","reason":"deleted"}\r\n\r\n'
)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_messages_are_the_same_however_the_bytes_are_cut(size: int) -> None:
    raw = TEXT.encode()
    parser = MessageParser()
    found = [
        message for start in range(0, len(raw), size) for message in parser.feed(raw[start : start + size])
    ]
    assert found == [
        Message("llm", '{"session_id":"s","turn_id":"t","delta":"Grüße 你好"}', "7"),
        Message("ping", "{}", "7"),
        Message("message", "one\ntwo", "7"),
        Message("session.terminated", '{"session_id":"s","reason":"deleted"}', "8"),
    ]


def test_a_message_without_end_is_refused() -> None:
    parser = MessageParser()
    assert list(parser.feed(b"data: " + b"x" * 2**20)) == []
    with pytest.raises(ProtocolError, match="does not end"):
        list(parser.feed(b"x" * 2**22))


def test_known_events_are_typed_and_new_ones_are_kept() -> None:
    assert typed(Message("llm", '{"session_id":"s","delta":"Hi","new":1}', "1")) == LlmEvent(
        session_id="s", delta="Hi"
    )
    unknown = {"session_id": "s", "turn_id": "t", "lips": 2}
    assert typed(Message("face.changed", json.dumps(unknown), "1")) == OtherEvent(
        type="face.changed", session_id="s", turn_id="t", data=unknown
    )
    changed = typed(Message("llm", '{"session_id":"s","turn_id":5}', "1"))
    assert isinstance(changed, OtherEvent)
    for raw in ("", "nonsense", "[]", "3"):
        with pytest.raises(ProtocolError):
            typed(Message("llm", raw, "1"))


def test_it_goes_on_behind_the_last_event_and_forgets_half_a_message() -> None:
    following = Following("s")
    assert "Last-Event-ID" not in following.headers()
    following.opened()
    assert list(following.read(b'id: 7\nevent: llm\ndata: {"session_id":"s","delta":"a"}\n\nid: 8\neve')) == [
        LlmEvent(session_id="s", delta="a")
    ]
    assert following.pause_seconds() > 0
    assert following.headers()["Last-Event-ID"] == "7"
    following.opened()
    ended = b'id: 9\nevent: session.terminated\ndata: {"session_id":"s","reason":"r"}\n\n'
    assert list(following.read(ended)) == [TerminatedEvent(session_id="s", reason="r")]
    assert following.ended


def test_it_waits_longer_each_time_and_gives_up_in_the_end() -> None:
    following = Following("s")
    following.opened()
    trouble = ConnectionFailed("refused")
    pauses = [following.pause_seconds(trouble) for _ in range(8)]
    assert pauses == sorted(pauses)
    assert 10 < sum(pauses) < 60
    with pytest.raises(ConnectionFailed, match="refused"):
        following.pause_seconds(trouble)
    list(following.read(b"event: ping\ndata: {}\n\n"))
    assert following.pause_seconds(trouble) == pauses[0]


def test_refusals_are_final_unless_they_pass() -> None:
    following = Following("s")
    with pytest.raises(NotFound):
        following.pause_seconds(NotFound(404, "session not found"))
    with pytest.raises(Conflict):
        following.pause_seconds(Conflict(409, "no"))
    assert following.pause_seconds(Unavailable(503, "full", 7.0)) == 7.0
    following.opened()
    following.pause_seconds(NotFound(404, "session not found"))
    assert following.ended


def test_patience_counts_events_not_signs_of_life() -> None:
    now = 0.0
    following = Following("s", patience_seconds=20, now=lambda: now)
    following.opened()
    now = 15
    assert list(following.read(b": keep-alive\n\n")) == []
    assert len(list(following.read(b'id: 1\nevent: llm\ndata: {"session_id":"s","delta":"a"}\n\n'))) == 1
    now = 34
    assert list(following.read(b": keep-alive\n\n")) == []
    now = 36
    with pytest.raises(TimedOut, match="21 s"):
        list(following.read(b": keep-alive\n\n"))

import asyncio
from typing import Any

import httpx
import pytest

from apps.api.sse import StreamTimes
from opentalking.bus.memory import EventLimits, MemoryEventBus
from opentalking.core.commands import Created
from opentalking.core.events import (
    FrameEvent,
    LlmEvent,
    QueuedEvent,
    SpeechStartedEvent,
    StateChangedEvent,
    SubtitleEvent,
    SubtitleWord,
    TerminatedEvent,
)
from opentalking.core.sessions import SessionState
from tests.api.harness import Api, EventReader, follow, new_session


def llm(session_id: str, delta: str) -> LlmEvent:
    return LlmEvent(session_id=session_id, turn_id="t", delta=delta)


def frame(session_id: str, number: int) -> FrameEvent:
    return FrameEvent(session_id=session_id, turn_id="t", frame_idx=number, pts_ms=40 * number)


async def created(url: str) -> str:
    async with httpx.AsyncClient(base_url=url) as client:
        return await new_session(client)


async def deltas(reader: EventReader, count: int) -> list[str]:
    return [(await reader.event()).data["delta"] for _ in range(count)]


async def test_the_stream_begins_at_once_with_where_the_session_stands(api: Api) -> None:
    async with api.served() as url:
        session_id = await created(url)
        async with follow(url, session_id) as reader:
            headers = reader.response.headers
            assert headers["content-type"].startswith("text/event-stream")
            assert headers["cache-control"] == "no-cache, no-transform"
            assert headers["x-accel-buffering"] == "no"
            first = await reader.anything()
            assert first is not None
            assert first.comment is not None
            snapshot = await reader.event()
            assert (snapshot.event, snapshot.data) == (
                "session.state_changed",
                {"session_id": session_id, "state": "worker_ready"},
            )
            assert snapshot.id


async def test_events_come_in_order_with_growing_ids_and_plain_payloads(api: Api) -> None:
    async with api.served() as url:
        session_id = await created(url)
        async with follow(url, session_id) as reader, httpx.AsyncClient(base_url=url) as client:
            await reader.next()
            turn = (await client.post(f"/sessions/{session_id}/speak", json={"text": 'Say\n"é" 美'})).json()
            await api.events.publish(
                SubtitleEvent(
                    session_id=session_id,
                    turn_id="t",
                    text="Hi",
                    is_final=False,
                    start_ms=0,
                    end_ms=9,
                    words=[SubtitleWord(text="Hi", start_ms=0, end_ms=9)],
                )
            )
            await client.delete(f"/sessions/{session_id}")
            heard = await reader.until("session.terminated")
            ids = {"session_id": session_id, "turn_id": turn["turn_id"]}
            assert [(one.event, one.data) for one in heard] == [
                ("speech.started", ids | {"text": 'Say\n"é" 美'}),
                ("speech.ended", ids | {"text": 'Say\n"é" 美', "reason": "completed"}),
                (
                    "subtitle.chunk",
                    {
                        "session_id": session_id,
                        "turn_id": "t",
                        "text": "Hi",
                        "is_final": False,
                        "start_ms": 0,
                        "end_ms": 9,
                        "words": [{"text": "Hi", "start_ms": 0, "end_ms": 9}],
                    },
                ),
                ("session.terminated", {"session_id": session_id, "reason": "deleted"}),
            ]
            numbers = [one.id for one in heard]
            assert all(numbers)
            assert numbers == sorted(set(numbers), key=str)
            assert [int(number or 0) for number in numbers] == sorted(int(number or 0) for number in numbers)


async def test_the_stream_ends_after_the_last_event_and_is_404_then(api: Api) -> None:
    async with api.served() as url:
        session_id = await created(url)
        async with follow(url, session_id) as reader:
            await reader.next()
            async with httpx.AsyncClient(base_url=url) as client:
                await client.delete(f"/sessions/{session_id}")
                await reader.until("session.terminated")
                began = asyncio.get_running_loop().time()
                assert await reader.next() is None
                assert 0.2 <= asyncio.get_running_loop().time() - began < 5
                assert (await client.get(f"/sessions/{session_id}/events")).status_code == 404


async def test_queued_sessions_learn_their_place(api: Api) -> None:
    api.worker.created = Created(status="queued")
    async with api.served() as url:
        session_id = await created(url)
        async with follow(url, session_id) as reader:
            state, queued = await reader.event(), await reader.event()
            assert state.data["state"] == "queued"
            assert (queued.event, queued.data) == (
                "session.queued",
                {"session_id": session_id, "position": 1, "message": "waiting"},
            )
            assert state.id
            assert queued.id
            await api.events.publish(QueuedEvent(session_id=session_id, position=0, message="slot_acquired"))
            await api.worker.move(session_id, SessionState.INITIALIZING)
            acquired, moved = await reader.event(), await reader.event()
            assert acquired.data["position"] == 0
            assert moved.data["state"] == "initializing"


@pytest.mark.parametrize("by", ["header", "query", "header wins"])
async def test_a_client_that_returns_gets_what_it_missed(api: Api, by: str) -> None:
    async with api.served() as url:
        session_id = await created(url)
        async with follow(url, session_id) as reader:
            await reader.next()
            await api.events.publish(llm(session_id, "a"))
            seen = await reader.event()
        for event in (llm(session_id, "b"), frame(session_id, 0), llm(session_id, "c")):
            await api.events.publish(event)
        await api.events.publish(QueuedEvent(session_id=session_id, position=1, message="waiting"))
        ways: dict[str, dict[str, Any]] = {
            "header": {"headers": {"Last-Event-ID": seen.id}},
            "query": {"params": {"last_event_id": seen.id}},
            "header wins": {"headers": {"Last-Event-ID": seen.id}, "params": {"last_event_id": "nonsense"}},
        }
        async with follow(url, session_id, **ways[by]) as reader:
            assert await deltas(reader, 2) == ["b", "c"]
            await api.events.publish(llm(session_id, "d"))
            assert await deltas(reader, 1) == ["d"]


@pytest.mark.parametrize("last_event_id", ["nonsense", "999999999999999999999", "-1", "x" * 5000, "٣"])
async def test_an_unknown_id_is_as_none(api: Api, last_event_id: str) -> None:
    async with api.served() as url:
        session_id = await created(url)
        await api.events.publish(llm(session_id, "before"))
        async with follow(url, session_id, params={"last_event_id": last_event_id}) as reader:
            first = await reader.event()
            assert first.event == "session.state_changed"


async def test_the_snapshot_can_be_resumed_from(api: Api) -> None:
    async with api.served() as url:
        session_id = await created(url)
        async with follow(url, session_id) as reader:
            snapshot = await reader.event()
        await api.events.publish(llm(session_id, "missed"))
        async with follow(url, session_id, headers={"Last-Event-ID": snapshot.id}) as reader:
            assert await deltas(reader, 1) == ["missed"]


async def test_sessions_do_not_mix_and_several_may_listen(api: Api) -> None:
    async with api.served() as url:
        one, two = await created(url), await created(url)
        async with follow(url, one) as first, follow(url, one) as second, follow(url, two) as other:
            for reader in (first, second, other):
                await reader.next()
            for number in range(3):
                await api.events.publish(llm(one, f"one {number}"))
                await api.events.publish(llm(two, f"two {number}"))
            assert await deltas(first, 3) == await deltas(second, 3) == ["one 0", "one 1", "one 2"]
            assert await deltas(other, 3) == ["two 0", "two 1", "two 2"]


async def test_too_many_streams_are_429_and_a_closed_one_makes_room(api: Api) -> None:
    async with api.served() as url, httpx.AsyncClient(base_url=url, timeout=10) as client:
        session_id = await created(url)
        streams = [follow(url, session_id) for _ in range(8)]
        readers = [await stream.__aenter__() for stream in streams]
        refused = await client.get(f"/sessions/{session_id}/events")
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) >= 1
        assert "8" in refused.json()["detail"]
        await streams[0].__aexit__(None, None, None)
        async with asyncio.timeout(5):
            # The server notices the end of a connection a moment later, and tells nobody.
            while await _is_refused(url, session_id):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        for stream in streams[1:]:
            await stream.__aexit__(None, None, None)
        assert len(readers) == 8


async def _is_refused(url: str, session_id: str) -> bool:
    async with follow(url, session_id) as reader:
        return reader.response.status == 429


async def test_comments_and_pings_keep_a_quiet_stream_alive(api: Api) -> None:
    api.services.stream_times = StreamTimes(comment_seconds=0.04, ping_seconds=0.1)
    async with api.served() as url:
        session_id = await created(url)
        async with follow(url, session_id) as reader:
            heard = [await reader.anything() for _ in range(9)]
        pings = [one for one in heard if one is not None and one.event == "ping"]
        comments = [one for one in heard if one is not None and one.comment == "keep-alive"]
        assert pings
        assert pings[0].data == {}
        assert pings[0].id is None
        assert len(comments) >= 4


async def test_events_put_off_the_ping(api: Api) -> None:
    api.services.stream_times = StreamTimes(comment_seconds=10, ping_seconds=0.5)
    async with api.served() as url:
        session_id = await created(url)
        async with follow(url, session_id) as reader:
            await reader.next()
            for number in range(8):
                await asyncio.sleep(0.1)
                await api.events.publish(llm(session_id, str(number)))
            assert await deltas(reader, 8) == [str(number) for number in range(8)]


async def test_a_session_that_vanishes_silently_ends_its_streams(api: Api) -> None:
    api.services.stream_times = StreamTimes(comment_seconds=0.05)
    async with api.served() as url:
        session_id = await created(url)
        async with follow(url, session_id) as reader:
            await reader.next()
            await api.store.delete(session_id)
            assert await reader.next() is None


async def test_a_server_that_stops_closes_its_streams(api: Api) -> None:
    async with api.served() as url:
        session_id = await created(url)
        stream = follow(url, session_id)
        reader = await stream.__aenter__()
        await reader.next()
    assert await reader.anything() is None, "no error event, no broken connection"
    await stream.__aexit__(None, None, None)


async def test_a_stream_that_cannot_keep_up_is_closed_and_resumes(api: Api) -> None:
    limits = EventLimits(subscriber_events=5)
    api.events = api.services.events = api.worker.events = MemoryEventBus(limits)
    async with api.served() as url:
        session_id = await created(url)
        async with follow(url, session_id) as reader:
            await reader.next()
            # One synchronous burst: the stream has no chance to write in between.
            for number in range(9):
                await api.events.publish(llm(session_id, str(number)))
            heard = []
            while (one := await reader.anything()) is not None:
                heard.append(one)
        assert [one.data["delta"] for one in heard[:-1]] == ["0", "1", "2", "3", "4"]
        assert heard[-1].comment == "lagged"
        last_event_id = heard[-2].id
        async with follow(url, session_id, params={"last_event_id": last_event_id}) as reader:
            assert await deltas(reader, 4) == ["5", "6", "7", "8"]


async def test_frames_are_lost_before_anything_else(api: Api) -> None:
    limits = EventLimits(subscriber_events=5)
    api.events = api.services.events = api.worker.events = MemoryEventBus(limits)
    async with api.served() as url:
        session_id = await created(url)
        async with follow(url, session_id) as reader:
            await reader.next()
            for number in range(20):
                await api.events.publish(frame(session_id, number))
            await api.events.publish(SpeechStartedEvent(session_id=session_id, turn_id="t", text="x"))
            await api.events.publish(StateChangedEvent(session_id=session_id, state="ready"))
            await api.events.publish(TerminatedEvent(session_id=session_id, reason="deleted"))
            heard = await reader.until("session.terminated")
        names = [one.event for one in heard if one.event != "frame"]
        assert names == ["speech.started", "session.state_changed", "session.terminated"]


@pytest.mark.parametrize("prefix", ["", "/api"])
async def test_an_unknown_session_has_no_stream(client: httpx.AsyncClient, prefix: str) -> None:
    answer = await client.get(f"{prefix}/sessions/nobody/events")
    assert (answer.status_code, answer.json()) == (404, {"detail": "session not found"})

"""Both Python clients against the API: talking, refusals, events through drops of the connection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from apps.api.access_tokens import KeyRing
from opentalking.client import (
    ApiError,
    BadRequest,
    Conflict,
    ConnectionFailed,
    Forbidden,
    NotFound,
    Unauthorized,
    Unavailable,
    UpstreamFailed,
)
from opentalking.core.errors import Unavailable as NoWorker
from opentalking.core.events import LlmEvent
from opentalking.core.sessions import SessionState
from tests.api.harness import ANSWER_SDP, PNG, Api
from tests.support.either_client import KINDS, EitherClient
from tests.support.flaky_proxy import FlakyProxy

pytestmark = pytest.mark.parametrize("kind", KINDS)


@asynccontextmanager
async def behind_a_proxy(api: Api) -> AsyncIterator[FlakyProxy]:
    async with api.served() as url, FlakyProxy(urlsplit(url).port or 0) as proxy:
        yield proxy


async def test_a_whole_session(api: Api, kind: str) -> None:
    async with api.served() as url, EitherClient(kind, url) as client:
        assert (await client.get_health()).llm.demo
        assert (await client.get_healthz()).status == "ok"
        assert (await client.get_queue_status()).queue_size == 2
        assert (await client.list_models()).default_model == "portrait"
        [avatar] = await client.list_avatars()
        assert (await client.get_avatar(avatar.id)).sample_rate == 16000
        assert await client.get_avatar_preview(avatar.id) == PNG
        created = await client.create_session(avatar.id, "portrait", llm_system_prompt="Be kind.")
        session = created.session_id
        assert (await client.get_session(session)).llm_system_prompt_set
        async with client.feed(session) as feed:
            assert (await client.start_session(session)).status == "running"
            assert (await client.offer(session, "v=0\r\n")).sdp == ANSWER_SDP
            turn = await client.speak(session, "Hello.", emotion="happy")
            assert await feed.until("speech.ended") == [
                "session.state_changed",
                "session.state_changed",
                "speech.started",
                "speech.ended",
            ]
            assert (await client.interrupt(session, turn_id=turn.turn_id)).interrupted
            await client.chat(session, "And you?", voice="joe")
            await feed.until("speech.ended")
            assert (await client.delete_session(session)).status == "terminated"
            assert await feed.until("session.terminated") == ["session.terminated"]
            assert await feed.next() is None
    kinds = [command.type for command in api.worker.commands()]
    assert kinds == [
        "create",
        "start",
        "connect",
        "speak",
        "interrupt",
        "chat",
        "close",
    ]


async def test_voices(api: Api, kind: str) -> None:
    async with api.served() as url, EitherClient(kind, url) as client:
        voices = await client.list_voices(provider="local")
        assert [voice.voice_id for voice in voices.items] == ["joe", "mei"]
        sound = await client.preview_voice("Hello.", voice="joe")
        assert sound.startswith(b"RIFF")


async def test_refusals_are_exceptions_with_the_servers_words(api: Api, kind: str) -> None:
    async with api.served() as url, EitherClient(kind, url) as client:
        with pytest.raises(NotFound, match="avatar not found"):
            await client.create_session("nobody", "portrait")
        with pytest.raises(BadRequest, match="model"):
            await client.create_session("demo-avatar", "nothing")
        session = (await client.create_session("demo-avatar", "portrait")).session_id
        await client.start_session(session)
        with pytest.raises(Conflict) as refused:
            await client.start_session(session)
        assert (refused.value.status, refused.value.retry_after) == (409, None)
        assert refused.value.detail == "session was started before"
        api.worker.refuse["speak"] = NoWorker("no worker answers", retry_after_seconds=7)
        with pytest.raises(Unavailable, match="no worker answers") as busy:
            await client.speak(session, "Hello.")
        assert busy.value.retry_after == 7
        api.speakers["local"].fails = True
        with pytest.raises(UpstreamFailed, match="the voice broke"):
            await client.preview_voice("Hello.")
        with pytest.raises(ValueError, match="avatar_id"):
            await client.get_avatar("..")
        with pytest.raises(ApiError, match="404"):
            await client.get_avatar("a/b?c#d")


async def test_a_server_that_is_not_there(kind: str, tmp_path: Path) -> None:
    async with EitherClient(kind, "http://127.0.0.1:9") as client:
        with pytest.raises(ConnectionFailed):
            await client.get_health()
        with pytest.raises(ConnectionFailed):
            await client.download_recording("s", tmp_path / "film.mp4")
    assert await asyncio.to_thread(lambda: list(tmp_path.iterdir())) == []


async def test_events_go_on_where_the_connection_broke(api: Api, kind: str) -> None:
    async with behind_a_proxy(api) as proxy, EitherClient(kind, proxy.url) as client:
        session = (await client.create_session("demo-avatar", "portrait")).session_id
        async with client.feed(session) as feed:
            await feed.until("session.state_changed")
            await api.events.publish(LlmEvent(session_id=session, delta="one"))
            assert await feed.next() == LlmEvent(session_id=session, delta="one")
            proxy.refusing = True
            proxy.cut()
            for delta in ("two", "three"):
                await api.events.publish(LlmEvent(session_id=session, delta=delta))
            await asyncio.sleep(0.3)
            proxy.refusing = False
            assert await feed.next() == LlmEvent(session_id=session, delta="two")
            assert await feed.next() == LlmEvent(session_id=session, delta="three")
            await api.worker.close(session)
            assert await feed.until("session.terminated") == ["session.terminated"]
            assert await feed.next() is None


async def test_events_end_when_the_session_went_while_nobody_listened(api: Api, kind: str) -> None:
    async with behind_a_proxy(api) as proxy, EitherClient(kind, proxy.url) as client:
        session = (await client.create_session("demo-avatar", "portrait")).session_id
        async with client.feed(session) as feed:
            await feed.until("session.state_changed")
            proxy.refusing = True
            proxy.cut()
            await api.store.delete(session)
            proxy.refusing = False
            assert await feed.next() is None
        with pytest.raises(NotFound):
            async with client.feed(session):
                pass


async def test_events_go_on_from_an_id(api: Api, kind: str) -> None:
    async with api.served() as url, EitherClient(kind, url) as client:
        session = (await client.create_session("demo-avatar", "portrait")).session_id
        async with api.events.subscribe(session) as subscription:
            for delta in ("one", "two"):
                await api.events.publish(LlmEvent(session_id=session, delta=delta))
            first = await subscription.next()
        async with client.feed(session, last_event_id=first.id) as feed:
            assert await feed.next() == LlmEvent(session_id=session, delta="two")


async def test_a_queued_session_is_told_apart(api: Api, kind: str) -> None:
    api.worker.created = api.worker.created.model_copy(update={"status": "queued"})
    async with api.served() as url, EitherClient(kind, url) as client:
        created = await client.create_session("demo-avatar", "portrait")
        assert created.status == "queued"
        assert (await client.get_session(created.session_id)).state is SessionState.QUEUED
        async with client.feed(created.session_id) as feed:
            assert await feed.until("session.queued") == ["session.state_changed", "session.queued"]
            waiting = asyncio.create_task(feed.wait_until_ready())
            await api.worker.move(created.session_id, SessionState.INITIALIZING)
            await api.worker.move(created.session_id, SessionState.WORKER_READY)
            await asyncio.wait_for(waiting, 10)
            await api.worker.close(created.session_id)
            with pytest.raises(ConnectionFailed, match="before it could talk"):
                await feed.wait_until_ready()


async def test_keys_and_tokens(api: Api, kind: str) -> None:
    api.services.guard.ring = KeyRing(["k" * 16], b"s" * 32)
    async with api.served() as url:
        async with EitherClient(kind, url) as client:
            with pytest.raises(Unauthorized):
                await client.list_avatars()
        async with EitherClient(kind, url, api_key="k" * 16) as client:
            session = (await client.create_session("demo-avatar", "portrait")).session_id
            token = await client.create_token(session_id=session)
            assert (token.session_id, token.token_type) == (session, "bearer")
        async with EitherClient(kind, url, api_key=token.access_token) as client:
            async with client.feed(session) as feed:
                assert await feed.until("session.state_changed")
            with pytest.raises(Forbidden):
                await client.create_token()

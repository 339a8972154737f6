"""Limits per client: who counts as one, what is counted, and that every place becomes free again."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from apps.api.access_tokens import KeyRing
from apps.api.client_limits import ClientLimits, ClientPlaces, Places
from apps.api.clients import PeerNames, parse_networks
from opentalking.core.errors import TooMany
from tests.api.harness import Api, new_session
from tests.support.server import eventually

SESSION = {"avatar_id": "demo-avatar", "model": "portrait"}


def limited(folder: Path, **limits: int) -> Api:
    api = Api(folder)
    api.services.guard.places = ClientPlaces(ClientLimits(**limits))
    return api


def assert_refused(answer: httpx.Response, words: str) -> None:
    assert answer.status_code == 429
    assert words in answer.json()["detail"]
    assert int(answer.headers["retry-after"]) >= 1


async def test_sessions_are_counted_while_they_live(tmp_path: Path) -> None:
    api = limited(tmp_path, sessions=2)
    async with api.client() as client:
        first, second = await new_session(client), await new_session(client)
        assert_refused(await client.post("/sessions", json=SESSION), "2 sessions")
        assert len(await api.store.all()) == 2
        await client.delete(f"/sessions/{first}")
        third = await new_session(client)
        assert_refused(await client.post("/sessions", json=SESSION), "2 sessions")
        await api.worker.close(second)
        await api.worker.close(third)
        await new_session(client)
        await new_session(client)


async def test_a_session_that_failed_takes_no_place(tmp_path: Path) -> None:
    api = limited(tmp_path, sessions=1)
    async with api.client() as client:
        for body in ({**SESSION, "avatar_id": "nobody"}, {**SESSION, "model": "nothing"}, {}):
            assert (await client.post("/sessions", json=body)).status_code in (400, 404)
        api.worker.refuse["create"] = ZeroDivisionError()
        assert (await client.post("/sessions", json=SESSION)).status_code == 500
        api.worker.refuse.clear()
        await new_session(client)


async def test_sessions_made_at_once_are_counted_before_they_are_ready(tmp_path: Path) -> None:
    api = limited(tmp_path, sessions=3)
    api.worker.may_create = asyncio.Event()
    async with api.client() as client:
        asked = [asyncio.create_task(client.post("/sessions", json=SESSION)) for _ in range(8)]
        await api.worker.creating.wait()
        api.worker.may_create.set()
        answers = await asyncio.gather(*asked)
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [429] * 5


async def test_keys_and_addresses_are_clients_of_their_own(tmp_path: Path) -> None:
    api = limited(tmp_path, sessions=1)
    api.services.guard.ring = KeyRing(["k" * 16, "l" * 16], b"s" * 32)
    async with api.client() as client:
        for key in ("k" * 16, "l" * 16):
            client.headers["X-API-Key"] = key
            await new_session(client)
            assert (await client.post("/sessions", json=SESSION)).status_code == 429
        token = (await client.post("/auth/token")).json()["access_token"]
        answer = await client.post("/sessions", json=SESSION, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 429, "a token is its key's client"


async def test_previews_in_work_are_limited(tmp_path: Path) -> None:
    api = limited(tmp_path, previews=2)
    api.speakers["local"].stalls = True
    async with api.client() as client:
        asked = [asyncio.create_task(client.post("/tts/preview", json={"text": "hi"})) for _ in range(2)]
        await eventually(lambda: len(api.speakers["local"].said) == 2, "two previews are in work")
        assert_refused(await client.post("/api/tts/preview", json={"text": "hi"}), "2 voice previews")
        assert (await client.get("/avatars")).status_code == 200
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
        api.speakers["local"].stalls = False
        assert (await client.post("/tts/preview", json={"text": "hi"})).status_code == 200


async def test_uploads_in_work_are_limited(tmp_path: Path) -> None:
    api = limited(tmp_path, uploads=1)
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def slow_body() -> AsyncIterator[bytes]:
        yield b"--x\r\n"
        begun.set()
        await may_end.wait()
        yield b"--x--\r\n"

    multipart = {"Content-Type": "Multipart/form-data; boundary=x"}
    async with api.served() as url, httpx.AsyncClient(base_url=url) as client:
        session_id = await new_session(client)
        path = f"/sessions/{session_id}/chat"  # reads its body, whatever its type
        first = asyncio.create_task(client.post(path, content=slow_body(), headers=multipart))
        await begun.wait()
        second = await client.post(path, content=b"--x--\r\n", headers=multipart)
        may_end.set()
        assert (await first).status_code == 400
        assert_refused(second, "1 uploads")
        assert (await client.post(path, content=b"--x--\r\n", headers=multipart)).status_code == 400


async def test_requests_in_work_are_limited_event_streams_included(tmp_path: Path) -> None:
    api = limited(tmp_path, requests=2)
    async with api.served() as url, httpx.AsyncClient(base_url=url) as client:
        session_id = await new_session(client)
        events = f"/sessions/{session_id}/events"
        async with client.stream("GET", events) as one, client.stream("GET", events) as two:
            assert (one.status_code, two.status_code) == (200, 200)
            assert_refused(await client.get("/avatars"), "2 requests")
        requests = api.services.guard.places.requests
        await eventually(lambda: requests.clients == 0, "no request is in work")
        assert (await client.get("/avatars")).status_code == 200


async def test_every_place_is_free_after_a_storm(tmp_path: Path) -> None:
    """Requests of all kinds that end well, badly, by cancellation or by a vanished client."""
    api = limited(tmp_path, sessions=5, requests=20, uploads=3, previews=3)
    places = api.services.guard.places
    dice = random.Random(4)
    async with api.served() as url, httpx.AsyncClient(base_url=url, timeout=30) as client:
        await asyncio.gather(*(_storm(client, random.Random(dice.random())) for _ in range(24)))
        kinds = (places.requests, places.uploads, places.previews)
        await eventually(lambda: not any(kind.clients for kind in kinds), "every place is free")
        for record in await api.store.all():
            await api.worker.close(record.session_id)
        for _ in range(5):
            await new_session(client)
        assert (await client.post("/sessions", json=SESSION)).status_code == 429


async def _storm(client: httpx.AsyncClient, dice: random.Random) -> None:
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    wishes: list[dict[str, Any]] = [
        {"method": "POST", "url": "/sessions", "json": SESSION},
        {"method": "POST", "url": "/sessions", "json": {}},
        {"method": "POST", "url": "/tts/preview", "json": {"text": "hello"}},
        {"method": "POST", "url": "/tts/preview", "json": {"text": "hello", "voice": "nobody"}},
        {"method": "POST", "url": "/tts/preview", "content": b"--x\r\n" * 5000, "headers": form},
        {"method": "GET", "url": "/nothing"},
        {"method": "GET", "url": "/avatars"},
    ]
    for _ in range(12):
        asked = asyncio.create_task(client.request(**dice.choice(wishes)))
        if dice.random() < 0.4:
            for _ in range(dice.randrange(30)):
                await asyncio.sleep(0)
            asked.cancel()
        [answer] = await asyncio.gather(asked, return_exceptions=True)
        if isinstance(answer, httpx.Response):
            assert answer.status_code in (200, 400, 404, 429), answer.text
            if answer.status_code == 200 and "session_id" in answer.text and dice.random() < 0.5:
                await client.delete(f"/sessions/{answer.json()['session_id']}")


class PlacesMachine(RuleBasedStateMachine):
    """Any order of taking and freeing, with and without exceptions."""

    def __init__(self) -> None:
        super().__init__()
        self.places = Places(3, "things")
        self.held: dict[str, list[ExitStack]] = {}

    @rule(client=st.sampled_from("abc"), besides=st.integers(0, 4))
    def take(self, client: str, besides: int) -> None:
        held = self.held.setdefault(client, [])
        stack = ExitStack()
        if len(held) + besides >= 3:
            with pytest.raises(TooMany):
                stack.enter_context(self.places.one(client, besides))
        else:
            stack.enter_context(self.places.one(client, besides))
            held.append(stack)

    @precondition(lambda self: any(self.held.values()))
    @rule(data=st.data(), fails=st.booleans())
    def free(self, data: st.DataObject, fails: bool) -> None:
        client = data.draw(st.sampled_from([name for name, held in self.held.items() if held]))
        stack = self.held[client].pop(data.draw(st.integers(0, len(self.held[client]) - 1)))
        with _ends(fails):
            stack.__exit__(ValueError if fails else None, ValueError() if fails else None, None)

    @invariant()
    def what_is_held_is_what_is_counted(self) -> None:
        assert self.places.clients == sum(1 for held in self.held.values() if held)
        assert all(self.places.taken(client) == len(held) for client, held in self.held.items())


@contextmanager
def _ends(fails: bool) -> Iterator[None]:
    try:
        yield
    except ValueError:
        assert fails


TestPlaces = PlacesMachine.TestCase
TestPlaces.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)


def scope(peer: str, *forwarded: str) -> dict[str, Any]:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    return {"type": "http", "client": (peer, 1), "headers": headers}


@pytest.mark.parametrize(
    ("peer", "forwarded", "name"),
    [
        ("203.0.113.9", (), "peer:203.0.113.9"),
        ("203.0.113.9", ("198.51.100.1",), "peer:203.0.113.9"),
        ("10.0.0.1", (), "peer:10.0.0.1"),
        ("10.0.0.1", ("198.51.100.1",), "peer:198.51.100.1"),
        ("10.0.0.1", ("6.6.6.6, 198.51.100.1, 10.0.0.2",), "peer:198.51.100.1"),
        ("10.0.0.1", ("6.6.6.6", "198.51.100.1"), "peer:198.51.100.1"),
        ("10.0.0.1", ("10.0.0.7",), "peer:10.0.0.1"),
        ("10.0.0.1", ("<script>",), "peer:unknown"),
        ("::1", ("198.51.100.1",), "peer:198.51.100.1"),
        ("::ffff:10.0.0.1", ("198.51.100.1",), "peer:198.51.100.1"),
        ("2001:db8:1:2:aaaa::1", (), "peer:2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::2", (), "peer:2001:db8:1:2::/64"),
        ("fe80::1%eth0", (), "peer:fe80::/64"),
    ],
)
def test_a_peer_is_its_address_or_what_a_trusted_proxy_says(
    peer: str, forwarded: tuple[str, ...], name: str
) -> None:
    peers = PeerNames(parse_networks("10.0.0.0/8, ::1"))
    assert peers.name(scope(peer, *forwarded)) == name


def test_a_peer_without_an_address_has_a_name() -> None:
    assert PeerNames().name({"type": "http", "client": None, "headers": []}) == "peer:unknown"

"""Clients that hang up before they are answered."""

import asyncio
import json
from urllib.parse import urlsplit

import aiohttp

from tests.api.harness import Api


async def test_a_session_whose_client_hung_up_while_it_was_made_is_ended(api: Api) -> None:
    api.worker.may_create = asyncio.Event()
    body = json.dumps({"avatar_id": "demo-avatar", "model": "portrait"}).encode()
    head = (
        "POST /sessions HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    async with api.served() as base:
        place = urlsplit(base)
        _, writer = await asyncio.open_connection(place.hostname, place.port)
        writer.write(head.encode() + body)
        await asyncio.wait_for(api.worker.creating.wait(), 10)
        writer.close()
        await writer.wait_closed()
        # An exchange on another connection comes after the end of the first one.
        async with aiohttp.ClientSession() as other, other.get(f"{base}/healthz") as reply:
            assert reply.status == 200
        api.worker.may_create.set()
        await asyncio.wait_for(api.worker.told_to_close.wait(), 10)
        assert not await api.store.all()

"""Work that goes on only while its client is there."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from fastapi import Request

from opentalking.core.errors import Conflict

T = TypeVar("T")


async def while_connected(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """What `work` gives; cancelled as soon as the client goes away. The body must have been read before."""
    working = asyncio.create_task(work, name="request")
    leaving = asyncio.create_task(_until_gone(request), name="disconnect")
    tasks = {working, leaving}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    if working.cancelled():
        raise Conflict("the client went away", code="client_gone")  # nobody reads it
    return working.result()


async def _until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass

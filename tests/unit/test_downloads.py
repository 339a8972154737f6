"""Files on their way to a client."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from apps.api.downloads import Download
from opentalking.core.errors import NotFound

SCOPE = {"type": "http", "method": "GET", "headers": []}


async def _stays() -> Any:
    """A client that does not go away."""
    await asyncio.Event().wait()


async def test_a_file_that_is_deleted_meanwhile_arrives_whole(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(bytes(200_000))
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        path.unlink(missing_ok=True)
        sent.append(message)

    await Download(path, media_type="video/mp4", filename="film.mp4")(dict(SCOPE), _stays, send)
    assert sent[0]["status"] == 200
    assert dict(sent[0]["headers"])[b"content-length"] == b"200000"
    assert sum(len(message.get("body", b"")) for message in sent) == 200_000
    assert not path.exists()


async def test_a_file_that_is_gone_is_not_found(tmp_path: Path) -> None:
    async def send(message: Any) -> None:
        raise AssertionError("nothing was to be sent")

    with pytest.raises(NotFound):
        await Download(tmp_path / "film.mp4")(dict(SCOPE), _stays, send)

import asyncio
from pathlib import Path

import httpx
import pytest

from tests.api.harness import PNG, Api, write_bundle


async def test_list_and_manifest(client: httpx.AsyncClient, api: Api) -> None:
    write_bundle(
        api.avatars_root,
        "big",
        width=1024,
        height=1281,
        version=2,
        model_type="wav2lip",
        metadata={"custom_avatar": True, "animation": {"mouth_rx": 0.1}, "file": "/home/me/x.png"},
        extra=["kept", "/etc/passwd", "C:\\Users\\me"],
    )
    write_bundle(api.avatars_root, "ghost", metadata={"hidden": True})
    write_bundle(api.avatars_root, "broken", width=None)
    demo = {
        "id": "demo-avatar",
        "name": "Demo",
        "model_type": "portrait",
        "width": 512,
        "height": 640,
        "is_custom": False,
    }
    big = {
        "id": "big",
        "name": "big",
        "model_type": "wav2lip",
        "width": 572,
        "height": 714,
        "is_custom": True,
    }
    assert (await client.get("/avatars")).json() == [big, demo]
    assert (await client.get("/avatars/demo-avatar")).json() == demo | {
        "fps": 25,
        "sample_rate": 16000,
        "version": "1",
        "metadata": {},
    }
    assert (await client.get("/avatars/big")).json() == big | {
        "fps": 25,
        "sample_rate": 16000,
        "version": "2",
        "metadata": {"custom_avatar": True, "animation": {"mouth_rx": 0.1}},
        "extra": ["kept"],
    }
    assert (await client.get("/avatars/ghost")).status_code == 200


async def test_preview_is_conditional(client: httpx.AsyncClient, api: Api) -> None:
    first = await client.get("/avatars/demo-avatar/preview")
    assert (first.status_code, first.content, first.headers["content-type"]) == (200, PNG, "image/png")
    etag = first.headers["etag"]
    for condition in (etag, f'"other", W/{etag}', "*"):
        again = await client.get("/avatars/demo-avatar/preview", headers={"If-None-Match": condition})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    (api.avatars_root / "demo-avatar" / "preview.png").write_bytes(PNG + b"!")
    changed = await client.get("/avatars/demo-avatar/preview", headers={"If-None-Match": etag})
    assert (changed.status_code, changed.content) == (200, PNG + b"!")


async def test_preview_missing_or_no_picture(client: httpx.AsyncClient, api: Api) -> None:
    directory = write_bundle(api.avatars_root, "bare")
    answer = await client.get("/avatars/bare/preview")
    assert (answer.status_code, answer.json()) == (404, {"detail": "preview not found"})
    (directory / "preview.png").write_text("junk")
    assert (await client.get("/avatars/bare/preview")).status_code == 404


HOSTILE = [
    "%2e",
    "%2e%2e",
    "%2E%2E",
    "..%2f..%2fetc",
    "%2e%2e%2fdemo-avatar",
    "demo-avatar%00",
    "%00",
    "demo-avatar%2f",
    "~",
    "x" * 97,
    "x" * 5000,
    "%E7%BE%8E" * 67,
    "demo%20avatar",
    "d%C3%A9mo",
    "%ff%fe",
    "DEMO-AVATAR",
    "nobody",
]


@pytest.mark.parametrize("tail", ["", "/preview"])
async def test_hostile_ids_find_nothing(client: httpx.AsyncClient, tail: str) -> None:
    for avatar_id in HOSTILE:
        answer = await client.get(f"/avatars/{avatar_id}{tail}")
        assert answer.status_code == 404, avatar_id
        assert list(answer.json()) == ["detail"]


async def test_an_empty_server_has_no_avatars(client: httpx.AsyncClient, api: Api, tmp_path: Path) -> None:
    api.avatars_root.rename(tmp_path / "elsewhere")
    assert (await client.get("/avatars")).json() == []
    assert (await client.get("/avatars/demo-avatar")).json() == {"detail": "avatar not found"}


async def test_dots_in_the_path_find_nothing(api: Api) -> None:
    # By hand, because HTTP clients resolve dots before they send.
    paths = (
        b"/avatars/.",
        b"/avatars/..",
        b"/avatars/../preview",
        b"//avatars",
        b"/avatars/..%2f..",
        b"/%2e%2e",
    )
    async with api.served() as url:
        for path in paths:
            reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(url).port)
            writer.write(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            answer = await asyncio.wait_for(reader.read(), 10)
            writer.close()
            await writer.wait_closed()
            assert answer.startswith(b"HTTP/1.1 404 "), path
            assert b'{"detail":"' in answer


async def test_an_entry_that_cannot_be_read_hides_no_other(client: httpx.AsyncClient, api: Api) -> None:
    loop = api.avatars_root / "loop"
    loop.symlink_to(loop)
    assert [avatar["id"] for avatar in (await client.get("/avatars")).json()] == ["demo-avatar"]
    assert (await client.get("/avatars/loop")).status_code == 404

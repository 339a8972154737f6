"""Avatars made through the API: from a photo to a bundle, and away again."""

import asyncio
import re
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest

from opentalking.core.errors import ProviderError
from opentalking.providers.fake import FlatFace, FlatRenderer
from opentalking.services.workshop import Workshop
from tests.api.harness import Api, new_session, write_bundle
from tests.support.photos import encoded, smiling, spectacled
from tests.support.server import eventually
from tests.support.studio import studio_of

PHOTO = encoded(spectacled(), ".jpg")
HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"


async def upload(client: httpx.AsyncClient, image: bytes | None = PHOTO, **fields: Any) -> httpx.Response:
    """POST the form; a field that is None is left out."""
    form = {"name": "Anna", "base_avatar_id": "demo-avatar"} | fields
    sent = {key: value for key, value in form.items() if value is not None}
    files = None if image is None else {"image": ("photo.jpg", image, "image/jpeg")}
    return await client.post("/avatars/custom", data=sent, files=files or {"other": ("x", b"y")})


def directories(api: Api) -> list[str]:
    return sorted(path.name for path in api.avatars_root.iterdir())


async def test_a_photo_becomes_an_avatar(client: httpx.AsyncClient, api: Api) -> None:
    voices = {"en": "af_heart", "zh": "zf_xiaoxiao"}
    base = {"voices": voices, "languages": ["en", "zh"], "persona_prompt": "You are Mira."}
    write_bundle(api.avatars_root, "mira", model_type="wav2lip", metadata=base)
    answer = await upload(client, name=" Anna 小明! ", base_avatar_id="mira", consent="true")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    avatar_id = body["id"]
    assert re.fullmatch(r"custom-anna-小明-\d{8}-\d{6}-\d{3}", avatar_id)
    summary = {key: body[key] for key in ("id", "name", "model_type", "width", "height", "is_custom")}
    assert summary == {
        "id": avatar_id,
        "name": "Anna 小明!",
        "model_type": "wav2lip",
        "width": 512,
        "height": 600,
        "is_custom": True,
    }
    assert (await client.get("/avatars")).json()[0] == summary
    manifest = (await client.get(f"/avatars/{avatar_id}")).json()
    metadata = manifest["metadata"]
    assert metadata == body["metadata"]
    assert metadata["custom_avatar"] is True
    assert metadata["base_avatar_id"] == "mira"
    assert metadata["consent"] == "stated"
    assert (metadata["voices"], metadata["languages"]) == (voices, ["en", "zh"])
    assert "persona_prompt" not in metadata
    assert "hint" not in metadata
    animation = metadata["animation"]
    assert animation["mode"] == "face"
    assert all(0 < animation[key] < 1 for key in ("mouth_rx", "mouth_ry"))
    for outline in ([animation["mouth_center"]], animation["outer_lip"], animation["inner_mouth"]):
        assert all(len(point) == 2 and 0 <= min(point) <= max(point) <= 1 for point in outline)
    picture = (api.avatars_root / avatar_id / "reference.png").read_bytes()
    for name in ("preview.png", "frames/frame_00000.png"):
        assert (api.avatars_root / avatar_id / name).read_bytes() == picture
    preview = await client.get(f"/avatars/{avatar_id}/preview")
    assert (preview.status_code, preview.content) == (200, picture)
    assert await new_session(client, avatar_id=avatar_id)


@pytest.mark.parametrize(
    ("image", "fields", "status", "told"),
    [
        (PHOTO, {"name": None}, 400, "name"),
        (PHOTO, {"name": ""}, 400, "name"),
        (PHOTO, {"name": "  "}, 400, "name"),
        (PHOTO, {"name": "x" * 101}, 400, "name"),
        (b"junk", {"name": " ", "base_avatar_id": "nobody"}, 400, "name"),
        (PHOTO, {"base_avatar_id": None}, 400, "base_avatar_id"),
        (PHOTO, {"base_avatar_id": "../etc"}, 400, "base_avatar_id"),
        (PHOTO, {"base_avatar_id": "nobody"}, 404, "avatar not found"),
        (b"", {"base_avatar_id": "nobody"}, 404, "avatar not found"),
        (b"junk", {"base_avatar_id": "nobody"}, 404, "avatar not found"),
        (None, {}, 400, "image"),
        (b"", {}, 400, "image"),
        (b"junk", {}, 400, "PNG, JPEG or WebP"),
        (HEIC, {}, 400, "save the picture as JPEG"),
        (PHOTO[:20_000], {}, 400, "cut off"),
        (PHOTO, {"consent": "maybe"}, 400, "consent"),
        (PHOTO, {"crop": "maybe"}, 400, "crop"),
    ],
)
async def test_what_cannot_be_used_is_refused_in_order_and_leaves_nothing(
    client: httpx.AsyncClient, api: Api, image: bytes | None, fields: dict[str, Any], status: int, told: str
) -> None:
    answer = await upload(client, image, **fields)
    assert answer.status_code == status, answer.text
    assert told in answer.json()["detail"]
    assert directories(api) == ["demo-avatar"]


async def test_pictures_beyond_the_limits(client: httpx.AsyncClient, api: Api) -> None:
    huge = cv2.imencode(".png", np.zeros((6400, 6400), np.uint8))[1]
    assert (await upload(client, bytes(huge))).status_code == 400
    assert (await upload(client, PHOTO + bytes(10 * 2**20 - len(PHOTO) + 1))).status_code == 413
    answer = await upload(client, PHOTO + bytes(12 * 2**20))
    assert answer.status_code == 413
    assert directories(api) == ["demo-avatar"]


async def test_a_field_that_is_no_file(client: httpx.AsyncClient) -> None:
    form = {"name": "Anna", "base_avatar_id": "demo-avatar", "image": "photo.jpg"}
    answer = await client.post("/avatars/custom", data=form)
    assert answer.status_code == 400
    assert "image" in answer.json()["detail"]
    answer = await client.post("/avatars/custom", json=form)
    assert answer.status_code == 400


async def test_without_a_face_it_works_and_says_what_to_do(client: httpx.AsyncClient) -> None:
    body = (await upload(client, encoded(np.full((320, 240, 3), 120, np.uint8)))).json()
    assert body["metadata"]["animation"]["mode"] == "still-motion"
    assert "No face was found" in body["metadata"]["hint"]
    assert body["metadata"]["consent"] == "not stated"
    room = np.full((1200, 1000, 3), 170, np.uint8)
    room[500:800, 400:640] = cv2.resize(smiling(), (240, 300), interpolation=cv2.INTER_AREA)
    small = (await upload(client, encoded(room))).json()
    assert "crop=true" in small["metadata"]["hint"]
    assert (small["width"], small["height"]) != (240, 300)
    cropped = (await upload(client, encoded(room), crop="true")).json()
    assert "hint" not in cropped["metadata"]


async def test_consent_may_be_required(api: Api) -> None:
    services = api.services
    services.studio, services.customisations = studio_of(
        api.avatars_root.parent, services.avatars, services.models, require_consent=True
    )
    async with api.client() as client:
        for word in (None, "false", ""):
            answer = await upload(client, consent=word)
            assert answer.status_code == 400
            assert "consent=true" in answer.json()["detail"]
        assert (await upload(client, consent="true")).status_code == 200


async def test_two_of_one_name_at_once_are_two(client: httpx.AsyncClient, api: Api) -> None:
    answers = await asyncio.gather(*(upload(client) for _ in range(3)))
    assert len({answer.json()["id"] for answer in answers}) == 3
    assert len(directories(api)) == 4


async def test_what_cannot_be_prepared_does_not_stay(api: Api) -> None:
    failing = FlatRenderer(
        failure=ProviderError("portrait: out of memory", stage="render", provider="portrait")
    )
    services = api.services
    services.studio, _ = studio_of(api.avatars_root.parent, services.avatars, services.models, failing)
    async with api.client() as client:
        answer = await upload(client)
        assert (answer.status_code, answer.json()) == (502, {"detail": "portrait: out of memory"})
    assert directories(api) == ["demo-avatar"]


class StalledRenderer(FlatRenderer):
    """Opens nobody until it may."""

    def __init__(self) -> None:
        super().__init__()
        self.opening = asyncio.Semaphore(0)
        self.may_open = asyncio.Event()

    async def open(self, avatar: Any) -> FlatFace:
        self.opening.release()
        await self.may_open.wait()
        return await super().open(avatar)


async def test_too_many_uploads_at_once_are_sent_away_and_none_is_listed_before_it_is_ready(api: Api) -> None:
    renderer, services = StalledRenderer(), api.services
    services.studio, _ = studio_of(
        api.avatars_root.parent, services.avatars, services.models, renderer, workshop=Workshop(1, 1)
    )
    async with api.client() as client:
        working = [asyncio.create_task(upload(client)) for _ in range(3)]
        await renderer.opening.acquire()
        done, _ = await asyncio.wait(working, return_when=asyncio.FIRST_COMPLETED)
        refused = done.pop().result()
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) >= 1
        assert len((await client.get("/avatars")).json()) == 1
        prewarm = await client.post("/avatars/demo-avatar/prewarm")
        assert prewarm.status_code == 429
        renderer.may_open.set()
        statuses = sorted([(await task).status_code for task in working])
        assert statuses == [200, 200, 429]
        assert len((await client.get("/avatars")).json()) == 3


async def test_who_hangs_up_meanwhile_leaves_nothing(api: Api) -> None:
    renderer, services = StalledRenderer(), api.services
    services.studio, _ = studio_of(api.avatars_root.parent, services.avatars, services.models, renderer)
    async with api.served() as url, httpx.AsyncClient(base_url=url) as client:
        leaving = asyncio.create_task(upload(client))
        await renderer.opening.acquire()
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        async with httpx.AsyncClient(base_url=url) as other:
            renderer.may_open.set()
            await eventually(lambda: directories(api) == ["demo-avatar"], "nothing stays")
            assert len((await other.get("/avatars")).json()) == 1


# ---- deleting


async def test_delete(client: httpx.AsyncClient, api: Api, tmp_path: Path) -> None:
    avatar_id = (await upload(client)).json()["id"]
    form = {"avatar_id": avatar_id, "llm_system_prompt": "Be brief."}
    picture = {"reference_image": ("x.jpg", PHOTO)}
    assert (await client.post("/sessions/customize", data=form, files=picture)).status_code == 200
    assert len(list((tmp_path / "customisations").iterdir())) == 2
    answer = await client.delete(f"/avatars/{avatar_id}")
    gone = {"deleted": True, "avatar_id": avatar_id, "status": "deleted"}
    assert (answer.status_code, answer.json()) == (200, gone)
    assert directories(api) == ["demo-avatar"]
    assert list((tmp_path / "customisations").iterdir()) == []
    for method, path in (("GET", ""), ("GET", "/preview"), ("DELETE", ""), ("POST", "/prewarm")):
        assert (await client.request(method, f"/avatars/{avatar_id}{path}")).status_code == 404
    assert len((await client.get("/avatars")).json()) == 1


async def test_only_custom_avatars_can_be_deleted(client: httpx.AsyncClient, api: Api) -> None:
    answer = await client.delete("/avatars/demo-avatar")
    assert answer.status_code == 403
    assert "custom" in answer.json()["detail"]
    for hostile in ("%2e%2e", "nobody", "x" * 97, "demo-avatar%00", "..%2fdemo-avatar"):
        assert (await client.delete(f"/avatars/{hostile}")).status_code == 404
    assert directories(api) == ["demo-avatar"]


async def test_lists_beside_making_and_deleting_are_always_whole(client: httpx.AsyncClient, api: Api) -> None:
    stop = asyncio.Event()

    async def come_and_go() -> None:
        for _ in range(4):
            avatar_id = (await upload(client)).json()["id"]
            answers = await asyncio.gather(*(client.delete(f"/avatars/{avatar_id}") for _ in range(2)))
            assert sorted(answer.status_code for answer in answers) == [200, 404]

    async def look() -> int:
        rounds = 0
        while not stop.is_set():
            for avatar in (await client.get("/avatars")).json():
                manifest = await client.get(f"/avatars/{avatar['id']}")
                preview = await client.get(f"/avatars/{avatar['id']}/preview")
                assert manifest.status_code in (200, 404)
                assert preview.status_code in (200, 404)
                assert preview.status_code == 404 or preview.content.startswith(b"\x89PNG")
            rounds += 1
        return rounds

    looking = asyncio.create_task(look())
    await asyncio.gather(come_and_go(), come_and_go())
    stop.set()
    assert await looking > 3
    assert directories(api) == ["demo-avatar"]


# ---- prewarm


async def test_prewarm(client: httpx.AsyncClient) -> None:
    ready = {"avatar_id": "demo-avatar", "model": "portrait", "status": "ready", "runtime_status": "ready"}
    for body in (None, {}, {"model": ""}, {"model": "portrait"}):
        answer = await client.post("/avatars/demo-avatar/prewarm", json=body)
        assert (answer.status_code, answer.json()) == (200, ready), body
    assert (await client.post("/avatars/demo-avatar/prewarm")).json() == ready
    bad: list[Any] = [{"model": "nobody"}, {"model": "wav2lip"}, {"model": 5}, ["portrait"]]
    for wrong in bad:
        assert (await client.post("/avatars/demo-avatar/prewarm", json=wrong)).status_code == 400
    assert (await client.post("/avatars/nobody/prewarm", json={"model": "nobody"})).status_code == 404

"""What clients change of avatars: kept, checked, and for later sessions only."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from opentalking.catalog.avatars import AvatarCatalog
from opentalking.catalog.customisations import CustomisationStore
from opentalking.core.avatars import AvatarBundle
from opentalking.core.errors import ProviderError
from opentalking.providers.fake import FlatFace, FlatRenderer
from opentalking.providers.render.portrait.picture import decode
from opentalking.services.avatars import AvatarService
from opentalking.services.customised import CustomisedAvatars
from tests.api.harness import PNG, Api, write_bundle
from tests.support.photos import beside, encoded, smiling, spectacled
from tests.support.studio import studio_of

PHOTO = encoded(spectacled(), ".jpg")
SAVED = {"avatar_id": "demo-avatar", "saved": True}


async def send(
    client: httpx.AsyncClient, path: str, image: bytes | None = None, **form: Any
) -> httpx.Response:
    sent = {"avatar_id": "demo-avatar"} | form
    files = {"reference_image": ("photo.jpg", image)} if image is not None else {"other": ("x", b"y")}
    wanted = {key: value for key, value in sent.items() if value is not None}
    return await client.post(f"/sessions/customize{path}", data=wanted, files=files)


class HeldRenderer(FlatRenderer):
    """Tells that it was `asked`, and waits for `go`."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.go = asyncio.Event(), asyncio.Event()

    async def open(self, avatar: AvatarBundle) -> FlatFace:
        self.asked.set()
        await self.go.wait()
        return await super().open(avatar)


def kept(folder: Path) -> list[str]:
    """Names of the files in which customisations are kept."""
    return sorted(path.name for path in folder.glob("customisations/*"))


async def as_sessions_get_it(folder: Path) -> AvatarBundle:
    """The demo avatar, read anew from disk as a server that starts now would."""
    catalog = AvatarCatalog([folder / "avatars"], 409_600)
    store = CustomisationStore(folder / "customisations")
    return await CustomisedAvatars(AvatarService(catalog), store).bundle("demo-avatar")


async def test_prompt_and_picture_together(client: httpx.AsyncClient, tmp_path: Path) -> None:
    answer = await send(client, "", PHOTO, llm_system_prompt=" Be brief. ", consent="true")
    assert (answer.status_code, answer.json()) == (200, SAVED | {"image_updated": True})
    changed = await as_sessions_get_it(tmp_path)
    assert changed.persona_prompt == "Be brief."
    assert changed.reference is not None
    assert decode(changed.reference).shape == (640, 512, 3)
    animation = changed.manifest["metadata"]["animation"]
    assert animation["mode"] == "face"
    assert 0.3 < animation["mouth_center"][0] < 0.7
    assert CustomisationStore(tmp_path / "customisations").get("demo-avatar").consent == "stated"
    assert (await client.get("/avatars/demo-avatar")).json()["metadata"] == {}
    assert (await client.get("/avatars/demo-avatar/preview")).content == PNG
    assert sorted(path.name for path in (tmp_path / "avatars" / "demo-avatar").iterdir()) == [
        "manifest.json",
        "preview.png",
    ]


async def test_absent_stays_and_empty_clears(client: httpx.AsyncClient, tmp_path: Path) -> None:
    write_bundle(tmp_path / "avatars", "anna", metadata={"persona_prompt": "You are Anna."})
    await send(client, "", PHOTO, llm_system_prompt="Be brief.")
    only_picture = await send(client, "", encoded(smiling()))
    assert only_picture.json() == SAVED | {"image_updated": True}
    changed = await as_sessions_get_it(tmp_path)
    assert changed.persona_prompt == "Be brief."
    only_prompt = await send(client, "", llm_system_prompt="Be kind.")
    assert only_prompt.json() == SAVED | {"image_updated": False}
    again = await as_sessions_get_it(tmp_path)
    assert (again.persona_prompt, again.reference) == ("Be kind.", changed.reference)
    assert (await send(client, "", llm_system_prompt="")).status_code == 200
    cleared = await as_sessions_get_it(tmp_path)
    assert (cleared.persona_prompt, cleared.reference) == ("", changed.reference)
    assert len(kept(tmp_path)) == 2, "the former picture is gone"


async def test_the_prompt_alone(client: httpx.AsyncClient, tmp_path: Path) -> None:
    path = "/sessions/customize/prompt"
    body = {"avatar_id": "demo-avatar", "llm_system_prompt": "Be brief."}
    answer = await client.post(path, json=body)
    assert (answer.status_code, answer.json()) == (200, SAVED)
    assert (await as_sessions_get_it(tmp_path)).persona_prompt == "Be brief."
    for clearing in ({}, {"llm_system_prompt": ""}, {"llm_system_prompt": None}):
        await client.post(path, json=body)
        assert (await client.post(path, json={"avatar_id": "demo-avatar"} | clearing)).json() == SAVED
        assert (await as_sessions_get_it(tmp_path)).persona_prompt == ""
    assert kept(tmp_path) == [], "nothing is left of nothing"


async def test_the_picture_alone_and_back(client: httpx.AsyncClient, tmp_path: Path) -> None:
    answer = await send(client, "/reference", PHOTO)
    assert (answer.status_code, answer.json()) == (200, SAVED | {"image_updated": True})
    assert (await as_sessions_get_it(tmp_path)).reference is not None
    answer = await send(client, "/reference", reset="true")
    assert (answer.status_code, answer.json()) == (200, SAVED | {"image_updated": True})
    assert (await as_sessions_get_it(tmp_path)).reference is None
    assert kept(tmp_path) == []


async def test_a_wide_picture_is_cropped_around_the_largest_face(
    client: httpx.AsyncClient, tmp_path: Path
) -> None:
    room = beside(np.full((600, 900, 3), 120, np.uint8), spectacled())
    await send(client, "/reference", encoded(room))
    changed = await as_sessions_get_it(tmp_path)
    assert changed.reference is not None
    assert decode(changed.reference).shape == (640, 512, 3)
    x, y = changed.manifest["metadata"]["animation"]["mouth_center"]
    assert 0.3 < x < 0.7
    assert 0.3 < y < 0.8


@pytest.mark.parametrize(
    ("path", "form", "image", "status", "told"),
    [
        ("", {}, None, 400, "nothing to change"),
        ("", {"avatar_id": None}, PHOTO, 400, "avatar_id"),
        ("", {"avatar_id": "../x"}, PHOTO, 400, "avatar_id"),
        ("", {"avatar_id": "nobody"}, b"junk", 404, "avatar not found"),
        ("", {"llm_system_prompt": "x" * 20_001}, None, 400, "20000"),
        ("", {"llm_system_prompt": "Be brief."}, b"junk", 400, "PNG, JPEG or WebP"),
        ("/reference", {}, None, 400, "reset=true"),
        ("/reference", {"reset": "false"}, None, 400, "reset=true"),
        ("/reference", {"reset": "true"}, PHOTO, 400, "either"),
        ("/reference", {"reset": "maybe"}, None, 400, "reset"),
        ("/reference", {"consent": "perhaps"}, PHOTO, 400, "consent"),
        ("/reference", {}, b"", 400, "empty"),
        ("/reference", {}, PHOTO[:9000], 400, "cut off"),
        ("/reference", {}, bytes(10 * 2**20 + 1), 413, "10485760"),
        ("/reference", {"avatar_id": "nobody", "reset": "true"}, None, 404, "avatar not found"),
    ],
)
async def test_what_cannot_be_done_changes_nothing(  # noqa: PLR0917 - a row of the table
    client: httpx.AsyncClient,
    tmp_path: Path,
    path: str,
    form: dict[str, Any],
    image: bytes | None,
    status: int,
    told: str,
) -> None:
    answer = await send(client, path, image, **form)
    assert answer.status_code == status, answer.text
    assert told in answer.json()["detail"]
    assert kept(tmp_path) == []


async def test_prompts_are_checked(client: httpx.AsyncClient) -> None:
    for body, status in (
        ({"llm_system_prompt": "x"}, 400),
        ({"avatar_id": "", "llm_system_prompt": "x"}, 400),
        ({"avatar_id": "a b"}, 400),
        ({"avatar_id": "nobody"}, 404),
        ({"avatar_id": "demo-avatar", "llm_system_prompt": 5}, 400),
        ({"avatar_id": "demo-avatar", "llm_system_prompt": "x" * 20_001}, 400),
    ):
        answer = await client.post("/sessions/customize/prompt", json=body)
        assert answer.status_code == status, body


async def test_it_can_be_switched_off(api: Api) -> None:
    services = api.services
    services.studio, services.customisations = studio_of(
        api.avatars_root.parent, services.avatars, services.models, allowed=False
    )
    async with api.client() as client:
        for answer in (
            await send(client, "", PHOTO),
            await send(client, "/reference", reset="true"),
            await client.post("/sessions/customize/prompt", json={"avatar_id": "demo-avatar"}),
        ):
            assert answer.status_code == 403
            assert "POST /sessions" in answer.json()["detail"]
        assert (await send(client, "", PHOTO, avatar_id="nobody")).status_code == 404


async def test_consent_may_be_required_for_faces_only(api: Api) -> None:
    services = api.services
    services.studio, services.customisations = studio_of(
        api.avatars_root.parent, services.avatars, services.models, require_consent=True
    )
    async with api.client() as client:
        answer = await send(client, "/reference", PHOTO)
        assert answer.status_code == 400
        assert "consent=true" in answer.json()["detail"]
        assert (await send(client, "/reference", PHOTO, consent="true")).status_code == 200
        assert (await send(client, "", llm_system_prompt="Be brief.")).status_code == 200


async def test_what_cannot_be_prepared_is_not_kept(api: Api, tmp_path: Path) -> None:
    trouble = ProviderError("portrait: out of memory", stage="render", provider="portrait")
    services = api.services
    services.studio, services.customisations = studio_of(
        tmp_path, services.avatars, services.models, FlatRenderer(failure=trouble)
    )
    async with api.client() as client:
        answer = await send(client, "", PHOTO, llm_system_prompt="Be brief.")
        assert answer.status_code == 502
    assert kept(tmp_path) == []


async def test_of_an_avatar_that_is_deleted_meanwhile_nothing_stays(api: Api, tmp_path: Path) -> None:
    renderer = HeldRenderer()
    services = api.services
    services.studio, services.customisations = studio_of(
        tmp_path, services.avatars, services.models, renderer
    )
    async with api.client() as client:
        form = {"name": "Anna", "base_avatar_id": "demo-avatar"}
        renderer.go.set()
        made = await client.post("/avatars/custom", data=form, files={"image": ("a.jpg", PHOTO)})
        avatar_id = made.json()["id"]
        renderer.go.clear()
        renderer.asked.clear()
        changing = asyncio.create_task(
            send(client, "", PHOTO, avatar_id=avatar_id, llm_system_prompt="Be brief.")
        )
        await renderer.asked.wait()
        assert (await client.delete(f"/avatars/{avatar_id}")).status_code == 200
        renderer.go.set()
        assert (await changing).status_code == 404
    assert kept(tmp_path) == []


async def test_many_at_once_leave_one_whole(client: httpx.AsyncClient, tmp_path: Path) -> None:
    pictures = [PHOTO, encoded(smiling())]
    answers = await asyncio.gather(
        *(send(client, "", pictures[k % 2], llm_system_prompt=f"Number {k}.") for k in range(6))
    )
    assert {answer.status_code for answer in answers} == {200}
    changed = await as_sessions_get_it(tmp_path)
    assert changed.reference is not None
    assert changed.persona_prompt.startswith("Number ")
    assert len(kept(tmp_path)) == 2


def test_a_damaged_file_counts_as_nothing(tmp_path: Path) -> None:
    store = CustomisationStore(tmp_path)
    store.change("anna", prompt="Be brief.", reference=b"picture", animation={"mode": "face"})
    kept = store.get("anna")
    assert (kept.prompt, kept.reference, kept.animation) == ("Be brief.", b"picture", {"mode": "face"})
    whole = (tmp_path / "anna.json").read_text()
    for damaged in ("", "{", "[]", '"x"', whole.replace('"anna.', '"../anna.'), whole.replace(".png", "")):
        (tmp_path / "anna.json").write_text(damaged)
        assert store.get("anna") == replace(kept, prompt="", reference=None, animation={})
    store.change("anna", prompt="Again.")
    assert store.get("anna").prompt == "Again."
    store.forget("anna")
    assert list(tmp_path.iterdir()) == []

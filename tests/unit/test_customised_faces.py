"""Customised and custom avatars with the real renderer: what is prepared, shown, kept and forgotten."""

import os
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from opentalking.catalog.avatars import AvatarCatalog
from opentalking.catalog.bundles import rename_bundle, sweep_bundles
from opentalking.catalog.customisations import CustomisationStore
from opentalking.core.avatars import AvatarBundle
from opentalking.core.errors import Forbidden
from opentalking.media.idle import IdleCache
from opentalking.providers.render.mock import MockRenderer
from opentalking.providers.render.portrait import PortraitRenderer, prepared
from opentalking.providers.render.portrait.picture import read_files
from opentalking.providers.render.portrait.renderer import PortraitConfig
from opentalking.services.avatar_studio import AvatarStudio, StudioTools
from opentalking.services.avatars import AvatarService
from opentalking.services.custom_avatars import AvatarMaker, NewAvatar
from opentalking.services.customisations import CustomisationService
from opentalking.services.customised import CustomisedAvatars, pictured_in
from opentalking.services.exports.artifacts import FilmFacts
from opentalking.services.exports.render import RenderOrder, RenderPlugin
from opentalking.services.models import AlwaysConnected, ModelService
from opentalking.services.preparation import FacePreparer
from opentalking.services.workshop import Workshop
from tests.support.photos import encoded, smiling, spectacled
from tests.support.portraits import difference, frames_of, rendered, spoken

SAID = spoken([("", 0.2), ("ɑ", 0.4)])


@dataclass
class Rooms:
    """A studio with the portrait renderer, and where everything lies."""

    folder: Path
    studio: AvatarStudio
    customisations: CustomisationService
    source: CustomisedAvatars
    portrait: PortraitRenderer

    def files(self, pattern: str) -> list[str]:
        return sorted(path.name for path in self.folder.glob(pattern))


@pytest.fixture
async def rooms(tmp_path: Path) -> AsyncIterator[Rooms]:
    portrait = PortraitRenderer(PortraitConfig(cache_directory=tmp_path / "cache" / "portrait"))
    mock = MockRenderer()
    avatars = AvatarService(AvatarCatalog([tmp_path / "avatars"], 409_600))
    store = CustomisationStore(tmp_path / "customisations")
    with ThreadPoolExecutor(1) as pool:
        tools = StudioTools(
            root=tmp_path / "avatars",
            avatars=avatars,
            models=ModelService([AlwaysConnected("portrait"), AlwaysConnected("mock")], "portrait"),
            maker=AvatarMaker(tmp_path / "avatars"),
            store=store,
            preparer=FacePreparer(
                {"portrait": portrait, "mock": mock}, IdleCache(tmp_path / "cache" / "idle", pool)
            ),
            workshop=Workshop(),
        )
        studio = AvatarStudio(tools)
        service = CustomisationService(tools, studio)
        yield Rooms(tmp_path, studio, service, CustomisedAvatars(avatars, store), portrait)
        await portrait.aclose()
        await mock.aclose()


async def made(rooms: Rooms) -> AvatarBundle:
    return await rooms.studio.create(NewAvatar(encoded(spectacled(), ".jpg"), "Grace"))


async def test_all_that_was_prepared_goes_with_the_avatar_and_a_live_face_speaks_on(rooms: Rooms) -> None:
    bundle = await made(rooms)
    assert len(rooms.files("cache/portrait/*")) == len(rooms.files("cache/idle/*")) == 1
    await rooms.studio.prewarm(bundle.id, "mock")
    assert len(rooms.files("cache/idle/*")) == 2
    face = await rooms.portrait.open(await rooms.source.bundle(bundle.id))
    before = frames_of(await rendered(face, SAID))
    await rooms.studio.delete(bundle.id)
    assert rooms.files("cache/*/*") == rooms.files("avatars/*") == []
    after = frames_of(await rendered(face, SAID))
    assert len(before) == len(after)
    assert all(difference(one, other) == 0 for one, other in zip(before, after, strict=True))
    assert next(iter(face.idle_frames())).shape == (900, 512)


async def test_another_picture_is_animated_by_its_own_face_and_running_faces_keep_theirs(
    rooms: Rooms,
) -> None:
    bundle = await made(rooms)
    running = await rooms.portrait.open(await rooms.source.bundle(bundle.id))
    first = frames_of(await rendered(running, SAID))
    await rooms.customisations.change(bundle, picture=encoded(smiling(), ".jpg"))
    assert len(rooms.files("cache/portrait/*")) == len(rooms.files("cache/idle/*")) == 2, "ready at once"
    changed = await rooms.source.bundle(bundle.id)
    later = await rooms.portrait.open(changed)
    assert (later.width, later.height) == (running.width, running.height)
    assert later.idle_key != running.idle_key
    frames = frames_of(await rendered(later, SAID))
    assert difference(frames[0], first[0]) > 20, "somebody else"
    animation = changed.manifest["metadata"]["animation"]
    mouth_x, mouth_y = animation["mouth_center"]
    row, column = round(mouth_y * later.height), round(mouth_x * later.width)
    mouth = (slice(row - 20, row + 30), slice(column - 40, column + 40))
    assert difference(frames[2], frames[12], mouth) > 5, "its mouth moves where its own lips are"
    again = frames_of(await rendered(running, SAID))
    assert all(difference(one, other) == 0 for one, other in zip(first, again, strict=True))
    await rooms.customisations.reset_picture(bundle)
    assert len(rooms.files("cache/portrait/*")) == len(rooms.files("cache/idle/*")) == 1
    back = await rooms.portrait.open(await rooms.source.bundle(bundle.id))
    assert back.idle_key == running.idle_key
    await rooms.customisations.change(bundle, picture=encoded(smiling(), ".jpg"))
    await rooms.studio.delete(bundle.id)
    assert rooms.files("cache/*/*") == rooms.files("customisations/*") == []


async def test_a_film_shows_the_customised_face(rooms: Rooms, tmp_path: Path) -> None:
    bundle = await made(rooms)
    assert pictured_in(bundle, tmp_path) == bundle
    await rooms.customisations.change(bundle, picture=encoded(smiling(), ".jpg"), prompt="Be brief.")
    changed = await rooms.source.bundle(bundle.id)
    elsewhere = pictured_in(changed, tmp_path)
    read = read_files(elsewhere.directory, elsewhere.manifest)
    assert read == read_files(changed.directory, changed.manifest, changed.reference)
    plugin = RenderPlugin(name="portrait", models_dir=tmp_path, cache_dir=tmp_path)
    facts = FilmFacts(
        session_id="s",
        job_id="j",
        avatar_id=bundle.id,
        avatar_name="Grace",
        model="portrait",
        source="said",
        created_at=datetime.now(UTC),
    )
    order = RenderOrder(folder=tmp_path, plugin=plugin, avatar=elsewhere, facts=facts)
    assert RenderOrder.model_validate(order.model_dump(mode="json")) == order


async def test_only_what_lies_in_the_folder_of_custom_avatars_is_deleted(rooms: Rooms) -> None:
    bundle = await made(rooms)
    shipped = rooms.folder / "shipped"
    shipped.mkdir()
    bundle.directory.rename(shipped / bundle.id)
    (rooms.folder / "avatars" / bundle.id).symlink_to(shipped / bundle.id)
    await rooms.studio.delete(bundle.id)
    assert (shipped / bundle.id / "manifest.json").is_file(), "a link goes, not what it names"
    catalog = AvatarCatalog([rooms.folder / "avatars", shipped], 409_600)
    assert catalog.bundle(bundle.id).directory == shipped / bundle.id
    with pytest.raises(Forbidden):
        await studio_over(rooms, catalog).delete(bundle.id)


def studio_over(rooms: Rooms, catalog: AvatarCatalog) -> AvatarStudio:
    """A studio whose avatars lie in several folders."""
    root = rooms.folder / "avatars"
    return AvatarStudio(
        StudioTools(
            root=root,
            avatars=AvatarService(catalog),
            models=ModelService([AlwaysConnected("portrait")], "portrait"),
            maker=AvatarMaker(root),
            store=CustomisationStore(rooms.folder / "customisations"),
            preparer=FacePreparer({}, IdleCache(None, ThreadPoolExecutor(1))),
            workshop=Workshop(),
        )
    )


def test_of_two_at_the_same_millisecond_one_gets_the_next(tmp_path: Path) -> None:
    maker = AvatarMaker(tmp_path)
    wanted = NewAvatar(encoded(spectacled(), ".jpg"), "Grace")
    first = maker.make(wanted)
    other = maker.stage(wanted)
    manifest = {**other.manifest, "id": first.manifest["id"]}
    twin = replace(other, directory=rename_bundle(other.directory, manifest), manifest=manifest)
    second = maker.publish(twin)
    maker.discard(twin)
    assert second.manifest["id"] != first.manifest["id"]
    bundles = AvatarCatalog([tmp_path], 409_600).all()
    assert {bundle.id for bundle in bundles} == {first.manifest["id"], second.manifest["id"]}
    assert len(list(tmp_path.iterdir())) == 2


def test_what_a_killed_server_left_is_swept_but_not_what_is_under_way(tmp_path: Path) -> None:
    for name, age_seconds in ((".unfinished-old", 3600), (".deleted-old", 3600), (".unfinished-new", 0)):
        (tmp_path / name / "anna").mkdir(parents=True)
        os.utime(tmp_path / name, (time.time() - age_seconds,) * 2)
    (tmp_path / "anna").mkdir()
    os.utime(tmp_path / "anna", (0, 0))
    assert sweep_bundles(tmp_path) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == [".unfinished-new", "anna"]
    assert sweep_bundles(tmp_path / "nowhere") == 0


def test_prepared_portraits_are_bounded_and_old_versions_go(tmp_path: Path) -> None:
    names = [f"portrait-{prepared.VERSION}-{k}.npz" for k in range(5)]
    for k, name in enumerate([*names, "portrait-0-x.npz", "old.part", "new.part"]):
        (tmp_path / name).write_bytes(b"x")
        os.utime(tmp_path / name, (1000 + k,) * 2)
    os.utime(tmp_path / "new.part")
    prepared.sweep(tmp_path, most=3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.part", *names[2:]]

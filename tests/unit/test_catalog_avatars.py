import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from opentalking.catalog.avatars import AvatarCatalog
from opentalking.catalog.manifest import streamed_size, without_absolute_paths
from opentalking.core.errors import NotFound

GOOD: dict[str, Any] = {"id": "amy", "fps": 25, "sample_rate": 16000, "width": 512, "height": 640}
MAX_PIXELS = 409_600


def write(root: Path, directory: str = "amy", raw: bytes | None = None, **changes: Any) -> Path:
    path = root / directory / "manifest.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    manifest = {key: value for key, value in (GOOD | changes).items() if value is not ...}
    path.write_bytes(json.dumps(manifest).encode() if raw is None else raw)
    return path


@pytest.fixture
def catalog(tmp_path: Path) -> AvatarCatalog:
    return AvatarCatalog([tmp_path], MAX_PIXELS)


def test_a_bare_manifest_gets_its_defaults(tmp_path: Path, catalog: AvatarCatalog) -> None:
    write(tmp_path)
    bundle = catalog.bundle("amy")
    assert (bundle.name, bundle.model_type, bundle.is_custom, bundle.hidden) == (
        "amy",
        "portrait",
        False,
        False,
    )
    assert (bundle.width, bundle.height) == (512, 640)
    assert bundle.directory == tmp_path / "amy"
    assert bundle.manifest["version"] == "1"
    assert bundle.manifest["metadata"] == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"id": ...},
        {"id": "other"},
        {"id": 5},
        {"fps": ...},
        {"fps": "25"},
        {"fps": 0},
        {"fps": True},
        {"sample_rate": ...},
        {"sample_rate": 0},
        {"width": ...},
        {"width": 0},
        {"width": -512},
        {"width": 1e9},
        {"width": 512.5},
        {"width": True},
        {"height": None},
        {"height": "640"},
        {"raw": b"{"},
        {"raw": b"[]"},
        {"raw": b"\xff\xfe"},
        {"raw": b"[" * 100_000},
        {"raw": json.dumps(GOOD).replace("25", "NaN").encode()},
        {"raw": json.dumps(GOOD | {"name": "\ud800"}).encode()},
        {"raw": b" " * (5 * 2**20)},
    ],
    ids=str,
)
def test_broken_bundles_are_skipped_and_logged_once(
    tmp_path: Path, catalog: AvatarCatalog, changes: dict[str, Any]
) -> None:
    write(tmp_path, **changes)
    write(tmp_path, "bob", id="bob")
    with capture_logs() as logs:
        for _ in range(2):
            assert [bundle.id for bundle in catalog.all()] == ["bob"]
    with pytest.raises(NotFound):
        catalog.bundle("amy")
    assert [line["directory"] for line in logs if line["log_level"] == "warning"] == ["amy"]


def test_odd_optional_fields_fall_back(tmp_path: Path, catalog: AvatarCatalog) -> None:
    write(tmp_path, name="  ", model_type=7, version=3, metadata=["x"], width=512.0)
    bundle = catalog.bundle("amy")
    assert (bundle.name, bundle.model_type, bundle.width) == ("amy", "portrait", 512)
    assert (bundle.manifest["version"], bundle.manifest["metadata"]) == ("3", {})


def test_hidden_ones_are_left_out_of_the_list_only(tmp_path: Path, catalog: AvatarCatalog) -> None:
    write(tmp_path, metadata={"hidden": True})
    assert catalog.all() == []
    assert catalog.bundle("amy").hidden


def test_the_list_is_by_directory_name_over_all_roots(tmp_path: Path) -> None:
    for root, name in (("mine", "zoe"), ("shipped", "amy"), ("mine", "美"), ("shipped", "zoe")):
        write(tmp_path / root, name, id=name, name=f"{root} {name}")
    catalog = AvatarCatalog([tmp_path / "mine", tmp_path / "missing", tmp_path / "shipped"], MAX_PIXELS)
    assert [bundle.name for bundle in catalog.all()] == ["shipped amy", "mine zoe", "mine 美"]


def test_a_broken_bundle_does_not_hide_a_shipped_one(tmp_path: Path) -> None:
    write(tmp_path / "mine", raw=b"{")
    write(tmp_path / "shipped", name="shipped")
    catalog = AvatarCatalog([tmp_path / "mine", tmp_path / "shipped"], MAX_PIXELS)
    assert catalog.bundle("amy").name == "shipped"


def test_a_changed_manifest_is_read_again_and_a_removed_one_is_gone(
    tmp_path: Path, catalog: AvatarCatalog
) -> None:
    path = write(tmp_path, name="before")
    assert catalog.bundle("amy").name == "before"
    write(tmp_path, name="after!")
    assert catalog.bundle("amy").name == "after!"
    path.unlink()
    with pytest.raises(NotFound):
        catalog.bundle("amy")


@pytest.mark.parametrize(
    "avatar_id", ["", ".", "..", "../amy", "amy/", "/amy", "amy\0", "a" * 97, "美" * 67, "amy ", "amy\n", "~"]
)
def test_what_is_no_id_touches_nothing(tmp_path: Path, avatar_id: str) -> None:
    root = tmp_path / "inside"
    write(tmp_path, id="amy")
    write(root)
    before = os.stat(tmp_path / "amy" / "manifest.json")
    with pytest.raises(NotFound):
        AvatarCatalog([root], MAX_PIXELS).bundle(avatar_id)
    assert os.stat(tmp_path / "amy" / "manifest.json") == before


def test_files_and_odd_names_in_the_root_are_passed_over(tmp_path: Path, catalog: AvatarCatalog) -> None:
    write(tmp_path)
    (tmp_path / "notes").write_text("a file")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "empty").mkdir()
    assert [bundle.id for bundle in catalog.all()] == ["amy"]


@pytest.mark.parametrize(
    ("size", "streamed"),
    [
        ((512, 640), (512, 640)),
        ((640, 640), (640, 640)),
        ((720, 720), (640, 640)),
        ((513, 641), (512, 640)),
        ((1080, 1920), (480, 852)),
        ((1920, 1080), (852, 480)),
    ],
)
def test_streamed_size(size: tuple[int, int], streamed: tuple[int, int]) -> None:
    assert streamed_size(*size, MAX_PIXELS) == streamed


@given(st.integers(16, 16_384), st.integers(16, 16_384), st.integers(4096, 4_194_304))
def test_streamed_size_is_even_within_the_limit_and_keeps_the_aspect(
    width: int, height: int, limit: int
) -> None:
    new_width, new_height = streamed_size(width, height, limit)
    assert new_width % 2 == new_height % 2 == 0
    assert 2 <= new_width <= width
    assert 2 <= new_height <= height
    assert new_width * new_height <= limit
    scale = min(1.0, (limit / (width * height)) ** 0.5)
    assert abs(new_width - width * scale) <= 2
    assert abs(new_height - height * scale) <= 2


def test_absolute_paths_are_removed_at_any_depth() -> None:
    manifest = {
        "a": "/srv/x",
        "b": ["frames/0.png", "C:\\x", "\\\\server\\share", {"c": "~/x", "d": "ok/y"}],
        "e": {"f": "file:///x", "g": 1, "h": None},
    }
    assert without_absolute_paths(manifest) == {
        "b": ["frames/0.png", {"d": "ok/y"}],
        "e": {"g": 1, "h": None},
    }


def test_an_entry_that_cannot_be_looked_at_hides_no_other_and_is_logged_once(
    tmp_path: Path, catalog: AvatarCatalog
) -> None:
    write(tmp_path)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with capture_logs() as logs:
        listed = [[bundle.id for bundle in catalog.all()] for _ in range(2)]
    assert listed == [["amy"], ["amy"]]
    assert [line["directory"] for line in logs] == ["loop"]

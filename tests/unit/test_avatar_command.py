"""`opentalking avatar list`, `delete` and consent, as people run them."""

import json
from pathlib import Path

import pytest

from opentalking.catalog.customisations import CustomisationStore
from opentalking.services.custom_avatars import AvatarMaker, NewAvatar
from tests.support.photos import PHOTOS, encoded, spectacled
from tests.unit.test_cli import run


@pytest.fixture
def avatars(tmp_path: Path) -> Path:
    """A custom avatar, a hidden one, a broken one, one whose name is no id, and one under way."""
    root = tmp_path / "avatars"
    AvatarMaker(root).make(NewAvatar(encoded(spectacled()), "Anna", avatar_id="anna"))
    written = json.loads((root / "anna" / "manifest.json").read_text())
    for name, changes in (
        ("ghost", {"metadata": {"hidden": True}}),
        ("broken", {"width": None}),
        ("no id", {}),
        (".unfinished-x", {}),
        ("kofi", {"name": "My Kofi"}),
    ):
        (root / name).mkdir()
        (root / name / "manifest.json").write_text(json.dumps({**written, "id": name, **changes}))
    (root / "empty").mkdir()
    (root / "notes.txt").write_text("a file")
    return root


def test_list_shows_all_and_why_some_cannot_be_used(avatars: Path) -> None:
    listed = run("avatar", "list", OPENTALKING_AVATARS_DIR=str(avatars)).stdout.splitlines()
    lines = {line.split("  ")[0]: line for line in listed}
    assert "(custom)" in lines["anna"]
    assert "(hidden)" in lines["ghost"]
    assert "not usable: width must be a whole number" in lines["broken"]
    assert "not usable: the directory's name is no id" in lines["no id"]
    assert "not usable: manifest cannot be read" in lines["empty"]
    assert not any("unfinished" in line or "notes" in line for line in listed)
    kofis = [line for line in listed if line.startswith("kofi")]
    assert "My Kofi" in kofis[0]
    assert f"not usable: {avatars / 'kofi'} comes first" in kofis[1]
    assert lines["amina"].endswith("amina")


def test_delete_takes_custom_avatars_with_all_that_is_theirs(avatars: Path, tmp_path: Path) -> None:
    settings = {
        "OPENTALKING_AVATARS_DIR": str(avatars),
        "OPENTALKING_DATA_DIR": str(tmp_path / "data"),
        "OPENTALKING_CACHE_DIR": str(tmp_path / "cache"),
    }
    store = CustomisationStore(tmp_path / "data" / "customisations")
    store.change("anna", prompt="Be brief.", reference=b"picture")
    assert run("avatar", "delete", "anna", **settings).returncode == 0
    assert not (avatars / "anna").exists()
    assert list((tmp_path / "data" / "customisations").iterdir()) == []
    for name, told in (("amina", "only custom avatars"), ("anna", "not found")):
        refused = run("avatar", "delete", name, **settings)
        assert (refused.returncode, told in refused.stderr) == (2, True), refused.stderr


def test_consent_is_recorded_and_may_be_required(tmp_path: Path) -> None:
    create = ("avatar", "create", str(PHOTOS / "grace_hopper.jpg"), "--out", str(tmp_path))
    refused = run(*create, OPENTALKING_REQUIRE_CONSENT="true")
    assert (refused.returncode, "--consent" in refused.stderr) == (2, True)
    assert list(tmp_path.iterdir()) == []
    assert run(*create, "--consent", OPENTALKING_REQUIRE_CONSENT="true").returncode == 0
    manifest = json.loads((tmp_path / "grace-hopper" / "manifest.json").read_text())
    assert manifest["metadata"]["consent"] == "stated"

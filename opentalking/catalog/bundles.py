"""Writing and deleting avatar bundles: a directory appears whole and goes whole, or not at all."""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from opentalking.catalog.manifest import read_manifest
from opentalking.core.errors import Conflict, InvalidInput
from opentalking.core.ids import is_slug

_UNFINISHED, _DELETED = ".unfinished-", ".deleted-"
"""Prefixes of directories that come or go: no id begins with a dot, so no list shows them."""
_LEFT_BEHIND_SECONDS = 600.0


def write_bundle(root: Path, manifest: Mapping[str, Any], files: Mapping[str, bytes]) -> Path:
    """Write `<root>/<id>` with `manifest.json` and `files` (relative path -> content).

    The bundle is made beside its place and moved there at once. Raises `InvalidInput` for an id
    that is none, `Conflict` if the id is taken, `BrokenBundle` for a manifest that would not be
    read, `OSError`. Blocking.
    """
    staged = stage_bundle(root, manifest, files)
    try:
        return publish_bundle(staged)
    finally:
        discard_bundle(staged)


def stage_bundle(root: Path, manifest: Mapping[str, Any], files: Mapping[str, bytes]) -> Path:
    """Write the bundle beside its place, where no list shows it; returns its directory.

    Raises as `write_bundle`, but `Conflict`; then nothing stays. The caller publishes and discards it.
    """
    avatar_id = str(manifest["id"])
    if not is_slug(avatar_id):
        raise InvalidInput("an avatar id has letters, digits, - and _ only, at most 96")
    root.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=root, prefix=_UNFINISHED)) / avatar_id
    try:
        made.mkdir()
        for name, content in files.items():
            place = made / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        _write_manifest(made, manifest)
    except BaseException:
        discard_bundle(made)
        raise
    return made


def publish_bundle(staged: Path) -> Path:
    """Move a staged bundle to its place; raises `Conflict` if the id is taken, `OSError`."""
    target = staged.parent.parent / staged.name
    if target.exists():
        raise Conflict(f"there is an avatar {target.name!r} already")
    try:
        os.rename(staged, target)
    except OSError as error:
        # a directory that came meanwhile is not empty: renaming onto it fails
        if target.exists():
            raise Conflict(f"there is an avatar {target.name!r} already") from error
        raise
    return target


def rename_bundle(staged: Path, manifest: Mapping[str, Any]) -> Path:
    """Give a staged bundle another manifest and its id; returns the new directory. Raises `OSError`."""
    renamed = staged.parent / str(manifest["id"])
    os.rename(staged, renamed)
    _write_manifest(renamed, manifest)
    return renamed


def discard_bundle(staged: Path) -> None:
    """Delete a buried bundle, or what is left of a staged one; nothing of a published one is."""
    shutil.rmtree(staged.parent, ignore_errors=True)


def bury_bundle(directory: Path) -> Path:
    """Take a bundle out of every list at once; returns where it lies until `discard_bundle` deletes it.

    Raises `FileNotFoundError` if it is gone already, `OSError`.
    """
    grave = Path(tempfile.mkdtemp(dir=directory.parent, prefix=_DELETED)) / directory.name
    try:
        os.rename(directory, grave)
    except OSError:
        discard_bundle(grave)
        raise
    return grave


def sweep_bundles(root: Path) -> int:
    """Remove what a killed process left half-made or half-deleted; returns how many directories."""
    count = 0
    for prefix in (_UNFINISHED, _DELETED):
        for place in root.glob(f"{prefix}*"):
            try:
                is_old = time.time() - place.stat().st_mtime > _LEFT_BEHIND_SECONDS
            except OSError:
                continue
            if is_old:  # a younger one may be another process's work
                shutil.rmtree(place, ignore_errors=True)
                count += 1
    return count


def _write_manifest(directory: Path, manifest: Mapping[str, Any]) -> None:
    text = json.dumps(manifest, ensure_ascii=False, indent=2, allow_nan=False)
    (directory / "manifest.json").write_text(text + "\n", encoding="utf-8")
    read_manifest(directory / "manifest.json", directory.name)

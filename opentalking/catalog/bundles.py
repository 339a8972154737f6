"""Writing avatar bundles: a directory appears whole, or not at all."""

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from opentalking.catalog.manifest import read_manifest
from opentalking.core.errors import Conflict, InvalidInput
from opentalking.core.ids import is_slug

_UNFINISHED = ".unfinished-"
"""Prefix of a directory under way: no id begins with a dot, so no list shows it."""


def write_bundle(root: Path, manifest: Mapping[str, Any], files: Mapping[str, bytes]) -> Path:
    """Write `<root>/<id>` with `manifest.json` and `files` (relative path -> content).

    The bundle is made beside its place and moved there at once. Raises `InvalidInput` for an id
    that is none, `Conflict` if the id is taken, `BrokenBundle` for a manifest that would not be
    read, `OSError`. Blocking.
    """
    avatar_id = str(manifest["id"])
    if not is_slug(avatar_id):
        raise InvalidInput("an avatar id has letters, digits, - and _ only, at most 96")
    target = root / avatar_id
    root.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=root, prefix=_UNFINISHED)) / avatar_id
    try:
        made.mkdir()
        for name, content in files.items():
            place = made / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        text = json.dumps(manifest, ensure_ascii=False, indent=2, allow_nan=False)
        (made / "manifest.json").write_text(text + "\n", encoding="utf-8")
        read_manifest(made / "manifest.json", avatar_id)
        _move(made, target)
    finally:
        shutil.rmtree(made.parent, ignore_errors=True)
    return target


def _move(made: Path, target: Path) -> None:
    if target.exists():
        raise Conflict(f"there is an avatar {target.name!r} already")
    try:
        os.rename(made, target)
    except OSError as error:
        # a directory that came meanwhile is not empty: renaming onto it fails
        if target.exists():
            raise Conflict(f"there is an avatar {target.name!r} already") from error
        raise

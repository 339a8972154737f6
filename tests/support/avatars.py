"""Throw-away avatars: the demo avatar in another light or with another voice."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np

from tests.support.senses import DEMO


def tinted_avatar(folder: Path, avatar_id: str, scale: tuple[float, float, float]) -> Path:
    """Write the demo avatar with its red, green and blue scaled; returns the bundle."""
    bundle = quick_avatar(folder, avatar_id)
    for picture in bundle.glob("*.png"):
        image = cv2.imread(str(picture), cv2.IMREAD_UNCHANGED)
        assert image is not None
        coloured = image.astype(np.float32)
        coloured[..., :3] *= np.array(scale[::-1], np.float32)
        assert cv2.imwrite(str(picture), coloured.clip(0, 255).astype(np.uint8))
    return bundle


def quick_avatar(folder: Path, avatar_id: str = "demo-avatar") -> Path:
    """Write the demo avatar with the quickest voice as its own; returns the bundle."""
    bundle = folder / avatar_id
    shutil.copytree(DEMO, bundle)
    manifest = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
    metadata = {**manifest["metadata"], "voices": {"en": "en_US-joe-medium"}}
    name = manifest["name"] if avatar_id == manifest["id"] else avatar_id
    changed = {**manifest, "id": avatar_id, "name": name, "metadata": metadata}
    (bundle / "manifest.json").write_text(json.dumps(changed), encoding="utf-8")
    return bundle

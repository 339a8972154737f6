"""Throw-away avatars: the demo avatar in another light."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np

from tests.support.senses import DEMO


def tinted_avatar(folder: Path, avatar_id: str, scale: tuple[float, float, float]) -> Path:
    """Write the demo avatar with its red, green and blue scaled; returns the bundle."""
    bundle = folder / avatar_id
    shutil.copytree(DEMO, bundle)
    for picture in bundle.glob("*.png"):
        image = cv2.imread(str(picture), cv2.IMREAD_UNCHANGED)
        assert image is not None
        coloured = image.astype(np.float32)
        coloured[..., :3] *= np.array(scale[::-1], np.float32)
        assert cv2.imwrite(str(picture), coloured.clip(0, 255).astype(np.uint8))
    manifest = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
    changed = {**manifest, "id": avatar_id, "name": avatar_id}
    (bundle / "manifest.json").write_text(json.dumps(changed), encoding="utf-8")
    return bundle

"""Avatars from people's own pictures: a bundle from one photo, and what is wrong with a bundle."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from opentalking.catalog.bundles import write_bundle
from opentalking.catalog.images import MIN_SIDE_PIXELS, check_image
from opentalking.core.errors import InvalidInput
from opentalking.core.ids import is_slug
from opentalking.providers.render.portrait.landmarks import FaceFinder
from opentalking.providers.render.portrait.picture import Picture, decode, resize
from opentalking.providers.render.portrait.study import Study, study

MAX_WIDTH, MAX_HEIGHT = 720, 1280
NAME_MAX_CHARACTERS = 100
CONSENT = "not stated"
_SLUG_MAX_CHARACTERS = 32
_FPS, _SAMPLE_RATE = 25, 16_000
_SMALL_FACE_SHARE = 0.20
_SEARCHED_SIDE = 1600
"""Pixels of the longer side of the picture in which a small face is looked for."""


@dataclass(frozen=True, slots=True)
class NewAvatar:
    """What an avatar is made of: a picture file's bytes and a name.

    `avatar_id` None makes `custom-<slug>-<time>`; `voices` is voice id by language; `metadata` is
    added to the manifest's; `crop` cuts a picture with a small face to head and shoulders.
    """

    picture: bytes
    name: str
    avatar_id: str | None = None
    voices: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    crop: bool = False


@dataclass(frozen=True, slots=True)
class MadeAvatar:
    """A bundle on disk and what was found in its picture."""

    directory: Path
    manifest: Mapping[str, Any]
    study: Study

    @property
    def face_is_small(self) -> bool:
        """Whether the picture would be better cropped to head and shoulders."""
        return 0 < self.study.face_height_share < _SMALL_FACE_SHARE


class AvatarMaker:
    """Makes bundles under `root`; blocking, safe for use by several threads."""

    def __init__(self, root: Path, max_size: tuple[int, int] = (MAX_WIDTH, MAX_HEIGHT)) -> None:
        self._root = root
        self._max_size = max_size
        self._finder = FaceFinder()

    def make(self, wanted: NewAvatar) -> MadeAvatar:
        """Write the bundle, whole or not at all.

        Raises `InvalidInput` or `TooLarge` for a name, id or picture that cannot be used,
        `Conflict` if the id is taken, `OSError`.
        """
        name = wanted.name.strip()
        if not name or len(name) > NAME_MAX_CHARACTERS:
            raise InvalidInput(f"an avatar needs a name of 1 to {NAME_MAX_CHARACTERS} characters")
        if any(unicodedata.category(character) in {"Cc", "Cs"} for character in name):
            raise InvalidInput("an avatar's name has no control characters")
        avatar_id = wanted.avatar_id or _fresh_id(name)
        if not is_slug(avatar_id):
            raise InvalidInput("an avatar id has letters, digits, - and _ only, at most 96")
        picture = self._read(wanted.picture)
        if wanted.crop:
            picture = self._cropped(picture)
        picture = fitted(picture, self._max_size)
        if min(picture.shape[:2]) < MIN_SIDE_PIXELS:
            raise InvalidInput("the picture is too long and narrow")
        found = study(picture, self._finder)
        manifest = _manifest(avatar_id, name, wanted, found)
        png = _png(picture)
        files = {"reference.png": png, "preview.png": png, "frames/frame_00000.png": png}
        return MadeAvatar(write_bundle(self._root, manifest, files), manifest, found)

    def _cropped(self, picture: Picture) -> Picture:
        small = fitted(picture, (_SEARCHED_SIDE, _SEARCHED_SIDE))
        found = study(small, self._finder)
        box = found.head_and_shoulders()
        if box is None or found.face_height_share >= _SMALL_FACE_SHARE:
            return picture
        scale = picture.shape[1] / small.shape[1]
        left, top, right, bottom = (round(side * scale) for side in box)
        return np.ascontiguousarray(picture[top:bottom, left:right])

    def _read(self, data: bytes) -> Picture:
        check_image(data)
        try:
            return decode(data)
        except ValueError as error:
            raise InvalidInput(str(error)) from error


def fitted(picture: Picture, max_size: tuple[int, int]) -> Picture:
    """`picture` shrunk (never enlarged) to fit (width, height), both sides made even."""
    height, width = picture.shape[:2]
    scale = min(1.0, max_size[0] / width, max_size[1] / height)
    size = (max(2, int(width * scale) // 2 * 2), max(2, int(height * scale) // 2 * 2))
    if scale == 1.0:  # an odd row or column is cut off: scaling would soften the whole picture
        return np.ascontiguousarray(picture[: size[1], : size[0]])
    return resize(picture, size)


def slug_of(text: str) -> str:
    """The letters, digits and CJK characters of `text`, joined by `-`; empty if there are none."""
    words = re.findall(r"[a-z0-9\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+", text.lower())
    return "-".join(words)[:_SLUG_MAX_CHARACTERS].strip("-")


def _fresh_id(name: str) -> str:
    now = datetime.now(UTC)
    return f"custom-{slug_of(name) or 'avatar'}-{now:%Y%m%d-%H%M%S}-{now.microsecond // 1000:03d}"


def _manifest(avatar_id: str, name: str, wanted: NewAvatar, found: Study) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        **wanted.metadata,
        "custom_avatar": True,
        "consent": CONSENT,
        "animation": found.animation(),
    }
    if wanted.voices:
        metadata["voices"] = dict(wanted.voices)
    return {
        "id": avatar_id,
        "name": name,
        "model_type": "portrait",
        "fps": _FPS,
        "sample_rate": _SAMPLE_RATE,
        "width": found.width,
        "height": found.height,
        "version": "1",
        "metadata": metadata,
    }


def _png(picture: Picture) -> bytes:
    return bytes(cv2.imencode(".png", picture)[1])

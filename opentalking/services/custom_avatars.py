"""Avatars from people's own pictures: a bundle from one photo, and what is wrong with a bundle."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from opentalking.catalog.bundles import discard_bundle, publish_bundle, rename_bundle, stage_bundle
from opentalking.catalog.images import MIN_SIDE_PIXELS, check_image
from opentalking.core.avatars import AvatarBundle
from opentalking.core.consent import Consent
from opentalking.core.errors import Conflict, InvalidInput
from opentalking.core.ids import is_slug
from opentalking.providers.render.portrait.landmarks import FaceFinder
from opentalking.providers.render.portrait.picture import Picture, decode, resize
from opentalking.providers.render.portrait.study import Study, study

MAX_WIDTH, MAX_HEIGHT = 720, 1280
NAME_MAX_CHARACTERS = 100
_SLUG_MAX_CHARACTERS = 32
_FPS, _SAMPLE_RATE = 25, 16_000
_SMALL_FACE_SHARE = 0.20
_SEARCHED_SIDE = 1600
"""Pixels of the longer side of the picture in which a small face is looked for."""
_INHERITED = ("voices", "languages")
"""What of a base avatar's metadata suits any face; a persona is somebody else's."""
_CUSTOM = "custom-"
_NAME_ATTEMPTS = 100


@dataclass(frozen=True, slots=True)
class NewAvatar:
    """What an avatar is made of: a picture file's bytes and a name.

    `avatar_id` None makes `custom-<slug>-<time>`; `voices` is voice id by language; `metadata` is
    added to the manifest's; `base` lends voices and model type; `crop` cuts a picture with a small face
    to head and shoulders; `files` (name -> content) are put beside the pictures, and `animation` is
    added to what is found of the face.
    """

    picture: bytes
    name: str
    avatar_id: str | None = None
    voices: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    base: AvatarBundle | None = None
    consent: Consent = "not stated"
    crop: bool = False
    files: Mapping[str, bytes] = field(default_factory=dict)
    animation: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MadeAvatar:
    """A bundle on disk and what was found in its picture; `is_chosen`: somebody named the id."""

    directory: Path
    manifest: Mapping[str, Any]
    study: Study
    is_chosen: bool = False

    @property
    def face_is_small(self) -> bool:
        """Whether the picture would be better cropped to head and shoulders."""
        return _is_small(self.study)


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
        staged = self.stage(wanted)
        try:
            return self.publish(staged)
        finally:
            self.discard(staged)

    def stage(self, wanted: NewAvatar) -> MadeAvatar:
        """The bundle, whole, where no list shows it yet; `publish` it, then `discard` what is left.

        Raises as `make`, but `Conflict`; then nothing stays.
        """
        name = checked_name(wanted.name)
        avatar_id = wanted.avatar_id or next(_fresh_ids(name))
        if not is_slug(avatar_id):
            raise InvalidInput("an avatar id has letters, digits, - and _ only, at most 96")
        picture = self.read(wanted.picture)
        if wanted.crop:
            picture = self._cropped(picture)
        picture = fitted(picture, self._max_size)
        if min(picture.shape[:2]) < MIN_SIDE_PIXELS:
            raise InvalidInput("the picture is too long and narrow")
        found = study(picture, self._finder)
        manifest = _manifest(avatar_id, name, wanted, found)
        png = encoded_png(picture)
        files = {"reference.png": png, "preview.png": png, "frames/frame_00000.png": png, **wanted.files}
        directory = stage_bundle(self._root, manifest, files)
        return MadeAvatar(directory, manifest, found, is_chosen=wanted.avatar_id is not None)

    def publish(self, staged: MadeAvatar) -> MadeAvatar:
        """Move the staged bundle to its place; an id made of name and time gives way to others.

        Raises `Conflict` if a chosen id is taken, `OSError`.
        """
        directory, manifest = staged.directory, staged.manifest
        fresh = _fresh_ids(str(manifest["name"]))
        for _ in range(_NAME_ATTEMPTS):
            try:
                return replace(staged, directory=publish_bundle(directory), manifest=manifest)
            except Conflict:
                if staged.is_chosen:
                    raise
                manifest = {**manifest, "id": next(fresh)}
                directory = rename_bundle(directory, manifest)
        raise Conflict("there are too many avatars of this name and time; try again")

    def discard(self, staged: MadeAvatar) -> None:
        """Remove what is left of a staged bundle."""
        discard_bundle(staged.directory)

    def read(self, data: bytes) -> Picture:
        """A picture file as a picture; raises `InvalidInput`, `TooLarge`."""
        check_image(data)
        try:
            return decode(data)
        except ValueError as error:
            raise InvalidInput(str(error)) from error

    def study(self, picture: Picture) -> Study:
        """What is found of a face in `picture`."""
        return study(picture, self._finder)

    def _cropped(self, picture: Picture) -> Picture:
        small = fitted(picture, (_SEARCHED_SIDE, _SEARCHED_SIDE))
        found = study(small, self._finder)
        box = found.head_and_shoulders()
        if box is None or found.face_height_share >= _SMALL_FACE_SHARE:
            return picture
        scale = picture.shape[1] / small.shape[1]
        left, top, right, bottom = (round(side * scale) for side in box)
        return np.ascontiguousarray(picture[top:bottom, left:right])


def checked_name(text: str) -> str:
    """`text` as an avatar's name, without blanks around it; raises `InvalidInput`."""
    name = text.strip()
    if not name or len(name) > NAME_MAX_CHARACTERS:
        raise InvalidInput(f"name must have 1 to {NAME_MAX_CHARACTERS} characters")
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in name):
        raise InvalidInput("name must have no control characters")
    return name


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


def _fresh_ids(name: str) -> Iterator[str]:
    """Ids of this millisecond and the ones after it."""
    now = datetime.now(UTC)
    while True:
        yield f"{_CUSTOM}{slug_of(name) or 'avatar'}-{now:%Y%m%d-%H%M%S}-{now.microsecond // 1000:03d}"
        now += timedelta(milliseconds=1)


def _is_small(found: Study) -> bool:
    return 0 < found.face_height_share < _SMALL_FACE_SHARE


def hint_of(found: Study) -> str:
    """What to do for a livelier face; "" when there is nothing to say."""
    if found.mesh is None:
        return (
            "No face was found: the picture moves gently and the mouth stays shut. "
            "Use a photo in which one face looks at the camera."
        )
    if found.verdict.mode != "face":
        return f"The mouth stays shut: {found.verdict.reason}. Use a photo that looks at the camera."
    if _is_small(found):
        return "The face is small in this picture; send crop=true, or cut it to head and shoulders."
    return ""


def _manifest(avatar_id: str, name: str, wanted: NewAvatar, found: Study) -> dict[str, Any]:
    base = wanted.base
    lent = base.manifest.get("metadata", {}) if base else {}
    metadata: dict[str, Any] = {
        **{key: lent[key] for key in _INHERITED if key in lent},
        **wanted.metadata,
        "custom_avatar": True,
        "consent": wanted.consent,
        "animation": {**found.animation(), **wanted.animation},
    }
    if base:
        metadata["base_avatar_id"] = base.id
    if hint := hint_of(found):
        metadata["hint"] = hint
    if wanted.voices:
        metadata["voices"] = dict(wanted.voices)
    return {
        "id": avatar_id,
        "name": name,
        "model_type": base.model_type if base else "portrait",
        "fps": _FPS,
        "sample_rate": _SAMPLE_RATE,
        "width": found.width,
        "height": found.height,
        "version": "1",
        "metadata": metadata,
    }


def encoded_png(picture: Picture) -> bytes:
    """`picture` as a PNG file."""
    return bytes(cv2.imencode(".png", picture)[1])

"""What is wrong with an avatar bundle, said so that its maker can mend it."""

from pathlib import Path
from typing import Any

from opentalking.catalog.images import check_pixels
from opentalking.catalog.manifest import BrokenBundle, read_manifest
from opentalking.catalog.previews import PREVIEW_MAX_BYTES
from opentalking.core.errors import InvalidInput
from opentalking.core.ids import is_slug
from opentalking.providers.render.portrait.idling import parse_idling
from opentalking.providers.render.portrait.landmarks import FaceFinder
from opentalking.providers.render.portrait.picture import Picture, decode, lid_pictures, read_files
from opentalking.providers.render.portrait.study import Study, study
from opentalking.services.custom_avatars import fitted

_ASPECT_TOLERANCE = 0.02
_OUTLINES = ("outer_lip", "inner_mouth")
_LEAST_OUTLINE_POINTS = 3
_STUDIED_SIDE = 1600


def problems_of(directory: Path) -> tuple[list[str], Study | None]:
    """Everything that keeps the bundle from working, and what its picture shows (None if unreadable).

    An empty list means that the bundle can be used. Blocking; raises `OSError` only if the face
    models are missing.
    """
    if not directory.is_dir():
        return [f"{directory} is no directory"], None
    name = directory.resolve().name
    if not is_slug(name):
        return [f"the directory's name {name!r} is no id: letters, digits, - and _ only, at most 96"], None
    try:
        manifest = read_manifest(directory / "manifest.json", name)
    except BrokenBundle as error:
        return [str(error)], None
    problems = [*_preview_problems(directory), *_animation_problems(manifest)]
    try:
        picture = _picture(directory, manifest)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        return [*problems, f"reference picture: {reason}"], None
    problems += _size_problems(picture, manifest)
    return problems, study(_small(picture), FaceFinder())


def _picture(directory: Path, manifest: dict[str, Any]) -> Picture:
    files = read_files(directory, manifest)
    picture = _decoded(files.picture)
    described = manifest["metadata"].get("animation")
    if isinstance(described, dict) and "lids" in described and files.lids is None:
        raise ValueError("metadata.animation.lids names no usable strip")
    if isinstance(described, dict) and "motion" in described:
        try:
            parse_idling(files.motion)
        except ValueError:
            raise ValueError("metadata.animation.motion names no usable motion") from None
    if files.lids is not None:
        _decoded(files.lids.data)
        lid_pictures(_small(picture), files.lids)
    return picture


def _decoded(data: bytes) -> Picture:
    """`decode`, but nothing that says of itself that it is huge; raises `ValueError`."""
    try:
        check_pixels(data)
    except InvalidInput as error:
        raise ValueError(error.message) from error
    return decode(data)


def _small(picture: Picture) -> Picture:
    return fitted(picture, (_STUDIED_SIDE, _STUDIED_SIDE))


def _size_problems(picture: Picture, manifest: dict[str, Any]) -> list[str]:
    height, width = picture.shape[:2]
    told = (manifest["width"], manifest["height"])
    if abs(told[0] * height / (told[1] * width) - 1) > _ASPECT_TOLERANCE:
        return [f"the manifest says {told[0]}x{told[1]}, the picture is {width}x{height}"]
    return []


def _preview_problems(directory: Path) -> list[str]:
    try:
        data = (directory / "preview.png").read_bytes()
    except OSError:
        return ["there is no preview.png"]
    if len(data) > PREVIEW_MAX_BYTES:
        return [f"preview.png is larger than {PREVIEW_MAX_BYTES // 2**20} MiB"]
    if not data.startswith(b"\x89PNG\r\n\x1a\n"):
        return ["preview.png is no PNG picture"]
    try:
        _decoded(data)
    except ValueError as error:
        return [f"preview.png: {error}"]
    return []


def _animation_problems(manifest: dict[str, Any]) -> list[str]:
    animation = manifest["metadata"].get("animation", {})
    if not isinstance(animation, dict):
        return ["metadata.animation is no object"]
    problems = [
        f"metadata.animation.{name} is no outline of shares from 0 to 1"
        for name in _OUTLINES
        if name in animation and not _is_outline(animation[name])
    ]
    if animation.get("mode", "face") not in ("face", "still-motion"):
        problems.append("metadata.animation.mode must be face or still-motion")
    return problems


def _is_outline(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) >= _LEAST_OUTLINE_POINTS
        and all(isinstance(point, list) and len(point) == 2 and all(map(_is_share, point)) for point in value)
    )


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1

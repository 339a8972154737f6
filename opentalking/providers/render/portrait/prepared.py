"""A portrait ready to be animated, and its copy on disk."""

import dataclasses
import io
import os
import tempfile
import time
import zipfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np

from opentalking.providers.render.portrait.attitude import judge
from opentalking.providers.render.portrait.landmarks import FaceFinder
from opentalking.providers.render.portrait.parts.backdrop import Backdrop, separate
from opentalking.providers.render.portrait.parts.brows import Brows, build_brows
from opentalking.providers.render.portrait.parts.drawn_lips import DrawnLips, with_drawn_lips
from opentalking.providers.render.portrait.parts.eyelids import Eye, build_eyes
from opentalking.providers.render.portrait.parts.gaze import MovingIris, build_gaze
from opentalking.providers.render.portrait.parts.head import Head, build_head
from opentalking.providers.render.portrait.parts.mouth import MovingMouth, build_mouth
from opentalking.providers.render.portrait.patches import PatchCache
from opentalking.providers.render.portrait.picture import Mode, Picture, crisper
from opentalking.providers.render.portrait.planes import Planes, split

VERSION = 4
"""Counts up whenever the same picture would be animated differently: old caches fall out of use."""
_SWAY_CRISPNESS = 0.25
"""Sharpening that makes up for half of what the swaying picture loses: more would shimmer."""
_NOT_STORED = {"stored": False}
_KEPT_PORTRAITS = 128
"""Of about 3 MB each."""
_UNFINISHED_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class PreparedPortrait:
    """Still planes, mouth, eyes and sway field of one picture; immutable, shared by all sessions.

    With a `backdrop`, `planes` are the person's layer. `reason` says why there is no mouth. `patches`
    are the mouths painted so far.
    """

    planes: Planes
    backdrop: Backdrop | None
    reason: str
    head: Head
    mouth: MovingMouth | None
    eyes: tuple[Eye, ...]
    gaze: tuple[MovingIris, ...]
    brows: Brows | None
    patches: PatchCache = field(default_factory=PatchCache, compare=False, metadata=_NOT_STORED)

    @property
    def width(self) -> int:
        """Pixels per row of a frame."""
        return int(self.planes.luma.shape[1])

    @property
    def height(self) -> int:
        """Rows of a frame."""
        return int(self.planes.luma.shape[0])

    @property
    def bytes(self) -> int:
        """Memory that the arrays take."""
        return sum(array.nbytes for array in _flatten(self, "").values())


def prepare(
    picture: Picture,
    lids: tuple[Picture, ...],
    finder: FaceFinder,
    mode: Mode | None = None,
    lips: DrawnLips | None = None,
) -> PreparedPortrait:
    """Find the face in `picture` (even sides) and build all that animation needs.

    `lids` is the same picture with the lids further and further shut; empty if nobody drew them.
    `mode` is what the bundle asks for; None leaves it to the face's attitude. `lips` are the outlines that
    a drawn character brings.
    """
    height, width = picture.shape[:2]
    mesh = finder.find_mesh(picture)
    verdict = judge(mesh, mode)
    if mesh is None or verdict.mode != "face":
        head = build_head(width, height, None)
        return PreparedPortrait(split(picture), None, verdict.reason, head, None, (), (), None)
    points = with_drawn_lips(mesh.points, lips, width, height) if lips else mesh.points
    layers = separate(picture, finder.person(picture), points)
    front, backdrop = layers or (picture, None)
    front = crisper(front, _SWAY_CRISPNESS)
    lids = tuple(crisper(lid, _SWAY_CRISPNESS) for lid in lids)
    planes = split(front)
    eyes = build_eyes(front, lids, points)
    return PreparedPortrait(
        planes=planes,
        backdrop=backdrop,
        reason="",
        head=build_head(width, height, points, layered=backdrop is not None),
        mouth=build_mouth(front, planes, points),
        eyes=eyes,
        gaze=build_gaze(front, eyes, points),
        brows=build_brows(width, height, points),
    )


def save(portrait: PreparedPortrait, path: Path) -> None:
    """Write `portrait` to `path`, whole or not at all; raises `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    np.savez(buffer, **_flatten(portrait, ""))  # type: ignore[arg-type]
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(buffer.getbuffer())
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)


def load(path: Path) -> PreparedPortrait | None:
    """Read what `save` wrote; None if there is nothing usable at `path`."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        with suppress(OSError):  # marks it as used lately, where the disk may be written
            os.utime(path)
        return _restore(PreparedPortrait, arrays, "")  # type: ignore[no-any-return]
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return None


def sweep(directory: Path, most: int = _KEPT_PORTRAITS) -> None:
    """Remove what an older version or a killed process left there, and all but the `most` used last.

    Raises `OSError`.
    """
    for path in (*directory.glob("portrait-*.npz"), *directory.glob("*.part")):
        is_ours = path.name.startswith(f"portrait-{VERSION}-")
        if not is_ours and (
            path.suffix != ".part" or time.time() - path.stat().st_mtime > _UNFINISHED_SECONDS
        ):
            path.unlink(missing_ok=True)
    by_age = sorted(directory.glob("portrait-*.npz"), key=lambda path: path.stat().st_mtime)
    for path in by_age[:-most]:
        path.unlink(missing_ok=True)


def _flatten(value: Any, name: str) -> dict[str, np.ndarray[Any, Any]]:
    if value is None:
        return {}
    if dataclasses.is_dataclass(value):
        parts = [(f"{name}.{part.name}", getattr(value, part.name)) for part in _stored(type(value))]
    elif isinstance(value, tuple):
        parts = [(f"{name}.{i}", item) for i, item in enumerate(value)]
    else:
        return {name: np.asarray(value)}
    return {key: array for part, item in parts for key, array in _flatten(item, part).items()}


def _restore(kind: Any, arrays: dict[str, np.ndarray[Any, Any]], name: str) -> Any:
    if isinstance(kind, UnionType):
        present = any(key.startswith(f"{name}.") for key in arrays)
        return _restore(get_args(kind)[0], arrays, name) if present else None
    if dataclasses.is_dataclass(kind):
        hints = get_type_hints(kind)
        values = {
            part.name: _restore(hints[part.name], arrays, f"{name}.{part.name}") for part in _stored(kind)
        }
        return kind(**values)  # type: ignore[operator]
    if get_origin(kind) is tuple:
        count = len({key[len(name) :].split(".")[1] for key in arrays if key.startswith(f"{name}.")})
        return tuple(_restore(get_args(kind)[0], arrays, f"{name}.{i}") for i in range(count))
    array = arrays[name]
    return kind(array) if kind in (int, float, str) else array


def _stored(kind: Any) -> list[dataclasses.Field[Any]]:
    return [part for part in dataclasses.fields(kind) if part.metadata.get("stored", True)]

"""Avatar bundles on disk: `<root>/<id>/manifest.json` and the pictures beside it."""

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from opentalking.catalog.manifest import BrokenBundle, read_manifest, streamed_size
from opentalking.catalog.previews import Preview, PreviewShelf
from opentalking.core.avatars import AvatarBundle
from opentalking.core.errors import NotFound
from opentalking.core.ids import is_slug

_log = structlog.get_logger(__name__)
_Version = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Entry:
    """A directory of a root: its bundle, or the `reason` why no list shows it."""

    directory: Path
    bundle: AvatarBundle | None
    reason: str = ""


class AvatarCatalog:
    """Bundles of several roots; the first root that has a readable one wins.

    Every method reads files: call it in a thread. Safe for use by several threads. Parsed
    manifests and previews are kept until the file changes, and an unreadable one is logged once.
    """

    def __init__(self, roots: Sequence[Path], max_pixels: int) -> None:
        self._roots = tuple(roots)
        self._max_pixels = max_pixels
        self._cache: dict[Path, tuple[_Version, AvatarBundle | None]] = {}
        self._unreadable: set[str] = set()
        self._previews = PreviewShelf()
        self._lock = threading.Lock()

    def all(self) -> list[AvatarBundle]:
        """Every readable bundle that is not hidden, by directory name."""
        names = sorted({name for root in self._roots for name in self._directories(root)})
        found = (self._first(name) for name in names)
        return [bundle for bundle in found if bundle is not None and not bundle.hidden]

    def survey(self) -> list[Entry]:
        """Every directory of every root, whatever is wrong with it; nothing is logged."""
        return [
            self._entry(directory)
            for root in self._roots
            for directory in sorted(root.glob("*"))
            if directory.is_dir() and not directory.name.startswith(".")
        ]

    def bundle(self, avatar_id: str) -> AvatarBundle:
        """The bundle of this id; raises `NotFound`, also for what is no id at all."""
        found = self._first(avatar_id) if is_slug(avatar_id) else None
        if found is None:
            raise NotFound("avatar not found")
        return found

    def unlisted(self, directory: Path) -> AvatarBundle:
        """The bundle in any directory, whatever the roots are; raises `NotFound`."""
        bundle = self._parse(directory / "manifest.json", directory)
        if bundle is None:
            raise NotFound("avatar not found")
        return bundle

    def preview(self, avatar_id: str) -> Preview:
        """The bundle's preview picture; raises `NotFound`."""
        path = self.bundle(avatar_id).directory / "preview.png"
        try:
            preview = self._previews.read(path)
        except OSError as error:
            raise NotFound("preview not found") from error
        if preview is None:
            _log.warning("avatar.preview_unusable", avatar_id=avatar_id)
            raise NotFound("preview not found")
        return preview

    def _directories(self, root: Path) -> list[str]:
        try:
            with os.scandir(root) as entries:
                return [entry.name for entry in entries if is_slug(entry.name) and self._is_directory(entry)]
        except OSError:
            return []

    def _is_directory(self, entry: os.DirEntry[str]) -> bool:
        """One entry that cannot be looked at (a link to itself) must not hide the others."""
        try:
            return entry.is_dir()
        except OSError as error:
            with self._lock:
                is_news = entry.path not in self._unreadable
                self._unreadable.add(entry.path)
            if is_news:
                _log.warning("avatar.skipped", directory=entry.name, reason=error.strerror)
            return False

    def _first(self, avatar_id: str) -> AvatarBundle | None:
        found = (self._read(root / avatar_id) for root in self._roots)
        return next((bundle for bundle in found if bundle is not None), None)

    def _read(self, directory: Path) -> AvatarBundle | None:
        path = directory / "manifest.json"
        version = _version(path)
        with self._lock:
            if version is None:
                self._cache.pop(path, None)
                return None
            cached = self._cache.get(path)
        if cached is not None and cached[0] == version:
            return cached[1]
        bundle = self._parse(path, directory)
        with self._lock:
            self._cache[path] = (version, bundle)
        return bundle

    def _entry(self, directory: Path) -> Entry:
        if not is_slug(directory.name):
            return Entry(directory, None, "the directory's name is no id")
        try:
            bundle = self._made(read_manifest(directory / "manifest.json", directory.name), directory)
        except BrokenBundle as error:
            return Entry(directory, None, str(error))
        shown = self._first(bundle.id)
        if shown is not None and shown.directory != directory:
            return Entry(directory, None, f"{shown.directory} comes first")
        return Entry(directory, bundle)

    def _parse(self, path: Path, directory: Path) -> AvatarBundle | None:
        try:
            return self._made(read_manifest(path, directory.name), directory)
        except BrokenBundle as error:
            _log.warning("avatar.skipped", directory=directory.name, reason=str(error))
            return None

    def _made(self, manifest: dict[str, Any], directory: Path) -> AvatarBundle:
        width, height = streamed_size(manifest["width"], manifest["height"], self._max_pixels)
        return AvatarBundle(
            id=manifest["id"],
            name=manifest["name"],
            model_type=manifest["model_type"],
            width=width,
            height=height,
            is_custom=manifest["metadata"].get("custom_avatar") is True,
            directory=directory,
            manifest=manifest,
        )


def _version(path: Path) -> _Version | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino

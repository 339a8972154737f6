"""Avatars as the API and the engine ask for them: the catalogue, off the event loop."""

import asyncio
from pathlib import Path
from typing import Any

from opentalking.catalog.avatars import AvatarCatalog
from opentalking.catalog.manifest import without_absolute_paths
from opentalking.catalog.previews import Preview
from opentalking.core.avatars import AvatarBundle


class AvatarService:
    """Reads bundles in threads; also the engine's source of bundles."""

    def __init__(self, catalog: AvatarCatalog) -> None:
        self._catalog = catalog

    async def all(self) -> list[AvatarBundle]:
        """Every readable bundle that is not hidden, by directory name."""
        return await asyncio.to_thread(self._catalog.all)

    async def bundle(self, avatar_id: str) -> AvatarBundle:
        """The bundle; raises `NotFound`, also for what is no id at all."""
        return await asyncio.to_thread(self._catalog.bundle, avatar_id)

    async def unlisted(self, directory: Path) -> AvatarBundle:
        """The bundle in a directory that no list shows; raises `NotFound`."""
        return await asyncio.to_thread(self._catalog.unlisted, directory)

    async def manifest(self, avatar_id: str) -> dict[str, Any]:
        """The manifest as clients may see it: without absolute paths, with the summary's fields."""
        bundle = await self.bundle(avatar_id)
        public: dict[str, Any] = without_absolute_paths(bundle.manifest)
        return {
            **public,
            "id": bundle.id,
            "name": bundle.name,
            "model_type": bundle.model_type,
            "version": bundle.manifest["version"],
            "width": bundle.width,
            "height": bundle.height,
            "is_custom": bundle.is_custom,
        }

    async def preview(self, avatar_id: str) -> Preview:
        """The preview picture; raises `NotFound`."""
        return await asyncio.to_thread(self._catalog.preview, avatar_id)

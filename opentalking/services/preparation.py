"""Faces made ready before anybody asks for them, and forgotten with their avatar."""

import asyncio
from collections.abc import Mapping

from opentalking.core.avatars import AvatarBundle
from opentalking.core.errors import Unavailable
from opentalking.core.providers import KeepsAvatars, Renderer
from opentalking.media.idle import IdleCache

PREPARE_SECONDS = 60.0


class FacePreparer:
    """Prepares avatars with this process's renderers, so that a first session is instant."""

    def __init__(
        self, renderers: Mapping[str, Renderer], idle_cache: IdleCache, seconds: float = PREPARE_SECONDS
    ) -> None:
        self._renderers = renderers
        self._idle_cache = idle_cache
        self._seconds = seconds

    def can(self, model: str) -> bool:
        """Whether this model's faces are made in this process."""
        return model in self._renderers

    async def prepare(self, bundle: AvatarBundle, model: str) -> None:
        """Load the avatar and encode its idle loop; raises `ProviderError`, `Unavailable` (too slow)."""
        renderer = self._renderers.get(model)
        if renderer is None:
            raise Unavailable(f"model {model} has no renderer on this server")
        try:
            async with asyncio.timeout(self._seconds):
                face = await renderer.open(bundle)
                try:
                    await self._idle_cache.get(face.idle_key, "h264", face.idle_frames)
                finally:
                    await face.aclose()
        except TimeoutError:
            raise Unavailable("the avatar could not be prepared in time; try again later") from None

    async def forget(self, bundle: AvatarBundle) -> None:
        """Drop what is kept of the avatar in memory and on disk; open faces go on."""
        for renderer in {id(renderer): renderer for renderer in self._renderers.values()}.values():
            if isinstance(renderer, KeepsAvatars):
                key = await renderer.forget(bundle)
                await self._idle_cache.forget(key)

"""The job process with faces that a test can watch, hold up and break, by the name of the plug-in."""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Any

from opentalking.core.avatars import AvatarBundle
from opentalking.core.errors import ProviderError
from opentalking.core.media import Segment, Speech
from opentalking.core.providers import Renderer, RendererCapabilities
from opentalking.inference.child import serve
from opentalking.providers.fake import FlatFace
from opentalking.services.exports.render import RenderPlugin, engine


class MoodyFace(FlatFace):
    """Flashes with the sound, and after some frames does what its renderer is called."""

    def __init__(self, name: str, options: dict[str, Any]) -> None:
        super().__init__()
        self._name = name
        self._options = options

    async def render(
        self, speech: AsyncIterator[Speech], turn_id: str, idle_position: int = 0
    ) -> AsyncGenerator[Segment, None]:
        frames = 0
        async for segment in super().render(speech, turn_id, idle_position):
            yield segment
            frames += len(segment.frames)
            if frames >= 10:
                await self._mood()

    async def _mood(self) -> None:
        match self._name:
            case "waits":
                await asyncio.to_thread(_wait_for, Path(self._options["until"]))
            case "stalls":
                await asyncio.Event().wait()
            case "dies":
                os._exit(3)
            case "refuses":
                raise ProviderError("the face is tired", stage="render", provider="moody")
            case "stumbles":
                raise FileNotFoundError(2, "No such file or directory", "/secret/place")
            case "breaks":
                raise ZeroDivisionError("/secret/place")


def _wait_for(file: Path) -> None:
    while not file.exists():
        time.sleep(0.01)


class MoodyRenderer:
    """Opens moody faces."""

    capabilities = RendererCapabilities()

    def __init__(self, plugin: RenderPlugin) -> None:
        self.name = plugin.name
        self._options = plugin.options

    async def open(self, avatar: AvatarBundle) -> MoodyFace:
        if self.name == "absent":
            raise ProviderError("absent is not installed", stage="render", provider="absent")
        return MoodyFace(self.name, self._options)

    async def aclose(self) -> None:
        pass


def make(plugin: RenderPlugin) -> Renderer:
    return MoodyRenderer(plugin)


if __name__ == "__main__":
    serve(engine(make))

"""The job process: renders one offline bundle, away from the live media.

`python -m opentalking.services.exports.render`, run as a child by `opentalking.inference.host`. The one
operation, `render`, takes a `RenderOrder` and answers with parts `{"progress": 0..1}`.
"""

import asyncio
import sys
import traceback
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import cv2
from pydantic import BaseModel, ConfigDict

from opentalking.core.avatars import AvatarBundle
from opentalking.core.errors import OpenTalkingError
from opentalking.core.providers import Renderer
from opentalking.inference.child import Engine, EngineError, Request, serve
from opentalking.inference.framing import Json, Part
from opentalking.providers.registry import ProviderContext, render_registry
from opentalking.services.exports.artifacts import Artifacts, FilmFacts
from opentalking.services.exports.film import Film
from opentalking.services.exports.scenes import scenes_of

_STEP = 0.005
"""Progress is told every half percent."""
_FILMED = 0.97
"""The share of the work that is done when the last frame is."""

MakeRenderer = Callable[["RenderPlugin"], Renderer]


class RenderPlugin(BaseModel):
    """Which renderer draws, and what it is made with (`ProviderContext`)."""

    model_config = ConfigDict(frozen=True)

    name: str
    models_dir: Path
    cache_dir: Path
    options: dict[str, Any] = {}
    threads: int = 1


class RenderOrder(BaseModel):
    """Everything the job process has to know; `folder` holds the sources and takes what is made."""

    model_config = ConfigDict(frozen=True)

    folder: Path
    plugin: RenderPlugin
    avatar: AvatarBundle
    facts: FilmFacts


def installed(plugin: RenderPlugin) -> Renderer:
    """The renderer of an installed plug-in; raises `ProviderError`."""
    context = ProviderContext(plugin.models_dir, plugin.cache_dir, plugin.options, plugin.threads)
    renderer: Renderer = render_registry().make(plugin.name, context)
    return renderer


def engine(make: MakeRenderer = installed) -> Callable[[Json], Engine]:
    """What `serve` loads: one operation, `render`, with the renderers that `make` makes."""

    def load(_settings: Json) -> Engine:
        cv2.setNumThreads(1)
        return Engine({"render": partial(_render, make)})

    return load


def _render(make: MakeRenderer, request: Request) -> Generator[Part, None, None]:
    order = RenderOrder.model_validate(request.payload)
    told = 0.0
    yield Part({"progress": told})
    with _clear_errors(), asyncio.Runner() as runner:
        job = _Job(order, make)
        try:
            runner.run(job.open())
            while (share := runner.run(job.step())) is not None:
                if share >= told + _STEP:
                    told = share
                    yield Part({"progress": told * _FILMED})
            job.finish()
        finally:
            runner.run(job.aclose())
    yield Part({"progress": 1.0})


class _Job:
    """One film from its order to its files, a step at a time."""

    def __init__(self, order: RenderOrder, make: MakeRenderer) -> None:
        self._order = order
        self._renderer = make(order.plugin)
        self._artifacts: Artifacts | None = None

    async def open(self) -> None:
        order = self._order
        face = await self._renderer.open(order.avatar)
        self._artifacts = Artifacts(order.folder, (face.width, face.height), order.facts)
        self._film = Film(face, scenes_of(order.folder), self._artifacts, order.facts.job_id)
        self._steps = self._film.shoot()

    async def step(self) -> float | None:
        return await anext(self._steps, None)

    def finish(self) -> None:
        assert self._artifacts is not None  # noqa: S101 - `open` made it
        if not self._film.frames:
            raise EngineError("there is nothing to render in it")
        self._artifacts.finish(self._film.lines)

    async def aclose(self) -> None:
        if self._artifacts is not None:
            await self._steps.aclose()
            self._artifacts.close()
        await self._renderer.aclose()


@contextmanager
def _clear_errors() -> Generator[None, None, None]:
    """What goes wrong, in words that name no file of the server."""
    try:
        yield
    except OpenTalkingError as error:
        raise EngineError(error.message) from error
    except OSError as error:
        traceback.print_exc(file=sys.stderr)
        raise EngineError(error.strerror or "a file could not be read or written") from error
    except EngineError:
        raise
    except Exception as error:
        traceback.print_exc(file=sys.stderr)
        raise EngineError("rendering failed; the server's log has details") from error


if __name__ == "__main__":
    serve(engine())

"""Which talking-head models this server lists, and what renders each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

from opentalking.core.avatars import AvatarBundle
from opentalking.core.providers import Face, Renderer, RendererCapabilities
from opentalking.providers.builtin import REMOTE_MODELS, SINGLE_SLOT_MODELS
from opentalking.providers.registry import ProviderContext, Registry
from opentalking.services.models import AlwaysConnected, Backend, ModelProbe, Reason

ALWAYS = ("portrait", "mock")


@dataclass(frozen=True, slots=True)
class Unconnected:
    """A `ModelProbe` of a model that cannot be used, and why."""

    id: str
    backend: Backend
    reason: Reason

    async def probe(self) -> tuple[bool, Reason]:
        """Never usable as configured."""
        return False, self.reason


@dataclass(frozen=True, slots=True)
class Plugged:
    """A `ModelProbe` of a third party's renderer."""

    id: str
    backend: Backend = "local"

    async def probe(self) -> tuple[bool, Reason]:
        """Usable: its plug-in was made."""
        return True, "local_runtime"


class StillSlot:
    """The still renderer under the name of a model that serves one session at a time."""

    capabilities = RendererCapabilities(single_slot=True)

    def __init__(self, name: str, still: Renderer) -> None:
        self.name = name
        self._still = still

    async def open(self, avatar: AvatarBundle) -> Face:
        """A still face."""
        return await self._still.open(avatar)

    async def aclose(self) -> None:
        """The still renderer belongs to somebody else."""


@dataclass(slots=True)
class Faces:
    """Renderers by model id, and a probe for every model that is listed."""

    renderers: dict[str, Renderer]
    probes: list[ModelProbe]


def make_faces(
    registry: Registry, contexts: Mapping[str, ProviderContext], backends: Mapping[str, str], omnirt: bool
) -> Faces:
    """Every model: the two that always work, plug-ins, and what a `<MODEL>_BACKEND` names.

    `contexts` has one for each registered name. Raises `ValueError` for a backend that does not exist.
    """
    renderers = {name: registry.make(name, contexts[name]) for name in ALWAYS}
    faces = Faces(renderers, [AlwaysConnected("portrait"), AlwaysConnected("mock", backend="mock")])
    for name in sorted(registry.names - set(ALWAYS) - set(backends)):
        _plug_in(faces, registry, contexts, name)
    for name, backend in backends.items():
        if backend not in get_args(Backend):
            choices = ", ".join(get_args(Backend))
            raise ValueError(f"OPENTALKING_{name.upper()}_BACKEND must be one of {choices}, not {backend!r}")
        if name not in ALWAYS:
            _configured(faces, registry, contexts, name, backend, omnirt)  # type: ignore[arg-type]
    return faces


def _configured(
    faces: Faces,
    registry: Registry,
    contexts: Mapping[str, ProviderContext],
    name: str,
    backend: Backend,
    omnirt: bool,
) -> None:
    if name not in REMOTE_MODELS and name not in registry.names:
        known = ", ".join([*REMOTE_MODELS, *sorted(registry.names)])
        raise ValueError(f"OPENTALKING_{name.upper()}_BACKEND names no known model; known are {known}")
    if backend == "mock":
        still = faces.renderers["mock"]
        faces.renderers[name] = StillSlot(name, still) if name in SINGLE_SLOT_MODELS else still
        faces.probes.append(AlwaysConnected(name, backend="mock"))
    elif backend == "local" and name in registry.names:
        _plug_in(faces, registry, contexts, name)
    elif backend == "local":
        faces.probes.append(Unconnected(name, backend, "local_adapter_missing"))
    elif backend == "omnirt":
        faces.probes.append(Unconnected(name, backend, "omnirt_unavailable" if omnirt else "not_configured"))
    else:
        faces.probes.append(Unconnected(name, backend, "direct_ws_unavailable"))


def _plug_in(faces: Faces, registry: Registry, contexts: Mapping[str, ProviderContext], name: str) -> None:
    faces.renderers[name] = registry.make(name, contexts[name])
    faces.probes.append(Plugged(name))

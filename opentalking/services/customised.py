"""Avatars as sessions get them: the bundle with what clients changed of it."""

import asyncio
from dataclasses import replace
from pathlib import Path

from opentalking.catalog.customisations import Customisation, CustomisationStore
from opentalking.core.avatars import AvatarBundle
from opentalking.services.avatars import AvatarService

REFERENCE_FILE = "reference.png"


class CustomisedAvatars:
    """The engine's source of bundles."""

    def __init__(self, avatars: AvatarService, store: CustomisationStore) -> None:
        self._avatars = avatars
        self._store = store

    async def bundle(self, avatar_id: str) -> AvatarBundle:
        """The bundle with its customised prompt and picture; raises `NotFound`."""
        bundle = await self._avatars.bundle(avatar_id)
        return customised(bundle, await asyncio.to_thread(self._store.get, bundle.id))


def customised(bundle: AvatarBundle, changes: Customisation) -> AvatarBundle:
    """`bundle` with `changes`; another picture brings its own landmarks."""
    if changes.reference is None:
        return replace(bundle, prompt=changes.prompt)
    metadata = {**bundle.manifest.get("metadata", {}), "animation": dict(changes.animation)}
    return replace(
        bundle,
        prompt=changes.prompt,
        reference=changes.reference,
        manifest={**bundle.manifest, "metadata": metadata},
    )


def pictured_in(bundle: AvatarBundle, folder: Path) -> AvatarBundle:
    """`bundle` as a process of its own can take it: a customised picture becomes a file in `folder`.

    Blocking; raises `OSError`.
    """
    if bundle.reference is None:
        return bundle
    (folder / REFERENCE_FILE).write_bytes(bundle.reference)
    return replace(bundle, directory=folder, reference=None)

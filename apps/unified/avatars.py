"""Avatars of a unified server: what clients make and change of them, and what sessions get."""

import asyncio

from opentalking.catalog.bundles import sweep_bundles
from opentalking.catalog.customisations import CustomisationStore
from opentalking.engine.config import Toolbox
from opentalking.services.avatar_studio import AvatarStudio, StudioTools
from opentalking.services.avatars import AvatarService
from opentalking.services.custom_avatars import AvatarMaker
from opentalking.services.customisations import CustomisationService
from opentalking.services.customised import CustomisedAvatars
from opentalking.services.models import ModelService
from opentalking.services.preparation import FacePreparer
from opentalking.services.workshop import Workshop
from opentalking.settings import Settings


def avatar_source(settings: Settings, avatars: AvatarService) -> CustomisedAvatars:
    """Bundles as sessions get them."""
    return CustomisedAvatars(avatars, _store(settings))


def avatar_services(
    settings: Settings, toolbox: Toolbox, avatars: AvatarService, models: ModelService
) -> tuple[AvatarStudio, CustomisationService]:
    """What the routes call to make, delete and change avatars."""
    tools = StudioTools(
        root=settings.avatars_path,
        avatars=avatars,
        models=models,
        maker=AvatarMaker(
            settings.avatars_path, (settings.custom_avatar_max_width, settings.custom_avatar_max_height)
        ),
        store=_store(settings),
        preparer=FacePreparer(toolbox.renderers, toolbox.idle_cache),
        workshop=Workshop(),
        require_consent=settings.require_consent,
    )
    studio = AvatarStudio(tools)
    return studio, CustomisationService(tools, studio, allowed=settings.allow_shared_customize)


async def sweep(settings: Settings) -> None:
    """Remove avatars that a killed server left half-made or half-deleted."""
    await asyncio.to_thread(sweep_bundles, settings.avatars_path)


def _store(settings: Settings) -> CustomisationStore:
    return CustomisationStore(settings.data_dir / "customisations")

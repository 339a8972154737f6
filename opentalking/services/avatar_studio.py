"""Avatars that clients make, make ready and delete."""

import asyncio
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import structlog

from opentalking.catalog.bundles import bury_bundle, discard_bundle
from opentalking.catalog.customisations import CustomisationStore
from opentalking.core.avatars import AvatarBundle
from opentalking.core.consent import Consent, consent_of
from opentalking.core.errors import Forbidden, InvalidInput, NotFound, OpenTalkingError
from opentalking.core.ids import is_slug
from opentalking.services.avatars import AvatarService
from opentalking.services.custom_avatars import AvatarMaker, MadeAvatar, NewAvatar, checked_name
from opentalking.services.customised import CustomisedAvatars, customised
from opentalking.services.models import ModelService
from opentalking.services.preparation import FacePreparer
from opentalking.services.storage import storage_errors
from opentalking.services.workshop import Workshop, finished

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StudioTools:
    """What the studio works with; `root` is the folder of custom avatars."""

    root: Path
    avatars: AvatarService
    models: ModelService
    maker: AvatarMaker
    store: CustomisationStore
    preparer: FacePreparer
    workshop: Workshop
    require_consent: bool = False


class AvatarStudio:
    """Makes custom avatars, ready for their first session, and deletes them."""

    def __init__(self, tools: StudioTools) -> None:
        self._tools = tools
        self._source = CustomisedAvatars(tools.avatars, tools.store)

    def consent(self, field: str | None) -> Consent:
        """What a form's `consent` states; raises `InvalidInput`, also where it is required and missing."""
        return consent_of(field, required=self._tools.require_consent)

    async def base(self, name: str, base_avatar_id: str) -> AvatarBundle:
        """The avatar to build on, once the new one's name is fine; raises `InvalidInput`, `NotFound`."""
        checked_name(name)
        if not is_slug(base_avatar_id):
            raise InvalidInput("base_avatar_id is not valid; take one from GET /avatars")
        return await self._tools.avatars.bundle(base_avatar_id)

    async def create(self, wanted: NewAvatar) -> AvatarBundle:
        """Make the avatar and prepare it; it is listed when all is done, or nothing of it stays.

        Raises `InvalidInput`, `TooLarge` (the picture), `TooMany`, `ProviderError`, `Unavailable`.
        """
        tools = self._tools
        async with tools.workshop.bench():
            with storage_errors("the avatar"):
                staged = await finished(partial(tools.maker.stage, wanted), tools.maker.discard)
            try:
                await self.prepare(await tools.avatars.unlisted(staged.directory))
                with storage_errors("the avatar"):
                    made = await finished(partial(tools.maker.publish, staged), _unpublish)
            finally:
                await asyncio.to_thread(tools.maker.discard, staged)
        _log.info("avatar.made", avatar_id=made.manifest["id"], mode=made.study.verdict.mode)
        return await tools.avatars.bundle(made.manifest["id"])

    async def prepare(self, bundle: AvatarBundle) -> None:
        """Make the bundle ready for the default model, where that is rendered here."""
        model = self._tools.models.default_model
        if self._tools.preparer.can(model):
            await self._tools.preparer.prepare(bundle, model)

    async def prewarm(self, avatar_id: str, model: str | None = None) -> str:
        """Make the avatar ready for sessions with `model` (None: the default), whose name is returned.

        Raises `NotFound`, `InvalidInput` (model), `TooMany`, `ProviderError`, `Unavailable` (too slow).
        """
        bundle = await self._source.bundle(avatar_id)
        model = model or self._tools.models.default_model
        self._tools.models.require_connected(model)
        async with self._tools.workshop.bench():
            await self._tools.preparer.prepare(bundle, model)
        return model

    async def delete(self, avatar_id: str) -> None:
        """Delete a custom avatar, its customisations and all that was prepared of it.

        Live sessions keep their copy. Raises `NotFound`, `Forbidden` for one that is not custom.
        """
        bundle = await self._tools.avatars.bundle(avatar_id)
        if not bundle.is_custom or bundle.directory.parent != self._tools.root:
            raise Forbidden("this avatar belongs to the server; only custom avatars can be deleted")
        try:
            grave = await finished(partial(bury_bundle, bundle.directory), discard_bundle)
        except FileNotFoundError:
            raise NotFound("avatar not found") from None
        try:
            changes = await asyncio.to_thread(self._tools.store.forget, avatar_id)
            buried = replace(bundle, directory=grave)
            await self.forget(buried)
            if changes.reference is not None:
                await self.forget(customised(buried, changes))
        finally:
            await asyncio.to_thread(discard_bundle, grave)
        _log.info("avatar.deleted", avatar_id=avatar_id)

    async def forget(self, bundle: AvatarBundle) -> None:
        """Drop what was prepared of the bundle; a failure is a line in the log."""
        try:
            await self._tools.preparer.forget(bundle)
        except OpenTalkingError as error:
            _log.warning("avatar.not_forgotten", avatar_id=bundle.id, error=error.log_message)


def _unpublish(made: MadeAvatar) -> None:
    discard_bundle(bury_bundle(made.directory))

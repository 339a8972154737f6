"""Changing avatars for the sessions to come: what they are told, and what they look like."""

import asyncio
from functools import partial

import numpy as np
import structlog

from opentalking.catalog.customisations import Customisation
from opentalking.core.avatars import AvatarBundle
from opentalking.core.consent import Consent
from opentalking.core.errors import Forbidden, InvalidInput, NotFound
from opentalking.core.ids import is_slug
from opentalking.providers.render.portrait import anatomy
from opentalking.providers.render.portrait.picture import Picture, resize
from opentalking.providers.render.portrait.study import Study
from opentalking.services.avatar_studio import AvatarStudio, StudioTools
from opentalking.services.custom_avatars import AvatarMaker, encoded_png, fitted
from opentalking.services.customised import customised
from opentalking.services.storage import storage_errors

PROMPT_MAX_CHARACTERS = 20_000
_STUDIED_SIDE = 1600
_FACE_AT = 0.42
"""Where the face's middle lies in a cropped picture, as a share of its height."""

_log = structlog.get_logger(__name__)


class CustomisationService:
    """Prompts and pictures by avatar; they survive restarts, and running sessions keep theirs."""

    def __init__(self, tools: StudioTools, studio: AvatarStudio, *, allowed: bool = True) -> None:
        self._tools = tools
        self._studio = studio
        self._allowed = allowed

    def consent(self, field: str | None) -> Consent:
        """What a form's `consent` states; raises `InvalidInput`, also where it is required and missing."""
        return self._studio.consent(field)

    async def avatar(self, avatar_id: str) -> AvatarBundle:
        """The avatar that is to be changed; raises `InvalidInput` (no id), `NotFound`, `Forbidden`."""
        if not is_slug(avatar_id):
            raise InvalidInput("avatar_id is not valid; take one from GET /avatars")
        bundle = await self._tools.avatars.bundle(avatar_id)
        if not self._allowed:
            raise Forbidden(
                "avatars that everybody shares cannot be changed here; send llm_system_prompt with "
                "POST /sessions, make a custom avatar, or set OPENTALKING_ALLOW_SHARED_CUSTOMIZE=true"
            )
        return bundle

    async def change(
        self,
        bundle: AvatarBundle,
        *,
        prompt: str | None = None,
        picture: bytes | None = None,
        consent: Consent = "not stated",
    ) -> None:
        """Change prompt ("" clears it) and picture of an avatar; what is None stays as it is.

        Both are changed, or neither. Raises `InvalidInput`, `TooLarge` (the picture), `TooMany`,
        `ProviderError`, `Unavailable`.
        """
        if len(prompt or "") > PROMPT_MAX_CHARACTERS:
            raise InvalidInput(
                f"llm_system_prompt is longer than {PROMPT_MAX_CHARACTERS} characters; shorten it"
            )
        words = {} if prompt is None else {"prompt": prompt.strip()}
        if picture is None:
            await self._store(bundle, **words)
            return
        async with self._tools.workshop.bench():
            look = await asyncio.to_thread(partial(_look, self._tools.maker, bundle, picture, consent))
            await self._studio.prepare(customised(bundle, look))
            await self._store(
                bundle, reference=look.reference, animation=look.animation, consent=consent, **words
            )

    async def reset_picture(self, bundle: AvatarBundle) -> None:
        """Go back to the bundle's own picture."""
        await self._store(bundle, reference=None, animation={}, consent="not stated")

    async def _store(self, bundle: AvatarBundle, **changes: object) -> None:
        with storage_errors("the change"):
            before = await asyncio.to_thread(partial(self._tools.store.change, bundle.id, **changes))
        await self._require_still_there(bundle)
        if "reference" in changes and before.reference not in (None, changes["reference"]):
            await self._studio.forget(customised(bundle, before))
        _log.info("avatar.customised", avatar_id=bundle.id, changed=sorted(changes))

    async def _require_still_there(self, bundle: AvatarBundle) -> None:
        """Let nothing stay of an avatar that was deleted meanwhile; raises `NotFound` then."""
        try:
            await self._tools.avatars.bundle(bundle.id)
        except NotFound:
            changes = await asyncio.to_thread(self._tools.store.forget, bundle.id)
            if changes.reference is not None:
                await self._studio.forget(customised(bundle, changes))
            raise


def _look(maker: AvatarMaker, bundle: AvatarBundle, data: bytes, consent: Consent) -> Customisation:
    """The uploaded picture, cropped to cover the avatar's size, and what is found in it; blocking."""
    picture = maker.read(data)
    size = (bundle.width, bundle.height)
    small = fitted(picture, (_STUDIED_SIDE, _STUDIED_SIDE))
    covered = _covering(picture, size, _middle_of(maker.study(small)))
    found = maker.study(covered)
    return Customisation(reference=encoded_png(covered), animation=found.animation(), consent=consent)


def _middle_of(found: Study) -> tuple[float, float]:
    """Where the face is, as shares of width and height; the picture's middle without one."""
    if found.mesh is None:
        return 0.5, 0.5
    x, y = found.mesh.points[list(anatomy.OVAL)].mean(0)
    return float(x) / found.width, float(y) / found.height


def _covering(picture: Picture, size: tuple[int, int], middle: tuple[float, float]) -> Picture:
    """The largest part of `picture` with the aspect of `size` = (width, height), around the face."""
    height, width = picture.shape[:2]
    scale = min(width / size[0], height / size[1])
    columns, rows = max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
    left = int(np.clip(middle[0] * width - columns / 2, 0, width - columns))
    top = int(np.clip(middle[1] * height - _FACE_AT * rows, 0, height - rows))
    return resize(np.ascontiguousarray(picture[top : top + rows, left : left + columns]), size)

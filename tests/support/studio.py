"""The studio for avatars over folders of a test, with the still renderer to prepare with."""

from pathlib import Path

from opentalking.catalog.customisations import CustomisationStore
from opentalking.core.providers import Renderer
from opentalking.media.idle import IdleCache
from opentalking.providers.fake import FlatRenderer
from opentalking.services.avatar_studio import AvatarStudio, StudioTools
from opentalking.services.avatars import AvatarService
from opentalking.services.custom_avatars import AvatarMaker
from opentalking.services.customisations import CustomisationService
from opentalking.services.models import ModelService
from opentalking.services.preparation import FacePreparer
from opentalking.services.workshop import Workshop
from tests.support.virtual_time import InlineExecutor


def studio_of(
    folder: Path,
    avatars: AvatarService,
    models: ModelService,
    renderer: Renderer | None = None,
    *,
    require_consent: bool = False,
    allowed: bool = True,
    workshop: Workshop | None = None,
) -> tuple[AvatarStudio, CustomisationService]:
    """Custom avatars go to `folder/avatars`, customisations to `folder/customisations`."""
    root = folder / "avatars"
    tools = StudioTools(
        root=root,
        avatars=avatars,
        models=models,
        maker=AvatarMaker(root),
        store=CustomisationStore(folder / "customisations"),
        preparer=FacePreparer({"portrait": renderer or FlatRenderer()}, IdleCache(None, InlineExecutor())),
        workshop=workshop or Workshop(),
        require_consent=require_consent,
    )
    studio = AvatarStudio(tools)
    return studio, CustomisationService(tools, studio, allowed=allowed)

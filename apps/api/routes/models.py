"""The talking-head models."""

from fastapi import APIRouter

from apps.api.deps import Services
from apps.api.responses import errors
from apps.api.schemas.health import Models, ModelStatusBody

router = APIRouter(tags=["models"])


@router.get("/models", operation_id="listModels", summary="List models", responses=errors())
async def models(services: Services) -> Models:
    """List every model, the default first, with whether it can be used now; answered from a cache."""
    statuses = services.models.statuses()
    return Models(
        models=[status.id for status in statuses],
        statuses=[ModelStatusBody.model_validate(status) for status in statuses],
        default_model=services.models.default_model,
    )

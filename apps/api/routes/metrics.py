"""The server's figures for Prometheus."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from apps.api.deps import Services
from apps.api.responses import Responses, errors
from opentalking.core.errors import NotFound

router = APIRouter(tags=["health"])
_EXAMPLE = """\
# HELP opentalking_sessions Sessions by state.
# TYPE opentalking_sessions gauge
opentalking_sessions{state="ready"} 2.0
"""
_DOCUMENTED: Responses = {
    200: {
        "description": "Metrics in the text format of Prometheus, or OpenMetrics where `Accept` asks for it. "
        "Names and labels are described in docs/observability.md.",
        "content": {"text/plain": {"schema": {"type": "string"}, "example": _EXAMPLE}},
    }
}


@router.get(
    "/metrics",
    operation_id="getMetrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={**errors(404), **_DOCUMENTED},
)
async def metrics(services: Services, request: Request) -> Response:
    """Show counts, histograms and gauges of this server since its start."""
    if services.metrics is None:
        raise NotFound("this server keeps no metrics")
    text, content_type = await services.metrics(request.headers.get("accept", ""))
    return Response(text, media_type=content_type, headers={"Cache-Control": "no-store"})

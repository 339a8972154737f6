"""Routes that the API will have: they answer 501 and are left out of the OpenAPI document."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse

router = APIRouter(include_in_schema=False)
_DETAIL = {"detail": "not built yet"}
UNBUILT = (("POST", "/sessions/{session_id}/transcribe"),)


async def _not_built(request: Request) -> JSONResponse:
    return JSONResponse(_DETAIL, 501)


for _method, _path in UNBUILT:
    router.add_api_route(_path, _not_built, methods=[_method], response_model=None)

"""What makes the pages of the road an app: its name and picture, its worker, and the page without a connection."""

from typing import Final, Literal

from fastapi import Request
from starlette.responses import Response

from app.core.access import public
from app.core.routing import route_options
from app.portal.ground.routing import pages_router
from app.portal.offline.working import SAME_FOR_ALL, manifest_answer, outside, script_answer

router = pages_router("/portal/road")

_SCOPE: Final = "/portal/road"
_WITHOUT: Final = (f"{_SCOPE}/without-line/en", f"{_SCOPE}/without-line/zh-CN")


@router.get("/worker.js", include_in_schema=False)
@public(SAME_FOR_ALL)
@route_options(database=False)
async def get_road_worker() -> Response:
    """Return the worker by which the day can be read without a connection."""
    return script_answer(_SCOPE, features=("road",), pages=(_SCOPE, f"{_SCOPE}/door"), without=_WITHOUT)


@router.get("/manifest.webmanifest", include_in_schema=False)
@public(SAME_FOR_ALL)
@route_options(database=False)
async def get_road_manifest() -> Response:
    """Return what a home screen needs to know."""
    return manifest_answer(_SCOPE, "On the road")


@router.get("/without-line/{language}", include_in_schema=False)
@public(SAME_FOR_ALL)
@route_options(database=False, idempotency=False)
async def show_without_line(request: Request, language: Literal["en", "zh-CN"]) -> Response:
    """Return what stands in for a page of which there is no copy."""
    return outside(request, language, _SCOPE)

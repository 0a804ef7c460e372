"""What makes a worker's pages an app: its name and picture, its worker, and the page without a connection."""

from typing import Final, Literal

from fastapi import Request
from starlette.responses import Response

from app.core.access import public
from app.core.routing import route_options
from app.portal.ground.routing import pages_router
from app.portal.offline.working import SAME_FOR_ALL, manifest_answer, outside, script_answer
from app.portal.provider.work import WORK

router = pages_router(WORK)

_WITHOUT: Final = (f"{WORK}/without-line/en", f"{WORK}/without-line/zh-CN")


@router.get("/worker.js", include_in_schema=False)
@public(SAME_FOR_ALL)
@route_options(database=False)
async def get_provider_worker() -> Response:
    """Return the worker by which a day of orders can be read without a connection."""
    return script_answer(WORK, features=("provider",), pages=(WORK, f"{WORK}/times"), without=_WITHOUT)


@router.get("/manifest.webmanifest", include_in_schema=False)
@public(SAME_FOR_ALL)
@route_options(database=False)
async def get_provider_manifest() -> Response:
    """Return what a home screen needs to know."""
    return manifest_answer(WORK, "My orders")


@router.get("/without-line/{language}", include_in_schema=False)
@public(SAME_FOR_ALL)
@route_options(database=False, idempotency=False)
async def show_provider_without_line(request: Request, language: Literal["en", "zh-CN"]) -> Response:
    """Return what stands in for a page of which there is no copy."""
    return outside(request, language, WORK)

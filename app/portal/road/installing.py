"""What makes the pages of the road an app: its name and picture, its worker, and the page without a connection."""

from typing import Any, Final, Literal

import orjson
from fastapi import Request
from starlette.responses import Response

from app.core.access import public
from app.core.routing import route_options
from app.portal.ground.assets import asset
from app.portal.ground.pages import Stranger, show
from app.portal.ground.routing import pages_router
from app.portal.offline.working import offline_script
from app.portal.road.texts import WORDS

router = pages_router("/portal/road")

_SAME_FOR_ALL: Final = "says nothing about anybody: a script, a name, and that there is no connection"
_SCOPE: Final = "/portal/road"
_WITHOUT: Final = (f"{_SCOPE}/without-line/en", f"{_SCOPE}/without-line/zh-CN")
# A worker lives for as long as its file is the same: the browser asks each time it wakes whether it is.
_FRESH: Final = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}


@router.get("/worker.js", include_in_schema=False)
@public(_SAME_FOR_ALL)
@route_options(database=False)
async def get_road_worker() -> Response:
    """Return the worker by which the day can be read without a connection."""
    script = offline_script(_SCOPE, features=("road",), pages=(_SCOPE, f"{_SCOPE}/door"), without=_WITHOUT)
    policy = {"Content-Security-Policy": "default-src 'none'; connect-src 'self'", "Service-Worker-Allowed": _SCOPE}
    return Response(script, media_type="text/javascript; charset=utf-8", headers=_FRESH | policy)


@router.get("/manifest.webmanifest", include_in_schema=False)
@public(_SAME_FOR_ALL)
@route_options(database=False)
async def get_road_manifest() -> Response:
    """Return what a home screen needs to know."""
    document: dict[str, Any] = {
        "name": "Hearthline · on the road",
        "short_name": "On the road",
        "id": _SCOPE,
        "start_url": _SCOPE,
        "scope": "/portal",
        "display": "standalone",
        "background_color": "#f3f5f4",
        "theme_color": "#0b5d66",
        "icons": [{"src": asset("ground/icon.svg"), "sizes": "any", "type": "image/svg+xml", "purpose": "any"}],
    }
    return Response(orjson.dumps(document), media_type="application/manifest+json", headers=_FRESH)


@router.get("/without-line/{language}", include_in_schema=False)
@public(_SAME_FOR_ALL)
@route_options(database=False, idempotency=False)
async def show_without_line(request: Request, language: Literal["en", "zh-CN"]) -> Response:
    """Return what stands in for a page of which there is no copy."""
    return show(Stranger(request, language), "road/outside.html", WORDS)

"""Notifications of a browser: the worker, the manifest, the page with the switch, and subscribing."""

from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import orjson
from fastapi import Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from app.core.access import public
from app.core.problems import Forbidden, Unauthenticated, problem_responses
from app.core.routing import route_options
from app.portal.ground.asking import Refused
from app.portal.ground.assets import asset
from app.portal.ground.pages import show
from app.portal.ground.routing import pages_router
from app.portal.ground.texts import COMMON
from app.portal.ground.visits import Visit, Visitor
from app.portal.push.texts import WORDS
from app.portal.push.working import PORTAL, push_script

router = pages_router("/portal")

_SAME_FOR_ALL: Final = "says nothing about anybody: a script, a name and a picture"
_APP_VERSION: Final = "portal"
_NOT_FOUND: Final = 404
# A worker lives for as long as its file is the same: the browser asks each time it wakes whether it is.
_FRESH: Final = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
_WORKER_HEADERS: Final = _FRESH | {"Content-Security-Policy": "default-src 'none'; connect-src 'self'"}


class Keys(BaseModel):
    """The keys a message to the browser is encrypted with."""

    model_config = ConfigDict(extra="ignore")

    p256dh: Annotated[str, Field(max_length=128)]
    auth: Annotated[str, Field(max_length=64)]


class Subscription(BaseModel):
    """A subscription as ``PushSubscription.toJSON()`` gives it; the API judges it."""

    model_config = ConfigDict(extra="ignore")

    endpoint: Annotated[str, Field(max_length=2048)]
    keys: Keys


async def own_script(request: Request) -> None:
    """Let pass what a script of ours sends; raises ``Forbidden``.

    JSON from another site would be asked about first (CORS), which we never allow; the origin is looked at besides.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    is_ours = origin is None or urlsplit(origin).netloc == request.headers.get("host", "")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if (site is not None and site != "same-origin") or not is_ours or kind != "application/json":
        raise Forbidden


OwnScript = Depends(own_script)


@cache
def _icon() -> bytes:
    return (Path(__file__).parent.parent / "ground" / "assets" / "icon.svg").read_bytes()


@router.get("/worker.js", include_in_schema=False)
@public(_SAME_FOR_ALL)
@route_options(database=False)
async def get_worker() -> Response:
    """Return the worker that shows notifications."""
    return Response(
        push_script("/portal", PORTAL), media_type="text/javascript; charset=utf-8", headers=_WORKER_HEADERS
    )


@router.get("/icon.svg", include_in_schema=False)
@public(_SAME_FOR_ALL)
@route_options(database=False)
async def get_icon() -> Response:
    """Return the picture of notifications: under an address that does not change, as a worker lives long."""
    return Response(_icon(), media_type="image/svg+xml", headers=_FRESH)


@router.get("/manifest.webmanifest", include_in_schema=False)
@public(_SAME_FOR_ALL)
@route_options(database=False)
async def get_manifest() -> Response:
    """Return what a home screen needs to know; an iPhone notifies only from there."""
    name = COMMON["en"]["product"]
    document: dict[str, Any] = {
        "name": name,
        "short_name": name,
        "id": "/portal",
        "start_url": "/portal",
        "scope": "/portal",
        "display": "standalone",
        "background_color": "#f3f5f4",
        "theme_color": "#0b5d66",
        "icons": [{"src": asset("ground/icon.svg"), "sizes": "any", "type": "image/svg+xml", "purpose": "any"}],
    }
    return Response(orjson.dumps(document), media_type="application/manifest+json", headers=_FRESH)


@router.get("/push", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_push(visit: Visitor) -> Response:
    """Show whether this browser is notified, and the switch."""
    return show(visit, "push/push.html", WORDS, push_key=await push_key(visit))


async def push_key(visit: Visit) -> str | None:
    """Return what browsers subscribe with, ``None`` where this installation sends nothing to them."""
    config = await visit.api.get("/v1/app-config", community_id=visit.actor.community_id)
    key: str | None = config["web_push_key"]
    return key


@router.post(
    "/push/subscription",
    include_in_schema=False,
    dependencies=[OwnScript],
    responses=problem_responses(Unauthenticated, Forbidden),
)
@route_options(database=False, idempotency=False)
async def keep_subscription(visit: Visitor, subscription: Subscription) -> Response:
    """Register this browser for notifications, or what it is reached by now. It ends with its sign-in."""
    body = {
        "platform": "web",
        "app_version": _APP_VERSION,
        "language": visit.language,
        "web_push": subscription.model_dump(),
    }
    await visit.api.put(f"/v1/me/installations/{_client_of(visit)}", body)
    return Response(status_code=204, headers={"Cache-Control": "no-store"})


@router.post(
    "/push/end",
    include_in_schema=False,
    dependencies=[OwnScript],
    responses=problem_responses(Unauthenticated, Forbidden),
)
@route_options(database=False, idempotency=False)
async def end_subscription(visit: Visitor) -> Response:
    """Notify this browser no more; doing it again changes nothing."""
    try:
        await visit.api.delete(f"/v1/me/installations/{_client_of(visit)}")
    except Refused as refusal:
        if refusal.status != _NOT_FOUND:
            raise
    return Response(status_code=204, headers={"Cache-Control": "no-store"})


def _client_of(visit: Visit) -> str:
    """Return the name of the browser as an installation: its sign-in's, which nobody else can give."""
    return f"portal-{visit.session_id}"

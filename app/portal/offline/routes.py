"""Who is signed in, for a script that sends what was kept: the token of a page loaded long ago is not enough."""

import orjson
from starlette.responses import Response

from app.core import clock
from app.core.routing import route_options
from app.portal.ground.asking import JSON, Refused
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Visitor

router = pages_router("/portal/outbox")


@router.get("/person", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def get_person(visit: Visitor) -> Response:
    """Return who is signed in, what forms of theirs carry, and our clock; nobody else's page can read it.

    Support that looks on is told nothing: nothing is sent for somebody by whoever looks on as them.
    """
    if visit.is_viewing_as:
        raise Refused(403, {"code": "viewing_is_read_only", "status": 403})
    body = {"who": str(visit.actor.id), "csrf": visit.csrf, "at": clock.now().isoformat()}
    headers = {"Cache-Control": "no-store", "Cross-Origin-Resource-Policy": "same-origin"}
    return Response(orjson.dumps(body), media_type=JSON, headers=headers)

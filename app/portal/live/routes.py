"""The stream of an open page."""

from fastapi import Request
from starlette.responses import Response

from app.core.access import public
from app.core.routing import Router, route_options
from app.portal.ground.visits import visit_of
from app.portal.live.stream import Nudges

router = Router(tags=["portal"], prefix="/portal")


@router.get("/live", include_in_schema=False, response_class=Response)
@public("asks itself who is signed in: a stream is led nowhere to sign in")
@route_options(database=False, idempotency=False)
async def follow_changes(request: Request) -> Response:
    """Tell an open page which of its parts to fetch again; 401 to nobody."""
    visit = await visit_of(request, is_use=False)
    if visit is None:
        return Response(status_code=401, headers={"Cache-Control": "no-store"})
    return Nudges(visit.who)

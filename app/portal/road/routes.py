"""The pages of the road: the day, one visit, one order, and the door that was touched."""

from datetime import date, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from app.core.instants import GivenDay
from app.core.routing import route_options
from app.portal.ground.measuring import ENTERED
from app.portal.ground.pages import show
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Visit, Visitor
from app.portal.road import composing
from app.portal.road.texts import WORDS
from eldercare.api import sign_name

router = pages_router("/portal/road")

_MAY: Final = "camera=(self), geolocation=(self), microphone=(), payment=()"
"""These pages read the code at a door and say where the phone is; nothing else may."""
TYPED: Final = ("text", "value", "lower", "kind", "unfinished_reason")
"""What is shown again as it was typed, where it was not taken."""
Day = Annotated[GivenDay | None, Query(alias="date")]


def page(visit: Visit, path: str, *, status: int = 200, **values: Any) -> Response:
    """Return a page of the road."""
    answer = show(visit, path, WORDS, status=status, **values)
    answer.headers["Permissions-Policy"] = _MAY
    return answer


async def _route(visit: Visit, path: str, day: date | None) -> Response:
    today = composing.today_of(visit)
    shown = await composing.day_of(visit, day or today)
    return page(visit, path, day=shown, before=shown.date - timedelta(days=1), after=shown.date + timedelta(days=1))


@router.get("", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_route(visit: Visitor, day: Day = None) -> Response:
    """Show where the visitor goes on a day."""
    return await _route(visit, "road/route.html", day)


@router.get("/part", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_route_part(visit: Visitor, day: Day = None) -> Response:
    """Show what of the way changes as the day goes on."""
    return await _route(visit, "road/route_part.html", day)


async def visit_page(
    visit: Visit, visit_id: UUID, *, path: str = "road/visit.html", status: int = 200, **values: Any
) -> Response:
    """Return the page of a visit; raises ``Refused``."""
    one = await composing.visit_of(visit, visit_id)
    kinds = [(key, sign_name(visit.language, name)) for key, (_, _, name) in ENTERED.items()]
    given = {"trouble": "", "given": dict.fromkeys(TYPED, ""), "sure": "", "kinds": kinds, **values}
    return page(visit, path, status=status, one=one, **given)


@router.get("/visits/{visit_id}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_visit(visit: Visitor, visit_id: UUID) -> Response:
    """Show a visit: the way in, what is to be done, and all there is to say of it."""
    return await visit_page(visit, visit_id)


@router.get("/visits/{visit_id}/part", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_visit_part(visit: Visitor, visit_id: UUID) -> Response:
    """Show what of a visit changes."""
    return await visit_page(visit, visit_id, path="road/visit_part.html")


@router.get("/door", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_door(visit: Visitor) -> Response:
    """Show whom the visitor may be at, once they touched a tag at a door; what it holds never leaves for the page."""
    day = await composing.day_of(visit, composing.today_of(visit))
    awaited = [stop for stop in day.stops if stop.kind == "visit" and stop.is_open]
    return page(visit, "road/door.html", stops=awaited)

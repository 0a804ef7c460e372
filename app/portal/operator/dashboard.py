"""Where the operator begins: what needs them now, and how the community stands."""

import asyncio
from typing import Final

from starlette.responses import Response

from app.core.routing import route_options
from app.portal.ground.pages import show
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Operating
from app.portal.operator.needs import COUNTED, needs
from app.portal.operator.texts import WORDS

router = pages_router("/portal/operator")

_PARKED: Final = "/v1/parked-items"


@router.get("", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_dashboard(visit: Operating) -> Response:
    """Show what needs the operator now."""
    ask = visit.api
    events, deadlines, deliveries, installation, overview, plans, broadcasts = await asyncio.gather(
        ask.get(_PARKED, kind="event", limit=COUNTED),
        ask.get(_PARKED, kind="deadline", limit=COUNTED),
        ask.get(_PARKED, kind="delivery", limit=COUNTED),
        ask.get("/v1/installation"),
        ask.get("/v1/deliveries/overview", hours=24),
        ask.get("/v1/escalation-plans"),
        ask.get("/v1/broadcasts", limit=5),
    )
    parked = {"event": events["items"], "deadline": deadlines["items"], "delivery": deliveries["items"]}
    return show(
        visit,
        "operator/dashboard.html",
        WORDS,
        tab="now",
        needs=needs(parked, installation, overview, plans["items"]),
        overview=overview,
        running=[one for one in broadcasts["items"] if one["ended_at"] is None],
    )

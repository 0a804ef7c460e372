"""How notices fare: sent, arrived, seen, failed, by day and by notice, and how far the lanes are behind."""

import asyncio
from typing import Annotated, Any, Final

from fastapi import Query
from starlette.responses import Response

from app.core.routing import route_options
from app.portal.ground.pages import show
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Operating
from app.portal.operator.texts import WORDS

router = pages_router("/portal/operator/deliveries")

DAYS: Final = (1, 7, 31)


@router.get("", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_deliveries(visit: Operating, days: Annotated[int, Query(ge=1, le=31)] = 7) -> Response:
    """Show what became of the notices of the last days."""
    by_day, by_notice, overview = await asyncio.gather(
        visit.api.get("/v1/deliveries/rates", days=days, by="day"),
        visit.api.get("/v1/deliveries/rates", days=days, by="notice"),
        visit.api.get("/v1/deliveries/overview", hours=24),
    )
    by_day["items"].reverse()
    return show(
        visit,
        "operator/deliveries.html",
        WORDS,
        tab="deliveries",
        days=days,
        choices=DAYS,
        by_day=by_day,
        by_notice=by_notice["items"],
        overview=overview,
        share=share,
    )


def share(row: dict[str, Any], name: str) -> float:
    """Return which part of what was sent arrived or was seen, in percent; of what was written where it failed."""
    whole = row["written"] if name == "failed" else row["sent"]
    return round(100 * row[name] / whole, 1) if whole else 0.0

"""The board: a company's orders of a day, what is wrong first."""

import asyncio
import uuid
from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import Depends, Query
from starlette.responses import Response

from app.core import clock
from app.core.routing import route_options
from app.portal.ground.pages import address
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Visit, Visitor
from app.portal.provider import composing
from app.portal.provider.company import ROOT, Company, Day, company_of, page
from app.portal.provider.composing import Asked

router = pages_router(f"{ROOT}/{{organization_id}}")

MOST: Final = 500
SHOWN: Final = 100
"""Orders on one page: a day with more is looked at by lane, service or worker."""


async def _asked(
    lane: Annotated[str, Query(alias="show", max_length=20)] = "",
    service: Annotated[str, Query(max_length=40)] = "",
    district: Annotated[str, Query(max_length=40)] = "",
    worker: Annotated[str, Query(max_length=40)] = "",
    text: Annotated[str, Query(alias="q", max_length=100)] = "",
) -> Asked:
    return Asked(lane if lane in composing.LANES else "", service, district, worker, text.strip())


Wanted = Annotated[Asked, Depends(_asked)]


async def orders_of(visit: Visit, company: Company) -> list[Any]:
    """Return a company's orders of the day that is shown."""
    span = {"since": company.days["starts_at"], "until": company.days["ends_at"]}
    return await visit.api.pages(f"/v1/organizations/{company.id}/order-board", MOST, **span)


async def _board(visit: Visit, organization_id: uuid.UUID, day: str, asked: Asked) -> tuple[Company, dict[str, Any]]:
    company = await company_of(visit, organization_id, day)
    orders, offers = await asyncio.gather(
        orders_of(visit, company), visit.api.pages(f"/v1/organizations/{organization_id}/service-offers", MOST)
    )
    areas = composing.areas_of(offers)
    everything = composing.rows(orders, clock.now(), areas)
    found = [row for row in everything if asked.without_lane(row)]
    shown = [row for row in found if not asked.lane or row.lane == asked.lane]
    given = {"day": company.day, "service": asked.service, "district": asked.district, "worker": asked.worker}
    query = {**given, "q": asked.text}
    return company, {
        "asked": asked,
        "lanes": composing.grouped(shown[:SHOWN]),
        "more": max(len(shown) - SHOWN, 0),
        "counts": composing.counted(found),
        "total": len(found),
        "all_of_day": len(everything),
        "districts": [one["code"] for one in areas],
        "here_with": lambda **more: address(company.root, **{**query, **more}),
        "part": address(f"{company.root}/part", **query, show=asked.lane),
        "before": company.day - timedelta(days=1),
        "after": company.day + timedelta(days=1),
        "is_today": company.day == company.their.today(),
    }


@router.get("", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_board(visit: Visitor, organization_id: uuid.UUID, asked: Wanted, day: Day = "") -> Response:
    """Show a company's orders of a day."""
    company, shown = await _board(visit, organization_id, day, asked)
    return page(visit, "board.html", company, "orders", **shown)


@router.get("/part", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_board_part(visit: Visitor, organization_id: uuid.UUID, asked: Wanted, day: Day = "") -> Response:
    """Show the orders alone, for a page that is open."""
    company, shown = await _board(visit, organization_id, day, asked)
    return page(visit, "board_part.html", company, "orders", **shown)

"""How a provider does: each figure of each month, in one statement."""

from datetime import datetime, timedelta
from typing import Any

from app.core.database import unit_of_work
from community.housekeeping.models import HomeService
from community.orders.models import Order
from tests.community.orders.conftest import THURSDAY, Scene
from tests.factories import community_orders, community_ratings, identity


async def test_each_month_counts_what_went_well_and_what_did_not(scene: Scene) -> None:
    async with unit_of_work() as session:
        service = await session.get_one(HomeService, scene.offer.service_id)

    async def order(at: datetime, late: int | None = None, **values: Any) -> Order:
        begun = {} if late is None else {"started_at": at + timedelta(minutes=late), "finished_at": at}
        given = {"wanted_at": at, "starts_at": at, "ends_at": at + timedelta(hours=2), "state": "closed"}
        return await community_orders.order(scene.grace, scene.ann, scene.offer, service, **given | begun | values)

    first, *days = [THURSDAY + timedelta(days=day) for day in range(6)]
    await order(first, late=15)
    badly = await order(days[0], late=20)
    await community_ratings.complaint(badly)
    await order(days[1], late=40, rework_of=badly.id)
    off = {"state": "cancelled", "closed_at": first}
    await order(days[2], **off, cancelled_by="provider", cancel_reason="worker_ill", worker_id=scene.mei.id)
    await order(days[3], **off, cancelled_by="hearthline", cancel_reason="not_kept")
    await order(days[4], state="expired")
    # The last hour of March on the community's wall, and the first of April.
    last = THURSDAY.replace(day=31, hour=15)
    await order(last, late=0)
    await order(last + timedelta(hours=1))

    path = f"/v1/organizations/{scene.provider.id}/quality?since=2026-03&until=2026-04"
    march, april = (await scene.ask("GET", path, by=scene.keeper))["items"]
    assert march == {
        "month": "2026-03",
        "orders": 6,
        "on_time": 2,
        "late": 2,
        "median_minutes_late": 30.0,
        "unfilled": 1,
        "cancelled_by_provider": 1,
        "complaints": 1,
        "rework": 1,
        "average_rating": None,
    }
    assert (april["month"], april["orders"]) == ("2026-04", 1)


async def test_a_span_is_one_of_at_most_two_years(scene: Scene) -> None:
    path = f"/v1/organizations/{scene.provider.id}/quality"
    for query in ("since=2026-04&until=2026-03", "since=2024-03&until=2026-03"):
        await scene.ask("GET", f"{path}?{query}", by=scene.keeper, expect=422)
    stranger = await identity.organization(scene.place, "provider")
    await scene.ask("GET", f"/v1/organizations/{stranger.id}/quality", by=scene.keeper, expect=404)

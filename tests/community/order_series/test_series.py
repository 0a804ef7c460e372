"""Help that recurs is agreed on once and ordered weeks ahead, each time as one order at the price that was agreed."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from community.order_series.models import SERIES
from community.order_series.service import planning
from community.orders.models import ORDERS
from tests.community.order_series.conftest import (
    THURSDAY,
    THURSDAYS,
    TOTAL,
    TOTALS,
    WEEK,
    Scene,
    agreed,
    at,
    days,
    later,
    ordered,
    path,
    shown,
    weekly,
    work,
)
from tests.community.orders.conftest import told
from tests.factories import identity, sign_in
from tests.factories.community_housekeeping import HOURLY


async def test_each_occurrence_of_four_weeks_is_ordered_and_no_other(scene: Scene) -> None:
    series = await agreed(scene, instructions="Ring twice", door_code="4711#")

    assert days(series, "ordered") == THURSDAYS
    assert days(series, "planned") == ["2026-04-02", "2026-04-09", "2026-04-16", "2026-04-23"]
    order = await scene.seen({"id": at(series, "2026-03-12")["order_id"]})
    assert (order["state"], order["series_id"], order["total"]) == ("placed", series["id"], TOTAL)
    assert (order["starts_at"], order["instructions"]) == (
        (THURSDAY + WEEK).isoformat().replace("+00:00", "Z"),
        "Ring twice",
    )
    assert (series["has_door_code"], series["trouble"]) == (True, None)
    assert await told("series_new") == {"Nora"}
    assert await told("order_new") | await told("order_placed") == set()


async def test_gone_through_again_nothing_is_ordered_twice(scene: Scene, clock: ManualClock) -> None:
    series = await agreed(scene)
    async with unit_of_work() as session:
        await planning.plan(session, list(await session.scalars(sa.select(SERIES.c.id))))
    await later(clock, clock.now() + timedelta(days=2))

    assert len(await ordered(scene)) == 4
    await later(clock, THURSDAY - timedelta(hours=1))
    assert days(await shown(scene, series), "ordered") == [*THURSDAYS, "2026-04-02"]


async def test_a_planner_that_dies_half_way_leaves_nothing_and_is_made_up_for(scene: Scene) -> None:
    async def die_half_way() -> None:
        async with unit_of_work() as session:
            await planning.plan(session, list(await session.scalars(sa.select(SERIES.c.id))))
            raise InterruptedError

    await scene.ask("POST", path(scene), weekly(scene), expect=201)
    with pytest.raises(InterruptedError):
        await die_half_way()
    assert await ordered(scene) == []
    await work()
    assert len(await ordered(scene)) == 4


async def test_one_occurrence_has_one_order_whoever_makes_it(scene: Scene) -> None:
    await agreed(scene)
    async with reading() as connection:
        row = (await connection.execute(sa.select(ORDERS).limit(1))).one()._asdict()
    moved = {name: row[name] + timedelta(hours=2) for name in ("wanted_at", "starts_at", "ends_at")}

    async def add_another() -> None:
        async with unit_of_work() as session:
            await session.execute(sa.insert(ORDERS).values(row | moved | {"id": row["resident_id"]}))

    with pytest.raises(sa.exc.IntegrityError, match="uq_community_order_occurrence"):
        await add_another()


async def test_terms_are_agreed_as_they_were_shown(scene: Scene) -> None:
    wish = {name: value for name, value in weekly(scene).items() if name not in ("agreed", "payment_method")}
    preview = await scene.ask("POST", path(scene) + "/preview", wish)
    refused = await scene.ask(
        "POST", path(scene), weekly(scene, agreed={"offer_version": 1, "totals": TOTALS | {"weekend": 1}}), expect=409
    )

    assert preview["terms"]["totals"] == TOTALS
    assert [one["day"] for one in preview["occurrences"]][:4] == THURSDAYS
    assert (refused["code"], refused["terms"]["totals"]) == ("terms_changed", TOTALS)


async def _reprice(scene: Scene, amount: int) -> None:
    offers = f"/v1/organizations/{scene.provider.id}/service-offers/{scene.offer.id}"
    await scene.ask("PUT", offers, HOURLY | {"amount": amount}, by=scene.keeper)


async def test_what_costs_more_is_not_ordered_before_somebody_agrees(scene: Scene, clock: ManualClock) -> None:
    series = await agreed(scene)
    await _reprice(scene, 7000)
    await later(clock, THURSDAY)

    found = await shown(scene, series)
    assert (days(found, "ordered"), days(found, "not_ordered")) == (THURSDAYS[1:], ["2026-04-02"])
    assert (found["trouble"], at(found, "2026-04-02")["trouble"]) == ("price", "price")
    assert await told("series_price") == {"Grace"}
    refused = await scene.ask(
        "POST", path(scene, series, "agreement"), {"offer_version": 1, "totals": TOTALS}, expect=409
    )
    terms = {name: refused["terms"][name] for name in ("offer_version", "totals")}
    await scene.ask("POST", path(scene, series, "agreement"), terms)
    await work()
    found = await shown(scene, series)
    assert (days(found, "ordered"), found["trouble"]) == ([*THURSDAYS[1:], "2026-04-02"], None)
    assert (await scene.seen({"id": at(found, "2026-04-02")["order_id"]}))["total"] == 14_500
    assert (await scene.seen({"id": at(found, THURSDAYS[1])["order_id"]}))["total"] == TOTAL


async def test_what_became_cheaper_is_ordered_at_its_price(scene: Scene, clock: ManualClock) -> None:
    series = await agreed(scene)
    await _reprice(scene, 5000)
    await later(clock, THURSDAY)

    order = await scene.seen({"id": at(await shown(scene, series), "2026-04-02")["order_id"]})
    assert order["total"] == 10_500


async def test_whoever_waits_hears_again_of_what_is_near_and_not_ordered(scene: Scene, clock: ManualClock) -> None:
    await agreed(scene, starts_on="2026-04-02")
    await _reprice(scene, 7000)
    await later(clock, THURSDAY + 3 * WEEK)
    assert await told("series_price") == {"Grace"}
    assert await told("series_not_ordered") == set()
    await later(clock, THURSDAY + 4 * WEEK - timedelta(days=2))
    assert await told("series_not_ordered") == {"Grace"}


async def test_what_is_not_offered_any_more_is_told(scene: Scene, clock: ManualClock) -> None:
    series = await agreed(scene)
    offers = f"/v1/organizations/{scene.provider.id}/service-offers/{scene.offer.id}"
    await scene.ask("PUT", offers, HOURLY | {"is_active": False}, by=scene.keeper)
    await later(clock, THURSDAY)

    assert (await shown(scene, series))["trouble"] == "offer"
    assert await told("series_stopped") == {"Grace"}


async def test_a_daughter_agrees_by_grant_and_nothing_is_ordered_once_it_ended(
    scene: Scene, clock: ManualClock
) -> None:
    series = await agreed(scene, scene.daughter)
    assert series["ordered_by"] == str(scene.ann.id)
    grants = await scene.ask("GET", f"/v1/residents/{scene.grace.id}/grants")
    (grant,) = grants["items"]
    await scene.ask("DELETE", f"/v1/residents/{scene.grace.id}/grants/{grant['id']}", expect=204)
    await later(clock, THURSDAY)

    found = await shown(scene, series)
    assert (found["trouble"], days(found, "not_ordered")) == ("orderer", ["2026-04-02"])
    assert await told("series_stopped") == {"Grace"}
    await scene.ask("GET", path(scene, series), by=scene.daughter, expect=404)
    await scene.ask("POST", path(scene, series, "agreement"), {"offer_version": 1, "totals": TOTALS})
    await work()
    assert days(await shown(scene, series), "not_ordered") == []


async def test_who_may_only_look_agrees_on_nothing(scene: Scene) -> None:
    neighbour = await identity.account(scene.place, name="Bo", phone="+8613800000010")
    await identity.grant(scene.grace, neighbour, ["home_services:read"])
    looking = await sign_in.session_of(neighbour)
    series = await agreed(scene)

    assert (await shown(scene, series, looking))["id"] == series["id"]
    await scene.ask("POST", path(scene), weekly(scene), by=looking, expect=403)
    await scene.ask("DELETE", path(scene, series), by=looking, expect=403)
    await scene.ask(
        "PUT", path(scene, series, "occurrences", THURSDAYS[1]), {"is_skipped": True}, by=looking, expect=403
    )


async def test_the_worker_who_came_first_is_wished_for_and_stays_so_when_another_steps_in(
    scene: Scene, clock: ManualClock
) -> None:
    series = await agreed(scene)
    for day, worker in ((0, scene.mei), (1, scene.lin)):
        begins = THURSDAY + day * WEEK
        await later(clock, begins - timedelta(hours=2))
        order: dict[str, Any] = {"id": at(await shown(scene, series), THURSDAYS[day])["order_id"]}
        await scene.do(order, "assignment", {"worker_id": str(worker.id)}, by=scene.keeper)
        await later(clock, begins)
        by = await sign_in.session_of(worker)
        code = (await scene.seen(order))["start_code"]
        await scene.do(order, "start", {"code": code}, by=by)
        await scene.do(order, "completion", {"done": ["kitchen"]}, by=by)
    await later(clock, THURSDAY + WEEK + timedelta(days=2))

    found = await shown(scene, series)
    assert found["wished_worker_id"] == str(scene.mei.id)
    order = await scene.seen({"id": at(found, "2026-04-09")["order_id"]})
    assert order["wished_worker_id"] == str(scene.mei.id)


async def test_who_works_there_no_more_is_wished_for_no_more(scene: Scene, clock: ManualClock) -> None:
    series = await agreed(scene, wished_worker_id=str(scene.mei.id))
    member = f"/v1/organizations/{scene.provider.id}/members/{scene.mei.id}"
    await scene.ask("DELETE", member, by=scene.operator, expect=204)
    await later(clock, THURSDAY)

    found = await shown(scene, series)
    assert (found["wished_worker_id"], days(found, "not_ordered")) == (None, [])
    assert await told("series_worker_gone") == {"Grace"}


async def test_nobody_of_another_provider_is_wished_for(scene: Scene) -> None:
    refused = await scene.ask("POST", path(scene), weekly(scene, wished_worker_id=str(scene.ann.id)), expect=422)
    assert refused["errors"][0]["pointer"] == "/body/wished_worker_id"


@pytest.mark.parametrize(
    "odd",
    [
        {"rrule": "FREQ=HOURLY"},
        {"rrule": "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"},
        {"begins": "9:00"},
        {"begins": "25:00"},
        {"time_zone": "Moon/Base"},
        {"starts_on": "2026-02-01"},
        {"ends_on": "2026-03-04"},
        {"ends_on": "2026-05-01", "count": 3},
        {"rrule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "count": 5},
        {"payment_method": "card"},
        {"holidays": "only"},
    ],
)
async def test_odd_series_are_refused(scene: Scene, odd: dict[str, Any]) -> None:
    await scene.ask("POST", path(scene), weekly(scene, **odd), expect=422)


async def series_row() -> Any:
    """Return how the one series there is stands."""
    async with reading() as connection:
        return tuple((await connection.execute(sa.select(SERIES.c.state, SERIES.c.end_reason))).one())


async def test_so_many_times_and_it_is_over(scene: Scene, clock: ManualClock) -> None:
    series = await agreed(scene, count=2)
    assert days(series, "ordered") == THURSDAYS[:2]
    await later(clock, THURSDAY + 4 * WEEK)
    found = await shown(scene, series)
    assert (found["state"], found["end_reason"], found["occurrences"]) == ("ended", "over", [])


async def test_who_moves_out_has_nothing_ordered_any_more_and_again_if_that_was_a_mistake(scene: Scene) -> None:
    series = await agreed(scene)
    closure = f"/v1/residents/{scene.grace.id}/closure"
    closing = {"reason": "moved_out", "date": "2026-03-02"}
    await scene.ask("POST", closure, closing, by=scene.operator, expect=201)
    await work()
    assert await series_row() == ("ended", "closed")
    assert (await scene.seen({"id": at(series, THURSDAYS[0])["order_id"]}, scene.operator))["state"] == "cancelled"
    await scene.ask("DELETE", closure, by=scene.operator)
    await work()
    assert await series_row() == ("active", None)

"""Help is ordered as it was quoted, once, for oneself or a parent, and for the very hour that was meant."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.identity.models import Community
from app.identity.scopes import PROXY
from community.orders.models import ORDERS
from tests.community.orders.conftest import THURSDAY, TOTAL, Scene, facts, session_of_resident, told, work
from tests.factories import identity, sign_in
from tests.factories.community_housekeeping import HOURLY


async def test_what_is_paid_at_the_door_is_placed_at_once(scene: Scene) -> None:
    order = await scene.placed(options=[{"code": "windows", "quantity": 2}], total=18_500, instructions="Ring twice")

    assert (order["state"], order["total"], order["currency"]) == ("placed", 18_500, "CNY")
    assert [line["kind"] for line in order["lines"]] == ["work", "option", "area"]
    assert (order["provider"], order["time_zone"]) == ("Bright Homes", "Asia/Shanghai")
    assert (order["address"], order["building"]) == ("1 Lake Road", "7")
    assert order["payment"]["authorization"] == "authorized"
    assert await facts(order) == ["order_held", "order_placed"]
    assert await told("order_placed") == {"Grace"}
    assert await told("order_new") == {"Nora"}


async def test_what_the_place_is_and_what_was_said_lies_sealed(scene: Scene) -> None:
    await scene.placed(instructions="Ring twice", door_code="4711#")

    async with reading() as connection:
        row = (await connection.execute(sa.select(ORDERS))).one()

    assert not [word for word in ("4711", "Ring", "Lake") if word in str(row)]


async def test_a_daughter_orders_by_grant_and_both_are_told(scene: Scene) -> None:
    order = await scene.placed(scene.daughter)

    assert order["ordered_by"] == str(scene.ann.id)
    assert order["start_code"] is None
    assert (await scene.seen(order))["start_code"]
    assert await told("order_placed") == {"Ann", "Grace"}
    listed = await scene.ask("GET", scene.orders, by=scene.daughter)
    assert [one["id"] for one in listed["items"]] == [order["id"]]


async def test_who_acts_for_her_orders_and_calls_off(scene: Scene) -> None:
    son = await identity.account(scene.place, name="Sam", phone="+8613800000012")
    await identity.grant(scene.grace, son, PROXY, kind="proxy")
    acting = await sign_in.session_of(son)
    order = await scene.placed(acting)

    assert (await scene.do(order, "cancellation", {"reason": "other"}, by=acting))["cancelled_by"] == "resident"


async def test_who_may_only_look_orders_nothing(scene: Scene) -> None:
    neighbour = await identity.account(scene.place, name="Bo", phone="+8613800000010")
    await identity.grant(scene.grace, neighbour, ["home_services:read"])
    looking = await sign_in.session_of(neighbour)
    order = await scene.placed()

    await scene.ask("POST", scene.orders, scene.wish(), by=looking, expect=403)
    await scene.do(order, "cancellation", {"reason": "changed_mind"}, by=looking, expect=403)
    assert (await scene.seen(order, looking))["state"] == "placed"
    assert await scene.seen(order, await sign_in.session_of(await identity.account(scene.place)), expect=404)


async def test_a_price_that_changed_is_quoted_anew(scene: Scene) -> None:
    dearer = HOURLY | {"amount": 7000, "areas": [HOURLY["areas"][0] | {"amount": 0}]}
    path = f"/v1/organizations/{scene.provider.id}/service-offers/{scene.offer.id}"
    await scene.ask("PUT", path, dearer, by=scene.keeper)

    refused = await scene.ask("POST", scene.orders, scene.wish(), expect=409)
    quote = refused["quote"]
    order = await scene.placed(offer_version=quote["offer_version"], total=quote["total"])

    assert refused["code"] == "price_changed"
    assert (quote["total"], quote["offer_version"]) == (14_000, 2)
    assert order["total"] == 14_000


async def test_a_day_that_became_a_holiday_is_no_other_price_in_silence(scene: Scene) -> None:
    await identity.holiday(scene.place, (THURSDAY + timedelta(hours=8)).date())

    refused = await scene.ask("POST", scene.orders, scene.wish(), expect=409)

    assert (refused["code"], refused["quote"]["total"]) == ("price_changed", 24_500)


async def test_ordered_twice_it_is_ordered_once(scene: Scene) -> None:
    keyed = {"Idempotency-Key": "one-tap"}
    first, again = [await scene.ask("POST", scene.orders, scene.wish(), expect=201, extra=keyed) for _ in range(2)]

    refused = await scene.ask("POST", scene.orders, scene.wish(), expect=409)

    assert again["id"] == first["id"]
    assert (refused["code"], refused["order_id"]) == ("order_exists", first["id"])
    await scene.do(first, "cancellation", {"reason": "changed_mind"})
    assert (await scene.placed())["id"] != first["id"]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"starts_at": "2026-03-02T07:59:00+00:00"}, "/body/starts_at"),
        ({"starts_at": "2026-12-02T07:59:00+00:00"}, "/body/starts_at"),
        ({"starts_at": None, "starts_local": "2026-03-02T15:00:00"}, "/body/starts_local"),
        ({"wished_worker_id": "0197f5f0-0000-7000-8000-000000000000"}, "/body/wished_worker_id"),
        ({"payment_method": "card"}, "/body"),
        ({"starts_local": "2026-03-05T09:00:00"}, "/body"),
    ],
)
async def test_what_cannot_be_ordered_is_pointed_at(scene: Scene, changes: dict[str, Any], pointer: str) -> None:
    refused = await scene.ask("POST", scene.orders, scene.wish(**changes), expect=422)

    assert [error["pointer"] for error in refused["errors"]] == [pointer]


@pytest.mark.parametrize(
    ("wall", "instant"),
    [
        # The night of 29 March skips from two to three, that of 25 October has two hours twice.
        ("2026-03-29T02:30:00", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        ("2026-03-28T22:00:00", datetime(2026, 3, 28, 21, tzinfo=UTC)),
    ],
)
async def test_a_wall_time_on_a_night_of_changed_clocks_is_one_instant(
    scene: Scene, clock: ManualClock, wall: str, instant: datetime
) -> None:
    async with unit_of_work() as session:
        (await session.get_one(Community, scene.place.id)).time_zone = "Europe/Berlin"
    body = scene.wish(starts_at=None, starts_local=wall, total=14_900)

    order = await scene.ask("POST", scene.orders, body, expect=201)

    begins, ends = (datetime.fromisoformat(order[name]) for name in ("starts_at", "ends_at"))
    assert (begins, ends - begins) == (instant, timedelta(hours=2))
    assert order["time_zone"] == "Europe/Berlin"


async def test_a_home_that_is_not_on_the_map_is_told_so(scene: Scene) -> None:
    lost = await identity.resident(scene.place, name="Lo", home=await identity.household(scene.place))
    headers = await session_of_resident(lost)

    refused = await scene.ask("POST", f"/v1/residents/{lost.id}/home-orders", scene.wish(), by=headers, expect=409)

    assert refused["code"] == "home_not_on_map"


async def test_who_moved_out_orders_nothing_and_what_lay_ahead_is_called_off(scene: Scene) -> None:
    order = await scene.assigned()
    closing = {"reason": "moved_out", "date": "2026-03-02"}
    await scene.ask("POST", f"/v1/residents/{scene.grace.id}/closure", closing, by=scene.operator, expect=201)
    await work()

    seen = await scene.seen(order, scene.keeper)
    assert (seen["state"], seen["cancelled_by"], seen["cancel_reason"]) == ("cancelled", "hearthline", "resident_left")
    assert seen["fee"] == 0
    assert await told("order_not_yours") == {"Li Mei"}


async def test_the_provider_sees_its_orders_of_a_week_and_no_other_does(scene: Scene) -> None:
    order = await scene.placed()
    rival = await identity.organization(scene.place, "provider", name="Rival")
    stranger = await sign_in.session_of(await identity.staff(rival, "coordinator"), second_factor=True)
    path = f"/v1/organizations/{scene.provider.id}/home-orders"

    mine = await scene.ask("GET", path, by=scene.keeper)
    finished = await scene.ask("GET", f"{path}?state=finished", by=scene.operator)

    assert [(one["id"], one["total"]) for one in mine["items"]] == [(order["id"], TOTAL)]
    assert finished["items"] == []
    await scene.ask("GET", path, by=stranger, expect=404)
    await scene.seen(order, stranger, expect=404)

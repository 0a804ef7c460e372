"""Quotas over HTTP: nested in a slot, shared by a day, lowered below what is sold; and who waits for whom."""

import asyncio
import uuid
from datetime import date

import pytest
import sqlalchemy as sa

from app.core import clock as clocks
from app.core.database import Database, connection_of, reading, unit_of_work
from app.reservations.api import Portion, allocate
from community.ticketing.models import SHARES, TicketQuota, TicketSlot
from community.ticketing.problems import NotOnSale
from community.ticketing.rules import Wanted
from community.ticketing.service.portions import portions_for
from community.ticketing.service.quotas import cover
from tests.community.ticketing.conftest import Body, Scene, no_drift, sold
from tests.waiting import waits

pytestmark = pytest.mark.asyncio(loop_scope="session")

GROUPS: Body = {"code": "groups", "name": {"en": "Groups", "zh-CN": "团体"}, "scope": "day", "capacity": 30}


def wanted(slot: Body, product: Body, quantity: int = 1) -> Wanted:
    """Return a wish for something of its own."""
    return Wanted(uuid.UUID(slot["id"]), uuid.UUID(product["id"]), quantity, clocks.new_id())


async def buy(slot: Body, product: Body, quantity: int = 1) -> list[Portion]:
    """Buy, and return what that took."""
    async with unit_of_work() as session:
        portions = await portions_for(connection_of(session), [wanted(slot, product, quantity)])
        await allocate(session, portions, origin_kind="test")
    return portions


async def test_a_nested_quota_limits_a_product_within_each_slot(scene: Scene) -> None:
    adult, companion = await scene.product(), await scene.product("companion", kind="companion")
    await scene.season()
    limit = GROUPS | {"code": "companions", "scope": "slot", "capacity": 3, "product_ids": [companion["id"]]}
    quota = await scene.keep("ticket-quotas", limit)
    assert quota["uncovered"] == 0
    first, second, *_ = await scene.available()
    await buy(first, companion, 2)
    await buy(first, adult, 4)
    first, second, *_ = await scene.available()
    assert (first["left"], first["limits"]) == (14, [{"product_ids": [companion["id"]], "left": 1}])
    assert (second["left"], second["limits"][0]["left"]) == (20, 3)

    path = f"{scene.of}/ticket-quotas/{quota['id']}"
    lower = {"name": GROUPS["name"], "capacity": 1}
    refused = await scene.ask("PUT", path, lower, expect=409)
    assert refused["conflicts"] == [
        {"quota_id": quota["id"], "slot_id": first["id"], "day": "2026-03-03", "sold": 2, "capacity": 1}
    ]
    changed = await scene.ask("PUT", path, lower | {"overbook_reason": "Fewer helpers than we thought"})
    assert changed["capacity"] == 1
    first, second, *_ = await scene.available()
    assert (first["limits"][0]["left"], second["limits"][0]["left"]) == (0, 1)
    await scene.ask("PUT", path, lower, extra={"If-Match": '"1"'}, expect=412)
    await no_drift()


async def test_a_shared_quota_is_one_pool_for_a_days_slots(scene: Scene) -> None:
    group = await scene.product("group", kind="group", persons=10)
    season = await scene.season()
    await scene.keep("ticket-quotas", GROUPS)
    refused = await scene.keep("ticket-quotas", GROUPS, expect=409)
    assert refused["code"] == "code_taken"
    slots = await scene.available()
    assert [slot["left"] for slot in slots] == [20] * 6
    await buy(slots[0], group, 2)
    assert [slot["left"] for slot in await scene.available()] == [0, 10, 20, 20, 20, 20], "ten of the day's thirty"
    assert [slot["limits"] for slot in slots] == [[]] * 6, "a limit on all that is sold is no limit of some products"

    longer = {"ends_on": "2026-03-06", "times": ["09:00", "11:00", "13:00"]}
    template = await scene.ask("GET", f"{scene.attraction}/slot-templates")
    kept = template["items"][0] | longer
    body = {name: value for name, value in kept.items() if name not in {"id", "attraction_id", "version"}}
    await scene.ask("PUT", f"{scene.of}/slot-templates/{season['id']}", body)
    assert (await scene.generate(season))["created"] == 6
    by_start = {slot["starts_at"][:13]: slot["left"] for slot in await scene.available()}
    assert (by_start["2026-03-03T05"], by_start["2026-03-06T05"]) == (10, 20), "a slot that is new shares its day's"
    await no_drift()


async def test_a_slot_on_another_day_takes_of_that_days_quota_unless_it_is_sold(scene: Scene) -> None:
    adult = await scene.product()
    await scene.season()
    quota = await scene.keep("ticket-quotas", GROUPS | {"capacity": 5})
    nested = await scene.keep("ticket-quotas", GROUPS | {"code": "nested", "scope": "slot", "capacity": 9})
    slots = await scene.available()
    first, sold_one = slots[:2]
    await buy(sold_one, adult, 2)
    times: Body = {"entry_until": None}
    for slot, hour in ((first, 3), (sold_one, 5)):
        await scene.change(slot, starts_at=f"2026-03-04T0{hour}:00:00Z", ends_at=f"2026-03-04T0{hour}:30:00Z", **times)
    await buy(first, adult, 4)

    left = {slot["id"]: slot["left"] for slot in await scene.available()}
    assert (left[first["id"]], left[sold_one["id"]], left[slots[2]["id"]]) == (1, 3, 1)
    await scene.ask("PUT", f"{scene.of}/ticket-quotas/{nested['id']}", {"name": GROUPS["name"], "capacity": 8})
    async with reading() as connection:
        found = sa.select(SHARES.c.day, SHARES.c.capacity).where(SHARES.c.slot_id == uuid.UUID(first["id"]))
        assert [tuple(row) for row in await connection.execute(found)] == [(date(2026, 3, 4), 8)]
    assert quota["uncovered"] == 0
    await no_drift()


async def test_a_quota_leaves_out_what_is_sold_already_and_says_so(scene: Scene) -> None:
    adult = await scene.product()
    season = await scene.season()
    first, second, *_ = await scene.available()
    await sold(first["id"], 2)
    quota = await scene.keep("ticket-quotas", GROUPS | {"scope": "season", "capacity": 5})
    assert quota["uncovered"] == 1
    assert (await scene.generate(season))["uncovered"] == 1
    assert len(await buy(first, adult)) == 1
    assert len(await buy(second, adult)) == 2
    assert [slot["left"] for slot in await scene.available()] == [17, 4, 4, 4, 4, 4]
    others = await scene.keep("ticket-quotas", GROUPS | {"code": "other", "template_ids": [adult["id"]]})
    assert others["uncovered"] == 0, "of another template's slots"
    assert len(await buy(second, adult)) == 2


async def test_a_slot_is_not_called_off_while_somebody_buys(scene: Scene, database: Database) -> None:
    adult = await scene.product()
    await scene.season()
    slot, other, *_ = await scene.available()
    path = f"{scene.of}/ticket-slots/{slot['id']}/cancellation"
    async with unit_of_work() as session:
        portions = await portions_for(connection_of(session), [wanted(slot, adult)])
        calling_off = asyncio.create_task(scene.ask("POST", path, {"reason": "weather"}))
        await waits(calling_off)
        await allocate(session, portions, origin_kind="test")
        another = asyncio.create_task(buy(other, adult))
        await another
    found = await calling_off
    assert (found["state"], found["taken"]) == ("cancelled", 1), "whoever refunds finds what was sold"
    with pytest.raises(NotOnSale):
        await buy(slot, adult)


async def test_who_waited_for_a_quota_to_be_put_over_a_slot_takes_of_it(scene: Scene, database: Database) -> None:
    adult = await scene.product()
    await scene.season()
    slot = (await scene.available())[0]
    async with unit_of_work() as session:
        row = await session.get_one(TicketSlot, uuid.UUID(slot["id"]), with_for_update=True)
        buying = asyncio.create_task(buy(slot, adult))
        await waits(buying)
        quota = TicketQuota(
            community_id=row.community_id,
            organization_id=row.organization_id,
            attraction_id=row.attraction_id,
            code="late",
            name=GROUPS["name"],
            scope="slot",
            capacity=5,
        )
        session.add(quota)
        await session.flush()
        await cover(session, row.attraction_id)
    assert len(await buying) == 2
    await no_drift()

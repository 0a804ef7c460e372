"""What those who sell ask: of which pools, for how much, and whether at all."""

import uuid
from datetime import UTC, date, datetime, timedelta

import pytest

from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.database import Database, connection_of, reading, unit_of_work
from app.core.problems import NotFound
from app.identity.models import Community, Organization
from app.reservations.api import PoolExhausted, allocate, pools
from community.ticketing import views
from community.ticketing.models import TicketSlot
from community.ticketing.problems import NotOnSale
from community.ticketing.rules import Terms, Wanted, WantedAddon
from community.ticketing.service.portions import addon_portions_for, portions_for
from community.ticketing.service.pricing import addon_prices, price
from tests.factories import community_attractions as attractions
from tests.factories import community_ticketing as ticketing
from tests.factories import identity

pytestmark = pytest.mark.asyncio(loop_scope="session")

MONDAY = datetime(2026, 3, 9, 1, tzinfo=UTC)
"""Nine in the morning in Shanghai."""


async def museum() -> Organization:
    """Insert an attraction's organization."""
    return await identity.organization(await identity.community(), "attraction", name="Museum")


def wanted(slot: TicketSlot, product_id: uuid.UUID, quantity: int = 1) -> Wanted:
    """Return a wish for something of its own."""
    return Wanted(slot.id, product_id, quantity, clocks.new_id())


async def test_a_sale_takes_of_the_slot_and_of_every_quota_that_counts_it(database: Database) -> None:
    of = await museum()
    offer = await ticketing.on_offer(of, count=2, capacity=20)
    first, second = offer.slots
    adult, companion, group = (offer.products[code] for code in ("adult", "companion", "group"))
    await ticketing.quota(of, offer.attraction_id, offer.slots, products=[companion], capacity=3)
    await ticketing.quota(
        of, offer.attraction_id, offer.slots, scope="day", products=[group], capacity=20, code="groups"
    )

    async with unit_of_work() as session:
        connection = connection_of(session)
        plain = await portions_for(connection, [wanted(first, adult.id, 2)])
        assert [(one.pool_id, one.quantity) for one in plain] == [(first.pool_id, 2)]
        of_group = await portions_for(connection, [wanted(first, group.id), wanted(second, group.id)])
        assert [one.quantity for one in of_group] == [10, 10, 10, 10], "persons, not tickets"
        assert len({one.pool_id for one in of_group}) == 3, "both slots, and one pool for the day's groups"
        await allocate(session, of_group, origin_kind="test")
        with pytest.raises(PoolExhausted) as refused:
            await allocate(session, await portions_for(connection, [wanted(first, group.id)]), origin_kind="test")
        assert [(one["kind"], one["left"]) for one in refused.value.extensions["conflicts"]] == [("ticket_quota", 0)]
        companions = await portions_for(connection, [wanted(first, companion.id, 4)])
        with pytest.raises(PoolExhausted):
            await allocate(session, companions, origin_kind="test")
        assert (await pools(connection, [first.pool_id]))[first.pool_id].taken == 10, "nothing half-taken"


async def test_what_is_not_sold_is_named_with_its_reason(database: Database, clock: ManualClock) -> None:
    of = await museum()
    offer = await ticketing.on_offer(of, count=4)
    adult = offer.products["adult"]
    gone = await ticketing.product(of, offer.attraction_id, "old", state="withdrawn")
    office = await ticketing.product(of, offer.attraction_id, "school", is_online=False)
    elsewhere = await ticketing.on_offer(of, count=1)
    open_one, over, called_off, seniors = offer.slots
    async with unit_of_work() as session:
        kept = await session.get_one(TicketSlot, called_off.id)
        kept.state, kept.cancelled_reason = "cancelled", "weather"
        (await session.get_one(TicketSlot, seniors.id)).product_ids = [offer.products["senior"].id]
        (await session.get_one(TicketSlot, over.id)).entry_until = over.starts_at + timedelta(minutes=30)
    at = over.starts_at + timedelta(minutes=30)
    wishes = [
        wanted(over, adult.id),
        wanted(called_off, adult.id),
        wanted(seniors, adult.id),
        wanted(seniors, offer.products["senior"].id),
    ]
    async with reading() as connection:
        with pytest.raises(NotOnSale) as refused:
            await price(connection, [*wishes, wanted(open_one, gone.id), wanted(open_one, office.id)], at)
        said = {(one["slot_id"], one["product_id"]): one["reason"] for one in refused.value.extensions["conflicts"]}
        assert said == {
            (str(over.id), str(adult.id)): "slot_over",
            (str(called_off.id), str(adult.id)): "slot_cancelled",
            (str(seniors.id), str(adult.id)): "not_for_this_slot",
            (str(open_one.id), str(gone.id)): "slot_over",
            (str(open_one.id), str(office.id)): "slot_over",
        }
        now = clocks.now()
        for one, reason in ((gone, "withdrawn"), (office, "office_only")):
            with pytest.raises(NotOnSale) as refused:
                await price(connection, [wanted(open_one, one.id)], now)
            assert refused.value.extensions["conflicts"][0]["reason"] == reason
        assert (await price(connection, [wanted(open_one, office.id)], now, at_office=True))[0].amount == 6_000
        with pytest.raises(NotOnSale) as refused:
            await portions_for(connection, wishes[1:3])
        reasons = [one["reason"] for one in refused.value.extensions["conflicts"]]
        assert reasons == ["slot_cancelled", "not_for_this_slot"]
        for strange in (wanted(open_one, elsewhere.products["adult"].id), wanted(elsewhere.slots[0], adult.id)):
            with pytest.raises(NotFound):
                await portions_for(connection, [strange])
            with pytest.raises(NotFound):
                await price(connection, [strange], now)


async def test_the_price_is_that_of_the_slots_day_and_hour(database: Database) -> None:
    of = await museum()
    async with unit_of_work() as session:
        place = await session.get_one(Community, of.community_id)
    await identity.holiday(place, date(2026, 3, 10))
    rules = [
        {"code": "festival", "amount": 9_000, "holidays": "only"},
        {"code": "evening", "amount": 3_000, "begins": "17:00:00"},
        {"code": "weekend", "amount": 7_000, "weekdays": [6, 7]},
    ]
    usual = {"weekdays": [1, 2, 3, 4, 5, 6, 7], "starts_on": None, "ends_on": None, "begins": None, "ends": None}
    kept = [usual | {"holidays": "ignore"} | rule for rule in rules]
    attraction = (await attractions.attraction(of)).id
    product = await ticketing.product(of, attraction, price_rules=kept)
    days = (MONDAY, MONDAY + timedelta(hours=9), MONDAY + timedelta(days=1), MONDAY + timedelta(days=5))
    slots = await ticketing.slots(of, attraction, days)
    async with reading() as connection:
        found = await price(connection, [wanted(slot, product.id) for slot in slots], MONDAY - timedelta(days=1))
    assert [(one.amount, one.rule) for one in found] == [
        (6_000, None),
        (3_000, "evening"),
        (9_000, "festival"),
        (7_000, "weekend"),
    ]
    assert found[0].name["en"] == "Adult"
    assert (found[0].currency, found[0].tax_rate) == ("CNY", 600)


async def test_addons_have_a_stock_of_their_own(database: Database) -> None:
    of = await museum()
    attraction = (await attractions.attraction(of)).id
    guide = await ticketing.addon(of, attraction, stock=3)
    map_ = await ticketing.addon(of, attraction, "map", stock=None)
    old = await ticketing.addon(of, attraction, "old", is_active=False)
    order = clocks.new_id()
    async with unit_of_work() as session:
        connection = connection_of(session)
        many = [WantedAddon(guide.id, 4, order), WantedAddon(map_.id, 40, order)]
        portions = await addon_portions_for(connection, many)
        assert [(one.pool_id, one.quantity) for one in portions] == [(guide.pool_id, 4)]
        with pytest.raises(PoolExhausted):
            await allocate(session, portions, origin_kind="test")
        assert [one.amount for one in await addon_prices(connection, many)] == [2_000, 2_000]
        for strange in (old.id, clocks.new_id()):
            with pytest.raises(NotFound):
                await addon_prices(connection, [WantedAddon(strange, 1, order)])


async def test_an_attraction_without_terms_has_the_usual_ones(database: Database) -> None:
    of = await museum()
    one, other = (await attractions.attraction(of)).id, (await attractions.attraction(of)).id
    await ticketing.terms(of, one)
    async with reading() as connection:
        found = await views.terms_for(connection, [one, other])
    assert found[other] == Terms()
    assert found[one].refunds == ((24, 100), (1, 50))

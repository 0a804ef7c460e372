"""What those who sell ask: of which pools, for how much, and whether at all."""

import uuid
from datetime import UTC, datetime

import pytest

from app.core import clock as clocks
from app.core.database import Database, connection_of, unit_of_work
from app.identity.models import Organization
from app.reservations.api import PoolExhausted, allocate, pools
from community.ticketing.models import TicketSlot
from community.ticketing.rules import Wanted
from community.ticketing.service.portions import portions_for
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
    offer = await ticketing.on_offer(of, uuid.uuid4(), count=2, capacity=20)
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

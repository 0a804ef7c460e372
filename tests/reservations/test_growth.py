"""What is free, and what must not be, is found without the past: however many years of it a calendar has behind it."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.core import clock as clock_ids
from app.core import set_ids
from app.core.clock import ManualClock
from app.core.database import Database, connect_raw, reading, unit_of_work
from app.reservations import drift, views
from app.reservations.api import Opening, open_pool, recount
from tests.plans import explain, looked_at, nodes
from tests.reservations.conftest import PLACE, TAKER, Calendars, take, want

DAYS = 20
PAST = sa.text(f"""
INSERT INTO reservations_reservation (id, created_at, updated_at, version, community_id, resource_id, lane,
    is_overbooked, state, starts_at, ends_at, blocks_from, blocks_until, origin_kind, origin_id, taken_by)
SELECT {set_ids.MINT_SQL}, starts_at, starts_at, 1, r.community_id, r.id, 1, false, 'booked', starts_at,
    starts_at + interval '30 minutes', starts_at, starts_at + interval '30 minutes', 'test', :taker, :taker
FROM reservations_resource r,
    generate_series(:now - interval '1000 hours', :now - interval '1 hour', interval '30 minutes') AS starts_at
""").bindparams(
    sa.bindparam("now", type_=sa.DateTime(timezone=True)),
    sa.bindparam("taker", type_=sa.Uuid),
)


@pytest.fixture
async def openings(calendars: Calendars, clock: ManualClock) -> list[Opening]:
    """Return the hours of five who have two thousand stretches behind them, and something ahead on each day."""
    whose = await calendars(5)
    now = clock.now()
    for one in whose:
        await take(*(want(one, now + timedelta(days=day, hours=2)) for day in range(DAYS)))
    async with unit_of_work() as session:
        await session.execute(PAST, {"now": now, "taker": TAKER, "minted_at": set_ids.minted_at()})
    raw = await connect_raw()
    await raw.execute("ANALYZE reservations_reservation")
    await raw.close()
    return [
        Opening(one, now + timedelta(days=day), now + timedelta(days=day, hours=8))
        for one in whose
        for day in range(DAYS)
    ]


async def test_what_is_free_is_found_without_the_past(openings: list[Opening], clock: ManualClock) -> None:
    binds = views.free_binds(openings, timedelta())
    async with reading() as connection:
        plan = await explain(connection, views.FREE, binds)
        assert len(await views.free(connection, openings)) == plan["Actual Rows"] == 2 * len(openings)
    read = [looked_at(node) for node in nodes(plan) if node.get("Relation Name") == "reservations_reservation"]
    assert sum(read) <= len(openings)


async def test_a_recount_reads_nothing_that_was_over_a_week_ago(openings: list[Opening], clock: ManualClock) -> None:
    since = clock.now() - drift.LOOKED_BACK
    binds = {"ids": list({one.resource_id for one in openings}), "now": clock.now(), "since": since}
    counted = sa.text("SELECT count(*), count(*) FILTER (WHERE ends_at > :since) FROM reservations_reservation")
    async with reading() as connection:
        plan = await explain(connection, drift.CALENDARS, binds)
        everything, ahead = (await connection.execute(counted, {"since": since})).one()
    read = [looked_at(node) for node in nodes(plan) if node.get("Relation Name") == "reservations_reservation"]
    assert everything > 5 * ahead
    assert sum(read) <= ahead


async def test_a_recount_goes_past_pools_that_are_over(database: Database, clock: ManualClock) -> None:
    now = clock.now()
    ends = [None, now, *(now - timedelta(days=8) for _ in range(3))]
    async with unit_of_work() as session:
        ids = [
            await open_pool(
                session, community_id=PLACE, kind="day", subject_id=clock_ids.new_id(), capacity=5, ends_at=end
            )
            for end in ends
        ]
        await session.execute(sa.text("UPDATE reservations_pool SET taken = 1"))
    async with reading() as connection:
        found = await recount(connection, PLACE)
    assert [one.resource_id for one in found] == sorted(ids[:2])

"""A broadcast to everybody's inbox.

Ours: the job, from a broadcast that was just started to the last batch, committed batch by batch, so that it could be
stopped or killed at any time. The limit: one INSERT … SELECT of the same rows, inbox items and dedupe keys.
"""

import asyncio
import time
from datetime import UTC, datetime

import sqlalchemy as sa

from app.core import embedded, set_ids
from app.core.access import Actor, Membership
from app.core.database import reading, unit_of_work
from app.identity.api import Member
from benchmarks import place, population
from benchmarks.report import Comparison, Series, out, show
from notifications.broadcasts import jobs, service
from notifications.broadcasts.schemas import BroadcastStart

ROUNDS = 3
TEXTS = [{"language": "en", "title": "Water", "body": "There is no water on Monday between nine and eleven."}]

_LIMIT = f"""
WITH keys AS (
    INSERT INTO notifications_dedupe (account_id, dedupe_key, notice_id, expires_at)
    SELECT id, 'broadcast-' || '{population.identifier(9, 9)}',
        CAST(:minted_at || substr(CAST(gen_random_uuid() AS text), 16) AS uuid), :now + interval '92 days'
    FROM identity_account WHERE community_id = '{population.COMMUNITY}' AND state = 'active'
    ON CONFLICT DO NOTHING RETURNING account_id, notice_id
)
INSERT INTO notifications_inbox_item (id, community_id, account_id, notice_key, category, urgency, variables, data,
    sent_at, expires_at)
SELECT notice_id, '{population.COMMUNITY}', account_id, 'notifications.announcement', 'announcements', 'normal',
    jsonb_build_object('announcement', '{population.identifier(9, 9)}'),
    jsonb_build_object('broadcast_id', '{population.identifier(9, 9)}'), :now, :now + interval '92 days' FROM keys
"""
_TABLES = ("notifications_dedupe", "notifications_inbox_item", "notifications_delivery")


def _operator() -> Member:
    held = Membership(population.OPERATOR, "operator", "operator")
    actor = Actor("account", population.identifier(1, 1), population.COMMUNITY, memberships=(held,))
    return Member(actor, population.COMMUNITY, population.OPERATOR, "operator", "operator")


async def _ours(url: str, people: int) -> tuple[float, float]:
    """Return inboxes per second and the MiB the process's memory rose by."""
    start = BroadcastStart.model_validate({"texts": TEXTS, "audience": [{"kind": "community"}], "channels": []})
    async with place.hearthline(url):
        async with unit_of_work() as session:
            broadcast = await service.start(session, _operator(), start)
        before = place.peak_memory()
        started = time.perf_counter()
        while await jobs.write_due():
            pass
        seconds = time.perf_counter() - started
        async with reading() as connection:
            found = await connection.execute(
                sa.text("SELECT state, written FROM notifications_broadcast WHERE id = :id"), {"id": broadcast.id}
            )
            if tuple(found.one()) != ("done", people):
                raise AssertionError("not everybody was reached")
    return people / seconds, place.peak_memory() - before


async def _limit(url: str, people: int) -> float:
    now = datetime.now(UTC)
    started = time.perf_counter()
    await place.execute(url, _LIMIT, now=now, minted_at=set_ids.minted_at(now))
    return people / (time.perf_counter() - started)


async def _effects(url: str) -> list[int]:
    async with place.hearthline(url), reading() as connection:
        return [int(await connection.scalar(sa.text(f"SELECT count(*) FROM {table}")) or 0) for table in _TABLES]


def run(server: embedded.EmbeddedServer, people: int = 1_000_000) -> None:
    """Measure and print."""
    template = "broadcast_template"
    url = place.migrated(server, template)
    asyncio.run(place.execute(url, *population.ACCOUNTS, "VACUUM ANALYZE", now=datetime.now(UTC), count=people))
    ours, limit = Series("Hearthline", "inboxes/s"), Series("one INSERT … SELECT", "inboxes/s")
    growth: list[float] = []
    for number in range(ROUNDS):
        url = place.cloned(server, "broadcast_ours", template)
        rate, grown = asyncio.run(_ours(url, people))
        ours.add(rate)
        growth.append(grown)
        mine = asyncio.run(_effects(url)) if number == 0 else []
        server.drop_database("broadcast_ours")
        other = place.cloned(server, "broadcast_limit", template)
        limit.add(asyncio.run(_limit(other, people)))
        theirs = asyncio.run(_effects(other)) if number == 0 else []
        server.drop_database("broadcast_limit")
        if mine != theirs or (number == 0 and mine != [people, people, 0]):
            raise AssertionError(f"the two do not do the same: {mine} and {theirs}")
    show(f"A broadcast to {people:,} inboxes", [Comparison("write", ours, limit, 0.5)])
    out.print(f"memory grew by {max(growth):.0f} MiB while {people:,} inboxes were written\n")
    server.drop_database(template)

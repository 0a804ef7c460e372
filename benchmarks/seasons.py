"""A season of 13,000 slots in one request: what it costs with nothing sold, and with 100,000 tickets sold of it.

Against it stands what a ticket shop does that keeps no count: the same slots written the same way, each with a count of
what was sold of it. The season is made by us, of one template, with a quota for companions within each slot beside it.
"""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import httpx
import sqlalchemy as sa

from app.core import embedded
from app.core.access import system_actor
from app.core.database import reading, unit_of_work
from app.core.settings import settings
from app.main import create_app
from benchmarks import place, population
from benchmarks.report import Comparison, Series, show
from community.ticketing import views
from community.ticketing.schemas.given import SlotTemplateWrite, TicketQuotaCreate
from community.ticketing.service import keeping, quotas, seasons

ROUNDS: Final = 7
TIMES: Final = 36
DAYS: Final = 362
SLOTS: Final = TIMES * DAYS
ORGANIZATION: Final = population.identifier(8, 5)
ATTRACTION: Final = population.identifier(8, 6)
PRODUCT: Final = population.identifier(8, 7)

_PLACE: Final = (
    f"""
INSERT INTO identity_organization (id, created_at, updated_at, version, community_id, kind, name,
    requires_second_factor)
VALUES ('{ORGANIZATION}', :now, :now, 1, '{population.COMMUNITY}', 'attraction', 'Museum', false)""",
    f"""
INSERT INTO community_attraction (id, created_at, updated_at, version, community_id, organization_id, name, summary,
    description, kind, tags, latitude, longitude, time_zone, state, access_note, hours, quiet_hours, photo_ids,
    search_name, search_text, search_grams)
VALUES ('{ATTRACTION}', :now, :now, 1, '{population.COMMUNITY}', '{ORGANIZATION}', '{{"en": "Museum"}}', '{{}}', '{{}}',
    'museum', '{{}}', 52.5, 13.4, 'Europe/Berlin', 'published', '{{}}', '[]', '[]', '{{}}', '', '', '{{}}')""",
    f"""
INSERT INTO community_ticket_product (id, created_at, updated_at, version, community_id, organization_id, attraction_id,
    code, name, kind, price_amount, currency, tax_rate, price_rules, persons, is_named, reentry, is_online, state)
VALUES ('{PRODUCT}', :now, :now, 1, '{population.COMMUNITY}', '{ORGANIZATION}', '{ATTRACTION}', 'companion', '{{}}',
    'companion', 0, 'EUR', 0, '[]', 1, false, 'none', true, 'active')""",
)
# Each slot sells alike, and a hundred carts were left standing whose holds are over.
_SOLD: Final = """
INSERT INTO reservations_allocation (id, created_at, updated_at, version, community_id, pool_id, quantity, state,
    expires_at, origin_kind, origin_id)
SELECT gen_random_uuid(), :now, :now, 1, p.community_id, p.id, 1,
       CASE WHEN n <= 100 THEN 'held' ELSE 'booked' END,
       CASE WHEN n <= 100 THEN :now - interval '1 minute' END, 'ticket', gen_random_uuid()
FROM generate_series(1, :tickets) n
JOIN (SELECT id, community_id, row_number() OVER (ORDER BY id) AS place FROM reservations_pool
      WHERE kind = 'ticket_slot') p ON p.place = 1 + n % :slots"""
_COUNTED: Final = """
UPDATE reservations_pool p SET taken = a.taken
FROM (SELECT pool_id, sum(quantity) AS taken FROM reservations_allocation GROUP BY pool_id) a WHERE a.pool_id = p.id"""
_UNLIMITED: Final = (
    "UPDATE community_ticket_slot SET quota_ids = '{}'",
    "DELETE FROM community_ticket_quota_share",
    "DELETE FROM reservations_pool WHERE kind = 'ticket_quota'",
)
_COUNT_PER_SLOT: Final = sa.text("""
    SELECT concat('{"slots":[', string_agg(CAST(row_to_json(slot) AS text), ',' ORDER BY starts_at, id), ']}')
    FROM (
        SELECT s.id, s.starts_at, s.ends_at, s.entry_until, s.state, s.cancelled_reason AS reason,
               s.capacity - (
                   SELECT coalesce(sum(a.quantity), 0) FROM reservations_allocation a
                   WHERE a.pool_id = s.pool_id AND (a.state = 'booked' OR (a.state = 'held' AND a.expires_at > :now))
               ) AS left, s.product_ids, CAST('[]' AS json) AS limits, s.language
        FROM community_ticket_slot s
        WHERE s.attraction_id = :attraction_id AND s.starts_at >= :start AND s.starts_at < :until
    ) slot""").bindparams(
    sa.bindparam("attraction_id", type_=sa.Uuid),
    *(sa.bindparam(name, type_=sa.DateTime(timezone=True)) for name in ("now", "start", "until")),
)


@dataclass(slots=True)
class _Took:
    """What was measured in each round, in milliseconds, and how long the answer was."""

    request: list[float] = field(default_factory=list)
    ours: list[float] = field(default_factory=list)
    counted: list[float] = field(default_factory=list)
    length: int = 0


async def _make(url: str, now: datetime) -> float:
    """Make the season, and return how many seconds that took."""
    first = now.date() + timedelta(days=2)
    template = SlotTemplateWrite.model_validate(
        {
            "name": "Every twenty minutes",
            "starts_on": first,
            "ends_on": first + timedelta(days=DAYS - 1),
            "times": [f"{9 + number // 3:02}:{number % 3 * 20:02}" for number in range(TIMES)],
            "duration": "PT1H",
            "capacity": 1_000,
        }
    )
    actor = system_actor(population.COMMUNITY)
    async with place.hearthline(url, plans="auto"):
        async with unit_of_work() as session:
            row = await keeping.add_template(session, actor, ORGANIZATION, ATTRACTION, template)
        started = time.perf_counter()
        async with unit_of_work() as session:
            made = await seasons.generate(session, actor, ORGANIZATION, row.id, None)
        took = time.perf_counter() - started
    if made.created != SLOTS:
        raise AssertionError(made)
    return took


async def _limit(url: str) -> None:
    """Put a quota over the season: two companions in each slot."""
    wanted = {"code": "companions", "name": {"en": "a", "zh-CN": "b"}, "scope": "slot", "capacity": 2}
    quota = TicketQuotaCreate.model_validate(wanted | {"product_ids": [PRODUCT]})
    actor = system_actor(population.COMMUNITY)
    async with place.hearthline(url, plans="auto"), unit_of_work() as session:
        await quotas.add_quota(session, actor, ORGANIZATION, ATTRACTION, quota)


async def _measure(url: str, now: datetime) -> _Took:
    """Return what a request, our statement and a count per slot took, by round."""
    until = now + timedelta(days=400)
    binds = {"attraction_id": ATTRACTION, "now": now, "start": now, "until": until}
    took = _Took()
    async with place.hearthline(url, plans="auto"):
        transport = httpx.ASGITransport(app=create_app(settings()))
        async with httpx.AsyncClient(transport=transport, base_url="http://bench") as client:

            async def request() -> str:
                query = {"from": now.isoformat(), "to": until.isoformat()}
                return (await client.get(f"/v1/attractions/{ATTRACTION}/availability", params=query)).text

            async def ours() -> str:
                async with reading() as connection:
                    return await views.availability(connection, ATTRACTION, now, until)

            async def count() -> str:
                async with reading() as connection:
                    return str(await connection.scalar(_COUNT_PER_SLOT, binds))

            for number in range(ROUNDS + 1):
                for act, figures in ((request, took.request), (ours, took.ours), (count, took.counted)):
                    started = time.perf_counter()
                    written = await act()
                    if number:  # once to open connections and prepare statements
                        figures.append((time.perf_counter() - started) * 1000)
                    if written.count('"entry_until"') != SLOTS:
                        raise AssertionError(written[:200])
                    took.length = max(took.length, len(written))
    return took


def run(server: embedded.EmbeddedServer, size: int = 100_000) -> None:
    """Measure and print; ``size`` is how many tickets are sold."""
    url, now = place.migrated(server, "seasons"), datetime.now(UTC)
    asyncio.run(place.execute(url, *population.PEOPLE, *_PLACE, now=now, count=1))
    made = asyncio.run(_make(url, now))
    asyncio.run(place.execute(url, "VACUUM ANALYZE", "CHECKPOINT"))
    unsold = asyncio.run(_measure(url, now))
    asyncio.run(_limit(url))
    asyncio.run(place.execute(url, "VACUUM ANALYZE", "CHECKPOINT"))
    limited = asyncio.run(_measure(url, now))
    values = {"tickets": size, "slots": SLOTS}
    asyncio.run(
        place.execute(url, *_UNLIMITED, _SOLD, _COUNTED, "VACUUM FULL ANALYZE", "CHECKPOINT", now=now, **values)
    )
    sold = asyncio.run(_measure(url, now))
    server.drop_database("seasons")
    asked = Series(f"{size:,} sold", "ms", sold.request)
    show(
        f"A season of {SLOTS:,} slots in one request of {sold.length / 1_000_000:.1f} MB; made in {made:.1f} s",
        [
            Comparison(
                f"one request, {size:,} sold", asked, Series("nothing sold", "ms", unsold.request), 1.3, at_most=True
            ),
            Comparison(
                "its statement alone",
                Series("", "ms", sold.ours),
                Series("a count for each slot", "ms", sold.counted),
                1,
                at_most=True,
            ),
            Comparison(
                "nothing sold, a quota in each slot",
                Series("", "ms", limited.request),
                Series("without one", "ms", unsold.request),
                2.5,
                at_most=True,
            ),
        ],
    )

"""Ordering help over HTTP: a quote and the order, timed as one, against a bare Starlette application on the same rows.

Ours includes sign-in, rights, the price, sealing and validation; the bare one writes the rows that ours wrote for one
order and has none of it.
"""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from app.core import embedded
from app.core.database import unit_of_work
from app.core.tables import table_of
from app.identity.models import Community, Resident
from benchmarks import load, place, population, processes
from benchmarks.http import bearer, sessions
from benchmarks.report import Comparison, Series, show
from tests.factories import community_housekeeping as housekeeping
from tests.factories import identity

ROUNDS: Final = 3
RESIDENTS: Final = 400
CONNECTIONS: Final = (1, 8)
EACH: Final = {1: 150, 8: 400}
TOTAL: Final = 12_500
HOME: Final = (31.23, 121.48)


def workday(now: datetime) -> datetime:
    """Return midnight of a Tuesday that is at least a week ahead: no day of the week changes the price."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=7)
    return midnight + timedelta(days=(1 - midnight.weekday()) % 7)


async def furnish() -> uuid.UUID:
    """Give everybody a home on the map, and the community a provider; return its offer's id."""
    async with unit_of_work() as session:
        community = await session.get_one(Community, population.COMMUNITY)
    home = await identity.household(community, place=HOME)
    provider = await identity.organization(community, "provider")
    await identity.staff(provider, "coordinator")
    offer = await housekeeping.offer(provider, await housekeeping.service(community))
    async with unit_of_work() as session:
        await session.execute(sa.update(table_of(Resident)).values(household_id=home.id))
    return offer.id


async def _furnished(url: str) -> uuid.UUID:
    async with place.hearthline(url):
        return await furnish()


def wish(offer_id: uuid.UUID, at: datetime) -> dict[str, Any]:
    """Return an order as it is quoted, to be paid to the provider."""
    agreed = {"offer_id": str(offer_id), "offer_version": 1, "total": TOTAL, "payment_method": "provider"}
    return agreed | {"starts_at": at.isoformat()}


def _fire(port: int, exchanges: list[tuple[bytes, bytes]], connections: int) -> load.Outcome:
    quotes, orders = [one for one, _ in exchanges], [one for _, one in exchanges]
    outcome = asyncio.run(load.fire(port, quotes, then=orders, connections=connections, seconds=60, once=True))
    if outcome.failed:
        raise AssertionError(f"{outcome.failed} requests failed: {outcome.statuses}")
    return outcome


def _ours(tokens: list[str], offer_id: uuid.UUID, at: datetime) -> list[tuple[bytes, bytes]]:
    where = {"starts_at": at.isoformat(), "latitude": HOME[0], "longitude": HOME[1]}
    return [
        (
            load.request("POST", f"/v1/service-offers/{offer_id}/quotes", bearer(token), where),
            load.request(
                "POST",
                f"/v1/residents/{population.identifier(2, number)}/home-orders",
                bearer(token),
                wish(offer_id, at),
            ),
        )
        for number, token in enumerate(tokens, 1)
    ]


def _bare(count: int, at: datetime) -> list[tuple[bytes, bytes]]:
    quoted = load.request("POST", "/quotes", body={"starts_at": at.isoformat()})
    return [
        (
            quoted,
            load.request(
                "POST",
                "/orders",
                body={"starts_at": at.isoformat(), "resident_id": str(population.identifier(2, number))},
            ),
        )
        for number in range(1, count + 1)
    ]


def run(server: embedded.EmbeddedServer, rounds: int = ROUNDS) -> None:
    """Measure and print."""
    template = "orders_template"
    url, now = place.migrated(server, template), datetime.now(UTC)
    asyncio.run(place.execute(url, *population.ACCOUNTS, now=now, count=RESIDENTS))
    offer_id = asyncio.run(_furnished(url))
    tokens = asyncio.run(sessions(url, RESIDENTS))
    dawn = workday(now)
    with processes.api("app.main:create_app", processes.environment(url), factory=True) as port:
        _fire(port, _ours(tokens[:1], offer_id, dawn), 1)  # the order whose rows the bare one writes
    ours_url, bare_url = place.cloned(server, "orders_ours", template), place.cloned(server, "orders_bare", template)
    dsn = make_url(bare_url).set(drivername="postgresql").render_as_string(hide_password=False)
    rows: list[Comparison] = []
    hours = iter(range(1, 24))
    with (
        processes.api("app.main:create_app", processes.environment(ours_url), factory=True) as ours,
        processes.api("benchmarks.bare_orders:app", processes.environment(bare_url, BARE_DSN=dsn)) as bare,
    ):
        for connections in CONNECTIONS:
            series = {who: [Series(who, unit) for unit in ("/s", "ms p99")] for who in ("ours", "bare")}
            for number in range(-1, rounds):
                at, count = dawn + timedelta(hours=next(hours)), EACH[connections]
                found = {
                    "ours": _fire(ours, _ours(tokens[:count], offer_id, at), connections),
                    "bare": _fire(bare, _bare(count, at), connections),
                }
                for who, outcome in found.items():
                    if number >= 0:  # before, statements are prepared and caches get warm
                        series[who][0].add(outcome.per_second)
                        series[who][1].add(outcome.p99)
            what = f"quote and order, {connections} connections"
            rows.append(Comparison(what, series["ours"][0], series["bare"][0], 0.45))
            rows.append(Comparison(what, series["ours"][1], series["bare"][1], 4, at_most=True))
    show(f"Orders over HTTP, one process each, {rounds} rounds", rows)
    for name in ("orders_ours", "orders_bare", template):
        server.drop_database(name)

"""Two thousand buyers for five hundred seats, over HTTP: exactly so many are sold, and how fast everybody knows.

The limit is a bare application that runs the same SQL on the same rows without sign-in, rights, prices or validation;
beside it one that sells under a lock of the slot, by a count of what was sold.
"""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from app.core import clock, embedded
from app.core.database import reading, unit_of_work
from app.identity.models import Community
from app.reservations.api import recount
from benchmarks import load, place, population, processes
from benchmarks.http import bearer, sessions
from benchmarks.report import Comparison, Series, out, show
from tests.factories import community_attractions as attractions
from tests.factories import community_ticketing as ticketing

ROUNDS: Final = 3
BUYERS: Final = 2_000
SEATS: Final = 500
CONNECTIONS: Final = 32
PRICE: Final = 6_000
_SOLD: Final = sa.text("SELECT slot_id, count(*) FROM community_ticket WHERE state = 'valid' GROUP BY slot_id")


async def furnish(rounds: int, seats: int) -> tuple[uuid.UUID, list[uuid.UUID]]:
    """Give the community a museum that is paid at its desk; return the product, and a slot for each round."""
    async with unit_of_work() as session:
        community = await session.get_one(Community, population.COMMUNITY)
    museum = await attractions.organization(community)
    begins = clock.now().replace(minute=0, second=0, microsecond=0) + timedelta(days=7)
    offered = await ticketing.on_offer(museum, first=begins, count=rounds, capacity=seats)
    await ticketing.terms(museum, offered.attraction_id)
    return offered.products["adult"].id, [slot.id for slot in offered.slots]


async def _furnished(url: str, rounds: int, seats: int) -> tuple[uuid.UUID, list[uuid.UUID]]:
    async with place.hearthline(url):
        return await furnish(rounds, seats)


async def _books(url: str) -> tuple[set[int], int]:
    """Return how many tickets were sold of slots, and how much is wrong with the pools."""
    async with place.hearthline(url), reading() as connection:
        rows = await connection.execute(_SOLD)
        return {count for _, count in rows if count > 1}, len(await recount(connection))


def _ours(tokens: list[str], product_id: uuid.UUID, slot_id: uuid.UUID) -> list[bytes]:
    item = {"slot_id": str(slot_id), "product_id": str(product_id)}
    wanted = {"items": [item], "total": PRICE, "payment_method": "provider"}
    return [
        load.request("POST", f"/v1/residents/{population.identifier(2, number)}/ticket-carts", bearer(token), wanted)
        for number, token in enumerate(tokens, 1)
    ]


def _bare(path: str, count: int, product_id: uuid.UUID, slot_id: uuid.UUID) -> list[bytes]:
    def body(number: int) -> dict[str, Any]:
        return {
            "slot_id": str(slot_id),
            "product_id": str(product_id),
            "resident_id": str(population.identifier(2, number)),
            "account_id": str(population.identifier(1, number)),
        }

    return [load.request("POST", path, body=body(number)) for number in range(1, count + 1)]


def _fire(port: int, requests: list[bytes], seats: int) -> load.Outcome:
    outcome = asyncio.run(load.fire(port, requests, connections=CONNECTIONS, seconds=60, once=True))
    expected = {"201": seats, "409": len(requests) - seats}
    if outcome.statuses != {code: count for code, count in expected.items() if count}:
        raise RuntimeError(f"not exactly {seats} were sold: {outcome.statuses}")
    return outcome


def run(server: embedded.EmbeddedServer, rounds: int = ROUNDS) -> None:
    """Measure and print: the rush, and as many buyers as there are seats."""
    template = "tickets_template"
    url, now = place.migrated(server, template), datetime.now(UTC)
    asyncio.run(place.execute(url, *population.ACCOUNTS, now=now, count=BUYERS))
    product_id, slots = asyncio.run(_furnished(url, 1 + 2 * (rounds + 1), SEATS))
    tokens = asyncio.run(sessions(url, BUYERS))
    with processes.api("app.main:create_app", processes.environment(url), factory=True) as port:
        _fire(port, _ours(tokens[:1], product_id, slots[0]), 1)  # the ticket whose rows the bare one writes
    asyncio.run(place.execute(url, "VACUUM ANALYZE"))
    names = {who: f"tickets_{who}" for who in ("ours", "bare", "counted")}
    urls = {who: place.cloned(server, name, template) for who, name in names.items()}
    dsns = {
        who: make_url(one).set(drivername="postgresql").render_as_string(hide_password=False)
        for who, one in urls.items()
    }
    rows: list[Comparison] = []
    with (
        processes.api("app.main:create_app", processes.environment(urls["ours"]), factory=True) as ours,
        processes.api(
            "benchmarks.bare_tickets:app", processes.environment(urls["bare"], BARE_DSN=dsns["bare"])
        ) as bare,
        processes.api(
            "benchmarks.bare_tickets:app", processes.environment(urls["counted"], BARE_DSN=dsns["counted"])
        ) as counted,
    ):
        for what, buyers, first in (("rush", BUYERS, 1), ("all sold", SEATS, 2 + rounds)):
            series = {who: [Series(who, unit) for unit in ("/s", "ms p99")] for who in ("ours", "bare", "counted")}
            for number in range(-1, rounds):
                slot_id = slots[first + 1 + number]
                found = {
                    "ours": _fire(ours, _ours(tokens[:buyers], product_id, slot_id), SEATS),
                    "bare": _fire(bare, _bare("/sales", buyers, product_id, slot_id), SEATS),
                    "counted": _fire(counted, _bare("/counted", buyers, product_id, slot_id), SEATS),
                }
                for who, outcome in found.items():
                    if number >= 0:  # before, statements are prepared and caches get warm
                        series[who][0].add(outcome.per_second)
                        series[who][1].add(outcome.p99)
            title = f"{what}: {buyers} for {SEATS}, {CONNECTIONS} connections"
            rows.append(Comparison(title, series["ours"][0], series["bare"][0], 0.45))
            rows.append(Comparison("", series["ours"][1], series["bare"][1], 4, at_most=True))
            rows.append(Comparison("", series["ours"][0], series["counted"][0], 0.45))
    sold, wrong = asyncio.run(_books(urls["ours"]))
    show(f"Tickets over HTTP, one process each, {rounds} rounds", rows)
    out.print(f"sold of each slot: {sold}; drift: {wrong}")
    for name in (*names.values(), template):
        server.drop_database(name)

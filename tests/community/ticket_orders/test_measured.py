"""What is measured is a sale as it is: the bare peer writes what ours writes, and sells no seat twice."""

import asyncpg
import httpx
import pytest

from app.core.clock import ManualClock
from app.core.database import Database, unit_of_work
from app.identity.models import Account
from benchmarks import bare_tickets, place, population, ticket_rush
from tests.factories import sign_in

_TABLES = (
    *("community_ticket_order", "community_ticket", "reservations_allocation"),
    *("core_event", "core_event_consumption"),
)


async def test_the_bare_peer_writes_what_a_sale_writes_and_sells_no_seat_twice(
    client: httpx.AsyncClient,
    database: Database,
    clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
    subscribed: None,
) -> None:
    url = database.url.render_as_string(hide_password=False)
    await place.execute(url, *population.ACCOUNTS, now=clock.now(), count=2)
    product_id, (slot_id,) = await ticket_rush.furnish(1, 2)
    async with unit_of_work() as session:
        person = await session.get_one(Account, population.identifier(1, 1))
    dsn = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(dsn)

    async def counted() -> dict[str, int]:
        return {table: await connection.fetchval(f"SELECT count(*) FROM {table}") for table in _TABLES}

    try:
        before = await counted()
        answer = await client.post(
            f"/v1/residents/{population.identifier(2, 1)}/ticket-carts",
            headers=await sign_in.sign_in(person),
            json={
                "items": [{"slot_id": str(slot_id), "product_id": str(product_id)}],
                "total": ticket_rush.PRICE,
                "payment_method": "provider",
            },
        )
        assert answer.status_code == 201, answer.text
        ours = await counted()
        monkeypatch.setenv("BARE_DSN", dsn)
        app = bare_tickets.app
        async with app.router.lifespan_context(app):
            bare = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bare")
            wish = {"slot_id": str(slot_id), "product_id": str(product_id)}
            wish |= {
                "resident_id": str(population.identifier(2, 2)),
                "account_id": str(population.identifier(1, 2)),
            }
            sold = [(await bare.post(path, json=wish)).status_code for path in ("/sales", "/sales", "/counted")]
        both = await counted()
    finally:
        await connection.close()
    assert sold == [201, 409, 409]
    assert {table: both[table] - ours[table] for table in _TABLES} == {
        table: ours[table] - before[table] for table in _TABLES
    }

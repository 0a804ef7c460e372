"""What is measured is an order as it is: the bare peer writes the very rows that ours writes, into the same tables."""

import asyncpg
import httpx
import pytest

from app.core.clock import ManualClock
from app.core.database import Database, unit_of_work
from app.identity.models import Account
from benchmarks import bare_orders, orders, place, population
from tests.factories import sign_in


async def test_the_bare_peer_writes_what_an_order_writes(
    client: httpx.AsyncClient, database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = database.url.render_as_string(hide_password=False)
    await place.execute(url, *population.ACCOUNTS, now=clock.now(), count=2)
    offer_id = await orders.furnish()
    async with unit_of_work() as session:
        person = await session.get_one(Account, population.identifier(1, 1))
    at, path = orders.workday(clock.now()), f"/v1/residents/{population.identifier(2, 1)}/home-orders"
    headers = await sign_in.sign_in(person)
    ordered = await client.post(path, headers=headers, json=orders.wish(offer_id, at))
    assert ordered.status_code == 201, ordered.text
    dsn = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    monkeypatch.setenv("BARE_DSN", dsn)
    app = bare_orders.app
    async with app.router.lifespan_context(app):
        ours = {table: len(one.rows) for table, one in app.state.written.items()}
        bare = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bare")
        quoted = await bare.post("/quotes", json={"starts_at": at.isoformat()})
        assert (quoted.status_code, quoted.json()["total"]) == (200, 12_000)
        given = {"starts_at": at.isoformat(), "resident_id": str(population.identifier(2, 2))}
        made = await bare.post("/orders", json=given)
        assert made.status_code == 200, made.text
    assert ours["community_order"] == 1
    assert ours["community_order_change"] == 2
    connection = await asyncpg.connect(dsn)
    try:
        counts = {table: await connection.fetchval(f"SELECT count(*) FROM {table}") for table in ours}
    finally:
        await connection.close()
    assert counts == {table: 2 * number for table, number in ours.items()}

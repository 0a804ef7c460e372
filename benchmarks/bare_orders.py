"""The limit of ordering help over HTTP: a bare Starlette application over asyncpg that reads and writes the same rows.

One order was placed by ours beforehand: each order here is written as ours was, every row of that transaction in every
table, under ids of its own. Who may order, what it costs, how it is sealed and who is told it does not ask.
"""

import os
import uuid
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from typing import Any, Final

import asyncpg
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.core import clock

_AHEAD: Final = timedelta(days=3)
"""What lies less before the order's time than this is counted from it, what lies more is when it was written."""
Cell = Callable[[Mapping[str, str], datetime], Any]
_TABLES: Final = (
    "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname = 'public' AND c.relkind = 'r' ORDER BY c.relname"
)
_GIVEN: Final = (
    "SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped"
    " AND attidentity = '' AND attgenerated = '' ORDER BY attnum"
)
OFFER: Final = "SELECT * FROM community_service_offer WHERE id = $1"
PLACE: Final = "SELECT time_zone FROM identity_community WHERE id = $1"
HOLIDAYS: Final = "SELECT day, is_workday FROM identity_holiday WHERE community_id = $1 AND day = $2"
SERVICE: Final = "SELECT * FROM community_home_service WHERE id = $1"
HOME: Final = (
    "SELECT r.account_id, h.* FROM identity_resident r JOIN identity_household h ON h.id = r.household_id"
    " WHERE r.id = $1 AND r.state = 'active'"
)
PROGRAMMES: Final = (
    "SELECT p.*, e.id AS entitlement_id FROM billing_entitlement e JOIN billing_programme p ON p.id = e.programme_id"
    " WHERE e.resident_id = $1 AND p.is_active AND $2 = ANY (p.categories)"
)
COORDINATORS: Final = (
    "SELECT account_id FROM identity_membership"
    " WHERE organization_id = $1 AND role = 'coordinator' AND ended_at IS NULL"
)
PLACED: Final = "UPDATE community_order SET state = 'placed', placed_at = $2, version = version + 1 WHERE id = $1"


@dataclass(frozen=True, slots=True)
class Written:
    """The rows that one transaction wrote into a table."""

    statement: str
    rows: list[list[Any]]

    def cells(self, minted: Collection[str], at: datetime) -> list[list["Cell"]]:
        """Return what its rows are in another order."""
        return [[cell(value, minted, at) for value in row] for row in self.rows]


async def written(connection: Any) -> dict[str, Written]:
    """Return all that the transaction of the only order wrote, by table."""
    transaction = await connection.fetchval("SELECT xmin::text FROM community_order")
    found = {}
    for (table,) in await connection.fetch(_TABLES):
        rows = await connection.fetch(f"SELECT * FROM {table} WHERE xmin::text = $1", transaction)
        if rows:
            names = [name for (name,) in await connection.fetch(_GIVEN, table)]
            binds = ", ".join(f"${number + 1}" for number in range(len(names)))
            statement = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({binds})"
            found[table] = Written(statement, [[row[name] for name in names] for row in rows])
    return found


def cell(value: Any, minted: Collection[str], at: datetime) -> Cell:
    """Return what a value of the order that was is in another one: the same, an id, its time, or a text with ids."""
    if isinstance(value, datetime) and value > at - _AHEAD:
        return lambda _ids, when: value - at + when
    if isinstance(value, asyncpg.pgproto.pgproto.UUID | uuid.UUID):
        key = str(value)
        return (lambda ids, _when: ids[key]) if key in minted else (lambda _ids, _when: value)
    if isinstance(value, str) and (within := [one for one in minted if one in value]):
        return lambda ids, _when: reduce(lambda text, one: text.replace(one, ids[one]), within, value)
    return lambda _ids, _when: value


async def quote(request: Request) -> Response:
    """Answer with what ours reads for a quote."""
    body = orjson.loads(await request.body())
    async with request.app.state.pool.acquire() as connection:
        return Response(orjson.dumps(await _priced(connection, request, body), default=str))


async def _priced(connection: Any, request: Request, body: Mapping[str, Any]) -> dict[str, Any]:
    offer = await connection.fetchrow(OFFER, request.app.state.order["offer_id"])
    at = datetime.fromisoformat(body["starts_at"])
    place = await connection.fetchrow(PLACE, offer["community_id"])
    days = await connection.fetch(HOLIDAYS, offer["community_id"], at.date())
    return {"offer_id": offer["id"], "total": offer["amount"] * 2, "zone": place["time_zone"], "day": len(days)}


async def order(request: Request) -> Response:
    """Write an order as ours did, in one transaction."""
    body, state = orjson.loads(await request.body()), request.app.state
    resident, now = uuid.UUID(body["resident_id"]), clock.now()
    async with state.pool.acquire() as connection, connection.transaction():
        await _priced(connection, request, body)
        service = await connection.fetchrow(SERVICE, state.order["service_id"])
        home = await connection.fetchrow(HOME, resident)
        ids = {one: str(clock.new_id()) for one in state.minted}
        ids |= {str(state.order["resident_id"]): str(resident), str(state.order["account_id"]): str(home["account_id"])}
        at = datetime.fromisoformat(body["starts_at"])
        for statement, cells in state.cells:
            rows = [[one(ids, at) for one in row] for row in cells]
            await (
                connection.execute(statement, *rows[0]) if len(rows) == 1 else connection.executemany(statement, rows)
            )
        await connection.fetch(PROGRAMMES, resident, service["category"])
        await connection.fetch(COORDINATORS, state.order["organization_id"])
        made = uuid.UUID(ids[str(state.order["id"])])
        await connection.execute(PLACED, made, now)
    return Response(orjson.dumps({"id": made, "resident_id": resident, "address": home["address"]}, default=str))


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    settings = {"jit": "off", "timezone": "UTC"}
    async with asyncpg.create_pool(os.environ["BARE_DSN"], min_size=8, max_size=8, server_settings=settings) as pool:
        async with pool.acquire() as connection:
            app.state.order = await connection.fetchrow("SELECT * FROM community_order")
            found = await written(connection)
        # Children after their parents, as ours writes them; a row's own id is minted anew.
        order_of = sorted(found, key=lambda name: (name != "community_order", "deliver" in name, name))
        app.state.written = {name: found[name] for name in order_of}
        app.state.minted = [str(row[0]) for one in found.values() for row in one.rows if isinstance(row[0], uuid.UUID)]
        same = {*app.state.minted, str(app.state.order["resident_id"]), str(app.state.order["account_id"])}
        at = app.state.order["wanted_at"]
        app.state.cells = [(one.statement, one.cells(same, at)) for one in app.state.written.values()]
        app.state.pool = pool
        yield


app = Starlette(
    lifespan=_lifespan,
    routes=[Route("/quotes", quote, methods=["POST"]), Route("/orders", order, methods=["POST"])],
)

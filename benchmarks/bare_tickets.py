"""The limit of selling tickets over HTTP: a bare Starlette application over asyncpg that runs the very same SQL.

One ticket was sold by ours beforehand: each sale here writes what ours wrote, in ours' own statements, under ids of its
own. Who may buy, what it costs and what is valid it does not ask. ``/counted`` is the other way to sell no seat twice:
a lock for the slot, a count of what was sold of it, and then the same rows.
"""

import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.core import clock, set_ids
from app.core.statements import HotStatement
from app.reservations import pool_repository, pool_views
from community.ticket_orders.repository import offers, writing

# The statements that are measured, as ours runs them.
_OFFERS: Final[HotStatement] = offers._OFFERS
_LEFT: Final[HotStatement] = pool_views._LEFT
_SELL: Final[HotStatement] = writing._CONFIRMED._statement
_TAKE: Final[HotStatement] = pool_repository._TAKE
_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"
_COUNT: Final = "SELECT count(*) FROM community_ticket WHERE slot_id = $1 AND state IN ('held', 'valid', 'admitted')"
_SEATS: Final = "SELECT capacity FROM community_ticket_slot WHERE id = $1"


async def _template(connection: Any) -> dict[str, Any]:
    """Return the parameters of the statement by which ours sold the only ticket."""
    order = await connection.fetchrow("SELECT * FROM community_ticket_order")
    ticket = await connection.fetchrow("SELECT * FROM community_ticket")
    entry = await connection.fetchrow("SELECT * FROM core_audit_entry WHERE object_id = $1", order["id"])
    fact = await connection.fetchrow("SELECT * FROM core_event WHERE aggregate_id = $1", order["id"])
    readers = await connection.fetch("SELECT subscriber FROM core_event_consumption WHERE event_id = $1", fact["id"])
    binds: dict[str, Any] = {f"given_{name}": value for name, value in order.items()}
    for name in ("lines", "terms"):
        binds[f"given_{name}"] = orjson.loads(order[name])
    kept = {name: value for name, value in ticket.items() if name != "addons"}
    binds["ticket"] = {name: str(one) if isinstance(one, uuid.UUID) else one for name, one in kept.items()}
    binds["ticket"]["addons"] = []
    binds["ticket_state"] = ticket["state"]
    names = ("community_id", "actor_kind", "request_id", "app_id")
    binds |= {f"trace_{name}": entry[name] for name in names}
    return binds | {
        "fact_name": fact["name"],
        "fact_critical": fact["critical"],
        "fact_subscribers": [row["subscriber"] for row in readers],
    }


def _sale(request: Request, body: dict[str, Any]) -> tuple[dict[str, Any], uuid.UUID]:
    """Return what is written for a buyer, and the id of their ticket."""
    kept, now = request.app.state.template, clock.now()
    resident, account = uuid.UUID(body["resident_id"]), uuid.UUID(body["account_id"])
    order_id, ticket_id = clock.new_id(), clock.new_id()
    ticket = kept["ticket"] | {"id": str(ticket_id), "slot_id": body["slot_id"]}
    return kept | {
        "given_id": order_id,
        "given_cart_id": clock.new_id(),
        "given_resident_id": resident,
        "given_account_id": account,
        "given_buyer_id": account,
        "given_created_at": now,
        "given_updated_at": now,
        "given_confirmed_at": now,
        "given_digest": uuid.UUID(body["slot_id"]).bytes,
        "tickets": [ticket],
        "trace_id": clock.new_id(),
        "trace_at": now,
        "trace_actor_id": account,
        "trace_resident_id": resident,
        "trace_object_id": order_id,
        "fact_occurred_at": now,
        "minted_at": set_ids.minted_at(now),
    }, ticket_id


def _sold(binds: dict[str, Any]) -> Response:
    shown = {name.removeprefix("given_"): binds[name] for name in binds if name.startswith("given_")}
    shown["digest"] = None
    return Response(orjson.dumps(shown | {"tickets": binds["tickets"]}, default=str), 201)


class _SoldOutError(Exception):
    pass


def _require(is_left: object) -> None:
    if not is_left:
        raise _SoldOutError


async def _offered(connection: Any, body: dict[str, Any], community_id: uuid.UUID) -> Any:
    binds = {"slot_ids": [body["slot_id"]], "product_ids": [body["product_id"]], "community_id": community_id}
    (offer,) = await connection.fetch(_OFFERS.sql, *_OFFERS.values(binds))
    return offer


async def sell(request: Request) -> Response:
    """Sell a ticket as ours does: what is offered, what is left, the rows, the place."""
    body, template = orjson.loads(await request.body()), request.app.state.template
    try:
        async with request.app.state.pool.acquire() as connection, connection.transaction():
            offer = await _offered(connection, body, template["given_community_id"])
            now = clock.now()
            left = {"pool_ids": [offer["pool_id"]], "now": now}
            (pool,) = await connection.fetch(_LEFT.sql, *_LEFT.values(left))
            _require(pool["left"] >= 1)
            binds, ticket_id = _sale(request, body)
            await connection.fetch(_SELL.sql, *_SELL.values(binds))
            take = {
                "ids": [clock.new_id()],
                "now": now,
                "pool_ids": [offer["pool_id"]],
                "quantities": [1],
                "origin_ids": [ticket_id],
                "moved_from_ids": [None],
                "beyond": False,
                "state": "booked",
                "expires_at": None,
                "origin_kind": "ticket",
            }
            taken = await connection.fetchrow(_TAKE.sql, *_TAKE.values(take))
            _require(taken[0])
    except _SoldOutError:
        return Response(b'{"code": "sold_out"}', 409)
    return _sold(binds)


async def counted(request: Request) -> Response:
    """Sell a ticket under a lock of its slot, by a count of those that were sold."""
    body, template = orjson.loads(await request.body()), request.app.state.template
    slot_id = uuid.UUID(body["slot_id"])
    try:
        async with request.app.state.pool.acquire() as connection, connection.transaction():
            await connection.fetch(_LOCK, body["slot_id"])
            await _offered(connection, body, template["given_community_id"])
            sold = await connection.fetchval(_COUNT, slot_id)
            _require(sold < await connection.fetchval(_SEATS, slot_id))
            binds, _ = _sale(request, body)
            await connection.fetch(_SELL.sql, *_SELL.values(binds))
    except _SoldOutError:
        return Response(b'{"code": "sold_out"}', 409)
    return _sold(binds)


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    settings = {"jit": "off", "timezone": "UTC"}
    async with asyncpg.create_pool(os.environ["BARE_DSN"], min_size=8, max_size=8, server_settings=settings) as pool:
        async with pool.acquire() as connection:
            app.state.template = await _template(connection)
        app.state.pool = pool
        yield


app = Starlette(
    lifespan=_lifespan,
    routes=[Route("/sales", sell, methods=["POST"]), Route("/counted", counted, methods=["POST"])],
)

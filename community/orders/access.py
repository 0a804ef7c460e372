"""Who may see and change an order: whose it is and whom they let, who carries it out, the provider, the operator."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.access import Actor, authenticate
from app.core.database import reading
from app.core.problems import FieldError, Forbidden, Malformed, NotFound, Unauthenticated
from app.core.routing import connection_of
from app.core.statements import HotStatement
from app.identity.api import ResidenceEnded, ResidentSubject, actor_binds, is_visible, require_resident
from community.orders.models import CHANGES, ORDERS
from community.orders.problems import NotYourOrder
from community.orders.rules import OLDEST_REPORT, SETS_OUT_BEFORE, Side

READ: Final = "home_services:read"
ORDER: Final = "home_services:order"
WORK: Final = ("worker", "carer")
"""Who goes to homes: a provider's workers, and a care agency's carers."""

_ORDER: Final = HotStatement(
    sa.select(
        *(ORDERS.c[name] for name in ("id", "resident_id", "community_id", "organization_id", "worker_id")),
        is_visible(ORDERS.c.resident_id, READ).label("is_visible"),
        is_visible(ORDERS.c.resident_id, ORDER).label("is_theirs"),
    ).where(ORDERS.c.id == sa.bindparam("order_id", type_=sa.Uuid))
)
_NOW: Final = sa.bindparam("now", type_=sa.DateTime(timezone=True))
_WAS_SENT: Final = sa.select(
    *(ORDERS.c[name] for name in ("id", "resident_id", "community_id", "organization_id"))
).where(
    ORDERS.c.id == sa.bindparam("order_id", type_=sa.Uuid),
    ORDERS.c.starts_at <= _NOW + SETS_OUT_BEFORE,
    ORDERS.c.ends_at >= _NOW - OLDEST_REPORT,
    sa.exists().where(
        CHANGES.c.order_id == ORDERS.c.id,
        CHANGES.c.worker_id == sa.bindparam("account_id", type_=sa.Uuid),
        CHANGES.c.transition.in_(("assign", "reassign")),
    ),
)


@dataclass(frozen=True, slots=True)
class Subject:
    """The order a request is about, on which sides the actor stands, and whether they may order for the resident."""

    id: uuid.UUID
    resident_id: uuid.UUID
    community_id: uuid.UUID
    organization_id: uuid.UUID
    sides: frozenset[Side]
    may_order: bool

    def side(self, *sides: Side) -> Side:
        """Return the first of ``sides`` the actor stands on; raises ``Forbidden``."""
        found = next((side for side in sides if side in self.sides), None)
        if found is None:
            raise (
                NotYourOrder if sides == ("worker",) else Forbidden("this is for others who have to do with the order")
            )
        return found


async def require_order(connection: AsyncConnection, actor: Actor, order_id: uuid.UUID) -> Subject:
    """Return the order if the actor may see it; raises ``NotFound``."""
    row = await _ORDER.row(connection, {"order_id": order_id, **actor_binds(actor, READ, ORDER)})
    if row is None:
        raise NotFound
    sides: set[Side] = set()
    if row["is_visible"]:
        sides.add("resident")
    if actor.kind == "account" and actor.community_id == row["community_id"]:
        roles = {held.role for held in actor.memberships if held.organization_id == row["organization_id"]}
        if row["worker_id"] == actor.id and roles & set(WORK):
            sides.add("worker")
        if "coordinator" in roles:
            sides.add("provider")
        if actor.holds("operator", organization_kind="operator"):
            sides.add("operator")
    if not sides:
        raise NotFound
    return Subject(
        id=row["id"],
        resident_id=row["resident_id"],
        community_id=row["community_id"],
        organization_id=row["organization_id"],
        sides=frozenset(sides),
        may_order=bool(row["is_theirs"]),
    )


async def require_orderer(connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID) -> ResidentSubject:
    """Return whom the actor orders for.

    Raises ``NotFound``, ``Forbidden`` without ``home_services:order``, ``ResidenceEnded`` for who lives here no more.
    """
    subject = await require_resident(connection, actor, resident_id, ORDER)
    if subject.state != "active":
        raise ResidenceEnded
    return subject


@asynccontextmanager
async def _connection(request: Request) -> AsyncIterator[AsyncConnection]:
    """Hand out the request's connection, or one for the moment on routes that open their own units of work."""
    if hasattr(request.state, "session") or hasattr(request.state, "reading"):
        yield await connection_of(request)
    else:
        async with reading() as connection:
            yield connection


def order_guard(
    *sides: Side, require: Callable[[AsyncConnection, Actor, uuid.UUID], Awaitable[Subject]] = require_order
) -> Callable[[Request], Awaitable[Subject]]:
    """Return the dependency that hands over the order of the path to whoever stands on one of ``sides``.

    401 for nobody, 404 for whoever may not know of it, 403 for who does not stand there.
    """

    async def guard(request: Request) -> Subject:
        actor = await authenticate(request)
        if actor.kind == "anonymous":
            raise Unauthenticated
        try:
            order_id = uuid.UUID(str(request.path_params["order_id"]))
        except ValueError:
            raise Malformed(errors=[FieldError("/path/order_id", "not a UUID", "uuid_parsing")]) from None
        async with _connection(request) as connection:
            subject = await require(connection, actor, order_id)
        if sides:
            subject.side(*sides)
        return subject

    guard.scope = READ  # type: ignore[attr-defined]  # read by the access matrix test
    return guard


async def require_been(connection: AsyncConnection, actor: Actor, order_id: uuid.UUID) -> Subject:
    """Return the order also to who was to carry it out until just now: they may have found somebody there.

    Raises ``NotFound``.
    """
    try:
        return await require_order(connection, actor, order_id)
    except NotFound:
        binds = {"order_id": order_id, "account_id": actor.id, "now": clock.now()}
        row = (await connection.execute(_WAS_SENT, binds)).one_or_none() if actor.kind == "account" else None
        if row is None or actor.community_id != row.community_id:
            raise
        roles = {held.role for held in actor.memberships if held.organization_id == row.organization_id}
        if not roles & set(WORK):
            raise
        return Subject(**row._mapping, sides=frozenset(("worker",)), may_order=False)  # noqa: SLF001 - public
